"""cuSOLVER, cuBLAS and `cupy.linalg` where there is no GPU: the functions that are asked for, by
LAPACK and NumPy over memory of the host. What they are called with is what CuPy calls them with.
"""

import ctypes
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

Array = np.ndarray
DTYPES = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}
HANDLES = {"cusolver": 1234, "cublas": 4321}
SIDE, LOWER, UPPER, N, T, NON_UNIT, UNIT = 0, 0, 1, 0, 1, 0, 1
CONSTANTS = {
    "CUBLAS_FILL_MODE_LOWER": LOWER, "CUBLAS_FILL_MODE_UPPER": UPPER, "CUBLAS_OP_N": N,
    "CUBLAS_OP_T": T, "CUBLAS_SIDE_LEFT": SIDE, "CUBLAS_DIAG_UNIT": UNIT,
    "CUBLAS_DIAG_NON_UNIT": NON_UNIT,
}  # fmt: skip
WORK = 7


def memory(address: int, count: int, dtype: Any) -> Array:
    """So many numbers at an address."""
    size = count * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype)


def matrix(address: int, rows: int, columns: int, dtype: Any, lead: int) -> Array:
    """A matrix that lies column by column."""
    assert lead == rows
    return memory(address, rows * columns, dtype).reshape((columns, rows)).T


def lapack(name: str, dtype: Any) -> Any:
    from scipy.linalg import get_lapack_funcs

    return get_lapack_funcs((name,), (np.empty(0, dtype),))[0]


def blas(name: str, dtype: Any) -> Any:
    from scipy.linalg import get_blas_funcs

    return get_blas_funcs((name,), (np.empty(0, dtype),))[0]


class Calls:
    """Functions by name: a letter for the dtype, and the rest."""

    def __init__(self, library: str, driver: Any, log: list[str]) -> None:
        self._library, self._driver, self._log = library, driver, log

    def __getattr__(self, name: str) -> Any:
        if name in CONSTANTS:
            return CONSTANTS[name]
        letter, rest = name[0], name[1:]
        found = FUNCTIONS[self._library][rest]

        def call(handle: int, *args: Any) -> Any:
            assert handle == HANDLES[self._library]
            self._log.append(rest)
            self._driver._arrive()
            return found(DTYPES[letter], *args)

        return call


# --- one matrix; arguments have CuPy's names, but for the handle ----------------------------------


def getrf_size(dtype: Any, m: int, n: int, A: int, lda: int) -> int:
    return WORK


def potrf_size(dtype: Any, uplo: int, n: int, A: int, lda: int) -> int:
    return WORK


def orgqr_size(dtype: Any, m: int, n: int, k: int, A: int, lda: int, tau: int) -> int:
    return WORK


def sytrf_size(dtype: Any, n: int, A: int, lda: int) -> int:
    return WORK


def getrf(
    dtype: Any, m: int, n: int, A: int, lda: int, work: int, devIpiv: int, devInfo: int
) -> None:
    memory(work, WORK, dtype)[:] = 5
    x = matrix(A, m, n, dtype, lda)
    factors, order, found = lapack("getrf", dtype)(x)
    x[:] = factors
    memory(devIpiv, min(m, n), np.int32)[:] = order + 1
    memory(devInfo, 1, np.int32)[:] = found


def getrs(
    dtype: Any, trans: int, n: int, nrhs: int, A: int, lda: int, devIpiv: int, B: int, ldb: int,
    devInfo: int,
) -> None:  # fmt: skip
    x, order = matrix(B, n, nrhs, dtype, ldb), memory(devIpiv, n, np.int32) - 1
    with np.errstate(all="ignore"):
        x[:], _ = lapack("getrs", dtype)(matrix(A, n, n, dtype, lda), order, x, trans)


def potrf(
    dtype: Any, uplo: int, n: int, A: int, lda: int, work: int, lwork: int, devInfo: int
) -> None:
    assert lwork == WORK
    memory(work, lwork, dtype)[:] = 5
    _potrf(dtype, uplo, n, A, lda, devInfo)


def _potrf(dtype: Any, uplo: int, n: int, address: int, lda: int, info: int) -> None:
    x = matrix(address, n, n, dtype, lda)
    x[:], found = lapack("potrf", dtype)(x, lower=uplo == LOWER, clean=False)
    memory(info, 1, np.int32)[:] = found


def geqrf(
    dtype: Any, m: int, n: int, A: int, lda: int, tau: int, work: int, lwork: int, devInfo: int
) -> None:
    memory(work, lwork, dtype)[:] = 5
    x = matrix(A, m, n, dtype, lda)
    x[:], memory(tau, min(m, n), dtype)[:], _, _ = lapack("geqrf", dtype)(x)


def orgqr(
    dtype: Any, m: int, n: int, k: int, A: int, lda: int, tau: int, work: int, lwork: int,
    devInfo: int,
) -> None:  # fmt: skip
    assert m >= n >= k
    memory(work, lwork, dtype)[:] = 5
    x = matrix(A, m, n, dtype, lda)
    name = "ungqr" if np.dtype(dtype).kind == "c" else "orgqr"
    x[:] = lapack(name, dtype)(x, memory(tau, k, dtype))[0]


def sytrf(
    dtype: Any, uplo: int, n: int, A: int, lda: int, ipiv: int, work: int, lwork: int,
    devInfo: int,
) -> None:  # fmt: skip
    memory(work, lwork, dtype)[:] = 5
    x = matrix(A, n, n, dtype, lda)
    x[:], order, found = lapack("sytrf", dtype)(x, lower=uplo == LOWER)
    memory(ipiv, n, np.int32)[:] = order
    memory(devInfo, 1, np.int32)[:] = found


