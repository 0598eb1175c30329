"""Rows that are added as wholes: the bits of adding element by element, in order."""

import numpy as np
import pytest

from lazytensor.ops import gather

DTYPES = ["float32", "float16", "int32", "complex64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tail", [(32,), (4, 8), (17,), (1,), ()])
def test_the_bits_of_add_at(dtype, tail, monkeypatch):
    monkeypatch.setattr(gather, "_WORTH", 1)
    rng = np.random.default_rng(len(tail))
    for trial in range(40):
        n, k = int(rng.integers(1, 40)), int(rng.integers(0, 200))
        shape = (k,) if trial % 2 else (k // 2, 2)
        places = rng.integers(-n, n if trial % 3 else 1 - n, shape)
        x = (rng.standard_normal((n, *tail)) * 10).astype(dtype)
        u = (rng.standard_normal((*shape, *tail)) * 10).astype(dtype)
        want = x.copy()
        np.add.at(want, places, u)
        got = gather._scatter_add_value(np, x, u, places)
        assert got.tobytes() == want.tobytes()


def test_places_outside_are_refused():
    x, u = np.zeros((4, 8192)), np.ones((2, 8192))
    with pytest.raises(IndexError, match="index 4 is out of bounds for axis 0 of size 4"):
        gather._scatter_add_value(np, x, u, np.array([0, 4]))
