"""lazytensor: the Python array API, computed lazily.

The namespace of the standard (2025.12) with its `linalg` and `fft` extensions, and what users of
NumPy need beyond it. Every operation adds a node to a graph, which is simplified, fused and
compiled
when a value is asked for. What few programs need is loaded when it is first named.
"""

# ruff: noqa: F403  (the chapters are the namespace, and each has its `__all__`)

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._base.uncollected import Uncollected as _Uncollected

with _Uncollected():
    from ._base import config as config
    from .array_api import constants as _constants
    from .array_api import creation as _creation
    from .array_api import data_types as _data_types
    from .array_api import elementwise as _elementwise
    from .array_api import indexing as _indexing
    from .array_api import info as _info
    from .array_api import linear_algebra as _linear_algebra
    from .array_api import manipulation as _manipulation
    from .array_api import searching as _searching
    from .array_api import sets as _sets
    from .array_api import sorting as _sorting
    from .array_api import statistical as _statistical
    from .array_api import utility as _utility
    from .array_api._print import set_printoptions
    from .array_api.array import Array, materialize
    from .array_api.constants import *
    from .array_api.creation import *
    from .array_api.data_types import *
    from .array_api.elementwise import *
    from .array_api.indexing import *
    from .array_api.info import *
    from .array_api.linear_algebra import *
    from .array_api.manipulation import *
    from .array_api.searching import *
    from .array_api.sets import *
    from .array_api.sorting import *
    from .array_api.statistical import *
    from .array_api.utility import *
    from .extra import NAMES as _NAMES
    from .runtime.buffers import memory_stats

if _TYPE_CHECKING:
    from . import inspect
    from .array_api import fft, linalg
    from .extra import random
    from .extra.contraction import *
    from .extra.jitted import jit as jit
    from .extra.jitted import register_pytree as register_pytree
    from .extra.nans import *
    from .extra.numeric import *
    from .extra.padding import *
    from .extra.quantiles import *
    from .extra.rules import checkpoint as checkpoint
    from .extra.rules import custom_vjp as custom_vjp
    from .extra.transforms import grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap
    from .runtime.buffers import memory_stats as memory_stats

__array_api_version__ = "2025.12"
__version__ = "0.1.0"

# Loaded when first named: a module, or the module that a function comes from.
_LAZY = {
    "fft": ".fft",
    "linalg": ".linalg",
    **dict.fromkeys(
        ("grad", "hessian", "jacobian", "jvp", "value_and_grad", "vjp", "vmap"),
        ".extra.transforms",
    ),
    **dict.fromkeys(("checkpoint", "custom_vjp"), ".extra.rules"),
    **dict.fromkeys(("jit", "register_pytree"), ".extra.jitted"),
    "inspect": ".inspect",
    "memory_stats": ".runtime.buffers",
    "random": ".random",
    **{name: f".extra.{module}" for module, names in _NAMES.items() for name in names},
}

__all__ = ["Array", "__array_api_version__", "__version__", "materialize", "set_printoptions"]
__all__ += ["config", "fft", "inspect", "linalg", "memory_stats", "random"]
__all__ += ["checkpoint", "custom_vjp"]
__all__ += ["grad", "hessian", "jacobian", "jit", "jvp", "register_pytree"]
__all__ += ["value_and_grad", "vjp", "vmap"]
__all__ += _constants.__all__
__all__ += _creation.__all__
__all__ += _data_types.__all__
__all__ += _elementwise.__all__
__all__ += _indexing.__all__
__all__ += _info.__all__
__all__ += _linear_algebra.__all__
__all__ += _manipulation.__all__
__all__ += _searching.__all__
__all__ += _sets.__all__
__all__ += _sorting.__all__
__all__ += _statistical.__all__
__all__ += _utility.__all__
__all__ += [_name for _names in _NAMES.values() for _name in _names]


def __getattr__(name: str) -> _Any:
    """A part that is loaded when it is first named. Raises AttributeError for any other name."""
    if name not in _LAZY:
        raise AttributeError(f"module 'lazytensor' has no attribute {name!r}")
    module = _import_module(_LAZY[name], __name__)
    found = module if _LAZY[name].endswith("." + name) else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
