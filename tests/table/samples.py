"""Arguments and parameters for every row: shapes with broadcasting, 0-d and zero-size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from lazytensor._base import dtypes as d
from lazytensor._base.devices import CPU
from lazytensor.ir.op import ROWS, Op

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


class Sample(NamedTuple):
    """One call of a row: arrays and parameters."""

    args: tuple[Array, ...]
    params: tuple[Any, ...] = ()


BY_LETTER: dict[str, tuple[d.DType, ...]] = {
    "b": (d.bool_,),
    "i": d.SIGNED,
    "u": d.UNSIGNED,
    "f": (d.float32, d.float64),
    "c": d.COMPLEX_FLOATING,
}
HALF_KINDS = ("elementwise", "movement", "gather", "reduce", "scan", "transfer", "contract")


def dtypes_of(op: Op) -> list[d.DType]:
    """The dtypes of the row's domain; half precision too where the kind of row has it."""
    out = [dtype for letter in op.domain for dtype in BY_LETTER[letter]]
    if "f" in op.domain and op.kind in HALF_KINDS and op.name not in NO_HALF:
        out += [d.float16, d.bfloat16()]
    return out


# A complex number needs parts in single precision or better.
NO_HALF = ("complex",)


def array(
    rng: Rng, shape: tuple[int, ...], dtype: d.DType, low: float = -2, high: float = 2
) -> Array:
    """Random elements between two bounds; complex ones have both parts between them."""
    kind = d.kind(dtype)
    if kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -5, 6, shape).astype(dtype)
    x = rng.uniform(low, high, shape)
    if kind == "c":
        return np.asarray(x + 1j * rng.uniform(low, high, shape), dtype)
    return np.asarray(x).astype(dtype)


# --- elementwise ----------------------------------------------------------------------------------

SHAPES: dict[int, list[tuple[tuple[int, ...], ...]]] = {
    1: [((),), ((5,),), ((2, 3),), ((0, 3),)],
    2: [
        ((), ()), ((4,), (4,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((3,), ()), ((), (2, 2)),
        ((0, 3), (1, 3)), ((2, 0), ()), ((1, 1, 2), (3, 1)),
    ],
    3: [
        ((), (), ()), ((3,), (3,), (3,)), ((2, 1), (3,), ()), ((), (2, 3), (2, 3)),
        ((0,), (1,), ()), ((1, 3), (2, 1), (2, 3)),
    ],
}  # fmt: skip

# Bounds inside of which the function is smooth, for real arguments.
BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("asin", "acos", "atanh"), (-0.9, 0.9)),
    **dict.fromkeys(("sqrt", "root", "log", "log2", "log10", "pow"), (0.3, 2)),
    **dict.fromkeys(("surprisal", "ndtri", "entr", "logit"), (0.1, 0.9)),
    **dict.fromkeys(("lgamma", "digamma"), (0.3, 4)),
    **dict.fromkeys(("bessel_k0", "bessel_k1", "bessel_k0e", "bessel_k1e"), (0.5, 4)),
    **dict.fromkeys(("bessel_y0", "bessel_y1"), (1, 11)),
    **dict.fromkeys(("i0e", "i1e", "bessel_j0", "bessel_j1", "spherical_bessel_j0"), (0.5, 11)),
    **dict.fromkeys(("airy_ai", "airy_ai_slope"), (-8, 4)),
    "erfinv": (-0.9, 0.9),
    "zeta": (1.5, 5),
    "tan": (-1.2, 1.2),
    "log1p": (-0.6, 2),
    "acosh": (1.2, 3),
    "bce": (0.1, 0.9),
    "divide": (0.4, 2),
    "reciprocal": (0.4, 2),
    **dict.fromkeys(("remainder", "fmod", "floor_divide"), (0.6, 5)),
}


