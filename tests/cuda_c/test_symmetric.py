"""Systems of symmetric and Hermitian matrices on a device, by factors and pivots of the host's."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import lazytensor._base.dtypes as d
from lazytensor.ops import factor

from .calls import Call, check
from .harness import compiler

DTYPES = (d.float32, d.float64, d.complex64, d.complex128)


def numbers(shape: tuple[int, ...], dtype: d.DType, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if d.kind(dtype) == "c":
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x).astype(dtype)


def systems(dtype: d.DType, hermitian: bool) -> Iterator[Call]:
    """Factors and pivots of the host's, right-hand sides; batches, layouts, many sides."""
    for lead, n, sides in (((), 1, 1), ((2, 3), 5, 2), ((), 33, 34)):
        x = numbers((*lead, n, n), dtype, n)
        x = x + (x.conj() if hermitian else x).swapaxes(-1, -2)
        x[..., range(n), range(n)] *= np.float32(0.01)
        a, pivots, _ = factor.ldl_factor.value(np, x, hermitian)
        b = numbers((*lead, n, sides), dtype, 7)
        yield Call(factor.ldl_solve, [a, pivots, b], (hermitian,), compare=near_solution)
        if n != 5:
            continue
        turned = np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)
        yield Call(
            factor.ldl_solve, [turned, pivots, b[..., ::-1]], (hermitian,), compare=near_solution
        )


def near_solution(got: np.ndarray, want: np.ndarray, what: Any) -> None:
    assert (got.dtype, got.shape) == (want.dtype, want.shape), what
    size = np.abs(want).max(initial=0)
    digits = 1e-10 if want.dtype.itemsize > 4 and want.dtype != d.complex64 else 5e-3
    np.testing.assert_allclose(got, want, digits, digits * size, err_msg=str(what))


def test_symmetric_systems() -> None:
    compiler()
    calls = [c for t in DTYPES for yes in (False, True) for c in systems(t, yes)]
    assert any((c.args[1] < 0).any() for c in calls)
    check(calls)
    a, b = numbers((2, 3, 3), d.float64), numbers((2, 3, 2), d.float64)
    check([Call(factor.ldl_solve, [a, np.ones((2, 3), np.int32), b[..., :0]], (False,))])
    for place, wrong in ((1, 4), (0, -9), (2, -3)):  # the last one begins a block of two
        pivots = np.array([[1, 2, 3], [1, 2, 3]], np.int32)
        pivots[1, place] = wrong
        error = IndexError(f"index {wrong} is out of bounds for axis 0 of size 3")
        check([Call(factor.ldl_solve, [a, pivots, b], (False,), error=error)])
