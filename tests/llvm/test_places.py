"""Elements at places of several indices, natively: those of loops over places in their order."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ops import gather as rows
from lazytensor.runtime import native
from lazytensor.targets.llvm import places

# NumPy's names of instructions
WAYS = {"": None, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
FLOATS = ("float32", "float64")
TYPES = [
    "bool",
    "int8",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(rows, "NATIVE", 1)
    monkeypatch.setattr(places, "LARGE", 1)
    monkeypatch.setattr(places, "GRAIN", 3)


def gather(x, indices):
    return native._replacements()["gather"](x, indices)


def scatter(x, u, indices, at="", over=False):
    return native._replacements()["scatter"](x, u, indices, at, over)


def lying(rng, shape, dtype):
    """An array whose axes lie anyhow, some backwards or with gaps."""
    steps = rng.choice([1, 1, 2, -1], len(shape))
    order = rng.permutation(len(shape))
    wide = [shape[a] * abs(steps[a]) for a in order]
    x = rng.choice([*range(-9, 9), -0.0, np.nan, np.inf], wide) if dtype in FLOATS else 0
    x = rng.integers(-50, 50, wide).astype(dtype) if dtype not in FLOATS else x.astype(dtype)
    x = x.transpose(np.argsort(order))
    return x[tuple(slice(None, None, s) for s in steps)]


def index(rng, n, shape):
    """Indices of an axis, the same along some axes, or lying in another order."""
    once = [m if rng.random() < 0.7 else 1 for m in shape]
    found = np.broadcast_to(rng.integers(-n, n, once), shape)
    return np.asfortranarray(found) if shape and rng.random() < 0.3 else found


def case(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 9, rng.integers(1, 5))
    x = lying(rng, shape, rng.choice(TYPES))
    k, where = rng.integers(1, x.ndim + 1), tuple(rng.integers(1, 6, rng.integers(0, 4)))
    indices = [index(rng, n, where) for n in x.shape[:k]]
    u = lying(rng, (*where, *x.shape[k:]), x.dtype)
    return x, np.broadcast_to(u[:1], u.shape) if u.ndim and rng.random() < 0.2 else u, indices


def written(x, u, indices, at=""):
    """One place after another."""
    out = x.copy()
    for p in np.ndindex(indices[0].shape):
        place = tuple(int(i[p]) for i in indices)
        out[place] = WAYS[at](out[place], u[p]) if at else u[p]
    return out


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("seed", range(150))
def test_any_arrays(seed, threads):
    x, u, indices = case(seed)
    with config.context(num_threads=threads):
        found = [gather(x, indices), *(scatter(x, u, indices, at) for at in WAYS)]
    with np.errstate(all="ignore"):
        wanted = [x[tuple(indices)], *(written(x, u, indices, at) for at in WAYS)]
    for got, want in zip(found, wanted, strict=True):
        if got is not None:
            assert got.dtype == want.dtype and got.shape == want.shape
            assert (
                np.signbit(got).tolist() == np.signbit(want).tolist() if x.dtype in FLOATS else True
            )
            np.testing.assert_array_equal(got, want)
    assert found[0] is not None or x[tuple(indices)].size <= max(x.shape)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", ["int8", "float32", "complex128"])
@pytest.mark.parametrize("low", [0, -7])
def test_the_same_places_of_all_lines(low, dtype, threads):
    """As `index_select` along the last axis takes them; without or with places from the end."""
    rng = np.random.default_rng(len(dtype) + threads)
    for count in (1, 3, 4, 11):
        x = rng.integers(-9, 9, (6, 2, 7)).astype(dtype).transpose(2, 0, 1)
        places_ = rng.integers(low, 7, count)
        u = rng.integers(-9, 9, (6, 2, count)).astype(dtype).transpose(2, 0, 1)
        with config.context(num_threads=threads):
            found = [gather(x, [places_]), scatter(x, u, [places_])]
            found += [scatter(x, u, [places_], "add")] if dtype == "float32" else []
        wanted = [x[places_], written(x, u, [places_]), written(x, u, [places_], "add")]
        for got, want in zip(found, wanted, strict=False):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_outside_is_numpys(seed):
    x, u, indices = case(seed)
    indices = [i.copy() for i in indices]
    indices[-1].flat[-1] = x.shape[len(indices) - 1]
    assert gather(x, indices) is None and scatter(x, u, indices) is None
    indices[-1].flat[-1] = -x.shape[len(indices) - 1] - 1
    assert gather(x, indices) is None and scatter(x, u, indices, "add") is None


def test_what_is_taken_lies_as_what_it_is_taken_of():
    x = np.zeros((6, 5, 400)).transpose(1, 0, 2)
    out = gather(x, [np.array([1, -1, 3])])
    assert out.shape == (3, 6, 400) and out.transpose(1, 0, 2).flags.c_contiguous
    out = scatter(x, x[:2], [np.array([1, -1])], "add")
    assert out.transpose(1, 0, 2).flags.c_contiguous


def along(n, i, axis):
    """What is taken along an axis, and a gradient of it; an index outside is refused."""
    x, at = xp.asarray(n), xp.asarray(i)

    def squares(x):
        return xp.sum(xp.take_along_axis(x, at, axis=axis) ** 2)

    bad = xp.take_along_axis(x, at + 30, axis=axis)
    with pytest.raises(IndexError, match=f"out of bounds for axis {axis} of size"):
        np.asarray(bad)
    taken = xp.take_along_axis(x, at, axis=axis), xp.take(x, xp.asarray(i[0, 0]), axis=axis)
    return [np.asarray(r) for r in (*taken, xp.grad(squares)(x))]


def test_what_is_added_to_zeros_lies_as_what_is_added(monkeypatch):
    zeros, at = np.broadcast_to(np.float32(0), (6, 300)), np.array([4, 1, 4, 0])
    u = np.arange(1200, dtype=np.float32).reshape(300, 4).T
    out = scatter(zeros, u, [at], "add")
    assert out.T.flags.c_contiguous
    assert np.array_equal(out, written(zeros.copy(), u, [at], "add"))
    assert scatter(zeros, u.copy(), [at], "add").flags.c_contiguous


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_along_an_axis(axis):
    n = np.random.default_rng(0).standard_normal((30, 40, 50)).astype("float32")
    i = np.random.default_rng(1).integers(-30, 30, n.shape)
    with config.context(target="llvm"):
        found = along(n, i, axis)
    with config.context(target="numpy"):
        wanted = along(n, i, axis)
    assert [x.tobytes() for x in found] == [x.tobytes() for x in wanted]
