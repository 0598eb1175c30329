"""NumPy with the target's own elementary functions in place of NumPy's.

Whether an operation is interpreted, fused, or left to the reference, it has the same bits: value
columns and the reference's kernels compute with this module. A function goes element by element, at
first without the compiler (`plain.py`): that is 30 ms to load, and 2 more for each function. When
it has computed much, it goes over vectors. What enters: arrays. What leaves: arrays. It must not
know kernels, nor load what writes them.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.module import Worth
from ..._base.shapes import broadcast
from ...ir.scalar import INSTRUCTIONS
from ...ops._eager import FUNCTIONS as OF_NUMPY
from ...ops._eager import INEXACT
from .call import packed
from .loading import instructions
from .machine import Linked
from .objects import Objects, elements

# Elements, of all calls together, from which on a function is worth compiling over vectors.
WORTH = 1 << 20
# The same for the compiler, and the elements that a call counts as at least.
COMPILED, CALL = 1 << 16, 1 << 6
# What `launch` takes for a function over vectors: of a name, a dtype, and which operands are the
# same for all elements.
Vectors = Callable[[str, DType, tuple[bool, ...]], bytes]


class _Plain:
    """Machine code of `plain`, called on arrays."""

    def __init__(self, code: bytes) -> None:
        address, self._memory = instructions(code)
        self._call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(address)

    def __call__(self, arrays: list[Any], strides: list[int], count: int) -> int:
        """How many elements are left, the last ones, because of a rare case among them."""
        places = [a.__array_interface__["data"][0] for a in arrays]
        words = (ctypes.c_int64 * (2 * len(places)))(*places, *strides)
        return int(self._call(count, words))


class Function:
    """A function of arrays, as a ufunc of one or two: the target's own for single and double
    precision, NumPy's for all other dtypes.
    """

    def __init__(self, name: str, objects: Objects, vectors: Vectors) -> None:
        self.__name__ = name
        self._other: Any = getattr(np, OF_NUMPY[name], None)
        self._arity = INSTRUCTIONS[name][0]
        self._objects = objects
        self._vectors = vectors
        self._known: dict[Any, bytes] = {}
        self._linked: dict[DType, Linked] = {}
        self._plain: dict[DType, _Plain | None] = {}
        self._compiled = Worth(COMPILED, CALL)
        self._done = 0

    def __call__(self, x: Any, *rest: Any, out: Any = None) -> Any:
        arrays = [x, *rest[: self._arity - 1]]
        out = rest[-1] if len(rest) == self._arity else out
        dtypes = {getattr(a, "dtype", None) for a in arrays}
        if len(dtypes) > 1 or not dtypes <= {float32, float64}:
            return self._other(*arrays) if out is None else self._other(*arrays, out=out)
        return self._call([np.asarray(a) for a in arrays], out)

    def __getattr__(self, name: str) -> Any:
        """What a ufunc has besides, such as `accumulate`, is NumPy's."""
        return getattr(self._other, name)

    def _call(self, arrays: list[Any], out: Any) -> Any:
        shape = arrays[0].shape
        if len(arrays) > 1:
            shape = broadcast(*[a.shape for a in arrays])
        whole = out is not None and out.flags.c_contiguous
        result = out if whole else np.empty(shape, arrays[0].dtype)
        if result.size:
            self._fill(arrays, result)
        if out is not None and not whole:
            out[...] = result
        return result if out is None else out

    def _fill(self, arrays: list[Any], result: Any) -> None:
        for i, a in enumerate(arrays):
            if a.size != 1 and (a.shape != result.shape or not a.flags.c_contiguous):
                arrays[i] = np.ascontiguousarray(np.broadcast_to(a, result.shape))
        same = tuple([a.size == 1 and result.size > 1 for a in arrays])
        self._done += result.size
        left = result.size
        if not self._compiled(left) and (plain := self._without_compiler(result.dtype)):
            strides = [0 if s else result.itemsize for s in (*same, False)]
            left = plain([*arrays, result], strides, left)
        if left:
            words = self._words(result.dtype, same)
            self._objects.launch(words, result.size - left, result.size, *arrays, result)

    def _words(self, dtype: DType, same: tuple[bool, ...]) -> bytes:
        few = self._done < WORTH
        words = self._known.get((few, dtype, same))
        if words is None:
            words = (self._by_element if few else self._by_vector)(dtype, same)
            self._known[few, dtype, same] = words
        return words

    def _without_compiler(self, dtype: DType) -> _Plain | None:
        if dtype not in self._plain:
            name, arity = self.__name__, self._arity
            code = self._objects.plain(
                f"{name} {dtype.name}", lambda: elements().plain(name, dtype, arity)
            )
            self._plain[dtype] = _Plain(code) if code else None
        return self._plain[dtype]

    def _by_vector(self, dtype: DType, same: tuple[bool, ...]) -> bytes:
        return self._vectors(self.__name__, dtype, same)

    def _by_element(self, dtype: DType, same: tuple[bool, ...]) -> bytes:
        known = self._linked.get(dtype)
        if known is None:
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._linked.setdefault(dtype, self._element(dtype, len(same)))
        strides = [0 if s else dtype.itemsize for s in (*same, False)]
        return packed(known.address, True, *strides)

    def _element(self, dtype: DType, arity: int) -> Linked:
        name, fused = self.__name__, self._objects.machine.host.fused
        return self._objects.found(
            f"element {name} {dtype.name}",
            lambda: elements().element(name, dtype, arity, fused),
            True,
        )


def replacements(objects: Objects, vectors: Vectors) -> dict[str, Function]:
    """By NumPy's names."""
    return {OF_NUMPY[name]: Function(name, objects, vectors) for name in INEXACT}
