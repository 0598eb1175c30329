"""Factorisations and systems by cuSOLVER and cuBLAS, of stacks of matrices.

What enters: arrays of a device, (matrices, columns, rows) in row-major order, so that each matrix
lies column by column as the libraries have it; they are written over. What leaves: factors there,
and what belongs to them. Nothing is waited for: whether all went well, `info` on the device tells.
It must not know rows.
"""

from typing import Any

import numpy as np

from ..._base.dtypes import DType, int32
from .driver import Array, driver
from .memory import empty, sent

_LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
# Elements of a matrix up to which several are factorised at once, for each that there is: larger
# ones are faster one after another.
MANY = 65536


def _function(library: Any, dtype: DType, name: str) -> Any:
    return getattr(library, _LETTERS[dtype.name] + name)


def _each(x: Array) -> range:
    """The address of each part of an array in row-major order."""
    start = int(x.data.ptr)
    return range(start, start + x.nbytes, x.nbytes // len(x))


def _addresses(x: Array) -> Array:
    """The same on the device."""
    parts = _each(x)
    return sent(np.arange(parts.start, parts.stop, parts.step, dtype=np.uint64))


def _at_once(a: Array) -> bool:
    """Whether square matrices are factorised by one call."""
    count, n, _ = a.shape
    return bool(count > 1 and count * MANY >= n * n)


def lu(a: Array) -> tuple[Array, Array]:
    """L and U in place of matrices of any shape; pivots counted from 1, infos."""
    count, n, m = a.shape
    pivots, info = empty((count, min(m, n)), int32), empty((count,), int32)
    lib = driver().libraries
    if m == n and _at_once(a):
        factorise, places = _function(lib.cublas, a.dtype, "getrfBatched"), _addresses(a)
        factorise(lib.products(), n, places.data.ptr, n, pivots.data.ptr, info.data.ptr, count)
        return pivots, info
    handle, factorise = lib.solver(), _function(lib.cusolver, a.dtype, "getrf")
    size = _function(lib.cusolver, a.dtype, "getrf_bufferSize")(handle, m, n, a.data.ptr, m)
    room = empty((size,), a.dtype)
    for one, order, word in zip(_each(a), _each(pivots), _each(info), strict=True):
        factorise(handle, m, n, one, m, room.data.ptr, order, word)
    return pivots, info


def solve(a: Array, pivots: Array, b: Array) -> None:
    """Solutions in place of right-hand sides, by the factors and pivots of `lu`."""
    count, n, _ = a.shape
    lib, sides = driver().libraries, b.shape[1]
    if _at_once(a):
        run, wrong = _function(lib.cublas, a.dtype, "getrsBatched"), np.zeros(1, np.int32)
        left, right = _addresses(a), _addresses(b)
        run(
            lib.products(), lib.cublas.CUBLAS_OP_N, n, sides, left.data.ptr, n, pivots.data.ptr,
            right.data.ptr, n, wrong.ctypes.data, count,
        )  # fmt: skip
        return
    handle, run, info = lib.solver(), _function(lib.cusolver, a.dtype, "getrs"), empty((1,), int32)
    for one, order, side in zip(_each(a), _each(pivots), _each(b), strict=True):
        run(handle, lib.cublas.CUBLAS_OP_N, n, sides, one, n, order, side, n, info.data.ptr)


def cholesky(a: Array, upper: bool) -> Array:
    """A triangular factor in place of that triangle of each matrix as it lies; infos."""
    count, n, _ = a.shape
    info, lib = empty((count,), int32), driver().libraries
    which = lib.cublas.CUBLAS_FILL_MODE_UPPER if upper else lib.cublas.CUBLAS_FILL_MODE_LOWER
    handle = lib.solver()
    if count > 1:
        factorise, places = _function(lib.cusolver, a.dtype, "potrfBatched"), _addresses(a)
        factorise(handle, which, n, places.data.ptr, n, info.data.ptr, count)
        return info
    ask = _function(lib.cusolver, a.dtype, "potrf_bufferSize")
    size = ask(handle, which, n, a.data.ptr, n)
    room = empty((size,), a.dtype)
    factorise = _function(lib.cusolver, a.dtype, "potrf")
    factorise(handle, which, n, a.data.ptr, n, room.data.ptr, size, info.data.ptr)
    return info


def substitute(a: Array, b: Array, upper: bool, unit: bool) -> None:
    """Solutions in place of right-hand sides, of a triangle of matrices that lie row by row."""
    count, sides, n = b.shape
    lib, one = driver().libraries, np.ones(1, a.dtype)
    blas = lib.cublas
    how = (
        lib.products(), blas.CUBLAS_SIDE_LEFT,
        blas.CUBLAS_FILL_MODE_LOWER if upper else blas.CUBLAS_FILL_MODE_UPPER, blas.CUBLAS_OP_T,
        blas.CUBLAS_DIAG_UNIT if unit else blas.CUBLAS_DIAG_NON_UNIT, n, sides, one.ctypes.data,
    )  # fmt: skip
    if count == 1:
        _function(blas, a.dtype, "trsm")(*how, a.data.ptr, n, b.data.ptr, n)
        return
    left, right = _addresses(a), _addresses(b)
    _function(blas, a.dtype, "trsmBatched")(*how, left.data.ptr, n, right.data.ptr, n, count)


def reflections(a: Array) -> Array:
    """R and reflections in place of matrices of any shape; their factors."""
    count, n, m = a.shape
    tau, info = empty((count, min(m, n)), a.dtype), empty((1,), int32)
    lib = driver().libraries
    handle, ask = lib.solver(), _function(lib.cusolver, a.dtype, "geqrf_bufferSize")
    size = ask(handle, m, n, a.data.ptr, m)
    room, factorise = empty((size,), a.dtype), _function(lib.cusolver, a.dtype, "geqrf")
    for one, factors in zip(_each(a), _each(tau), strict=True):
        factorise(handle, m, n, one, m, factors, room.data.ptr, size, info.data.ptr)
    return tau


def columns(a: Array, tau: Array) -> None:
    """Orthonormal columns in place of reflections; the array may have more than these."""
    _, wide, m = a.shape
    k, info, lib = tau.shape[1], empty((1,), int32), driver().libraries
    name = "ungqr" if a.dtype.kind == "c" else "orgqr"
    handle, ask = lib.solver(), _function(lib.cusolver, a.dtype, f"{name}_bufferSize")
    size = ask(handle, m, wide, k, a.data.ptr, m, tau.data.ptr)
    room, make = empty((size,), a.dtype), _function(lib.cusolver, a.dtype, name)
    for one, factors in zip(_each(a), _each(tau), strict=True):
        make(handle, m, wide, k, one, m, factors, room.data.ptr, size, info.data.ptr)


def symmetric(a: Array) -> tuple[Array, Array]:
    """L and the block diagonal D in place of the lower triangles of symmetric matrices, by Bunch
    and Kaufman's pivots; these pivots, infos.
    """
    count, n, _ = a.shape
    pivots, info, lib = empty((count, n), int32), empty((count,), int32), driver().libraries
    handle, ask = lib.solver(), _function(lib.cusolver, a.dtype, "sytrf_bufferSize")
    size = ask(handle, n, a.data.ptr, n)
    room, factorise = empty((size,), a.dtype), _function(lib.cusolver, a.dtype, "sytrf")
    which = lib.cublas.CUBLAS_FILL_MODE_LOWER
    for one, order, word in zip(_each(a), _each(pivots), _each(info), strict=True):
        factorise(handle, which, n, one, n, order, room.data.ptr, size, word)
    return pivots, info
