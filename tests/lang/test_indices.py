"""Reads and writes at indices, diagonals, strided parts against PyTorch, forward and backward."""

import itertools
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import leaf
from lazytensor.lang import indices, views

from .against_torch import agree, drawn, refused_alike, torch
from .oracle import run

RNG = np.random.default_rng(0)
# x, axis, index: also smaller than x
CASES = [
    ((5,), 0, (3,)), ((4, 3), 0, (2, 3)), ((4, 3), 1, (2, 5)), ((4, 3), -1, (4, 3)),
    ((2, 3, 4), 1, (2, 6, 4)), ((2, 3, 4), 2, (1, 2, 3)), ((3,), 0, (0,)), ((), 0, ()),
]  # fmt: skip


def index(shape: Any, axis: int, where: Any, seed: int = 0) -> np.ndarray[Any, Any]:
    n = shape[axis] if shape else 1
    return np.asarray(np.random.default_rng(seed).integers(0, n, where))


def once(shape: Any, axis: int, where: Any) -> np.ndarray[Any, Any]:
    """Places of which none repeats on a line."""
    if not where:
        return np.array(0)
    lines = tuple(shape[axis] if a == axis % len(where) else n for a, n in enumerate(where))
    order = np.argsort(np.random.default_rng(1).random(lines), axis)
    return np.asarray(np.take(order, range(where[axis]), axis))


@pytest.mark.parametrize(("shape", "axis", "where"), CASES)
def test_gather(shape: Any, axis: int, where: Any) -> None:
    i = index(shape, axis, where)
    agree(
        lambda x: indices.gather(x, axis, leaf(i)),
        lambda t: torch.gather(t, axis, torch.from_numpy(i)), drawn(shape), second=True,
    )  # fmt: skip


@pytest.mark.parametrize(("shape", "axis", "where"), CASES)
def test_scatter(shape: Any, axis: int, where: Any) -> None:
    if where and where[axis] > shape[axis]:
        where = tuple(shape[a] if a == axis % len(shape) else n for a, n in enumerate(where))
    i = once(shape, axis, where)
    agree(
        lambda x, u: indices.scatter(x, axis, leaf(i), u),
        lambda t, u: torch.scatter(t, axis, torch.from_numpy(i), u),
        drawn(shape), drawn(where, seed=1),
    )  # fmt: skip
    agree(
        lambda x: indices.scatter_value(x, axis, leaf(i), 2.5),
        lambda t: torch.scatter(t, axis, torch.from_numpy(i), 2.5), drawn(shape),
    )  # fmt: skip


@pytest.mark.parametrize(("shape", "axis", "where"), CASES)
def test_scatter_add(shape: Any, axis: int, where: Any) -> None:
    i, u = index(shape, axis, where), drawn(where, seed=1)
    agree(
        lambda x, v: indices.scatter_add(x, axis, leaf(i), v),
        lambda t, v: torch.scatter_add(t, axis, torch.from_numpy(i), v), drawn(shape), u,
    )  # fmt: skip


def test_scatter_takes_the_first_part_of_a_larger_source() -> None:
    i = index((4, 3), 0, (2, 2))
    agree(
        lambda x, u: indices.scatter_add(x, 0, leaf(i), u),
        lambda t, u: torch.scatter_add(t, 0, torch.from_numpy(i), u), drawn((4, 3)), drawn((3, 3)),
        gradient=False,
    )  # fmt: skip


REDUCE = ["sum", "prod", "mean", "amax", "amin"]


@pytest.mark.parametrize("reduce", REDUCE)
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize(("shape", "axis", "where"), CASES)
def test_scatter_reduce(shape: Any, axis: int, where: Any, reduce: str, include_self: bool) -> None:
    i = index(shape, axis, where)
    agree(
        lambda x, u: indices.scatter_reduce(x, axis, leaf(i), u, reduce, include_self),
        lambda t, u: torch.scatter_reduce(
            t, axis, torch.from_numpy(i), u, reduce, include_self=include_self
        ),
        drawn(shape), drawn(where, seed=1),
    )  # fmt: skip


