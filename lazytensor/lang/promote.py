"""Promotion: the standard's lattice, carried on by NumPy's where the standard leaves it open.

What enters: dtypes and Python scalars. What leaves: dtypes, or TypeError where none is common.
Python scalars adapt to the arrays they meet and raise only the kind (NEP 50). It must not know
arrays.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .._base.dtypes import DType, bool_, canonical, complex64, complex128, float64, int64, kind

SCALARS = (bool, int, float, complex)
_DEFAULTS: dict[type, DType] = {bool: bool_, int: int64, float: float64, complex: complex128}
_joint: dict[tuple[DType, DType], DType] = {}


def promote(a: DType, b: DType) -> DType:
    """The least dtype that holds both. Raises TypeError where there is none."""
    if a is b:
        return a
    found = _joint.get((a, b))
    if found is None:
        found = _joint[a, b] = canonical(np.promote_types(a, b))
    return found


def python_type(value: Any) -> type:
    """bool, int, float or complex, for one of them or of a class made from one."""
    found = type(value)
    return found if found in _DEFAULTS else next(t for t in SCALARS if isinstance(value, t))


def default_dtype(value: Any) -> DType:
    """The dtype of an array made from a Python scalar."""
    return _DEFAULTS[python_type(value)]


def with_scalar(dtype: DType, value: Any) -> DType:
    """What an array of `dtype` becomes when it meets a Python scalar: only the kind is raised."""
    scalar, held = python_type(value), kind(dtype)
    if scalar is bool or held == "c" or (scalar is int and held != "b"):
        return dtype
    if scalar is complex and held == "f":
        return complex128 if dtype is float64 else complex64
    return dtype if scalar is float and held == "f" else _DEFAULTS[scalar]


def result_type(dtypes: Iterable[DType], scalars: Iterable[Any] = ()) -> DType:
    """The dtype of an operation on arrays of `dtypes` and Python scalars. Raises TypeError.

    Of scalars alone it is the highest of their default dtypes.
    """
    out = None
    for dtype in dtypes:
        out = dtype if out is None or out is dtype else promote(out, dtype)
    for value in scalars:
        out = default_dtype(value) if out is None else with_scalar(out, value)
    if out is None:
        raise ValueError("result_type: expected at least one array, dtype or Python scalar")
    return out


def can_cast(source: DType, target: DType) -> bool:
    """Whether promotion may turn `source` into `target`."""
    try:
        return promote(source, target) is target
    except TypeError:
        return False
