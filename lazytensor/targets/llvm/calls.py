"""Python functions that each carry out a whole call of a compiled function: `run(*operands)`.

They are native: they look at handles, their nodes and arrays, make arrays for results, call
kernels, and make handles on the results, in less time than Python takes to look at two operands.
What enters: what operands have to be, and what is to be done; operands. What leaves: a handle,
several as a tuple, or what stands for a call that was missed, with nothing done that can be seen.
It must not know kernels, nor what a handle is for.
"""

import ctypes
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.shapes import Shape, prod
from .call import array_places, method
from .objects import Objects, writers

# What comes first of a call's words: addresses, of objects but for two, then numbers.
ADDRESSES = (
    "missed", "handles", "arrays", "nothing", "empty", "serials", "tracing", "depth", "zero",
    "context", "stack", "version", "now", "observers", "timers", "several", "settings", "values",
    "new_bytes", "no_memory", "tally", "hits",
)  # fmt: skip
NUMBERS = (
    "handle", "node", "bytes", "counted", "most", "widest", "names", "cells", "operands", "outputs",
    "constants", "launches", "results",
)  # fmt: skip
# Functions of Python's interface that calls call.
_SYMBOLS = (
    "PyBytes_AsString", "PyCell_Get", "PyDict_GetItemWithError", "PyErr_Clear",
    "PyErr_ExceptionMatches", "PyEval_RestoreThread", "PyEval_SaveThread", "PyIter_Next",
    "PyList_GetItem", "PyList_Size", "PyLong_FromLongLong", "PyObject_CallOneArg",
    "PyObject_GetAttr", "PyObject_RichCompareBool", "PyObject_Vectorcall", "PyTuple_GetItem",
    "PyTuple_New", "PyTuple_SetItem", "PyType_GenericAlloc", "Py_DecRef", "Py_IncRef",
)  # fmt: skip
Counts = np.ndarray[Any, np.dtype[np.int64]]


class Caller:
    """Calls for one type of handles, which hold nodes. `known` has what calls need of the library,
    by the names of `ADDRESSES`: `missed` is what a call gives where something isn't as it
    has to be. Bytes of results, where they are to be counted, are told to `new_bytes` when they are
    more than `most`. Raises OSError where an object doesn't show what it holds.
    """

    def __init__(
        self, objects: Objects, handle: type, node: type, known: Mapping[str, Any], most: int
    ) -> None:
        places = _slots(handle) | _slots(node) | array_places()
        places |= _array_fields(places["OFFSET"])
        self._known = {
            **known, "handles": handle, "arrays": np.ndarray, "nothing": (), "empty": np.empty,
            "depth": "depth", "stack": "stack", "zero": 0, "no_memory": MemoryError,
        }  # fmt: skip
        self._sizes = _held(handle), _held(node)
        self._most = most
        objects.machine.provide_from(ctypes.pythonapi, *_SYMBOLS)
        what = f"calls {places}"
        self._code = objects.found(what, lambda: writers().Calling(places).text(), True)
        self._made = method(self._code.address, "run(*operands)")

    def __call__(
        self,
        settings: tuple[Any, Any],
        identities: tuple[Sequence[tuple[Any, str, Any]], Sequence[tuple[Any, Any]]],
        hits: Counts,
        counted: int,
        operands: Sequence[tuple[Any, Any, Shape, Shape]],
        outputs: Sequence[tuple[Shape, DType]],
        constants: Sequence[Any],
        launches: Sequence[tuple[bytes, int, Sequence[int], Any]],
        results: Sequence[tuple[int, Any, Any]],
    ) -> Callable[..., Any]:
        """A function that carries out calls, which are counted in `hits`; `counted` bytes of each
        are to be. Settings are names, and the values that they have to have; identities are names
        in dicts, and cells, with the objects that they have to have.

        An operand is a handle on a leaf of a dtype and a device, or an array if these are None; its
        shape and strides. A launch has what `launch` takes, words and count, the numbers of arrays
        (operands come first, then outputs, then constants), and what keeps its code in memory. A
        result has the number of an array, and a node and a handle that its own are to be like.
        """
        parts = *identities, operands, outputs, constants, launches, results
        known = self._known | dict(zip(("settings", "values"), settings, strict=True))
        known |= {"hits": hits, "now": known["version"][0]}
        words = [_address(known[name]) for name in ADDRESSES]
        words += [*self._sizes, sum(prod(shape) * d.itemsize for shape, d in outputs), counted]
        words += [self._most, max(len(arrays) for _, _, arrays, _ in launches), *map(len, parts)]
        words += [id(x) for part in identities for held in part for x in held]
        for dtype, device, shape, strides in operands:
            kinds = (0, 0) if dtype is None else (id(dtype), id(device))
            words += [*kinds, len(shape), *shape, *strides]
        words += [id(x) for output in outputs for x in output]
        words += map(_address, constants)
        for call, count, arrays, _ in launches:
            place = ctypes.cast(ctypes.c_char_p(call), ctypes.c_void_p).value or 0
            words += [place, count, len(arrays), *arrays]
        for number, node, handle in results:
            words += [number, id(node), id(handle)]
        packed = struct.pack(f"{len(words)}q", *words)
        return self._made((packed, parts, known, self._code))


def _address(x: Any) -> int:
    """Where an object is, or an array's elements."""
    place: int = x.__array_interface__["data"][0] if type(x) is np.ndarray else id(x)
    return place


def _held(kind: type) -> int:
    """Bytes of an object up to where it says who refers to it weakly, which comes last."""
    return kind.__weakrefoffset__ if kind.__weakrefoffset__ > 0 else kind.__basicsize__


def _slots(kind: type) -> dict[str, int]:
    """Where objects of a type that has slots alone hold what is in these. Raises OSError."""
    x: Any = object.__new__(kind)
    names = [name for name in kind.__dict__["__slots__"] if name != "__weakref__"]
    for name in names:
        setattr(x, name, object())
    count = kind.__basicsize__ // 8
    words = struct.unpack(f"{count}q", ctypes.string_at(id(x), 8 * count))
    try:
        return {name: 8 * words.index(id(getattr(x, name))) for name in names}
    except ValueError:
        raise OSError(f"a {kind.__name__} doesn't show what it holds") from None


def _array_fields(data: int) -> dict[str, int]:
    """Where an array object holds how many axes it has, their sizes and their strides: after the
    data's address, as NumPy's interface has it. Raises OSError.
    """
    places = {"axes": data + 8, "sizes": data + 16, "strides": data + 24}
    x: Any = np.empty((3, 5, 7))[:, ::-2]
    axes, *rest = (
        int.from_bytes(ctypes.string_at(id(x) + place, size), sys.byteorder)
        for place, size in zip(places.values(), (4, 8, 8), strict=True)
    )
    if axes != 3 or [struct.unpack("3q", ctypes.string_at(at, 24)) for at in rest] != [
        x.shape, x.strides
    ]:  # fmt: skip
        raise OSError("an array object doesn't show how it lies")
    return places
