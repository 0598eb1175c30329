"""The checker: a call of a namespace's function against NumPy's, as the standard corrects it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .calls import ROWS, Row
from .differences import standardised
from .drawing import Call, Draw

# Units in the last place that a result which is no exact operation may be off, of its largest part.
ULPS = 64
NAMESPACES = ("linalg", "fft")
# Functions that NumPy has no name for, or for which its own answers another question.
INSTEAD = {"unstack": lambda x, axis: tuple(np.moveaxis(x, axis, 0))}


def function(xp: Any, part: str, name: str) -> Any:
    """The function of a namespace, or of one of its extensions."""
    return getattr(getattr(xp, part) if part in NAMESPACES else xp, name)


def oracle(part: str, name: str, row: Row, call: Call) -> Any:
    """What the standard says the call gives."""
    compute = row.oracle or INSTEAD.get(name) or function(np, part, name)
    with np.errstate(all="ignore"):
        result = compute(*call.args, **call.kwargs)
    return standardised(name, call.args, result) if row.exact or name == "expm1" else result


def ours(xp: Any, value: Any) -> Any:
    """An argument as the namespace has it."""
    if isinstance(value, np.ndarray):
        return xp.asarray(value)
    if isinstance(value, np.dtype):
        return getattr(xp, value.name)
    if isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value):
        return [ours(xp, v) for v in value]
    return value


def compute(xp: Any, part: str, name: str, call: Call) -> Any:
    """The call, by the namespace."""
    args = [ours(xp, a) for a in call.args]
    kwargs = {k: ours(xp, v) for k, v in call.kwargs.items()}
    return function(xp, part, name)(*args, **kwargs)


def differs(got: Any, want: Any, exact: bool) -> str | None:
    """How a result differs from what it should be; None where it does not."""
    if isinstance(want, (tuple, list)) and not isinstance(got, np.ndarray):
        if len(got) != len(want):
            return f"{len(got)} results instead of {len(want)}"
        parts = (differs(g, w, exact) for g, w in zip(got, want, strict=True))
        return next((text for text in parts if text), None)
    if isinstance(want, (int, float)) and not isinstance(want, np.generic):
        return None if got == want else f"{got!r} instead of {want!r}"
    return _array_differs(np.asarray(got), np.asarray(want), exact)


def _array_differs(got: np.ndarray, want: np.ndarray, exact: bool) -> str | None:
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype} {got.shape} instead of {want.dtype} {want.shape}"
    if not exact and want.dtype.kind in "fc":
        return _far(got, want)
    return None if same_bits(got, want) else f"{got!r} instead of {want!r}"


def same_bits(got: np.ndarray, want: np.ndarray) -> bool:
    """Equal, signs of zeros included; any NaN is like any other."""
    if want.dtype.kind == "c":
        return same_bits(got.real, want.real) and same_bits(got.imag, want.imag)
    if want.dtype.kind != "f":
        return bool(np.array_equal(got, want))
    equal = (got == want) & (np.signbit(got) == np.signbit(want))
    return bool(np.all(equal | (np.isnan(got) & np.isnan(want))))


def _far(got: np.ndarray, want: np.ndarray) -> str | None:
    """Off by more than ULPS of the largest finite part, or not finite where it should be."""
    with np.errstate(all="ignore"):
        if not np.array_equal(np.isfinite(got), np.isfinite(want)):
            return f"{got!r} instead of {want!r}"
        finite = np.isfinite(want)
        if not finite.all() and not _same_infinities(got[~finite], want[~finite]):
            return f"{got!r} instead of {want!r}"
        largest = float(np.max(np.abs(want[finite]), initial=0.0))
        off = float(np.max(np.abs(got[finite] - want[finite]), initial=0.0))
    if off <= ULPS * np.finfo(want.dtype).eps * max(largest, np.finfo(want.dtype).tiny):
        return None
    return f"off by {off:g} of {largest:g}: {got!r} instead of {want!r}"


def _same_infinities(got: np.ndarray, want: np.ndarray) -> bool:
    if want.dtype.kind == "c":
        return _same_infinities(got.real, want.real) and _same_infinities(got.imag, want.imag)
    return bool(np.all((got == want) | (np.isnan(got) & np.isnan(want)) | np.isfinite(want)))


def as_numpy(value: Any) -> Any:
    """Results as NumPy arrays, in tuples as they come."""
    if isinstance(value, (tuple, list)):
        return [as_numpy(v) for v in value]
    return value if isinstance(value, (int, float)) else np.asarray(value)


def complaint(xp: Any, part: str, name: str, row: Row, call: Call) -> str | None:
    """What is wrong with one call; None where nothing is."""
    want = oracle(part, name, row, call)
    try:
        got = as_numpy(compute(xp, part, name, call))
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    if row.unordered:
        got, want = np.sort(got), np.sort(want)
    found = differs(got, want, row.exact)
    return None if found is None else f"gave {found}"


def draws(part: str, name: str, count: int) -> Iterator[Call]:
    """So many calls for each dtype, all dtypes in turn, from small to large."""
    row = ROWS[part][name]
    for number in range(count):
        for dtype in row.dtypes:
            call = row.make(Draw(f"{part}.{name}", number, dtype))
            if call is not None:
                yield call


def first_failure(xp: Any, part: str, name: str, count: int) -> str | None:
    """The failure with the fewest elements among so many draws for each dtype."""
    row = ROWS[part][name]
    smallest, found = math.inf, None
    for call in draws(part, name, count):
        if call.elements() < smallest:
            text = complaint(xp, part, name, row, call)
            if text is not None:
                smallest, found = call.elements(), f"{part}.{name}{call.args} {call.kwargs}: {text}"
    return found