@pytest.mark.parametrize("reduce", REDUCE)
def test_scatter_reduce_with_ties_zeros_and_integers(reduce: str) -> None:
    i = np.array([0, 1, 1, 2, 2, 2, 0])
    u, x = np.array([1.0, 0, 2, 0, 0, 3, 1]), np.array([1.0, 2, 3, 0])
    other = np.array([5.0, 5, 5, 0])  # PyTorch counts an x that is left out among those that tie
    for include in (True, False):
        calls = (
            lambda a, b, c=include: indices.scatter_reduce(a, 0, leaf(i), b, reduce, c),
            lambda a, b, c=include: torch.scatter_reduce(
                a, 0, torch.from_numpy(i), b, reduce, include_self=c
            ),
        )
        agree(*calls, x if include else other, u)
        for dtype in ("int64", "int8", "uint8"):
            agree(*calls, x.astype(dtype), u.astype(dtype))
        agree(*calls, x, np.where(u == 3, np.nan, u), gradient=False)


@pytest.mark.filterwarnings("ignore:index_reduce:UserWarning")
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_slices_along_an_axis(axis: int) -> None:
    x = drawn((4, 3))
    n = x.shape[axis]
    i, several = np.arange(n)[::-1][:2].copy(), np.array([0, 1, 0])
    u = drawn((2, 3) if axis == 0 else (4, 2), seed=2)
    v = drawn((3, 3) if axis == 0 else (4, 3), seed=2)
    t, s = torch.from_numpy(i), torch.from_numpy(several)
    agree(
        lambda a: indices.index_select(a, axis, leaf(several)),
        lambda a: torch.index_select(a, axis, s), x, second=True,
    )  # fmt: skip
    agree(
        lambda a, b: indices.index_add(a, axis, leaf(several), b, 2.0),
        lambda a, b: torch.index_add(a, axis, s, b, alpha=2.0), x, v,
    )  # fmt: skip
    agree(
        lambda a, b: indices.index_copy(a, axis, leaf(i), b),
        lambda a, b: torch.index_copy(a, axis, t, b), x, u,
    )  # fmt: skip
    agree(
        lambda a, b: indices.index_fill(a, axis, leaf(several), b),
        lambda a, b: torch.index_fill(a, axis, s, b), x, np.array(7.0),
    )  # fmt: skip
    for how in itertools.product(("prod", "mean", "amax", "amin"), (True, False)):
        agree(
            lambda a, b, h=how: indices.index_reduce(a, axis, leaf(several), b, *h),
            lambda a, b, h=how: torch.index_reduce(a, axis, s, b, h[0], include_self=h[1]),
            x, v, gradient=how[0] != "prod",
        )  # fmt: skip


def test_slices_of_scalars() -> None:
    one, i = np.array(3.0), np.array([0])
    t = torch.from_numpy(i)
    agree(lambda a: indices.index_select(a, 0, leaf(i)), lambda a: torch.index_select(a, 0, t), one)
    agree(
        lambda a, b: indices.index_add(a, 0, leaf(i), b),
        lambda a, b: torch.index_add(a, 0, t, b), one, np.array(2.0),
    )  # fmt: skip


def _places(mask: Any) -> tuple[Any, ...]:
    return tuple(leaf(i) for i in np.nonzero(mask.value))


@pytest.mark.parametrize("key", [
    (np.array([0, 2, 0]),), (np.array([[0], [2]]), np.array([1, 1])),
    (slice(None), np.array([1, 1, 0])), (np.array([0, 0]), slice(None), np.array([3, 3])),
    (np.array([True, False, True]),),
])  # fmt: skip
def test_index_put_accumulates(key: Any) -> None:
    x = drawn((3, 2, 4))
    u = drawn(x[key].shape, seed=3)
    nodes = tuple(k if isinstance(k, slice) else leaf(k) for k in key)
    tensors = tuple(k if isinstance(k, slice) else torch.from_numpy(k) for k in key)

    def theirs(t: Any, v: Any) -> Any:
        t = t.clone()
        places = torch.arange(t.numel()).reshape(t.shape)[tensors]
        return t.reshape(-1).index_put((places,), v, accumulate=True).reshape(t.shape)

    agree(lambda a, b: indices.index_add_at(a, nodes, b, _places), theirs, x, u)


