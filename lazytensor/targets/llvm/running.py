"""Running maxima and minima along rows, or where they stand: of equal ones the last, NaN once there
is one. A few rows at once, since each step waits for the one before.

What enters: arrays. What leaves: arrays, or None for what there are no kernels for. It must not
know graphs.
"""

from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.threads import run as share
from .call import packed
from .code import TYPES, Code, Value
from .loops import HI, LO, carried, each, module, pointers, words
from .machine import Linked
from .memory import offset, step
from .objects import Objects

# Rows at once; elements of the smallest share.
ROWS, GRAIN = 4, 1 << 15


def _text(dtype: DType, largest: bool, places: bool) -> str:
    """The module of `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over rows."""
    c, kinds, size = Code(), TYPES[dtype], dtype.itemsize
    x, y = pointers(c, 2)
    (n,) = words(c, 1)
    made = 8 if places else size
    better, zero = "oge" if largest else "ole", c.const(0, "i64")

    def rows(row: Value, many: int) -> None:
        starts = [c.binary("mul", c.binary("add", row, k), n) for k in range(many)]
        reads = [step(c, x, c.binary("mul", s, size)) for s in starts]
        writes = [step(c, y, c.binary("mul", s, made)) for s in starts]
        first = [c.fresh(f"load {kinds}, {at}", kinds) for at in reads]

        def element(j: Value, held: list[Value]) -> list[Value]:
            bests, stands = [], []
            for k in range(many):
                best, place = held[k], held[many + k]
                value = c.fresh(f"load {kinds}, {offset(c, reads[k], j, size)}", kinds)
                missing = c.compare("uno", value, value)
                wins = c.binary("or", c.compare(better, value, best), missing)
                bests.append(c.select(wins, value, best))
                stands.append(c.select(wins, j, place))
                found = stands[k] if places else bests[k]
                c.raw(f"store {found}, {offset(c, writes[k], j, made)}")
            return [*bests, *stands]

        carried(c, zero, n, 1, [*first, *[zero] * many], element)

    rest = each(c, LO, c.binary("sub", HI, ROWS - 1), ROWS, lambda row: rows(row, ROWS))
    each(c, rest, HI, 1, lambda row: rows(row, 1))
    return module(c)


class Running:
    """The function (x, axis, largest, places) → running extrema along an axis, or their places."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: dict[Any, Linked] = {}

    def __call__(self, x: Any, axis: int, largest: bool, places: bool) -> Any:
        if x.dtype not in (float32, float64) or not x.size:
            return None
        lines = np.ascontiguousarray(np.moveaxis(x, axis, -1))
        n = lines.shape[-1]
        out = np.empty(lines.shape, np.int64 if places else x.dtype)
        call = packed(self._address(x.dtype, largest, places), True, n)
        launch = self._objects.launch

        def work(lo: int, hi: int) -> None:
            launch(call, lo, hi, lines, out)

        share(work, x.size // n, max(1, GRAIN // n), threads())
        return np.ascontiguousarray(np.moveaxis(out, -1, axis))

    def _address(self, *key: Any) -> int:
        known = self._known.get(key)
        if known is None:
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault(key, self._objects.linked(_text(*key)))
        return known.address
