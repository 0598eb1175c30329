"""Random small graphs for the native target: leaves of every layout, chains of elementwise ops,
reductions along any axes and what reads them back. A program is numbers, from which `build` makes
the same graph each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazytensor._base.dtypes import kind
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import ROWS, g
from lazytensor.ops.reduce import kept_shape

DTYPES = (
    "float32 float64 float32 float64 int32 int64 bool float16 uint8 int8 complex64 complex128 "
    "int16 uint16 uint32 uint64"
).split()
EDGES = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300]
WIDE = [511, 512, 513, 1025, 2000, 4095, 4096, 4097, 8193]
LONG = [32767, 32768, 32769, 36865, 40000]
SMALL = [1, 2, 3, 4, 5, 9, 17]
MOST = 70_000  # elements of a space

EXACT = {
    "negative": "iufc", "square": "iufc", "reciprocal": "fc", "sqrt": "f", "root": "f",
    "floor": "f", "ceil": "f", "trunc": "f", "round": "f",
    "isnan": "fc", "isinf": "f", "isfinite": "fc",
    "invert": "biu", "abs": "iuf", "sign": "iuf", "conj": "c", "real": "c", "imag": "c",
    "relu": "iuf", "add": "biufc", "subtract": "iufc", "multiply": "biufc", "divide": "fc",
    "floor_divide": "iu", "remainder": "iu", "fmod": "iu", "maximum": "biuf", "minimum": "biuf",
    "equal": "biufc", "not_equal": "biufc", "less": "biuf", "less_equal": "biuf",
    "logical_and": "b", "bitwise_and": "biu", "bitwise_or": "biu", "bitwise_xor": "biu",
    "left_shift": "iu", "right_shift": "iu", "complex": "f",
}  # fmt: skip
INEXACT = {
    "exp": "f", "log": "f", "log1p": "f", "sin": "f", "tanh": "f", "sigmoid": "f", "erf": "f",
    "pow": "f", "hypot": "f", "floor_divide": "f", "remainder": "f", "fmod": "f", "atan2": "f",
    "sqrt": "c", "exp ": "c", "expm1": "f", "logaddexp": "f", "log2": "f", "nextafter": "f",
    "atanh": "f", "sinh": "f", "acos": "f",
}  # fmt: skip
OPS = [
    *((n, d, True) for n, d in EXACT.items()),
    *((n.strip(), d, False) for n, d in INEXACT.items()),
]
FOLDS = {
    "f": ("sum", "max", "min", "prod"), "c": ("sum", "prod"), "b": ("any", "all", "max", "min"),
    "i": ("sum", "max", "min", "prod"), "u": ("sum", "max", "min", "prod"),
}  # fmt: skip
LAYOUTS = ("c", "c", "strided", "flipped", "permuted", "broadcast", "fortran", "all flipped",
           "offset", "rows apart", "last apart", "transposed pair")  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e-40, 60000.0, 1e300, -2.5, 0.5]
CASTS = {"f": "float32 float64 float16 int32 int64 uint8 bool int8 uint64 uint32".split(),
         "i": "float32 float64 int64 int8 uint16 bool float16".split(),
         "u": "float32 float64 int64 int8 uint32 bool float16".split(),
         "b": "float32 float64 int32 uint8 float16".split(),
         "c": "complex64 complex128 bool float32 float64".split()}  # fmt: skip

NUMBERS = (2.0, 1.0, 3.0, 0.0, -1.0, 0.5, 7.1, -0.0, 2.5, np.inf, np.nan, 1e-40, 60000.0)
INTEGERS = (2, 1, 3, 0, 7, 127, 128, 255, 2**31 - 1, 2**62 + 1)

Line = tuple[int, int, int, int]
Leaf = tuple[int, int, int, int]


@dataclass(frozen=True)
class Program:
    """`sizes` of the space, `axes` that are folded (a mask), leaves (dtype, layout, broadcast axes,
    seed), lines (op, arguments, a number), and a mask of what is asked for.
    """

    sizes: tuple[int, ...]
    axes: int
    leaves: tuple[Leaf, ...]
    lines: tuple[Line, ...]
    asked: int


def space(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that some numbers mean: mostly one axis that is an edge, rarely a long one."""
    out: list[int] = []
    for n in sizes:
        table = LONG if n % 13 == 12 else WIDE if n % 5 == 4 else EDGES if n % 2 else SMALL
        size = table[n // 7 % len(table)]
        room = (4 * MOST if table is LONG else MOST) // max(1, int(np.prod(out)))
        out.append(size if size <= room else min(SMALL[n % len(SMALL)], max(1, room)))
    return tuple(out)


# --- leaves ---------------------------------------------------------------------------------------


def numbers(shape: tuple[int, ...], dtype: Any, seed: int) -> np.ndarray:
    """Data with some special values in it."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype).kind
    if kind == "b":
        return np.asarray(rng.random(shape) < (0.5, 0.01, 0.99)[seed % 3])
    if kind in "iu":
        low, high = ((0, 2), (-5, 6), (-(2**62), 2**62))[seed % 3]
        return np.asarray(rng.integers(low, high, shape)).astype(dtype)
    a = np.asarray(rng.standard_normal(shape) * (1, 1, 3, 30)[seed % 4])
    if seed % 5 == 0:
        a = np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), a)
    if kind == "c":
        a = a + 1j * rng.standard_normal(shape)
    with np.errstate(all="ignore"):
        return np.asarray(a).astype(dtype)


def array(shape: tuple[int, ...], dtype: str, layout: str, seed: int) -> np.ndarray:
    """An array of a shape that lies in a given way."""
    rank, every = len(shape), slice(None)
    if layout == "strided":
        wide = numbers(tuple(2 * n for n in shape), dtype, seed)
        return wide[(slice(None, None, 2),) * rank]
    if layout in ("rows apart", "last apart"):
        axis = 0 if layout == "rows apart" else rank - 1
        wide = numbers(tuple(n * 3 if a == axis else n for a, n in enumerate(shape)), dtype, seed)
        return wide[tuple(slice(1, None, 3) if a == axis else every for a in range(rank))]
    if layout == "flipped":
        return numbers(shape, dtype, seed)[(*(every,) * (rank - 1), slice(None, None, -1))[:rank]]
    if layout == "all flipped":
        return numbers(shape, dtype, seed)[(slice(None, None, -1),) * rank]
    if layout == "permuted":
        order = np.random.default_rng(seed + 1).permutation(rank)
        return numbers(tuple(shape[k] for k in order), dtype, seed).transpose(np.argsort(order))
    if layout == "transposed pair" and rank > 1:
        a = numbers((*shape[:-2], shape[-1], shape[-2]), dtype, seed)
        return a.swapaxes(-1, -2)
    if layout == "broadcast":
        keep = np.random.default_rng(seed + 2).random(rank) < 0.5
        few = tuple(n if k else 1 for n, k in zip(shape, keep, strict=True))
        return np.broadcast_to(numbers(few, dtype, seed), shape)
    if layout == "fortran":
        return np.asfortranarray(numbers(shape, dtype, seed))
    if layout == "offset":
        flat = numbers((int(np.prod(shape)) + 1,), dtype, seed)
        return flat[1:].reshape(shape)
    return numbers(shape, dtype, seed)


def arrays(p: Program) -> list[np.ndarray]:
    """The data of a program's leaves."""
    whole, found = space(p.sizes), []
    for dtype, layout, ones, seed in p.leaves:
        ones = (p.axes, ones // 4, 0, 0)[ones % 4]
        shape = tuple(1 if ones >> a & 1 else n for a, n in enumerate(whole))
        if ones % 2:
            shape = shape[sum(1 for _ in _leading(shape)) :]
        found.append(
            array(shape, DTYPES[dtype % len(DTYPES)], LAYOUTS[layout % len(LAYOUTS)], seed)
        )
    return found


def _leading(shape: tuple[int, ...]) -> Any:
    for n in shape:
        if n != 1:
            return
        yield n


# --- lines ----------------------------------------------------------------------------------------


class Graph:
    """Builds: `values` can be broadcast to the space, `rows` are reduced ones."""

    def __init__(self, p: Program, leaves: list[Any]) -> None:
        self.space = space(p.sizes)
        self.values = [leaf(a) for a in leaves]
        self.rows: list[Node] = []
        self.first = len(leaves)
        self.exact = True
        self.axes = self._axes(p.axes) or tuple(range(len(self.space)))[-1:]
        for line in p.lines:
            self.line(*line)

    def _axes(self, mask: int) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.space)) if mask >> a & 1)

    def pick(self, i: int) -> Node:
        return self.values[-1 - i % min(len(self.values), 6)]

    def line(self, op: int, i: int, j: int, k: int) -> None:
        choice, op = op % 16, op // 16
        x = self.pick(i)
        if choice < 8 or not self.axes:
            self.values.append(self.elementwise(op, x, self.pick(j)))
        elif choice == 8:
            dtypes = CASTS[kind(x.dtype)]
            self.values.append(g.cast(x, np.dtype(dtypes[k % len(dtypes)])))
        elif choice == 9:
            condition = self.as_(self.pick(k), "b")
            y = self.pick(j)
            self.values.append(g.where(condition, x, self.to(y, x.dtype)))
        elif choice == 10:
            self.number(op, x, k)
        elif choice < 13:
            self.reduction(op, x, k)
        elif choice == 13:
            self.of_row(op, i, j)
        else:
            self.composite(op, x, k)

    # --- dtypes -----------------------------------------------------------------------------------

    def to(self, x: Node, dtype: Any) -> Node:
        """A cast that keeps the program as exact as it is."""
        if x.dtype == dtype:
            return x
        if kind(x.dtype) == "c" and kind(dtype) not in "cb":
            x = g.real(x)
        return x if x.dtype == dtype else g.cast(x, np.dtype(dtype))

    def as_(self, x: Node, kinds: str) -> Node:
        if kind(x.dtype) in kinds:
            return x
        dtype = {"b": "bool", "i": "int32", "u": "uint32", "f": "float32", "c": "complex64"}
        return self.to(x, np.dtype(dtype["f" if "f" in kinds else kinds[-1]]))

    # --- statements -------------------------------------------------------------------------------

    def elementwise(self, op: int, x: Node, y: Node) -> Node:
        name, kinds, exact = OPS[op % len(OPS)]
        self.exact &= exact
        x = self.as_(x, kinds)
        if ROWS[name].arity == 1:
            return getattr(g, name)(x)
        if name == "complex" and x.dtype == np.float16:
            x = self.to(x, np.dtype("float32"))
        y = self.to(y, x.dtype)
        if name in ("maximum", "minimum") and x.dtype == np.float16:
            x, y = x + 0.0, y + 0.0
        return getattr(g, name)(x, y)

    def number(self, op: int, x: Node, k: int) -> None:
        """With a constant."""
        x = self.as_(x, "iufc")
        if kind(x.dtype) in "iu":
            value: float = INTEGERS[k % len(INTEGERS)] & np.iinfo(x.dtype).max
        else:
            value = NUMBERS[k % len(NUMBERS)]
        y = g.constant(value, x)
        name = ("add", "multiply", "subtract", "subtract", "equal", "where")[op % 6]
        if name == "where":
            self.values.append(g.where(g.not_equal(x, g.constant(0, x)), *((x, y), (y, x))[k % 2]))
        else:
            self.values.append(getattr(g, name)(*((x, y), (y, x))[op // 6 % 2]))

    def full(self, x: Node) -> Node:
        return g.broadcast_to(x, self.space) if x.shape != self.space else x

    def fold(self, name: str, x: Node, axes: tuple[int, ...]) -> Node:
        out = getattr(g, name)(x, axes)
        self.rows.append(out)
        return out

    def reduction(self, op: int, x: Node, k: int) -> None:
        x = self.full(x)
        axes = self.axes if k % 4 or not self._axes(k // 4) else self._axes(k // 4)
        names = FOLDS[kind(x.dtype)]
        out = self.fold(names[op % len(names)], x, axes)
        if k % 3 == 0:
            self.rows.append(out)
        self.values.append(g.reshape(out, kept_shape(x, axes)))

    def of_row(self, op: int, i: int, j: int) -> None:
        """An elementwise op of rows alone."""
        shape = tuple(1 if a in self.axes else n for a, n in enumerate(self.space))
        kept = [v for v in self.values if v.shape == shape]
        rows = [*kept, *self.rows]
        if not rows:
            return
        x = rows[-1 - i % len(rows)]
        alike = [r for r in rows if r.shape == x.shape]
        out = self.elementwise(op, x, alike[j % len(alike)])
        (self.values if out.shape == shape else self.rows).append(out)

    def composite(self, op: int, x: Node, k: int) -> None:
        x = self.full(self.as_(x, "f"))
        rule = (self.softmax, self.standard, self.normal, self.spread)[op % 4]
        self.values.append(rule(x, k))

    def kept(self, name: str, x: Node) -> Node:
        return g.reshape(self.fold(name, x, self.axes), kept_shape(x, self.axes))

    def softmax(self, x: Node, k: int) -> Node:
        self.exact = False
        e = g.exp(x - self.kept("max", x))
        return e / self.kept("sum", e)

    def standard(self, x: Node, k: int) -> Node:
        count = float(np.prod([x.shape[a] for a in self.axes]))
        d = x - self.kept("sum", x) / count
        return d / g.sqrt(self.kept("sum", d * d) / count + 1e-3)

    def normal(self, x: Node, k: int) -> Node:
        low, high = self.kept("min", x), self.kept("max", x)
        return (x - low) / (high - low)

    def spread(self, x: Node, k: int) -> Node:
        """What is dear is read by two passes."""
        y = g.sqrt(g.abs(x)) / g.sqrt(x * x + 2.0)
        y = y / g.sqrt(y + 3.0)
        return y * self.kept("sum", y) - self.kept("max", y * self.kept("min", y))

    # --- the end ----------------------------------------------------------------------------------

    def asked(self, mask: int) -> list[Node]:
        """What is asked for: the last value, the last row, and some of the rest."""
        found = self.values[self.first :] + self.rows
        some = [n for i, n in enumerate(found) if mask >> i % 13 & 1]
        ends = [*self.values[-1:], *self.rows[-1:]]
        return list({n.serial: n for n in (*some, *ends)}.values())


def draw(number: Callable[[int], int], longest: int = 9) -> Program:
    """A program by a source of numbers below a bound."""
    return Program(
        tuple(number(1 << 16) for _ in range((2, 1, 3, 2, 4, 2, 3, 0)[number(8)])),
        number(16),
        tuple((number(64), number(64), number(64), number(1 << 12)) for _ in range(1 + number(3))),
        tuple(
            (number(1 << 16), number(64), number(64), number(1 << 12))
            for _ in range(1 + number(longest))
        ),
        number(1 << 13),
    )
