"""How each function of the standard is called: for a draw, the arguments of a call, or None for no
call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import standard
from .drawing import Call, Draw, call

Maker = Callable[[Draw], Call | None]


class Row:
    """One function: which dtypes it is drawn for, how it is called, and how exact its result is.

    `exact` results equal the oracle's bit for bit, others to some units in the last place of the
    largest part. `oracle` computes the result where NumPy has another name or other arguments for
    it. Results that may come in any order are `unordered`.
    """

    def __init__(
        self,
        make: Maker,
        dtypes: tuple[str, ...] = standard.DTYPES,
        *,
        exact: bool = True,
        oracle: Callable[..., Any] | None = None,
        unordered: bool = False,
    ) -> None:
        self.make = make
        self.dtypes = dtypes
        self.exact = exact
        self.oracle = oracle
        self.unordered = unordered


def products(x: Any, y: Any) -> Any:
    """Products; of complex numbers by parts, for NumPy's bits depend on the processor."""
    if x.dtype.kind != "c":
        return np.multiply(x, y)
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    out.real = x.real * y.real - x.imag * y.imag
    out.imag = x.real * y.imag + x.imag * y.real
    return out


def _one_array(d: Draw) -> Call:
    return call(d.array())


def _elementwise(name: str, count: int) -> Row:
    make: Maker = _one_array if count == 1 else (lambda d: call(*d.pair()))
    inexact = name in standard.DOMAINS[standard.INEXACT] or name in INEXACT
    return Row(make, standard.domain(name), exact=not inexact)


INEXACT = ("atan2", "hypot", "logaddexp", "abs", "sign")


def axis_of(make: Callable[[Draw, np.ndarray], Call], least: int = 1, **how: Any) -> Maker:
    """Calls on an array with at least so many axes."""

    def made(d: Draw) -> Call | None:
        return make(d, d.array(least=least, **how))

    return made


def _reduce(d: Draw, **more: Any) -> Call:
    x = d.array()
    return call(x, axis=d.axes(x), keepdims=d.flag(), **more)


def _extremum(d: Draw) -> Call | None:
    x = d.array(nonempty=True)
    return call(x, axis=d.axes(x), keepdims=d.flag())


def _mean(d: Draw) -> Call:
    x = d.array(nonempty=True, special=d.dtype.kind == "f")
    return call(x, axis=d.axes(x), keepdims=d.flag())


def _arg(d: Draw) -> Call:
    x = d.array(nonempty=True)
    axis = d.one_of(None, d.axis(x)) if x.ndim else None
    return call(x, axis=axis, keepdims=d.flag())


def _spread(d: Draw) -> Call:
    x = d.array(nonempty=True, special=False)
    return call(x, axis=d.axes(x), correction=d.one_of(0, 0.0), keepdims=d.flag())


def _spread_oracle(name: str) -> Callable[..., Any]:
    return lambda x, axis, correction, keepdims: getattr(np, name)(
        x, axis=axis, ddof=correction, keepdims=keepdims
    )


def _total_dtype(d: Draw) -> Call:
    x = d.array(special=False)
    return call(x, axis=d.axes(x), keepdims=d.flag(), dtype=d.one_of(None, d.dtype))


def _cumulative(d: Draw) -> Call:
    x = d.array(least=1, special=False)
    axis = None if x.ndim == 1 and d.flag() else d.axis(x)
    return call(x, axis=axis, include_initial=d.flag())


def _sort(d: Draw) -> Call:
    x = d.array(least=1)
    if d.dtype.kind == "f":
        x = np.where(np.isnan(x), 0, x).astype(d.dtype)
    return call(x, axis=d.axis(x), descending=d.flag(), stable=True)


def _argsort_oracle(x: Any, axis: int, descending: bool, stable: bool) -> Any:
    """Stable in both directions: equal elements keep their order."""
    if not descending:
        return np.argsort(x, axis=axis, stable=True)
    back = np.argsort(np.flip(x, axis), axis=axis, stable=True)
    return x.shape[axis] - 1 - np.flip(back, axis) if x.size else back