def test_flat_places() -> None:
    x, i = drawn((3, 4)), np.array([[0, 11, 5], [-1, 2, -12]])
    t = torch.from_numpy(i)
    agree(lambda a: indices.take(a, leaf(i)), lambda a: torch.take(a, t), x)
    u, j = drawn((3,), seed=4), np.array([3, 7, 1])
    agree(
        lambda a, b: indices.put(a, leaf(j), b),
        lambda a, b: torch.Tensor.put(a, torch.from_numpy(j), b), x, u,
    )  # fmt: skip
    u = drawn((2, 3), seed=4)
    agree(
        lambda a, b: indices.put(a, leaf(i), b, True),
        lambda a, b: torch.Tensor.put(a, t, b, accumulate=True), x, u,
    )  # fmt: skip
    k = np.array([[0, 3, 1, 1]])
    agree(
        lambda a: indices.take_along_dim(a, leaf(k), 1),
        lambda a: torch.take_along_dim(a, torch.from_numpy(k), 1), x,
    )  # fmt: skip
    agree(
        lambda a: indices.take_along_dim(a, leaf(k)),
        lambda a: torch.take_along_dim(a, torch.from_numpy(k)).reshape(-1), x,
    )  # fmt: skip


def test_masks() -> None:
    x, mask = drawn((3, 4)), RNG.random((3, 4)) < 0.5
    t, n = torch.from_numpy(mask), int(mask.sum())
    agree(
        lambda a, v: indices.masked_fill(a, leaf(mask), v),
        lambda a, v: torch.masked_fill(a, t, v), x, np.array(2.0),
    )  # fmt: skip
    agree(
        lambda a, u: indices.masked_scatter(a, leaf(mask), u),
        lambda a, u: torch.masked_scatter(a, t, u), x, drawn((n + 2,), seed=5),
    )  # fmt: skip
    with pytest.raises(IndexError):
        run(lambda a, m, u: indices.masked_scatter(a, m, u), x, mask, drawn((n - 1,)))


def test_refused_as_pytorch_refuses() -> None:
    x, i = np.ones((2, 3)), np.zeros((3, 3), np.int64)
    a, t, j, s = leaf(x), torch.from_numpy(x), leaf(i), torch.from_numpy(i)
    refused_alike(lambda: indices.gather(a, 1, j), lambda: torch.gather(t, 1, s))
    refused_alike(
        lambda: indices.gather(a, 1, leaf(i[0])), lambda: torch.gather(t, 1, s[0])
    )
    refused_alike(
        lambda: indices.take_along_dim(a, leaf(i[0]), 1), lambda: torch.take_along_dim(t, s[0], 1)
    )
    refused_alike(
        lambda: indices.scatter_reduce(a, 1, leaf(i[:2]), a, "median"),
        lambda: torch.scatter_reduce(t, 1, s[:2], t, "median"),
    )
    refused_alike(
        lambda: indices.scatter(a, 0, leaf(i[:2]), leaf(np.ones((1, 1)))),
        lambda: torch.scatter(t, 0, s[:2], torch.ones(1, 1).double()),
    )
    refused_alike(
        lambda: indices.index_add(a, 0, leaf(i[0, :1]), a),
        lambda: torch.index_add(t, 0, s[0, :1], t),
    )
    two = leaf(i)
    for call in (
        lambda: indices.index_select(a, 0, two),
        lambda: indices.index_add(a, 0, two, a),
        lambda: indices.index_fill(a, 0, two, leaf(np.array(1.0))),
    ):
        with pytest.raises(IndexError, match="Index is supposed to be a vector"):
            call()
    with pytest.raises(RuntimeError, match="only supports boolean masks"):
        indices.masked_fill(a, a, a)
    with pytest.raises(RuntimeError, match="doesn't match self"):
        indices.index_add(a, 0, leaf(np.array([0])), leaf(np.ones((1, 4))))
    with pytest.raises(RuntimeError, match="Expected dtype int32/int64 for index"):
        indices.gather(a, 0, a)


