"""Rows that are added as wholes: the bits of adding element by element, in order; half precision in
single.
"""

import numpy as np
import pytest

from lazytensor.ops import ROWS, gather

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
        held = np.float32 if dtype == "float16" else dtype
        want = x.astype(held)
        np.add.at(want, places, u.astype(held))
        got = ROWS["scatter_add"].value(np, x, u, places)
        assert got.dtype == dtype and got.tobytes() == want.astype(dtype).tobytes()


def test_places_outside_are_refused():
    x, u = np.zeros((4, 8192)), np.ones((2, 8192))
    with pytest.raises(IndexError, match="index 4 is out of bounds for axis 0 of size 4"):
        ROWS["scatter_add"].value(np, x, u, np.array([0, 4]))


@pytest.mark.parametrize(
    ("shape", "count"), [((50, 300), 2), ((20, 30, 40), 2), ((20, 30, 40), 3), ((7, 6, 5, 3), 3)]
)
def test_places_of_several_axes_are_those_of_one(shape, count, monkeypatch):
    """Negative ones too, and indices that are the same along axes."""
    monkeypatch.setattr(gather, "_WORTH", 1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    full = [rng.integers(-n, n, (40, 50)) for n in shape[:count]]
    lines = [np.broadcast_to(full[0][:, :1], (40, 50)), *full[1:]]
    same = [np.broadcast_to(i[:1, :1], (40, 50)) for i in full]
    for places in (full, lines, same):
        got = ROWS["gather"].value(np, x, *places)
        assert got.shape == x[tuple(places)].shape
        assert got.tobytes() == x[tuple(places)].tobytes()
        want = x.copy()
        np.add.at(want, tuple(places), got)
        assert ROWS["scatter_add"].value(np, x, got, *places).tobytes() == want.tobytes()
        beyond = [*places[:-1], np.where(np.arange(50) == 3, shape[count - 1], places[-1])]
        with pytest.raises(IndexError, match=f"axis {count - 1} of size {shape[count - 1]}"):
            ROWS["gather"].value(np, x, *beyond)