def _sort_oracle(x: Any, axis: int, descending: bool, stable: bool) -> Any:
    return np.take_along_axis(x, _argsort_oracle(x, axis, descending, stable), axis)


def _searchsorted(d: Draw) -> Call:
    x = d.of((d.number(0, 5),), special=False)
    side = d.one_of("left", "right")
    if d.flag():
        return call(np.sort(x), d.array(special=False), side=side)
    return call(x, d.array(special=False), side=side, sorter=np.argsort(x))


def _take(d: Draw) -> Call:
    x = d.array(least=1, nonempty=True)
    axis = d.axis(x)
    n = x.shape[axis]
    indices = d.rng.integers(-n, n, size=d.number(0, 4)).astype(d.one_of("int64", "int32"))
    return call(x, indices, axis=axis)


def _take_along(d: Draw) -> Call:
    x = d.array(least=1, nonempty=True)
    axis = d.axis(x)
    shape = list(x.shape)
    shape[axis] = d.number(0, 4)
    return call(x, d.rng.integers(0, x.shape[axis], size=shape), axis=axis)


def _reshape(d: Draw) -> Call:
    x = d.array()
    shapes = [(x.size,), (1, x.size), x.shape[::-1], (*x.shape, 1)]
    return call(x, d.one_of(*shapes, *([(-1,)] if x.size else [])))


def _axes_pair(d: Draw) -> Call:
    x = d.array(least=1)
    return call(x, d.axis(x), d.axis(x))


def _squeeze(d: Draw) -> Call:
    x = d.array()
    place = d.number(0, x.ndim)
    return call(np.expand_dims(x, place), place)


def _roll(d: Draw) -> Call:
    x = d.array()
    if not x.ndim or d.flag():
        return call(x, d.number(-7, 7))
    return call(x, (d.number(-3, 3), 2), axis=(d.axis(x), d.axis(x)))


def _repeat(d: Draw) -> Call:
    x = d.array(least=1)
    axis = d.axis(x)
    counts = d.rng.integers(0, 3, size=x.shape[axis]) if d.flag() else d.number(0, 3)
    return call(x, counts, axis=axis)


def _joined(d: Draw) -> Call:
    x = d.array(least=1)
    axis = d.axis(x)
    shape = list(x.shape)
    shape[axis] = d.number(0, 3)
    return call([x, d.of(tuple(shape))], axis=axis)


def _stacked(d: Draw) -> Call:
    x = d.array()
    return call([x, d.of(x.shape)], axis=d.number(-x.ndim - 1, x.ndim))


def _clip(d: Draw) -> Call:
    x = d.array(special=False)
    low = d.of(d.part_of(x.shape), special=False)
    high = low + d.dtype.type(2)
    return call(x, d.one_of(None, low), d.one_of(None, high))


def _where(d: Draw) -> Call:
    x, y = d.pair()
    shape = np.broadcast_shapes(x.shape, y.shape)
    return call(d.of(d.part_of(shape), "bool"), x, y)


def _diff(d: Draw) -> Call:
    x = d.array(least=1, special=False)
    axis = d.axis(x)
    edge = tuple(1 if a == axis % x.ndim else n for a, n in enumerate(x.shape))
    extra = {"prepend": d.of(edge, special=False)} if d.flag() else {}
    return call(x, axis=axis, n=d.number(len(extra), 2), **extra)


def _isin(d: Draw) -> Call:
    x, y = d.array(special=False), d.array(special=False)
    return call(x, y, invert=d.flag())


def _matmul(d: Draw) -> Call:
    n, k, m = (d.number(0, 3) for _ in range(3))
    stack = tuple(d.one_of(0, 1, 2) for _ in range(d.number(0, 2)))
    left = (*d.part_of(stack), n, k) if d.flag() else (k,)
    right = (*d.part_of(stack), k, m) if d.flag() else (k,)
    return call(d.of(left, special=False), d.of(right, special=False))


def _tensordot(d: Draw) -> Call:
    count = d.number(0, 2)
    x = d.of(tuple(d.one_of(0, 1, 2, 3) for _ in range(3)), special=False)
    return call(x, d.of((*x.shape[3 - count :], 2), special=False), axes=count)


