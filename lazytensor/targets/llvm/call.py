"""A Python function that calls native kernels on arrays: `launch(words, lo, hi, *arrays)`.

It is itself native, reads the arrays' addresses out of the array objects, and lets other threads
run while a long kernel runs. What enters: words (fields of 8 bytes: the kernel's address, whether
to let others run, what the kernel reads), a range, arrays. What leaves: the kernel's status. It
must not know kernels.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from .machine import Machine, unique

# Fields before those that a kernel reads.
HEAD = 2
Launcher = Callable[..., int]
_SYMBOLS = (
    "PyLong_AsLongLong", "PyLong_FromLongLong", "PyBytes_AsString", "PyEval_SaveThread",
    "PyEval_RestoreThread",
)  # fmt: skip

_TEXT = """
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyBytes_AsString(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)

define ptr @NAME(ptr %self, ptr %args, i64 %count) nounwind {
entry:
  %wordsobject = load ptr, ptr %args
  %words = call ptr @PyBytes_AsString(ptr %wordsobject)
  %loplace = getelementptr i8, ptr %args, i64 8
  %loobject = load ptr, ptr %loplace
  %lo = call i64 @PyLong_AsLongLong(ptr %loobject)
  %hiplace = getelementptr i8, ptr %args, i64 16
  %hiobject = load ptr, ptr %hiplace
  %hi = call i64 @PyLong_AsLongLong(ptr %hiobject)
  %arrays = sub i64 %count, 3
  %pointers = alloca ptr, i64 %arrays
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %take]
  %more = icmp slt i64 %i, %arrays
  br i1 %more, label %take, label %ready
take:
  %j = add i64 %i, 3
  %place = getelementptr ptr, ptr %args, i64 %j
  %array = load ptr, ptr %place
  %field = getelementptr i8, ptr %array, i64 OFFSET
  %data = load ptr, ptr %field
  %pointer = getelementptr ptr, ptr %pointers, i64 %i
  store ptr %data, ptr %pointer
  %i1 = add i64 %i, 1
  br label %next
ready:
  %address = load i64, ptr %words
  %kernel = inttoptr i64 %address to ptr
  %flagplace = getelementptr i8, ptr %words, i64 8
  %flag = load i64, ptr %flagplace
  %body = getelementptr i8, ptr %words, i64 16
  %long = icmp ne i64 %flag, 0
  br i1 %long, label %release, label %hold
release:
  %state = call ptr @PyEval_SaveThread()
  %status1 = call i64 %kernel(i64 %lo, i64 %hi, ptr %pointers, ptr %body)
  call void @PyEval_RestoreThread(ptr %state)
  br label %done
hold:
  %status2 = call i64 %kernel(i64 %lo, i64 %hi, ptr %pointers, ptr %body)
  br label %done
done:
  %status = phi i64 [%status1, %release], [%status2, %hold]
  %out = call ptr @PyLong_FromLongLong(i64 %status)
  ret ptr %out
}
"""


class _Method(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_FASTCALL = 0x0080
_kept: list[Any] = []


def data_offset() -> int:
    """Where an array object holds the address of its data. Raises OSError if it can't be seen."""
    a, b = np.empty(3), np.empty(5)
    for place in range(0, 128, 8):
        found = [
            int.from_bytes(ctypes.string_at(id(x) + place, 8), "little", signed=False)
            == x.__array_interface__["data"][0]
            for x in (a, b)
        ]
        if all(found):
            return place
    raise OSError("an array object doesn't show where its data is")


def launcher(machine: Machine, build: Callable[[str], bytes]) -> Launcher:
    """The function `launch`; `build` gives the object code of a text."""
    api = ctypes.pythonapi
    for symbol in _SYMBOLS:
        address = ctypes.cast(getattr(api, symbol), ctypes.c_void_p).value
        assert address is not None
        machine.provide(symbol, address)
    text = _TEXT.replace("OFFSET", str(data_offset()))
    name = unique(machine.key(text))
    text = text.replace("NAME", name)
    address = machine.link(build(text), name)
    method = _Method(b"launch", address, _FASTCALL, b"launch(words, lo, hi, *arrays) -> status")
    _kept.append(method)
    make = api.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p,) * 3
    function: Launcher = make(ctypes.addressof(method), None, None)
    return function
