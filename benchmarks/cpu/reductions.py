"""Rows: sums, statistics, arg-reductions and scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import TRANSCENDENTAL, Row, floats, per

F64 = np.float64


def sum_all(xp: Any, x: Any) -> Any:
    """The sum of all."""
    return xp.sum(x)


def sum_all_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        total = x.dtype.type(0)
        for i in range(x.size):
            total += x[i]
        return total

    return run


def dot(xp: Any, a: Any, b: Any) -> Any:
    """sum(a b)."""
    return xp.sum(a * b)


def dot_library(xp: Any, a: Any, b: Any) -> Any:
    """The library's own."""
    return xp.dot(a, b)


def dot_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        total = a.dtype.type(0)
        for i in range(a.size):
            total += a[i] * b[i]
        return total

    return run


def squares(axis: int) -> Any:
    """A program: sum(x²) over an axis."""

    def program(xp: Any, x: Any) -> Any:
        return xp.sum(x * x, axis=axis)

    return program


def sum_rows_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty(x.shape[0], x.dtype)
        for i in range(x.shape[0]):
            total = x.dtype.type(0)
            for j in range(x.shape[1]):
                total += x[i, j] * x[i, j]
            out[i] = total
        return out

    return run


def sum_cols_numba(njit: Any) -> Any:
    """The loops by hand, in the order of memory."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.zeros(x.shape[1], x.dtype)
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                out[j] += x[i, j] * x[i, j]
        return out

    return run


def var_rows(xp: Any, x: Any) -> Any:
    """The variance of each row."""
    return xp.var(x, axis=1)


def var_rows_torch(torch: Any, x: Any) -> Any:
    """PyTorch corrects unless told."""
    return torch.var(x, dim=1, correction=0)


def var_rows_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        rows, columns = x.shape
        kind = x.dtype.type
        out = np.empty(rows, x.dtype)
        for i in range(rows):
            total, squares_ = kind(0), kind(0)
            for j in range(columns):
                total += x[i, j]
            mean = total / kind(columns)
            for j in range(columns):
                difference = x[i, j] - mean
                squares_ += difference * difference
            out[i] = squares_ / kind(columns)
        return out

    return run


def standardize(xp: Any, x: Any) -> Any:
    """Columns of mean 0 and deviation 1."""
    return (x - xp.mean(x, axis=0)) / xp.std(x, axis=0)


def standardize_torch(torch: Any, x: Any) -> Any:
    """PyTorch corrects unless told."""
    deviation, mean = torch.std_mean(x, dim=0, correction=0)
    return (x - mean) / deviation


def standardize_numba(njit: Any) -> Any:
    """The loops by hand, in the order of memory."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        rows, columns = x.shape
        kind = x.dtype.type
        mean, deviation = np.zeros(columns, x.dtype), np.zeros(columns, x.dtype)
        out = np.empty_like(x)
        for i in range(rows):
            for j in range(columns):
                mean[j] += x[i, j]
        for j in range(columns):
            mean[j] /= kind(rows)
        for i in range(rows):
            for j in range(columns):
                d = x[i, j] - mean[j]
                deviation[j] += d * d
        for j in range(columns):
            deviation[j] = kind(1) / np.sqrt(deviation[j] / kind(rows))
        for i in range(rows):
            for j in range(columns):
                out[i, j] = (x[i, j] - mean[j]) * deviation[j]
        return out

    return run


def logsumexp(xp: Any, x: Any) -> Any:
    """log(sum(exp(x))) of each row."""
    return xp.logsumexp(x, axis=1)


def logsumexp_numpy(np_: Any, x: Any) -> Any:
    """By hand: NumPy has no function for it."""
    top = np_.max(x, axis=1, keepdims=True)
    return np_.log(np_.sum(np_.exp(x - top), axis=1)) + top[:, 0]


def logsumexp_torch(torch: Any, x: Any) -> Any:
    """PyTorch's name of the axis."""
    return torch.logsumexp(x, dim=1)


def logsumexp_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty(x.shape[0], x.dtype)
        for i in range(x.shape[0]):
            top, total = x[i, 0], x.dtype.type(0)
            for j in range(x.shape[1]):
                top = max(top, x[i, j])
            for j in range(x.shape[1]):
                total += np.exp(x[i, j] - top)
            out[i] = np.log(total) + top
        return out

    return run


def argmax(xp: Any, x: Any) -> Any:
    """Where each row is greatest."""
    return xp.argmax(x, axis=1)


def argmax_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty(x.shape[0], np.int64)
        for i in range(x.shape[0]):
            best = 0
            for j in range(1, x.shape[1]):
                if x[i, j] > x[i, best]:
                    best = j
            out[i] = best
        return out

    return run


def cumsum(xp: Any, x: Any) -> Any:
    """Running sums of each row."""
    return xp.cumulative_sum(x, axis=1)


def cumsum_torch(torch: Any, x: Any) -> Any:
    """PyTorch's name."""
    return torch.cumsum(x, dim=1)


def cumsum_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        for i in range(x.shape[0]):
            total = x.dtype.type(0)
            for j in range(x.shape[1]):
                total += x[i, j]
                out[i, j] = total
        return out

    return run


M = 1 << 20
TABLE = (4096, 1024)
F = "stream"
COLUMNS = {"numexpr": "sum(a * a, axis=0)", "numba": sum_cols_numba, "flops": per(2)}
VAR = {"torch": var_rows_torch, "numba": var_rows_numba, "flops": per(4)}

# fmt: off
ROWS = [
    Row("sum_all_16M", sum_all, floats(1), (16 * M,), F, per(1), numexpr="sum(a)",
        numba=sum_all_numba, tolerance=1e-3),
    Row("dot_16M", dot, floats(2), (16 * M,), F, per(2), numpy=dot_library, torch=dot_library,
        numexpr="sum(a * b)", numba=dot_numba, tolerance=1e-3),
    Row("sum_rows_4096x1024", squares(1), floats(1), TABLE, F, per(2),
        numexpr="sum(a * a, axis=1)", numba=sum_rows_numba),
    Row("sum_cols_4096x1024", squares(0), floats(1), TABLE, F, **COLUMNS),
    Row("sum_cols_f64_4096x1024", squares(0), floats(1, dtype=F64), TABLE, F, **COLUMNS),
    Row("var_rows_4096x1024", var_rows, floats(1), TABLE, F, **VAR),
    Row("var_rows_f64_4096x1024", var_rows, floats(1, dtype=F64), TABLE, F, **VAR),
    Row("standardize_cols_4096x1024", standardize, floats(1), TABLE, "", per(6),
        torch=standardize_torch, numba=standardize_numba, tolerance=1e-4),
    Row("logsumexp_4096x1024", logsumexp, floats(1, -5, 5), TABLE, "transcendental",
        per(TRANSCENDENTAL + 3), numpy=logsumexp_numpy, torch=logsumexp_torch,
        numba=logsumexp_numba),
    Row("argmax_4096x1024", argmax, floats(1), TABLE, F, per(1), numba=argmax_numba),
    Row("cumsum_4096x1024", cumsum, floats(1), TABLE, "", per(1), torch=cumsum_torch,
        numba=cumsum_numba),
]
# fmt: on
