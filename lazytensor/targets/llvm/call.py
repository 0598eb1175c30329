"""A Python function that calls native kernels on arrays: `launch(words, lo, hi, *arrays)`.

It is itself native, reads the arrays' addresses out of the array objects, and lets other threads
run while a long kernel runs. What enters: words (fields of 8 bytes: the kernel's address, whether
to let others run, the type of arrays, how many of them the kernel takes, what the kernel reads), a
range, arrays, which the kernel is called for set by set. What leaves: the kernel's status, or -1,
with nothing run, where something isn't an array. It must not know kernels.
"""

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from .machine import Machine, unique

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
  %typeplace = getelementptr i8, ptr %words, i64 16
  %type = load ptr, ptr %typeplace
  %arrays = sub i64 %count, 3
  %pointers = alloca ptr, i64 %arrays
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %keep]
  %more = icmp slt i64 %i, %arrays
  br i1 %more, label %take, label %ready
take:
  %j = add i64 %i, 3
  %place = getelementptr ptr, ptr %args, i64 %j
  %array = load ptr, ptr %place
  %kindplace = getelementptr i8, ptr %array, i64 KIND
  %kind = load ptr, ptr %kindplace
  %fits = icmp eq ptr %kind, %type
  br i1 %fits, label %keep, label %refuse
refuse:
  %no = call ptr @PyLong_FromLongLong(i64 -1)
  ret ptr %no
keep:
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
  %eachplace = getelementptr i8, ptr %words, i64 24
  %each = load i64, ptr %eachplace
  %body = getelementptr i8, ptr %words, i64 32
  %long = icmp ne i64 %flag, 0
  br i1 %long, label %release, label %run
release:
  %state = call ptr @PyEval_SaveThread()
  br label %run
run:
  %held = phi ptr [null, %ready], [%state, %release]
  br label %again
again:
  %from = phi i64 [0, %run], [%to, %again]
  %operands = getelementptr ptr, ptr %pointers, i64 %from
  %status = call i64 %kernel(i64 %lo, i64 %hi, ptr %operands, ptr %body)
  %to = add i64 %from, %each
  %left = icmp slt i64 %to, %arrays
  %fine = icmp eq i64 %status, 0
  %on = and i1 %left, %fine
  br i1 %on, label %again, label %ran
ran:
  br i1 %long, label %restore, label %done
restore:
  call void @PyEval_RestoreThread(ptr %held)
  br label %done
done:
  %out = call ptr @PyLong_FromLongLong(i64 %status)
  ret ptr %out
}
"""

_FASTCALL = 0x0080
_kept: list[Any] = []


class _Method(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def method(address: int, doc: str) -> Callable[[Any], Callable[..., Any]]:
    """What makes functions that Python calls with objects, of what each has as `self`; native code
    is at an address. The text begins with the name.
    """
    own = _Method(doc.partition("(")[0].encode(), address, _FASTCALL, doc.encode())
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p
    _kept.append(own)
    return lambda x: make(ctypes.addressof(own), x, None)


def array_places() -> dict[str, int]:
    """Where an array object holds its type and the address of its data, for texts. Raises OSError.

    What follows the data (how many axes, sizes, strides) lies as NumPy's interface has it.
    """
    arrays = [np.empty(n) for n in (3, 5, 7)]
    seen = [*zip(*[struct.unpack("8Q", ctypes.string_at(id(a), 64)) for a in arrays], strict=True)]
    data = tuple([a.__array_interface__["data"][0] for a in arrays])
    try:
        return {"KIND": 8 * seen.index((id(np.ndarray),) * 3), "OFFSET": 8 * seen.index(data)}
    except ValueError:
        raise OSError("an array object doesn't show where its data is") from None


# More arrays than there are: a kernel takes all.
_ALL = 1 << 32


def packed(address: int, long: bool, *words: int, each: int = _ALL) -> bytes:
    """What `launch` takes to call a kernel with words, for `each` so many arrays once; others run
    meanwhile if it is `long`.
    """
    fields = (address, int(long), id(np.ndarray), each, *words)
    return struct.pack(f"{len(fields)}q", *fields)


def launcher(machine: Machine, build: Callable[[str], bytes]) -> Launcher:
    """The function `launch`; `build` gives the object code of a text."""
    machine.provide_from(ctypes.pythonapi, *_SYMBOLS)
    text = _TEXT
    for word, place in array_places().items():
        text = text.replace(word, str(place))
    name = unique(machine.key(text))
    code = machine.link(build(text.replace("NAME", name)), name)
    _kept.append(code)
    launch: Launcher = method(code.address, "launch(words, lo, hi, *arrays) -> status")(None)
    return launch
