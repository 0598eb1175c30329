"""Every public function and dtype of the namespace but `nn` and `optim`, for those to be built on.

What enters: nothing. What leaves: names, gathered from the modules that make them.
"""

from typing import Any

from . import (
    _dtypes,
    _types,
    _untyped,
    arithmetic,
    complexes,
    contraction,
    convert,
    counting,
    create,
    cumulative,
    draws,
    index,
    join,
    linear,
    norms,
    operators,
    order,
    orders,
    parts,
    pointwise,
    random,
    reduce,
    return_types,
    scatter,
    settings,
    shape,
    special,
    statistics,
    subclass,
    views,
)
from . import _nn as _nn
from . import accelerator as accelerator
from . import autograd as autograd
from . import linalg as linalg
from ._dispatch import FUNCTIONS
from ._dtypes import dtype, finfo, iinfo
from ._generator import Generator as Generator
from ._generator import default_generator
from ._types import Size, device, layout, memory_format
from ._untyped import TypedStorage, UntypedStorage
from .create import TYPED
from .tensor import Tensor as Tensor

MODULES = (
    _nn, _untyped, arithmetic, autograd, complexes, contraction, convert, counting, create,
    cumulative, draws, index, join, linear, norms, operators, order, orders, parts, pointwise,
    reduce, return_types, scatter, settings, shape, special, statistics, views,
)  # fmt: skip


def _names() -> dict[str, Any]:
    """The namespace."""
    out: dict[str, Any] = {name: f for name, f in FUNCTIONS.items() if not name.startswith("_")}
    out |= {**_dtypes.NAMES, **_dtypes.ALIASES, **TYPED, **_types.FORMATS, **_types.LAYOUTS}
    out |= {name: getattr(random, name) for name in random.__all__ if name != "fork_rng"}
    out["default_generator"] = default_generator
    out["_C"] = subclass.C
    for kind in (Generator, Size, Tensor, device, dtype, finfo, iinfo, layout, memory_format,
                 TypedStorage, UntypedStorage):  # fmt: skip
        out[kind.__name__] = kind
    return out


globals().update(_names())


def __getattr__(name: str) -> Any:
    """Raises AttributeError for a name that isn't there."""
    raise AttributeError(
        f"module 'torch' has no attribute {name!r} (lazytensor: docs/torch_coverage.md lists what "
        "is there)"
    )


__all__ = list(_names())
