"""Cumulative sums and products along rows, as `numpy.cumsum` has them: in order, a few rows at
once, since each sum waits for the one before.

What enters: arrays. What leaves: arrays, with NumPy's bits. It must not know graphs.
"""

from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.threads import run as share
from .call import packed
from .code import KERNEL, TYPES, Code, Value
from .machine import Linked
from .objects import Objects

# Elements from which on NumPy's own function is left; rows at once; elements of the smallest share.
WORTH, ROWS, GRAIN = 1 << 12, 4, 1 << 15
_OPCODES = {"cumsum": ("fadd", -0.0), "cumprod": ("fmul", 1.0)}


def text(name: str, dtype: DType) -> str:
    """The module of `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over rows."""
    c, opcode = Code(), _OPCODES[name]
    pointers = Value("%pointers", "ptr")
    x = c.fresh("load ptr, ptr %pointers", "ptr")
    y = c.fresh(f"load ptr, {c.step(pointers, 8)}", "ptr")
    n = c.fresh("load i64, ptr %words", "i64")
    row = Value("%lo", "i64")
    for many in (ROWS, 1):
        row = _rows(c, dtype, opcode, (x, y, n), row, many)
    return "\n".join([KERNEL, *c.lines, "ret i64 0", "}"]) + "\n"


def _rows(
    c: Code,
    dtype: DType,
    opcode: tuple[str, float],
    arguments: tuple[Value, Value, Value],
    first: Value,
    many: int,
) -> Value:
    """Rows from the first one on, so many at once; the row after the last one."""
    x, y, n = arguments
    size, kinds = dtype.itemsize, TYPES[dtype]
    before, top, work, inner, end, done = c.block, *map(c.name, ("t", "w", "i", "e", "d"))
    c.jump(top)
    c.label(top)
    row = c.phi("i64", (first, before))
    after = c.binary("add", row, many)
    c.branch(c.compare("sle", after, Value("%hi", "i64")), work, done)
    c.label(work)
    starts = [c.binary("mul", c.binary("add", row, k), n) for k in range(many)]
    places = [(_at(c, x, s, size), _at(c, y, s, size)) for s in starts]
    c.jump(inner)
    c.label(inner)
    j = c.phi("i64", (c.const(0, "i64"), work))
    sums = [c.phi(kinds, (c.const(opcode[1], kinds), work)) for _ in places]
    for total, (a, b) in zip(sums, places, strict=True):
        value = c.fresh(f"load {kinds}, {_at(c, a, j, size)}", kinds)
        new = c.binary(opcode[0], total, value)
        c.raw(f"store {new}, {_at(c, b, j, size)}")
        c.also(total, new, inner)
    following = c.binary("add", j, 1)
    c.also(j, following, inner)
    c.branch(c.compare("slt", following, n), inner, end)
    c.label(end)
    c.also(row, after, end)
    c.jump(top)
    c.label(done)
    return row


def _at(c: Code, base: Value, count: Value, size: int) -> Value:
    """The place so many elements further."""
    return c.step(base, c.binary("mul", count, size))


class Cumulative:
    """`numpy.cumsum` or `cumprod`: native along the last axis of large arrays of single and double
    precision.
    """

    def __init__(self, name: str, objects: Objects) -> None:
        self.__name__ = name
        self._other: Any = getattr(np, name)
        self._objects = objects
        self._known: dict[DType, Linked] = {}

    def __call__(self, x: Any, axis: int | None = None, dtype: Any = None) -> Any:
        along = axis is not None and axis in (-1, x.ndim - 1) and x.size >= WORTH
        plain = type(x) is np.ndarray and x.flags.c_contiguous and dtype in (None, x.dtype)
        if along and plain and x.dtype in (float32, float64):
            return self._call(x)
        return self._other(x, axis, dtype)

    def _call(self, x: Any) -> Any:
        n = x.shape[-1]
        rows, out = x.size // n, np.empty(x.shape, x.dtype)
        words = packed(self._address(x.dtype), True, n)
        launch = self._objects.launch
        grain = max(1, GRAIN // n)

        def work(lo: int, hi: int) -> None:
            launch(words, lo, hi, x, out)

        share(work, rows, grain, threads())
        return out

    def _address(self, dtype: DType) -> int:
        known = self._known.get(dtype)
        if known is None:
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault(dtype, self._objects.linked(text(self.__name__, dtype)))
        return known.address


def cumulatives(objects: Objects) -> dict[str, Cumulative]:
    """By NumPy's names."""
    return {name: Cumulative(name, objects) for name in _OPCODES}