def trsm(
    dtype: Any, side: int, uplo: int, trans: int, diag: int, m: int, n: int, alpha: int,
    Aarray: int, lda: int, Barray: int, ldb: int,
) -> None:  # fmt: skip
    assert side == SIDE and memory(alpha, 1, dtype)[0] == 1
    x = matrix(Barray, m, n, dtype, ldb)
    left = matrix(Aarray, m, m, dtype, lda)
    x[:] = blas("trsm", dtype)(1, left, x, lower=uplo == LOWER, trans_a=trans, diag=diag == UNIT)


# --- many matrices --------------------------------------------------------------------------------


def addresses(array: int, count: int) -> Iterator[int]:
    return iter(memory(array, count, np.uint64).tolist())


def getrf_batched(
    dtype: Any, n: int, Aarray: int, lda: int, PivotArray: int, infoArray: int, batchSize: int
) -> None:
    work = np.empty(WORK, dtype)
    for i, a in enumerate(addresses(Aarray, batchSize)):
        getrf(dtype, n, n, a, lda, work.ctypes.data, PivotArray + 4 * n * i, infoArray + 4 * i)


def getrs_batched(
    dtype: Any, trans: int, n: int, nrhs: int, Aarray: int, lda: int, devIpiv: int, Barray: int,
    ldb: int, info: int, batchSize: int,
) -> None:  # fmt: skip
    memory(info, 1, np.int32)[:] = 0
    pairs = zip(addresses(Aarray, batchSize), addresses(Barray, batchSize), strict=True)
    for i, (a, b) in enumerate(pairs):
        getrs(dtype, trans, n, nrhs, a, lda, devIpiv + 4 * n * i, b, ldb, 0)


def potrf_batched(
    dtype: Any, uplo: int, n: int, Aarray: int, lda: int, infoArray: int, batchSize: int
) -> None:
    for i, a in enumerate(addresses(Aarray, batchSize)):
        _potrf(dtype, uplo, n, a, lda, infoArray + 4 * i)


def trsm_batched(
    dtype: Any, side: int, uplo: int, trans: int, diag: int, m: int, n: int, alpha: int,
    Aarray: int, lda: int, Barray: int, ldb: int, batchCount: int,
) -> None:  # fmt: skip
    pairs = zip(addresses(Aarray, batchCount), addresses(Barray, batchCount), strict=True)
    for a, b in pairs:
        trsm(dtype, side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb)


FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {
    "cusolver": {
        "getrf_bufferSize": getrf_size, "getrf": getrf, "getrs": getrs,
        "potrf_bufferSize": potrf_size, "potrf": potrf, "potrfBatched": potrf_batched,
        "geqrf_bufferSize": getrf_size, "geqrf": geqrf,
        "orgqr_bufferSize": orgqr_size, "orgqr": orgqr,
        "ungqr_bufferSize": orgqr_size, "ungqr": orgqr,
        "sytrf_bufferSize": sytrf_size, "sytrf": sytrf,
    },
    "cublas": {
        "getrfBatched": getrf_batched, "getrsBatched": getrs_batched, "trsm": trsm,
        "trsmBatched": trsm_batched,
    },
}  # fmt: skip


class Solvers:
    """What `lazytensor.runtime.gpu.libraries.Libraries` has, for devices of a stand-in; `log` has
    the functions that were called.
    """

    complete = True

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.log: list[str] = []
        self.cusolver, self.cublas = (
            Calls(library, driver, self.log) for library in ("cusolver", "cublas")
        )
        self.linalg = SimpleNamespace(
            svd=self.svd, eigh=self.eigh, eigvalsh=self.eigvalsh, eig=self.eig,
            eigvals=self.eigvals,
        )  # fmt: skip

    def solver(self) -> int:
        return HANDLES["cusolver"]

    def products(self) -> int:
        return HANDLES["cublas"]

    def has(self, name: str) -> bool:
        return True

    def svd(self, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
        return self._of(np.linalg.svd, a, full_matrices=full_matrices, compute_uv=compute_uv)

    def eigh(self, a: Any, UPLO: str = "L") -> Any:
        return self._of(np.linalg.eigh, a, UPLO)

    def eigvalsh(self, a: Any, UPLO: str = "L") -> Any:
        return self._of(np.linalg.eigvalsh, a, UPLO)

    def eig(self, a: Any) -> Any:
        return self._of(np.linalg.eig, a, wide=True)

    def eigvals(self, a: Any) -> Any:
        return self._of(np.linalg.eigvals, a, wide=True)

    def _of(self, function: Any, a: Any, *rest: Any, wide: bool = False, **how: Any) -> Any:
        """Arrays of the device, matrices column by column; NaN where nothing converges."""
        from .stand_in import shown

        self.log.append(function.__name__)
        assert a.flags.c_contiguous and a.device.id == self._driver.current
        x = shown(a)
        fine = bool(np.isfinite(x).all())
        found = function(np.array(x) if fine else np.zeros_like(x), *rest, **how)
        outs = [self._new(np.asarray(y), fine, wide) for y in self._parts(found)]
        return tuple(outs) if isinstance(found, tuple) else outs[0]

    @staticmethod
    def _parts(found: Any) -> Any:
        return found if isinstance(found, tuple) else (found,)

    def _new(self, y: Array, fine: bool, wide: bool) -> Any:
        if wide:
            y = y.astype(np.result_type(y.dtype, np.complex64))
        if y.ndim > 1:
            y = y.swapaxes(-1, -2)
        out = self._driver.empty(y.shape, y.dtype)
        if out.nbytes:
            given = np.ascontiguousarray(y if fine else np.full_like(y, np.nan))
            ctypes.memmove(out.data.ptr, given.ctypes.data, given.nbytes)
        return out.swapaxes(-1, -2) if y.ndim > 1 else out