def _vecdot(d: Draw) -> Call:
    x = d.array(least=1, special=False)
    return call(x, d.of(x.shape, special=False), axis=-1)


def _cross(d: Draw) -> Call:
    shape = (*d.shape(), 3)
    return call(d.of(shape, special=False), d.of(shape, special=False))


def _outer(d: Draw) -> Call:
    return call(d.of((3,), special=False), d.of((d.number(0, 4),), special=False))


def _solve(d: Draw) -> Call:
    a = d.regular()
    return call(a, d.of((*a.shape[:-1], 2), special=False))


def _triangle(d: Draw) -> Call:
    return call(d.matrix(d.number(0, 4), d.number(0, 4)), k=d.number(-3, 3))


def _offset(d: Draw) -> Call:
    return call(d.matrix(d.number(1, 4), d.number(1, 4)), offset=d.number(-1, 1))


def _fft(d: Draw, real: bool = False) -> Call:
    x = d.of((*d.shape(), d.number(1, 6)), special=False)
    n = d.one_of(None, d.number(2, 7))
    norm = d.one_of("backward", "ortho", "forward")
    return call(x, n=n if x.shape[-1] > 1 else 4, axis=-1, norm=norm)


def _fftn(d: Draw) -> Call:
    x = d.of((d.number(2, 4), d.number(2, 4)), special=False)
    return call(x, axes=d.one_of((0, 1), (-1,), (1, 0)), norm=d.one_of("backward", "ortho"))


def _shifted(d: Draw) -> Call:
    """Shifts by less than nothing are left open by the standard."""
    x, y = d.pair()
    return call(x, y.astype("uint8").astype(y.dtype) % 70)


def _power(d: Draw) -> Call:
    """Integers to negative powers are left open by the standard."""
    x, y = d.pair()
    return call(x, y.astype("uint8").astype(y.dtype) % 5 if d.dtype.kind == "i" else y)


def _shift(d: Draw) -> Call:
    x = d.array(least=1)
    return call(x, axes=d.axes(x))


def _linspace(d: Draw) -> Call:
    count = d.number(0, 6)
    return call(d.number(-5, 5), d.number(-5, 5), count, dtype=d.dtype, endpoint=d.flag())


def _arange(d: Draw) -> Call:
    return call(d.number(0, 5), d.number(0, 9), d.number(1, 3), dtype=d.dtype)


def _cast(d: Draw) -> Call | None:
    x = d.array(special=False)
    others = [t for t in standard.DTYPES if (d.dtype.kind == "c") <= (t.startswith("complex"))]
    if d.dtype.kind in "fi" and (x < 0).any():
        others = [t for t in others if not t.startswith("uint")]
    return call(x, np.dtype(d.one_of(*others)))


def _unique(d: Draw) -> Call:
    return call(d.array(special=False))


def _norm(d: Draw) -> Call:
    x = d.array(nonempty=True, special=False)
    return call(x, axis=d.axes(x), keepdims=d.flag(), ord=d.one_of(2, 1, float("inf"), 3))


ALL, NUMERIC, REAL = standard.DTYPES, standard.NUMERIC, standard.REAL
INEXACT_TYPES, FLOATING, COMPLEX = standard.INEXACT, standard.FLOATING, standard.COMPLEX

