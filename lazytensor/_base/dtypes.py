"""Dtypes: the standard's, as NumPy dtype instances, with their kinds.

What enters: anything that names a dtype. What leaves: interned `numpy.dtype` objects, so that `is`
compares them. It must not know arrays.
"""

from typing import Any

import numpy as np

DType = np.dtype[Any]

bool_: DType = np.dtype("bool")
int8: DType = np.dtype("int8")
int16: DType = np.dtype("int16")
int32: DType = np.dtype("int32")
int64: DType = np.dtype("int64")
uint8: DType = np.dtype("uint8")
uint16: DType = np.dtype("uint16")
uint32: DType = np.dtype("uint32")
uint64: DType = np.dtype("uint64")
float16: DType = np.dtype("float16")
float32: DType = np.dtype("float32")
float64: DType = np.dtype("float64")
complex64: DType = np.dtype("complex64")
complex128: DType = np.dtype("complex128")

SIGNED = (int8, int16, int32, int64)
UNSIGNED = (uint8, uint16, uint32, uint64)
REAL_FLOATING = (float32, float64)
COMPLEX_FLOATING = (complex64, complex128)
STANDARD = (bool_, *SIGNED, *UNSIGNED, *REAL_FLOATING, *COMPLEX_FLOATING)

INTERNED: dict[Any, DType] = {d: d for d in (*STANDARD, float16)}
_kinds: dict[DType, str] = {
    **dict.fromkeys(SIGNED, "i"),
    **dict.fromkeys(UNSIGNED, "u"),
    **dict.fromkeys((float16, *REAL_FLOATING), "f"),
    **dict.fromkeys(COMPLEX_FLOATING, "c"),
    bool_: "b",
}
_REAL_OF = {complex64: float32, complex128: float64}
_COMPLEX_OF = {float32: complex64, float64: complex128}


def bfloat16() -> DType:
    """The bfloat16 dtype of `ml_dtypes`, loaded when first asked for."""
    import ml_dtypes

    found = np.dtype(ml_dtypes.bfloat16)
    _kinds[found] = "f"
    return INTERNED.setdefault(found, found)


def canonical(dtype: Any) -> DType:
    """The interned dtype for a dtype, scalar type or name. Raises TypeError for one that isn't
    supported.
    """
    if isinstance(dtype, str) and dtype == "bfloat16":
        return bfloat16()
    found = dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)
    known = INTERNED.get(found)
    if known is not None:
        return known
    if found.name == "bfloat16":
        return bfloat16()
    if not found.isnative:
        return canonical(found.newbyteorder("="))
    names = ", ".join(d.name for d in STANDARD)
    raise TypeError(f"dtype {found.name!r} is not supported; the dtypes are {names}")


def kind(dtype: DType) -> str:
    """One of 'b', 'i', 'u', 'f', 'c': NumPy's letter, with bfloat16 counted as 'f'."""
    return _kinds[dtype]


def real_of(dtype: DType) -> DType:
    """float32 for complex64, float64 for complex128, else the dtype itself."""
    return _REAL_OF.get(dtype, dtype)


def complex_of(dtype: DType) -> DType:
    """complex64 for float32, complex128 for float64, else the dtype itself."""
    return _COMPLEX_OF.get(dtype, dtype)


_CATEGORIES = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "c",
    "numeric": "iufc",
}


def isdtype(dtype: DType, kind_: Any) -> bool:
    """Whether `dtype` is of a kind: a dtype, a category of the standard, or a tuple of them."""
    if isinstance(kind_, tuple):
        return any(isdtype(dtype, k) for k in kind_)
    if isinstance(kind_, str):
        if kind_ not in _CATEGORIES:
            raise ValueError(
                f"unknown dtype kind {kind_!r}; the kinds are {', '.join(_CATEGORIES)}"
            )
        return kind(dtype) in _CATEGORIES[kind_]
    return bool(dtype == kind_)