# --- views ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [-4, -1, 0, 1, 2, 5])
def test_diagonals(offset: int) -> None:
    x = drawn((3, 4, 5))
    for a, b in ((0, 1), (1, 2), (-1, 0)):
        agree(
            lambda v, a=a, b=b: views.diagonal(v, offset, a, b),
            lambda t, a=a, b=b: torch.diagonal(t, offset, a, b), x,
        )  # fmt: skip
        u = drawn(torch.diagonal(torch.from_numpy(x), offset, a, b).shape, seed=1)
        agree(
            lambda v, w, a=a, b=b: views.diagonal_scatter(v, w, offset, a, b),
            lambda t, w, a=a, b=b: torch.diagonal_scatter(t, w, offset, a, b), x, u,
        )  # fmt: skip
        agree(
            lambda v, a=a, b=b: views.diag_embed(v, offset, a, b),
            lambda t, a=a, b=b: torch.diag_embed(t, offset, a, b), x,
        )  # fmt: skip
    agree(lambda v: views.diag(v, offset), lambda t: torch.diag(t, offset), x[0])
    agree(lambda v: views.diag(v, offset), lambda t: torch.diag(t, offset), x[0, 0])
    agree(lambda v: views.tril(v, offset), lambda t: torch.tril(t, offset), x)
    agree(lambda v: views.triu(v, offset), lambda t: torch.triu(t, offset), x)


def test_parts_along_an_axis() -> None:
    x = drawn((4, 5))
    agree(
        lambda v, u: views.select_scatter(v, u, 1, -2),
        lambda t, u: torch.select_scatter(t, u, 1, -2), x, drawn((4,), seed=1),
    )  # fmt: skip
    for start, end, step in ((None, None, 1), (1, 4, 2), (-3, None, 1), (0, 99, 3), (3, 3, 1)):
        n = len(range(5)[start:end:step])
        agree(
            lambda v, u, s=(start, end, step): views.slice_scatter(v, u, 1, *s),
            lambda t, u, s=(start, end, step): torch.slice_scatter(t, u, 1, *s),
            x, drawn((4, n), seed=1),
        )  # fmt: skip
    for axis, size, step in ((0, 2, 1), (1, 3, 2), (-1, 5, 1), (0, 0, 1)):
        agree(
            lambda v, s=(axis, size, step): views.unfold(v, *s),
            lambda t, s=(axis, size, step): t.unfold(*s), x,
        )  # fmt: skip
    for k in range(-1, 5):
        agree(lambda v, k=k: views.rot90(v, k), lambda t, k=k: torch.rot90(t, k), x)
        agree(lambda v, k=k: views.rot90(v, k, (1, 0)), lambda t, k=k: torch.rot90(t, k, (1, 0)), x)


def test_strided_parts() -> None:
    x = drawn((4, 5))
    for shape, strides, offset in (((3, 3), (2, 5), 1), ((2, 2, 2), (1, 1, 1), 0), ((), (), 7)):
        agree(
            lambda v, s=(shape, strides, offset): views.as_strided(v, *s),
            lambda t, s=(shape, strides, offset): torch.as_strided(t, *s), x,
        )  # fmt: skip
    agree(
        lambda v, u: views.as_strided_scatter(v, u, (2, 3), (6, 2), 1),
        lambda t, u: torch.as_strided_scatter(t, u, (2, 3), (6, 2), 1), x, drawn((2, 3), seed=1),
        gradient=False,  # PyTorch's is that of the elements written over, not of the others
    )  # fmt: skip


def test_views_are_refused_as_pytorch_refuses() -> None:
    x = np.ones((2, 3))
    a, t, u, v = leaf(x), torch.from_numpy(x), leaf(np.ones(2)), torch.ones(2).double()
    pairs: list[Any] = [
        (lambda: views.diagonal(a, 0, 1, 1), lambda: torch.diagonal(t, 0, 1, 1)),
        (lambda: views.select_scatter(a, u, 1, 3), lambda: torch.select_scatter(t, v, 1, 3)),
        (lambda: views.unfold(a, 1, 4, 1), lambda: t.unfold(1, 4, 1)),
        (lambda: views.unfold(a, 1, 1, 0), lambda: t.unfold(1, 1, 0)),
        (lambda: views.tril(u), lambda: torch.tril(v)),
        (
            lambda: views.slice_scatter(a, a, 0, 0, 2, -1),
            lambda: torch.slice_scatter(t, t, 0, 0, 2, -1),
        ),
        (lambda: views.as_strided(a, (2,), (1, 1)), lambda: torch.as_strided(t, (2,), (1, 1))),
    ]
    for ours, theirs in pairs:
        refused_alike(ours, theirs)
    with pytest.raises(RuntimeError, match="size equal to the slice"):
        views.select_scatter(a, u, 0, 0)
    with pytest.raises(RuntimeError, match="out of bounds for storage"):
        views.as_strided(a, (7,), (1,))