MAIN: dict[str, Row] = {
    **{name: _elementwise(name, 1) for name in standard.elementwise(1)},
    **{name: _elementwise(name, 2) for name in standard.elementwise(2)},
    "square": Row(_one_array, NUMERIC, exact=False, oracle=lambda x: products(x, x)),
    "multiply": Row(lambda d: call(*d.pair()), NUMERIC, exact=False, oracle=products),
    "reciprocal": Row(_one_array, INEXACT_TYPES, exact=False, oracle=lambda x: np.divide(1, x)),
    "bitwise_left_shift": Row(_shifted, standard.INTEGER),
    "bitwise_right_shift": Row(_shifted, standard.INTEGER),
    "pow": Row(_power, NUMERIC, exact=False),
    "clip": Row(_clip, REAL),
    "where": Row(_where),
    "sum": Row(_total_dtype, NUMERIC, exact=False),
    "prod": Row(_total_dtype, NUMERIC, exact=False),
    "max": Row(_extremum, REAL),
    "min": Row(_extremum, REAL),
    "mean": Row(_mean, INEXACT_TYPES, exact=False),
    "std": Row(_spread, FLOATING, exact=False, oracle=_spread_oracle("std")),
    "var": Row(_spread, FLOATING, exact=False, oracle=_spread_oracle("var")),
    "all": Row(_reduce),
    "any": Row(_reduce),
    "count_nonzero": Row(_reduce),
    "argmax": Row(_arg, REAL),
    "argmin": Row(_arg, REAL),
    "cumulative_sum": Row(_cumulative, NUMERIC, exact=False),
    "cumulative_prod": Row(_cumulative, NUMERIC, exact=False),
    "sort": Row(_sort, REAL, oracle=_sort_oracle),
    "argsort": Row(_sort, REAL, oracle=_argsort_oracle),
    "searchsorted": Row(_searchsorted, REAL),
    "nonzero": Row(lambda d: call(d.array(least=1))),
    "unique_values": Row(_unique, unordered=True),
    "unique_counts": Row(_unique),
    "unique_inverse": Row(_unique),
    "unique_all": Row(_unique),
    "isin": Row(_isin, standard.INTEGER),
    "take": Row(_take),
    "take_along_axis": Row(_take_along),
    "reshape": Row(_reshape),
    "moveaxis": Row(_axes_pair),
    "permute_dims": Row(axis_of(lambda d, x: call(x, tuple(map(int, d.rng.permutation(x.ndim)))))),
    "expand_dims": Row(axis_of(lambda d, x: call(x, d.number(-x.ndim - 1, x.ndim)), 0)),
    "squeeze": Row(_squeeze),
    "flip": Row(axis_of(lambda d, x: call(x, axis=d.axes(x)), 0)),
    "roll": Row(_roll),
    "repeat": Row(_repeat),
    "tile": Row(
        axis_of(lambda d, x: call(x, tuple(d.number(0, 2) for _ in range(d.number(0, 3)))), 0)
    ),
    "concat": Row(_joined),
    "stack": Row(_stacked),
    "unstack": Row(axis_of(lambda d, x: call(x, axis=d.axis(x)))),
    "broadcast_to": Row(axis_of(lambda d, x: call(x, (d.number(0, 2), *x.shape)), 0)),
    "broadcast_arrays": Row(lambda d: call(*d.pair())),
    "broadcast_shapes": Row(lambda d: call(*(x.shape for x in d.pair())), ("bool",)),
    "meshgrid": Row(
        lambda d: call(d.of((d.number(0, 3),)), d.of((2,)), indexing=d.one_of("xy", "ij"))
    ),
    "tril": Row(_triangle),
    "triu": Row(_triangle),
    "diff": Row(_diff, NUMERIC),
    "matmul": Row(_matmul, NUMERIC, exact=False),
    "matrix_transpose": Row(axis_of(lambda d, x: call(x), 2)),
    "tensordot": Row(_tensordot, NUMERIC, exact=False),
    "vecdot": Row(_vecdot, NUMERIC, exact=False),
    "arange": Row(_arange, REAL),
    "linspace": Row(_linspace, FLOATING, exact=False),
    "eye": Row(lambda d: call(d.number(0, 4), d.number(0, 4), k=d.number(-2, 2), dtype=d.dtype)),
    "zeros": Row(lambda d: call(d.shape(), dtype=d.dtype)),
    "ones": Row(lambda d: call(d.shape(), dtype=d.dtype)),
    "full": Row(lambda d: call(d.shape(), d.of((), special=False).item(), dtype=d.dtype)),
    "zeros_like": Row(_one_array),
    "ones_like": Row(_one_array),
    "full_like": Row(lambda d: call(d.array(), d.of((), special=False).item())),
    "asarray": Row(lambda d: call(d.array().tolist(), dtype=d.dtype)),
    "astype": Row(_cast, oracle=lambda x, dtype: x.astype(dtype)),
    "empty": Row(lambda d: call((0, *d.shape()), dtype=d.dtype)),
    "empty_like": Row(lambda d: call(d.of((0, *d.shape())))),
    "from_dlpack": Row(_one_array),
}


