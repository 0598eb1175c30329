"""PyTorch's interface over the lazy graph: `import lazytensor.torch as torch`.

A name that isn't there raises AttributeError and says where the list of those that are is.
"""

from importlib import import_module as _import_module
from typing import Any

from . import (
    _api,
    accelerator,
    amp,
    autograd,
    backends,
    compiler,
    cpu,
    cuda,
    distributed,
    distributions,
    jit,
    linalg,
    masked,
    nn,
    onnx,
    optim,
    random,
    return_types,
    special,
    testing,
    utils,
    version,
)
from . import _dynamo as _dynamo
from . import _files as _files
from ._api import *  # noqa: F403
from .amp import GradScaler as GradScaler
from .serialization import load as load
from .serialization import save as save
from .version import __version__ as __version__

# Parts that are loaded when they are first named.
_LAZY = {"fft": ".fft", "func": ".func", "signal": ".signal", "vmap": ".func"}


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
    "GradScaler", "accelerator", "amp", "autograd", "backends", "compiler", "cpu", "cuda",
    "distributed", "distributions", "jit", "linalg", "load", "masked", "nn", "onnx", "optim",
    "random", "return_types",
    "save", "special", "testing", "utils", "version",
]  # fmt: skip
__all__ += list(_LAZY)
__all__ += _api.__all__
