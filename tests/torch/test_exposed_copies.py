"""Memory that NumPy has too is copied once as long as the copy lives and the bits are the same."""

from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch

DTYPES = [np.float32, np.int8, np.float16, np.bool_, np.complex64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3), (), (5,), (4, 8)])
def test_copies_are_apart(dtype: Any, shape: tuple[int, ...]) -> None:
    a = np.ones(shape, dtype)
    x = torch.from_numpy(a)
    y, z = x.clone(), x.clone()
    assert y.numpy().tobytes() == z.numpy().tobytes() == a.tobytes()
    y.numpy()[...] = 0
    assert (x.clone().numpy() == 1).all() and (z.numpy() == 1).all()
    a[...] = 0
    assert (x.clone().numpy() == 0).all() and (z.numpy() == 1).all()


def test_a_copy_that_outlives_the_others_is_not_given_away() -> None:
    a = np.ones(4, np.float32)
    x = torch.from_numpy(a)
    y = x.clone() * 1.0 + x.clone()
    kept = x.clone()
    del y
    kept.numpy()[0] = 7.0
    assert x.clone().tolist() == [1.0] * 4


@pytest.mark.parametrize("between", ["nothing", "the same", "others", "another NaN"])
def test_what_a_derivative_reads(between: str) -> None:
    """The memory as it is when gradients are taken."""
    a = np.arange(6, dtype=np.float32)
    x, w = torch.from_numpy(a), torch.ones(6, requires_grad=True, device="cpu")
    y = (x * w).sum()
    if between == "the same":
        a[...] = np.arange(6)
    elif between == "others":
        a[...] = 9
    elif between == "another NaN":
        a[0] = np.nan
    y.backward()
    assert w.grad.numpy().tobytes() == a.tobytes()


def test_memory_with_gaps() -> None:
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    x = torch.from_numpy(a.T)
    first, again = x + 0, x + 1
    a[...] = 0
    assert first.tolist() == np.arange(12).reshape(3, 4).T.tolist()
    assert again.tolist() == (np.arange(12).reshape(3, 4).T + 1).tolist()
    assert not (x + 0).any()