LINALG: dict[str, Row] = {
    "cholesky": Row(lambda d: call(d.hermitian(), upper=d.flag()), INEXACT_TYPES, exact=False),
    "cross": Row(_cross, REAL, exact=False),
    "det": Row(lambda d: call(d.regular()), INEXACT_TYPES, exact=False),
    "diagonal": Row(_offset, ALL),
    "eigvalsh": Row(lambda d: call(d.hermitian()), INEXACT_TYPES, exact=False),
    "inv": Row(lambda d: call(d.regular()), INEXACT_TYPES, exact=False),
    "matmul": Row(_matmul, NUMERIC, exact=False),
    "matrix_norm": Row(
        lambda d: call(d.regular(), keepdims=d.flag(), ord=d.one_of("fro", 1)),
        INEXACT_TYPES,
        exact=False,
    ),
    "matrix_power": Row(lambda d: call(d.regular(), d.number(0, 3)), INEXACT_TYPES, exact=False),
    "matrix_rank": Row(lambda d: call(d.regular() + 0), INEXACT_TYPES),
    "matrix_transpose": Row(axis_of(lambda d, x: call(x), 2)),
    "outer": Row(_outer, NUMERIC, exact=False),
    "pinv": Row(lambda d: call(d.regular()), INEXACT_TYPES, exact=False),
    "slogdet": Row(lambda d: call(d.regular()), INEXACT_TYPES, exact=False),
    "solve": Row(_solve, INEXACT_TYPES, exact=False),
    "svdvals": Row(lambda d: call(d.regular()), INEXACT_TYPES, exact=False),
    "tensordot": Row(_tensordot, NUMERIC, exact=False),
    "trace": Row(_offset, NUMERIC, exact=False),
    "vecdot": Row(_vecdot, NUMERIC, exact=False),
    "vector_norm": Row(_norm, INEXACT_TYPES, exact=False),
}

FFT: dict[str, Row] = {
    "fft": Row(_fft, COMPLEX, exact=False),
    "ifft": Row(_fft, COMPLEX, exact=False),
    "rfft": Row(_fft, FLOATING, exact=False),
    "irfft": Row(_fft, COMPLEX, exact=False),
    "hfft": Row(_fft, COMPLEX, exact=False),
    "ihfft": Row(_fft, FLOATING, exact=False),
    "fftn": Row(_fftn, COMPLEX, exact=False),
    "ifftn": Row(_fftn, COMPLEX, exact=False),
    "rfftn": Row(_fftn, FLOATING, exact=False),
    "irfftn": Row(_fftn, COMPLEX, exact=False),
    "fftfreq": Row(lambda d: call(d.number(1, 7), d=d.one_of(1.0, 0.25)), ("float64",)),
    "rfftfreq": Row(lambda d: call(d.number(1, 7), d=d.one_of(1.0, 0.25)), ("float64",)),
    "fftshift": Row(_shift, INEXACT_TYPES),
    "ifftshift": Row(_shift, INEXACT_TYPES),
}

ROWS = {"main": MAIN, "linalg": LINALG, "fft": FFT}

# Not drawn here, with where they are tested instead.
ELSEWHERE = {
    ("linalg", "eig"): "test_values: by what defines it",
    ("linalg", "eigh"): "test_values: by what defines it",
    ("linalg", "eigvals"): "test_values: by what defines it",
    ("linalg", "qr"): "test_values: by what defines it",
    ("linalg", "svd"): "test_values: by what defines it",
    ("main", "can_cast"): "test_dtypes",
    ("main", "finfo"): "test_dtypes",
    ("main", "iinfo"): "test_dtypes",
    ("main", "isdtype"): "test_dtypes",
    ("main", "result_type"): "test_dtypes",
    ("main", "__array_namespace_info__"): "test_names",
}
