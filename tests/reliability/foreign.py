"""Foreign objects that lie: sequences, `__array__`, `__array_interface__`, DLPack producers."""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class Sized:
    """A sequence whose length is not what it says."""

    def __init__(self, says: Any, has: int) -> None:
        self.says = says
        self.has = has

    def __len__(self) -> Any:
        return self.says

    def __getitem__(self, i: int) -> float:
        if i >= self.has:
            raise IndexError("nothing more")
        return float(i)


class Says(list):
    """A list whose iterator gives other things than it holds."""

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("planted: no iterating")


class Gives:
    """An object whose `__array__` gives, or raises, something."""

    def __init__(self, what: Any) -> None:
        self.what = what

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if isinstance(self.what, Exception):
            raise self.what
        return self.what


class Interface:
    """An object with an `__array_interface__`."""

    def __init__(self, what: Any) -> None:
        self.__array_interface__ = what


class Producer:
    """An object with the two DLPack methods."""

    def __init__(self, capsule: Any, device: Any = (1, 0)) -> None:
        self.capsule = capsule
        self.device = device

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule() if callable(self.capsule) else self.capsule

    def __dlpack_device__(self) -> Any:
        return self.device


class OnlyHalf:
    """A producer that can't name its device."""

    def __dlpack__(self, **_: Any) -> Any:
        return None


class DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class Managed(ctypes.Structure):
    _fields_ = [("tensor", DLTensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_kept: list[Any] = []


def capsule(name: bytes = b"dltensor", sizes: tuple[int, ...] = (3,), **fields: Any) -> Any:
    """A capsule of three float64, with some fields of its tensor set to something else."""
    data = (ctypes.c_double * 3)(1.0, 2.0, 3.0)
    shape = (ctypes.c_int64 * max(len(sizes), 1))(*sizes)
    managed = Managed()
    _kept.append((data, shape, managed, name))
    t = managed.tensor
    t.data, t.device_type, t.ndim = ctypes.addressof(data), 1, len(sizes)
    t.code, t.bits, t.lanes = 2, 64, 1
    t.shape = ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64))
    for field, value in fields.items():
        setattr(t, field, value)
    return _new_capsule(ctypes.addressof(managed), name, None)


def later_capsule(**fields: Any) -> Any:
    """One as of DLPack 1.0, with nothing in it but some fields of its tensor."""
    managed = (ctypes.c_byte * 128)()  # a version, two pointers, flags, and the tensor
    t = DLTensor.from_buffer(managed, 32)
    _kept.append((managed, name := b"dltensor_versioned"))
    for field, value in fields.items():
        setattr(t, field, value)
    return _new_capsule(ctypes.addressof(managed), name, None)


def interface(**changed: Any) -> Interface:
    """A good `__array_interface__` of three float64, with some entries changed."""
    data = np.arange(3.0)
    _kept.append(data)
    return Interface({**data.__array_interface__, **changed})


def endless(depth: int = 0) -> list[Any]:
    """A list that holds itself, under some lists."""
    out: list[Any] = []
    out.append(out)
    for _ in range(depth):
        out = [out]
    return out


def pair_of_endless() -> list[Any]:
    """Two lists that hold each other."""
    a: list[Any] = []
    b = [a]
    a.append(b)
    return a


def deep(depth: int) -> list[Any]:
    """Lists in lists."""
    out: list[Any] = [1.0]
    for _ in range(depth):
        out = [out]
    return out


