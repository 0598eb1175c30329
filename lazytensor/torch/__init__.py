"""PyTorch's interface over the lazy graph: `import lazytensor.torch as torch`.

A name that isn't there raises AttributeError and says where the list of those that are is.
"""

from importlib import import_module as _import_module
from typing import Any

from . import (
    _api,
    accelerator,
    autograd,
    backends,
    cuda,
    jit,
    linalg,
    nn,
    optim,
    random,
    return_types,
    special,
    testing,
    utils,
    version,
)
from . import _files as _files
from ._api import *  # noqa: F403
from .serialization import load as load
from .serialization import save as save
from .version import __version__ as __version__

# Parts that are loaded when they are first named.
_LAZY = ("fft", "signal")


def __getattr__(name: str) -> Any:
    """A part that is loaded when first named. Raises AttributeError for a name that isn't there."""
    if name in _LAZY:
        return _import_module(f".{name}", __name__)
    return _api.__getattr__(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_api.__all__})


__all__ = [
    "accelerator", "autograd", "backends", "cuda", "jit", "linalg", "load", "nn",
    "optim", "random", "return_types", "save", "special", "testing", "utils",
    "version",
]  # fmt: skip
__all__ += list(_LAZY)
__all__ += _api.__all__
