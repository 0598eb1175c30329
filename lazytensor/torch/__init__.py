"""PyTorch's interface over the lazy graph: `import lazytensor.torch as torch`.

A name that isn't there raises AttributeError and says where the list of those that are is.
"""

from typing import Any

from . import (
    _api,
    accelerator,
    amp,
    autograd,
    backends,
    compiler,
    cuda,
    distributed,
    distributions,
    jit,
    linalg,
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


def __getattr__(name: str) -> Any:
    """Raises AttributeError for a name that isn't there."""
    return _api.__getattr__(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_api.__all__})


__all__ = [
    "GradScaler", "accelerator", "amp", "autograd", "backends", "compiler", "cuda", "distributed",
    "distributions", "jit", "linalg", "load", "nn", "onnx", "optim", "random", "return_types",
    "save", "special", "testing", "utils", "version",
]  # fmt: skip
__all__ += _api.__all__
