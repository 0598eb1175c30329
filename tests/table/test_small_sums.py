"""Sums and products of few elements: the bits of the tree, in fewer steps."""

import numpy as np
import pytest

from lazytensor.ops import _tree
from lazytensor.ops._eager import ComplexProduct

SHAPES = [((n,), 0) for n in (1, 2, 3, 12, 31, 32, 33)]
SHAPES += [((n, 5), a) for n in (1, 4, 7, 32, 33) for a in (0, 1)]
SHAPES += [((n, 3, n, 1, 2), a) for n in (1, 2, 7, 32, 33) for a in (0, 2, 4)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_few_elements_are_combined_as_many(shape: tuple[int, ...], axis: int, dtype: str) -> None:
    rng = np.random.default_rng(1)
    for lie in ("C", "F"):
        x = np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape), order=lie)
        x = (x if dtype == "complex64" else x.real).astype(dtype)
        before = x.copy()
        product = ComplexProduct(np) if dtype == "complex64" else np.multiply
        for combine in (np.add, product):
            got = np.asarray(_tree.tree_reduce(np, combine, x, (axis,), 0))
            lanes = np.ascontiguousarray(np.moveaxis(x, axis, 0)).reshape(shape[axis], -1)
            want = _tree.reduce_middle(np, combine, lanes[None])[0].reshape(got.shape)
            assert got.dtype == want.dtype and got.tobytes() == want.tobytes()
            assert x.tobytes() == before.tobytes() and not np.shares_memory(got, x)


@pytest.mark.parametrize("shape", [(1,), (5,), (33,), (64,), (95,), (6, 9), (2, 3, 5), (8, 12)])
@pytest.mark.parametrize("special", [None, np.inf, np.nan, -0.0])
def test_a_sum_of_all_has_the_bits_of_lanes(shape: tuple[int, ...], special: float | None) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal(shape) * 10.0 ** rng.integers(-9, 9, shape)
    if special is not None:
        x.flat[::2] = special
    for lie in (x, np.asfortranarray(x), x[..., ::-1]):
        for combine in (np.add, np.multiply):
            with np.errstate(all="ignore"):
                got = np.asarray(_tree.tree_reduce(np, combine, lie, tuple(range(x.ndim)), 0))
                line = np.ascontiguousarray(lie).reshape(1, -1, 1)
                want = _tree.reduce_middle(np, combine, line).reshape(())
            assert got.dtype == want.dtype and got.tobytes() == want.tobytes()
