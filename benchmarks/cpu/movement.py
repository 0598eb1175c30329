"""Rows: where memory is read in another order than it lies in."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import TRANSCENDENTAL, Row, floats, per


def transpose_add(xp: Any, x: Any, y: Any) -> Any:
    """xᵀ + y."""
    return x.T + y


def transpose_add_numba(njit: Any) -> Any:
    """The loops by hand, in tiles."""

    @njit
    def run(x, y):  # type: ignore[no-untyped-def]
        n, m = y.shape
        out = np.empty_like(y)
        for i0 in range(0, n, 16):
            for j0 in range(0, m, 16):
                for i in range(i0, min(i0 + 16, n)):
                    for j in range(j0, min(j0 + 16, m)):
                        out[i, j] = x[j, i] + y[i, j]
        return out

    return run


def strided(xp: Any, x: Any) -> Any:
    """Every other element and its neighbour."""
    return x[::2] * 2 + x[1::2]


def strided_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty(x.size // 2, x.dtype)
        two = x.dtype.type(2)
        for i in range(out.size):
            out[i] = x[2 * i] * two + x[2 * i + 1]
        return out

    return run


def flip_add(xp: Any, x: Any) -> Any:
    """An array and itself from its end."""
    return x + xp.flip(x, axis=0)


def flip_add_torch(torch: Any, x: Any) -> Any:
    """PyTorch's name of the axis."""
    return x + torch.flip(x, (0,))


def flip_add_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = x[i] + x[x.size - 1 - i]
        return out

    return run


def stencil5_slices(xp: Any, x: Any) -> Any:
    """The mean of the four neighbours, inside."""
    return 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])


def stencil5_slices_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        n, m = x.shape
        out = np.empty((n - 2, m - 2), x.dtype)
        quarter = x.dtype.type(0.25)
        for i in range(n - 2):
            for j in range(m - 2):
                total = x[i, j + 1] + x[i + 2, j + 1] + x[i + 1, j] + x[i + 1, j + 2]
                out[i, j] = quarter * total
        return out

    return run


def stencil5_roll(xp: Any, x: Any) -> Any:
    """The same on a torus."""
    rows = xp.roll(x, 1, axis=0) + xp.roll(x, -1, axis=0)
    return 0.25 * (rows + xp.roll(x, 1, axis=1) + xp.roll(x, -1, axis=1))


def stencil5_roll_torch(torch: Any, x: Any) -> Any:
    """PyTorch's name of the axis."""
    rows = torch.roll(x, 1, dims=0) + torch.roll(x, -1, dims=0)
    return 0.25 * (rows + torch.roll(x, 1, dims=1) + torch.roll(x, -1, dims=1))


def stencil5_roll_numba(njit: Any) -> Any:
    """The loops by hand, the edges apart."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        n, m = x.shape
        out = np.empty_like(x)
        q = x.dtype.type(0.25)
        for i in range(n):
            up, down = x[i - 1], x[(i + 1) % n]
            row = x[i]
            for j in range(1, m - 1):
                out[i, j] = q * (up[j] + down[j] + row[j - 1] + row[j + 1])
            out[i, 0] = q * (up[0] + down[0] + row[m - 1] + row[1])
            out[i, m - 1] = q * (up[m - 1] + down[m - 1] + row[m - 2] + row[0])
        return out

    return run


def rows_and_places(rng: np.random.Generator, rows: int, columns: int) -> tuple[np.ndarray, ...]:
    """A table and which of its rows to take."""
    return rng.random((rows, columns), dtype=np.float32), rng.integers(0, rows, rows // 2)


def gather_rows(xp: Any, x: Any, places: Any) -> Any:
    """Rows at random."""
    return xp.take(x, places, axis=0)


def gather_rows_torch(torch: Any, x: Any, places: Any) -> Any:
    """PyTorch's name."""
    return torch.index_select(x, 0, places)


def gather_rows_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x, places):  # type: ignore[no-untyped-def]
        out = np.empty((places.size, x.shape[1]), x.dtype)
        for i in range(places.size):
            row = places[i]
            for j in range(x.shape[1]):
                out[i, j] = x[row, j]
        return out

    return run


def concat_add(xp: Any, a: Any, b: Any) -> Any:
    """Two arrays after one another, and 1."""
    return xp.concat([a, b], axis=0) + 1


