"""Names of dtypes and constants in CUDA C.

What enters: dtypes, numbers. What leaves: text. It must not know kernels.
"""

import math
from functools import cache
from typing import Any

import numpy as np

from ..._base.dtypes import DType, kind, real_of

_REAL = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "bool": "bool"}


@cache
def c_type(dtype: DType) -> str:
    """The type of a value: those of `device/types.cuh`."""
    letter = kind(dtype)
    return _REAL[dtype.name] if letter in "fb" else f"{letter}{dtype.itemsize * 8}"


def constant(value: Any, dtype: DType) -> str:
    """A number as an expression of its type, converted as NumPy's `astype` does."""
    number, name = np.asarray(value).astype(dtype)[()], c_type(dtype)
    letter = kind(dtype)
    if letter == "c":
        part = real_of(dtype)
        return f"{name}{{{constant(number.real, part)}, {constant(number.imag, part)}}}"
    if letter == "b":
        return "true" if number else "false"
    if letter in "iu":
        bits = int(number) & (1 << 8 * dtype.itemsize) - 1
        return f"{name}({bits:#x}{'ull' if dtype.itemsize == 8 else 'u'})"
    if name in ("f16", "bf16"):
        return f"{name}{{{_floating(float(number), 'f32')}}}"
    return _floating(float(number), name)


def _floating(number: float, name: str) -> str:
    if not math.isfinite(number):
        return _bits(number, name)
    return f"{number!r}{'f' if name == 'f32' else ''}"


def _bits(number: float, name: str) -> str:
    if name == "f64":
        return f"bits_as<f64>({int(np.float64(number).view(np.uint64)):#x}ull)"
    return f"bits_as<f32>({int(np.float32(number).view(np.uint32)):#x}u)"
