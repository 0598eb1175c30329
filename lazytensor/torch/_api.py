"""Every public function and dtype of the namespace but `nn` and `optim`, for those to be built on.

What enters: nothing. What leaves: names, gathered from the modules that make them.
"""

import math
from typing import Any

from . import (
    _dtypes,
    _types,
    _untyped,
    arithmetic,
    complexes,
    contraction,
    convert,
    copying,
    counting,
    create,
    cumulative,
    differences,
    draws,
    exchange,
    foreach,
    index,
    join,
    linear,
    lowrank,
    masks,
    moving,
    norms,
    operators,
    order,
    orders,
    parts,
    pointwise,
    random,
    ranges,
    reduce,
    return_types,
    scatter,
    settings,
    shape,
    sharing,
    single,
    special,
    spectrogram,
    statistics,
    subclass,
    views,
    windows,
)
from . import _nn as _nn
from . import _quick as _quick
from . import accelerator as accelerator
from . import autograd as autograd
from . import cuda as cuda
from . import linalg as linalg
from ._dispatch import FUNCTIONS
from ._dtypes import dtype, finfo, iinfo
from ._errors import AcceleratorError, FatalError, OutOfMemoryError
from ._generator import Generator as Generator
from ._generator import default_generator
from ._missing import missing
from ._types import Size, layout, memory_format
from ._types import device as device
from ._untyped import TypedStorage, UntypedStorage
from .create import TYPED
from .tensor import Tensor as Tensor

MODULES = (
    _nn, _untyped, arithmetic, autograd, complexes, contraction, convert, copying, counting, create,
    cumulative, differences, draws, exchange, foreach, index, join, linear, lowrank, masks, moving,
    norms, operators, order, orders, parts, pointwise, ranges, reduce, return_types, scatter,
    settings, shape, sharing, single, special, spectrogram, statistics, views, windows,
)  # fmt: skip


KINDS: tuple[type, ...] = (
    AcceleratorError, FatalError, Generator, OutOfMemoryError, Size, Tensor, TypedStorage,
    UntypedStorage, device, dtype, finfo, iinfo, layout, memory_format,
)  # fmt: skip


def _names() -> dict[str, Any]:
    """The namespace."""
    out: dict[str, Any] = {n: f for n, f in FUNCTIONS.items()
                           if not n.startswith("_") or n.startswith("_foreach_")}  # fmt: skip
    out |= {**_dtypes.NAMES, **_dtypes.ALIASES, **TYPED, **_types.FORMATS, **_types.LAYOUTS}
    out |= {name: getattr(random, name) for name in random.__all__ if name != "fork_rng"}
    out |= {name: getattr(math, name) for name in ("e", "inf", "nan", "pi")} | {"newaxis": None}
    out["default_generator"] = default_generator
    out["_C"] = subclass.C
    for kind in KINDS:
        out[kind.__name__] = kind
    return out


globals().update(_names())


__getattr__ = missing("torch")
__all__ = list(_names())