Made = Callable[[], Any]
# What is made -> what `asarray` of it must raise.
SEQUENCES: dict[str, tuple[Made, type | tuple[type, ...]]] = {
    "a list that holds itself": (endless, ValueError),
    "a list that holds itself, deeper": (lambda: endless(5), ValueError),
    "itself among numbers": (lambda: [1.0, endless()], ValueError),
    "two that hold each other": (pair_of_endless, ValueError),
    "a hundred thousand levels": (lambda: deep(100_000), ValueError),
    "a hundred levels": (lambda: deep(100), ValueError),
    "says 2**62": (lambda: Sized(2**62, 3), (TypeError, ValueError, IndexError, MemoryError)),
    "says -1": (lambda: Sized(-1, 3), (TypeError, ValueError)),
    "says 'x'": (lambda: Sized("x", 3), (TypeError, ValueError)),
    "a list that refuses to be read": (lambda: Says([1.0, 2.0]), RuntimeError),
    "ragged": (lambda: [[1.0], [1.0, 2.0]], ValueError),
    "ragged with an empty row": (lambda: [[], [1.0]], ValueError),
    "ragged in depth": (lambda: [[1.0], 2.0], ValueError),
    "strings": (lambda: ["1", "2"], TypeError),
    "bytes": (lambda: [b"1"], TypeError),
    "None": (lambda: [None], TypeError),
    "a dict in a list": (lambda: [{}], TypeError),
    "__array__ gives a string": (lambda: Gives("abc"), (TypeError, ValueError)),
    "__array__ gives None": (lambda: Gives(None), (TypeError, ValueError)),
    "__array__ gives objects": (lambda: Gives(np.array([None])), TypeError),
    "__array__ gives text": (lambda: Gives(np.array(["a"])), TypeError),
    "__array__ raises": (lambda: Gives(KeyError("planted")), KeyError),
    "interface: None": (lambda: Interface(None), (TypeError, ValueError)),
    "interface: no dict": (lambda: Interface(5), (TypeError, ValueError)),
    "interface: empty": (lambda: Interface({}), (TypeError, ValueError)),
    "interface: no shape": (lambda: interface(shape=None), (TypeError, ValueError)),
    "interface: a shape of text": (lambda: interface(shape="ab"), (TypeError, ValueError)),
    "interface: a negative shape": (lambda: interface(shape=(-3,)), (TypeError, ValueError)),
    "interface: a huge shape": (
        lambda: interface(shape=(2**62, 2**62)), (TypeError, ValueError, MemoryError)
    ),
    "interface: no type": (lambda: interface(typestr=None), (TypeError, ValueError)),
    "interface: an unknown type": (lambda: interface(typestr="<q9"), (TypeError, ValueError)),
    "interface: objects": (lambda: interface(typestr="|O"), (TypeError, ValueError)),
    "interface: text for data": (lambda: interface(data="abc"), (TypeError, ValueError)),
    "interface: half of data": (lambda: interface(data=(1,)), (TypeError, ValueError)),
    "interface: a null pointer": (lambda: interface(data=(0, False)), (TypeError, ValueError)),
    "interface: strides of text": (lambda: interface(strides="ab"), (TypeError, ValueError)),
    "interface: too many strides": (lambda: interface(strides=(8, 8)), (TypeError, ValueError)),
    "interface: bytes too short": (
        lambda: interface(data=b"12345678", shape=(3,)), (TypeError, ValueError)
    ),
    "interface: an offset past the end": (
        lambda: interface(data=bytearray(24), offset=8), (TypeError, ValueError)
    ),
}  # fmt: skip

REFUSED = (BufferError, RuntimeError, TypeError, ValueError)
# What is made; `from_dlpack` of it must raise one of `REFUSED`.
PRODUCERS: dict[str, Made] = {
    "no capsule": lambda: Producer(None),
    "a number": lambda: Producer(5),
    "text": lambda: Producer("dltensor"),
    "another name": lambda: Producer(lambda: capsule(b"other")),
    "a used one": lambda: Producer(lambda: capsule(b"used_dltensor")),
    "a versioned name on an old tensor that is used": lambda: Producer(
        lambda: capsule(b"used_dltensor_versioned")
    ),
    "no device": OnlyHalf,
    "a device that isn't here": lambda: Producer(lambda: capsule(device_type=2), (2, 99)),
    "an unknown device": lambda: Producer(lambda: capsule(device_type=77), (77, 0)),
    "a tensor that is elsewhere": lambda: Producer(lambda: capsule(device_type=2)),
    "sixty-five axes": lambda: Producer(lambda: capsule(sizes=(1,) * 65)),
    "a negative number of axes": lambda: Producer(lambda: capsule(ndim=-1)),
    "a negative size": lambda: Producer(lambda: capsule(sizes=(-3,))),
    "lanes": lambda: Producer(lambda: capsule(lanes=4)),
    "13 bits": lambda: Producer(lambda: capsule(bits=13)),
    "an unknown kind of number": lambda: Producer(lambda: capsule(code=99)),
    "bool of 64 bits": lambda: Producer(lambda: capsule(code=6)),
    "a null pointer": lambda: Producer(lambda: capsule(data=None)),
}
