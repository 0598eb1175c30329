"""PyTorch's interface over the lazy graph: `import lazytensor.torch as torch`.

A name that isn't there raises AttributeError and says where the list of those that are is.
"""

from importlib import import_module as import_module
from typing import TYPE_CHECKING, Any

from . import (
    _api,
    accelerator,
    autograd,
    backends,
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
    from . import jit, nn, optim, testing, utils
    from .serialization import load, save

# Parts that are loaded when they are first named.
_LAZY = {
    **{name: f".{name}" for name in ("jit", "nn", "optim", "serialization", "testing", "utils")},
    "_files": "._files", "load": ".serialization", "save": ".serialization",
}


def __getattr__(name: str) -> Any:
    """A part that is loaded when it is first named. Raises AttributeError for any other name."""
    if name not in _LAZY:
        return _api.__getattr__(name)
    module = import_module(_LAZY[name], __name__)
    found = module if _LAZY[name] == f".{name}" else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_api.__all__})


__all__ = [
    "accelerator", "autograd", "backends", "cuda", "jit", "linalg", "load", "nn", "optim", "random",
    "return_types", "save", "special", "testing", "utils", "version",
]  # fmt: skip
__all__ += _api.__all__