def _elementwise(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    low, high = BOUNDS.get(op.name, (-2, 2))
    for shapes in SHAPES[op.arity or 1]:
        yield Sample(tuple(array(rng, shape, dtype, low, high) for shape in shapes))


def _where(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for c, x, y in SHAPES[3]:
        yield Sample((array(rng, c, d.bool_), array(rng, x, dtype), array(rng, y, dtype)))


def _cast(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for to in (*d.STANDARD, d.float16, d.bfloat16()):
        yield Sample((array(rng, (2, 3), dtype, 0, 2),), (to,))
    yield Sample((array(rng, (), dtype, 0, 2),), (d.float64,))
    yield Sample((array(rng, (0, 2), dtype),), (d.float64,))


# --- reductions and movement ----------------------------------------------------------------------


def _reduce(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    cases: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((4,), (0,)), ((2, 3, 4), (1,)), ((2, 3, 4), (0, 2)), ((2, 3, 4), (0, 1, 2)),
        ((2, 3), ()), ((3, 0), (0,)), ((0, 3), (1,)), ((1, 3), (0,)), ((600, 2), (0,)),
    ]  # fmt: skip
    if op.name in ("sum", "prod"):
        cases += [((0,), (0,)), ((2, 0, 3), (0, 1))]
    if op.name == "prod":
        yield Sample((np.asarray([[1, 2, 3], [0, 3, 2], [0, 2, 0], [0, 0, 0]], dtype),), ((1,),))
        yield Sample((np.asarray([[1, 2], [0, 3]], dtype),), ((0, 1),))
    for shape, axes in cases:
        if len(axes) == 1 or not op.name.startswith("arg"):
            yield Sample((_distinct(op, rng, shape, dtype),), (axes,))


def _distinct(op: Op, rng: Rng, shape: tuple[int, ...], dtype: d.DType) -> Array:
    """For extrema no ties and no order nearer than a finite difference."""
    extrema = ("max", "min", "sort", "argsort", "window_max", "running")
    if op.name in extrema and d.kind(dtype) == "f":
        n = int(np.prod(shape))
        return np.asarray(rng.permutation(n) * 0.01).reshape(shape).astype(dtype)
    return array(rng, shape, dtype, 0.5, 1.6) if op.name == "prod" else array(rng, shape, dtype)


MOVES: dict[str, list[tuple[list[tuple[int, ...]], tuple[Any, ...]]]] = {
    "reshape": [([(2, 3)], ((3, 2),)), ([()], ((1, 1),)), ([(1,)], ((),)), ([(0, 2)], ((4, 0),))],
    "bitcast": [([(2, 4)], (np.dtype("u1"),)), ([(0, 4)], (np.dtype("u1"),))],
    "permute": [([(2, 3, 4)], ((2, 0, 1),)), ([()], ((),)), ([(0, 3)], ((1, 0),))],
    "broadcast_to": [
        ([(2, 1)], ((3, 2, 4),)), ([()], ((2, 2),)), ([(1, 3)], ((0, 3),)), ([(3,)], ((3,),)),
    ],
    "slice": [
        ([(5, 4)], ((1, 3), (2, 2), (2, -2))), ([(3,)], ((2,), (3,), (-1,))),
        ([(4,)], ((1,), (0,), (1,))), ([()], ((), (), ())), ([(0, 2)], ((0, 0), (0, 1), (1, 1))),
    ],
    "fixed": [([(2, 3)], ()), ([()], ()), ([(0, 2)], ())],
    "embed": [
        ([(2, 2)], ((5, 4), (1, 3), (2, -2))), ([(0,)], ((4,), (1,), (1,))), ([()], ((), (), ())),
    ],
    "update_slice": [
        ([(5, 4), (2, 2)], ((1, 3), (2, -2))), ([(3,), (0,)], ((1,), (1,))), ([(), ()], ((), ())),
    ],
    "concat": [
        ([(2, 3), (1, 3), (0, 3)], (0,)), ([(2, 1), (2, 2)], (1,)), ([(3,)], (0,)),
        ([(0,), (0,)], (0,)),
    ],
    "matmul": [
        ([(2, 3), (3, 4)], ()), ([(5, 2, 3), (5, 3, 1)], ()), ([(2, 0), (0, 3)], ()),
        ([(0, 3), (3, 2)], ()), ([(0, 2, 2), (0, 2, 2)], ()),
    ],
    "transfer": [([(2, 3)], (CPU,)), ([()], (CPU,))],
    "windows": [
        ([(2, 7)], ((3,), (2,), (1,))), ([(6, 7)], ((2, 3), (1, 2), (3, 2))),
        ([(0, 4)], ((2,), (1,), (1,))),
        ([(2, 5)], ((1,), (1,), (1,))),
    ],
    "overlap_add": [
        ([(2, 3, 3)], ((7,), (2,), (1,))), ([(2, 3, 2, 2)], ((6, 8), (1, 2), (3, 2))),
        ([(2, 5, 1)], ((6,), (3,), (1,))), ([(0, 2, 3)], ((4,), (1,), (1,))),
    ],
    "conv": [
        ([(2, 3, 6), (4, 3, 3)], ((1,), ((0, 0),), (1,), 1)),
        ([(2, 4, 5, 6), (2, 2, 2, 3)], ((2, 1), ((1, 1), (0, 2)), (1, 2), 2)),
        ([(0, 2, 4), (3, 2, 2)], ((1,), ((0, 0),), (1,), 1)),
    ],
    "conv_input": [
        ([(2, 4, 4), (4, 3, 3)], ((6,), (1,), ((0, 0),), (1,), 1)),
        ([(2, 2, 3, 4), (2, 2, 2, 3)], ((5, 6), (2, 1), ((1, 1), (0, 2)), (1, 2), 2)),
        ([(1, 2, 3), (2, 1, 2)], ((9,), (3,), ((0, -1),), (1,), 1)),
    ],
    "conv_weight": [
        ([(2, 3, 6), (2, 4, 4)], ((3,), (1,), ((0, 0),), (1,), 1)),
        ([(2, 4, 5, 6), (2, 2, 3, 4)], ((2, 3), (2, 1), ((1, 1), (0, 2)), (1, 2), 2)),
        ([(0, 2, 4), (0, 3, 3)], ((2,), (1,), ((0, 0),), (1,), 1)),
    ],
}  # fmt: skip


def _moves(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shapes, params in MOVES[op.name]:
        yield Sample(tuple(array(rng, s, dtype) for s in shapes), params)


def _window_argmax(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    def drawn(*shape: int) -> tuple[Array]:
        return (_distinct(op, rng, shape, dtype),)

    yield Sample(drawn(2, 7), ((3,), (2,), (1,), (-1,), (4,)))
    yield Sample(drawn(2, 5, 6), ((2, 3), (2, 2), (1, 2), (0, -2), (3, 3)))
    yield Sample(drawn(0, 4), ((2,), (2,), (1,), (0,), (2,)))


def _gather(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    def places(*values: Any, dtype: d.DType = d.int64) -> tuple[Array, ...]:
        return tuple(np.asarray(v, dtype) for v in values)

    cases: list[tuple[tuple[int, ...], tuple[Array, ...]]] = [
        ((5,), places([0, -1, 3])), ((4, 3), places([[1, 2], [0, -4]])), ((4, 3), places(2, 1)),
        ((4, 3), places([3, 0], [2, -3], dtype=d.int8)), ((5, 2), places([1, 4], dtype=d.uint8)),
        ((3, 2), places(np.zeros(0))), ((0, 2), places(np.zeros((2, 0)))), ((3, 0), places([1])),
    ]  # fmt: skip
    if op.name != "gather":
        cases.append(((4, 2), places([1, 3, 1, -3])))
    for shape, index in cases:
        x = array(rng, shape, dtype)
        u = array(rng, (*index[0].shape, *shape[len(index) :]), dtype)
        yield Sample((x, *index) if op.name == "gather" else (x, u, *index))


def _gather_add(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for to, of, rest, n, m in (
        ([0, 2, 0, -1], [3, 3, -4, 1], (2,), 3, 4), ([[1, 1], [0, -2]], [[2, 0], [1, 1]], (), 2, 3),
        ([-1, 0], [0, 0], (2, 3), 2, 1), ([], [], (2,), 3, 0), (1, -1, (3,), 2, 2),
    ):  # fmt: skip
        places = np.asarray(to, np.int64), np.asarray(of, d.int8 if rest else np.int64)
        x, y = (array(rng, (k, *rest), dtype) for k in (n, m))
        yield Sample((x, y, array(rng, places[0].shape, dtype), *places))


# --- scans, linear algebra, transforms, and those made from nothing -------------------------------


def _scan(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    cases: list[tuple[tuple[int, ...], int]] = [
        ((5,), 0), ((2, 7), 1), ((4, 2, 3), 0), ((0,), 0), ((3, 0), 0), ((2, 0), 1), ((1, 2), 0),
    ]  # fmt: skip
    orders = ((False,), (True,)) if "sort" in op.name else ((),)
    for shape, axis in cases:
        for rest in orders:
            args = tuple(_distinct(op, rng, shape, dtype) for _ in range(op.arity or 1))
            yield Sample(args, (axis, *rest))
    if op.name == "cumprod":
        yield Sample((np.asarray([[1, 2], [0, 3], [2, 0], [0, 1]], dtype),), (0,))


def _walk(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in ((4, 2, 5), (1, 1, 3), (3, 1, 1), (2, 2, 2), (0, 2, 3), (3, 0, 2), (2, 1, 0)):
        rest = [shape[1:]] if op.arity == 2 else [shape] * 3
        yield Sample(tuple(array(rng, s, dtype) for s in (shape, *rest)))


def _argselect(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape, axis, start, count in (
        ((5,), 0, 1, 3), ((2, 7), 1, 0, 2), ((4, 2, 3), 0, 3, 1), ((0,), 0, 0, 0),
        ((3, 0), 0, 1, 1), ((2, 4), 1, 2, 0), ((30, 40), 1, 11, 20), ((40, 30), 0, 0, 40),
    ):  # fmt: skip
        for descending in (False, True):
            yield Sample((array(rng, shape, dtype),), (axis, start, count, descending))


def _searchsorted(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for side in ("left", "right"):
        for n, shape in ((4, (3,)), (5, (2, 3)), (3, ()), (0, (2,)), (3, (0, 2))):
            x, v = np.sort(array(rng, (n,), dtype)), array(rng, shape, dtype)
            if n and v.size:
                v.flat[0] = x[1]
            yield Sample((x, v), (side,))


def definite(rng: Rng, shape: tuple[int, ...], dtype: d.DType) -> Array:
    """Hermitian positive definite matrices."""
    x = array(rng, shape, dtype)
    h = x.conj().swapaxes(-1, -2)
    return (x @ h + np.eye(shape[-1]) * 2).astype(dtype)


SQUARE = [(3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 2, 2), (2, 0, 0)]
TALL_AND_WIDE = [(4, 2), (2, 4), (2, 3, 3), (2, 3, 2), (0, 3), (3, 0), (0, 2, 3)]
MODES: dict[str, tuple[tuple[Any, ...], ...]] = {
    "qr": (("reduced",), ("complete",)), "svd": ((False,), (True,)), "svdvals": ((),),
    "lu_factor": ((),), "geqrf": ((),),
}  # fmt: skip
POSITIVE = ("cholesky", "cholesky_ex", "eigh", "eigvalsh")


def _linalg(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    if op.name in MODES:
        for shape in TALL_AND_WIDE:
            for params in MODES[op.name]:
                yield Sample((array(rng, shape, dtype),), params)
        return
    for shape in SQUARE:
        if op.name in POSITIVE:
            for params in ((False,), (True,)) if "upper" in op.params else ((),):
                yield Sample((definite(rng, shape, dtype),), params)
            continue
        x = (array(rng, shape, dtype) + 2 * np.eye(shape[-1])).astype(dtype)
        if op.name in ("solve", "solve_ex"):
            yield Sample((x, array(rng, (*shape[:-1], 2), dtype)))
        else:
            yield Sample((x,))


def _triangular(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in SQUARE:
        x = (array(rng, shape, dtype) + 4 * np.eye(shape[-1])).astype(dtype)
        for upper, unit in ((False, False), (True, False), (False, True), (True, True)):
            yield Sample((x, array(rng, (*shape[:-1], 2), dtype)), (upper, unit))


def _ldl(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in ((3, 3), (2, 4, 4), (0, 0), (2, 0, 0)):
        x = definite(rng, shape, dtype)
        for hermitian in (False, True):
            rest = (np.ones(shape[:-1], np.int32), array(rng, (*shape[:-1], 2), dtype))
            yield Sample((x, *(rest if op.name == "ldl_solve" else ())), (hermitian,))


def _row_order(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    if dtype is d.int32:
        for shape in ((2,), (2, 3), (0,), (0, 2), (2, 0)):
            yield Sample((np.ones(shape, np.int32),), (4,))


def _pinv(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in (*TALL_AND_WIDE, (3, 3)):
        limits = np.full((*shape[:-2], 2), 1e-3, d.real_of(dtype))
        yield Sample((array(rng, shape, dtype), limits), (False,))
    yield Sample((definite(rng, (2, 3, 3), dtype), np.zeros((2, 2), d.real_of(dtype))), (True,))


def _incomplete(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in ((), (4,), (2, 3), (0, 2)):
        yield Sample((array(rng, shape, dtype, 0.5, 3), array(rng, shape, dtype, 0.5, 4)))


def _gcd(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in ((), (4,), (2, 3), (0, 2)):
        yield Sample((array(rng, shape, dtype), array(rng, shape, dtype)))


def _polynomial(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    families = "chebyshev_t chebyshev_u chebyshev_v chebyshev_w hermite_h hermite_he laguerre_l"
    for i, family in enumerate(f"{families} legendre_p".split()):
        for shape in ((), (5,), (2, 3), (0, 2)):
            degrees = np.asarray(rng.integers(-1, 5, shape) + 0.5).astype(dtype)
            yield Sample((array(rng, shape, dtype, -1, 1), degrees), (family, i % 3))


def _frexp(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape in ((), (4,), (2, 3), (0, 2)):
        yield Sample((array(rng, shape, dtype, 0.55, 0.95),))


def _running_place(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape, axis in (((5,), 0), ((2, 7), 1), ((4, 2, 3), 0), ((0,), 0), ((2, 0), 1)):
        for largest in (False, True):
            yield Sample((_distinct(op, rng, shape, dtype),), (axis, largest))


def _fft(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for shape, axis in (((4,), 0), ((5,), 0), ((2, 3), 1), ((3, 2), 0), ((1,), 0), ((0, 4), 1)):
        if op.name != "irfft":
            yield Sample((array(rng, shape, dtype),), (axis,))
            continue
        half = 2 * shape[axis] - 2
        for n in (half, half + 1) if half else (1,):
            yield Sample((array(rng, shape, dtype),), (axis, n))


def _iota(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    for n in (0, 1, 5):
        yield Sample((), (n, dtype, CPU))


def _random_bits(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    if dtype is d.uint64:
        for shape in ((), (3,), (2, 0), (2, 5)):
            yield Sample((np.asarray([7, 2**63], dtype), np.asarray(2**64 - 2, dtype)), (shape,))


def _philox(op: Op, dtype: d.DType, rng: Rng) -> Iterator[Sample]:
    if dtype is d.uint64:
        state = np.asarray([2**63 + 5, 2**64 - 2], dtype)
        for shape in ((), (3,), (2, 0), (2, 5)):
            yield Sample((state,), (shape, 3, 1, ((0, 1, 2, 3),)))
            yield Sample((state,), (shape, 2, 1, ((1, 3), (0, 2))))
            below = np.append(state, dtype.type(2**31))
            yield Sample((below,), (shape, 2, 4, ((0, 1, 2, 3),)))


GENERATORS: dict[str, Callable[[Op, d.DType, Rng], Iterator[Sample]]] = {
    **dict.fromkeys(MOVES, _moves),
    "elementwise": _elementwise,
    "where": _where,
    "cast": _cast,
    "reduce": _reduce,
    "gather": _gather,
    "gather_add": _gather_add,
    "window_argmax": _window_argmax,
    "window_max": _window_argmax,
    "scan": _scan,
    **dict.fromkeys(("log_walk", "band_walk"), _walk),
    "argselect": _argselect,
    "searchsorted": _searchsorted,
    **dict.fromkeys(("igamma", "igammac"), _incomplete),
    "gcd": _gcd,
    "polynomial": _polynomial,
    "frexp": _frexp,
    "running": _running_place,
    "running_place": _running_place,
    "linalg": _linalg,
    "solve_triangular": _triangular,
    **dict.fromkeys(("ldl_factor", "ldl_solve"), _ldl),
    "row_order": _row_order,
    "pinv": _pinv,
    "fft": _fft,
    "iota": _iota,
    "random_bits": _random_bits,
    "philox": _philox,
}


def samples(op: Op, dtype: d.DType) -> list[Sample]:
    """Calls of the row on that dtype: by its own generator, or by that of its kind."""
    make = GENERATORS.get(op.name) or GENERATORS[op.kind]
    return list(make(op, dtype, np.random.default_rng(sum(map(ord, op.name)))))


COMPUTED = [op for op in ROWS.values() if op.kind != "leaf" and op.name not in ("pick", "ruled")]
