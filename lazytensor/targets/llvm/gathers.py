"""Rows of an array at places given by indices, as `numpy.take` has them along the first axis.

What enters: arrays. What leaves: arrays. Indices are checked: where one is outside, NumPy decides.
It must not know graphs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.processors import count as threads
from ..._base.shapes import Shape
from ..._base.threads import run as share
from .agreed import WIDE
from .call import packed
from .machine import Linked
from .objects import writers

# Bytes of a result from which on NumPy's own function is left; from which on it is written past the
# caches; of the smallest share.
WORTH, STREAM, GRAIN = 1 << 18, 1 << 24, 1 << 18
ELEMENTS = (1, 2, 4, 8, 16)


class Take:
    """`numpy.take`: native along the first axis of contiguous arrays, where the result is large;
    `empty(shape, dtype)` makes that.
    """

    def __init__(self, functions: Any, empty: Callable[[Shape, DType], Any]) -> None:
        self.__name__ = "take"
        self._functions = functions
        self._empty = empty
        self._known: dict[tuple[int, int], Linked] = {}

    def __call__(self, x: Any, indices: Any, axis: int, mode: Any) -> Any:
        rows = x.size // x.shape[0] if x.shape[0] else 0
        plain = x.flags.c_contiguous and indices.flags.c_contiguous and not x.dtype.hasobject
        large = rows * indices.size * x.itemsize >= WORTH
        if plain and large and axis == 0 and indices.dtype == np.int64:
            out = self._call(x, indices, rows * x.itemsize)
            if out is not None:
                return out
        return np.take(x, indices, axis, mode=mode)

    def _call(self, x: Any, indices: Any, nbytes: int) -> Any:
        """The rows; None if an index is outside."""
        out = self._empty((*indices.shape, *x.shape[1:]), x.dtype)
        stream = self._past(out, nbytes) if out.nbytes >= STREAM else 0
        size = nbytes if nbytes in ELEMENTS else 0
        words = packed(self._address(size, stream), True, x.shape[0], nbytes)
        failed = []

        def work(lo: int, hi: int) -> None:
            if self._functions.launch(words, lo, hi, x, indices, out):
                failed.append(lo)

        share(work, indices.size, max(1, GRAIN // nbytes), threads())
        return None if failed else out

    def _past(self, out: Any, nbytes: int) -> int:
        """Bytes of the vectors that go past the caches; 0 where rows don't begin at whole ones."""
        places = out.ctypes.data | nbytes
        wide = max(WIDE, self._functions.machine.host.bytes)
        return next((n for n in (wide, WIDE) if places % n == 0), 0)

    def _address(self, size: int, stream: int) -> int:
        known = self._known.get((size, stream))
        if known is None:
            found = self._functions.found(
                f"rows {size} {stream}", lambda: writers().Rows(size, stream).text()
            )
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault((size, stream), found)
        return known.address
