"""PyTorch's interface over the lazy graph: `import lazytensor.torch as torch`.

A name that isn't there raises AttributeError and says where the list of those that are is.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from .._base.uncollected import Uncollected as _Uncollected

with _Uncollected():
    from . import (
        _api,
        accelerator,
        autograd,
        backends,
        cpu,
        cuda,
        linalg,
        random,
        return_types,
        special,
        version,
    )
    from ._api import *  # noqa: F403
    from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import (
        amp,
        compiler,
        distributed,
        distributions,
        fft,
        func,
        hub,
        jit,
        masked,
        multiprocessing,
        nn,
        onnx,
        optim,
        signal,
        testing,
        types,
        utils,
    )
    from .amp import GradScaler, autocast
    from .cuda._queues import Event, Stream
    from .func import vmap
    from .serialization import load, save

_PARTS = (
    "_dynamo", "_files", "amp", "compiler", "distributed", "distributions", "fft", "func", "hub",
    "jit", "masked", "multiprocessing", "nn", "onnx", "optim", "serialization", "signal", "testing",
    "types", "utils",
)  # fmt: skip
_AUTOCAST = (
    "clear_autocast_cache", "get_autocast_cpu_dtype", "get_autocast_dtype",
    "get_autocast_gpu_dtype", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
    "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_dtype",
    "set_autocast_enabled",
)  # fmt: skip
# Parts, and names of some of them, that are loaded when they are first named.
_LAZY = {
    **{name: f".{name}" for name in _PARTS},
    "Event": ".cuda._queues",
    "GradScaler": ".amp",
    "Stream": ".cuda._queues",
    "autocast": ".amp",
    **dict.fromkeys(_AUTOCAST, ".amp.autocast_mode"),
    "load": ".serialization",
    "save": ".serialization",
    "vmap": ".func",
}


def __getattr__(name: str) -> Any:
    """A part that is loaded when it is first named. Raises AttributeError for any other name."""
    if name not in _LAZY:
        return _api.__getattr__(name)
    module = _import_module(_LAZY[name], __name__)
    found = module if _LAZY[name] == f".{name}" else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_api.__all__})


__all__ = [
    "Event", "GradScaler", "Stream", "accelerator", "amp", "autocast", "autograd", "backends",
    "compiler", "cpu", "cuda", "distributed", "distributions", "fft", "func", "hub", "jit",
    "linalg", "load", "masked", "multiprocessing", "nn", "onnx", "optim", "random", "return_types",
    "save", "signal", "special", "testing", "types", "utils", "version", "vmap",
]  # fmt: skip
__all__ += _api.__all__