def concat_add_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        out = np.empty(a.size + b.size, a.dtype)
        one = a.dtype.type(1)
        for i in range(a.size):
            out[i] = a[i] + one
        for i in range(b.size):
            out[a.size + i] = b[i] + one
        return out

    return run


# --- broadcast, then reduce -----------------------------------------------------------------------


def pairs(rng: np.random.Generator, n: int, m: int, depth: int) -> tuple[np.ndarray, ...]:
    """Two sets of points."""
    return rng.random((n, depth), dtype=np.float32), rng.random((m, depth), dtype=np.float32)


def pairwise(xp: Any, x: Any, y: Any) -> Any:
    """Squared distances of all pairs."""
    difference = x[:, None, :] - y[None, :, :]
    return xp.sum(difference * difference, axis=-1)


def pairwise_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x, y):  # type: ignore[no-untyped-def]
        out = np.empty((x.shape[0], y.shape[0]), x.dtype)
        for i in range(x.shape[0]):
            for j in range(y.shape[0]):
                total = x.dtype.type(0)
                for k in range(x.shape[1]):
                    d = x[i, k] - y[j, k]
                    total += d * d
                out[i, j] = total
        return out

    return run


def two_lines(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Two sets of numbers."""
    return rng.random(n, dtype=np.float32), rng.random(n, dtype=np.float32)


def rbf_outer(xp: Any, x: Any, y: Any) -> Any:
    """exp(−(x − y)²) of all pairs."""
    difference = x[:, None] - y[None, :]
    return xp.exp(-(difference * difference))


def rbf_outer_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x, y):  # type: ignore[no-untyped-def]
        out = np.empty((x.size, y.size), x.dtype)
        for i in range(x.size):
            for j in range(y.size):
                d = x[i] - y[j]
                out[i, j] = np.exp(-(d * d))
        return out

    return run


def cloud(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Positions and masses."""
    return rng.random((n, 3), dtype=np.float32), rng.random(n, dtype=np.float32)


def nbody(xp: Any, x: Any, mass: Any) -> Any:
    """The acceleration of each body by all others."""
    d = x[None, :, :] - x[:, None, :]
    square = xp.sum(d * d, axis=-1) + 0.01
    weight = mass / (square * xp.sqrt(square))
    return xp.sum(d * weight[:, :, None], axis=1)


def nbody_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x, mass):  # type: ignore[no-untyped-def]
        n = x.shape[0]
        kind = x.dtype.type
        out = np.empty_like(x)
        for i in range(n):
            a, b, c = kind(0), kind(0), kind(0)
            for j in range(n):
                d, e, f = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
                square = d * d + e * e + f * f + kind(0.01)
                weight = mass[j] / (square * np.sqrt(square))
                a += d * weight
                b += e * weight
                c += f * weight
            out[i, 0], out[i, 1], out[i, 2] = a, b, c
        return out

    return run


M = 1 << 20
V = "movement"

# fmt: off
ROWS = [
    Row("transpose_add_4096", transpose_add, floats(2), (4096, 4096), V, per(1),
        numba=transpose_add_numba),
    Row("strided_16M", strided, floats(1), (16 * M,), V, per(1), numba=strided_numba),
    Row("flip_add_16M", flip_add, floats(1), (16 * M,), V, per(1), torch=flip_add_torch,
        numba=flip_add_numba),
    Row("stencil5_slices_4096", stencil5_slices, floats(1), (4096, 4096), V, per(4),
        numba=stencil5_slices_numba),
    Row("stencil5_roll_2048", stencil5_roll, floats(1), (2048, 2048), V, per(4),
        torch=stencil5_roll_torch, numba=stencil5_roll_numba),
    Row("gather_rows_262144x64", gather_rows, rows_and_places, (262144, 64), V,
        bytes=lambda n, m: n * m * 4 + n * 4, torch=gather_rows_torch, numba=gather_rows_numba),
    Row("concat_add_8M", concat_add, floats(2), (4 * M,), V, per(2), numba=concat_add_numba),
    Row("pairwise_1024x1024x16", pairwise, pairs, (1024, 1024, 16), "", per(3),
        numba=pairwise_numba, tolerance=1e-4),
    Row("rbf_outer_2048", rbf_outer, two_lines, (2048,), "transcendental",
        lambda n: n * n * (TRANSCENDENTAL + 3), numba=rbf_outer_numba),
    Row("nbody_1024", nbody, cloud, (1024,), "", lambda n: n * n * 24, numba=nbody_numba,
        tolerance=1e-3),
]
# fmt: on
