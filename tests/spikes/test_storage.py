"""Spike: a storage with views, in-place writes and `backward` on ten rows, over the pure graph.

A torch face needs no more than this from the floors below it: a `Storage` is one mutable cell, a
tensor is a storage and a chain of view rows; reading replays the chain, writing scatters back
through it. Nothing below knows of any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from lazytensor.ir.graph import ancestors
from lazytensor.ir.node import Node, apply, leaf, placeholder
from lazytensor.ops import ROWS, g
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value
from lazytensor.transform.grad import vjp

# --- the facade -----------------------------------------------------------------------------------


class Storage:
    """The one mutable thing: which node the elements are now, and how often that changed."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.version = 0


class View(NamedTuple):
    """A view row and its parameters."""

    row: str
    params: tuple[Any, ...]

    def of(self, base: Node) -> Node:
        return apply(ROWS[self.row], (base,), self.params)


def refuse(base: Node, new: Node, *params: Any) -> Node:
    raise RuntimeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single "
        "memory location. Please clone() the tensor before performing the operation."
    )


# How a base looks after its view was overwritten: the column `view_inverse` of these rows.
INVERSE: dict[str, Callable[..., Node]] = {
    "reshape": lambda base, new, shape: g.reshape(new, base.shape),
    "permute": lambda base, new, axes: g.permute(new, tuple(np.argsort(axes).tolist())),
    "slice": lambda base, new, starts, sizes, steps: g.update_slice(base, new, starts, steps),
    "broadcast_to": refuse,
}

LEAVES: WeakValueDictionary[Node, Tensor] = WeakValueDictionary()
SAVED: dict[Node, list[tuple[Storage, int]]] = {}


class Tensor:
    """A storage seen through a chain of views."""

    def __init__(self, storage: Storage, chain: tuple[View, ...] = ()) -> None:
        self.storage, self.chain = storage, chain
        self.grad: np.ndarray[Any, Any] | None = None
        self._seen: tuple[int, Node] | None = None

    def read(self) -> Node:
        if self._seen is None or self._seen[0] != self.storage.version:
            node = self.storage.node
            for view in self.chain:
                node = view.of(node)
            self._seen = self.storage.version, node
        return self._seen[1]

    def write(self, new: Node) -> None:
        if self.storage.node in LEAVES:
            what = "a view of a leaf Variable" if self.chain else "a leaf Variable"
            raise RuntimeError(f"{what} that requires grad is being used in an in-place operation.")
        bases, node = [], self.storage.node
        for view in self.chain:
            bases.append(node)
            node = view.of(node)
        for view, base in zip(reversed(self.chain), reversed(bases), strict=True):
            new = INVERSE[view.row](base, new, *view.params)
        self.storage.node = new
        self.storage.version += 1

    def numpy(self) -> np.ndarray[Any, Any]:
        return value(self.read())

    def requires_grad_(self) -> Tensor:
        LEAVES[self.storage.node] = self
        return self

    def view(self, row: str, *params: Any) -> Tensor:
        return Tensor(self.storage, (*self.chain, View(row, params)))

    def slice(self, *cuts: slice) -> Tensor:
        shape = self.read().shape
        ranges = [range(n)[c] for c, n in zip(cuts, shape, strict=True)]
        starts, sizes, steps = zip(*((r.start, len(r), r.step) for r in ranges), strict=True)
        return self.view("slice", starts, sizes, steps)

    def assign(self, row: str, *others: Tensor) -> Tensor:
        """`x.row_(others)`: computed, broadcast to our own shape, written."""
        node = apply(ROWS[row], (self.read(), *(t.read() for t in others)))
        saved = Storage(self.storage.node)  # the old value, as it was
        self.write(g.broadcast_to(node, self.read().shape))
        remember(node, [saved, *(t.storage for t in others)], self.storage)
        return self

    def backward(self) -> None:
        """Accumulate into `grad` of all leaves; refuse when what was saved has changed."""
        root = self.read()
        above = ancestors([root], lambda node: node in LEAVES)
        for node in above:
            for storage, version in SAVED.get(node, ()):
                if storage.version != version:
                    raise RuntimeError(
                        "one of the variables needed for gradient computation has been modified by "
                        f"an inplace operation: is at version {storage.version}; expected version "
                        f"{version}"
                    )
        leaves = [node for node in above if node in LEAVES]
        for node, ct in zip(leaves, vjp([root], leaves, [g.constant(1.0, root)]), strict=True):
            if ct is not None:
                tensor = LEAVES[node]
                tensor.grad = value(ct) if tensor.grad is None else tensor.grad + value(ct)


def tensor(data: Any) -> Tensor:
    return Tensor(Storage(leaf(np.array(data, np.float64))))


def saved_by(node: Node) -> tuple[list[int], bool]:
    """Which arguments, and whether the result, a row's derivative reads: the rule is run to see."""
    args = [placeholder(a.shape, a.dtype, a.device, i) for i, a in enumerate(node.args)]
    y = apply(node.op, tuple(args), node.params)
    cts = vjp([y], args, [placeholder(y.shape, y.dtype, y.device, "ct")])
    used = set(ancestors([c for c in cts if c is not None], lambda n: n is y))
    return [i for i, a in enumerate(args) if a in used], y in used


def remember(node: Node, inputs: Sequence[Storage], output: Storage) -> None:
    places, result = saved_by(node)
    kept = [inputs[i] for i in places] + [output] * result
    SAVED[node] = [(s, s.version) for s in kept]


def call(row: str, *tensors: Tensor, params: tuple[Any, ...] = ()) -> Tensor:
    """A row of the table over tensors, with the versions of what its derivative will read."""
    node = apply(ROWS[row], tuple(t.read() for t in tensors), params)
    out = Tensor(Storage(node))
    remember(node, [t.storage for t in tensors], out.storage)
    return out


# --- aliasing: random programs of views and writes, equal to NumPy's -----------------------------

Pair = tuple[Tensor, np.ndarray[Any, Any]]
Line = tuple[str, int, tuple[int, ...]]

lines = st.tuples(
    st.sampled_from(["slice", "permute", "reshape", "fill", "multiply", "add", "read", "copy"]),
    st.integers(0, 7),
    st.tuples(*[st.integers(0, 11)] * 6),
)
programs = st.lists(lines, min_size=1, max_size=14)


def cut(n: int, a: int, b: int, c: int) -> slice:
    """Some slice of an axis of n elements: forwards or backwards, by 1 or 2, empty now and then."""
    step = (1, 2, -1, -2)[c % 4]
    low, high = sorted((a % (n + 1), b % (n + 1)))
    chosen = range(n)[low:high] if step > 0 else range(n)[low:high][::-1]
    if not chosen:
        return slice(0, 0, step)
    stop = chosen[-1] + (1 if step > 0 else -1)
    return slice(chosen[0], None if stop < 0 else stop, step)


def reshaped(a: np.ndarray[Any, Any], numbers: Sequence[int]) -> np.ndarray[Any, Any] | None:
    """A view of another shape, or None where there is none."""
    shapes = [(a.size,), (1, a.size), (a.size, 1), a.shape[::-1], (2, -1), (-1, 3)]
    try:
        return a.reshape(shapes[numbers[0] % len(shapes)], copy=False)
    except ValueError:
        return None


def look(pair: Pair, line: Line) -> Pair | None:
    """One more view of a pair, the same on both sides."""
    t, a = pair
    kind, _, numbers = line
    if kind == "slice":
        cuts = tuple(cut(n, *numbers[3 * i : 3 * i + 3]) for i, n in enumerate(a.shape))
        return (t.slice(*cuts), a[cuts]) if a.ndim else None
    if kind == "permute":
        axes = tuple(np.argsort(numbers[: a.ndim], kind="stable").tolist())
        return t.view("permute", axes), a.transpose(axes)
    if kind == "reshape":
        b = reshaped(a, numbers)
        return None if b is None else (t.view("reshape", b.shape), b)
    return tensor(a), a.copy()


def store(pair: Pair, other: Pair, line: Line) -> None:
    """One in-place operation on both sides, with another of the arrays where the shapes allow."""
    (t, a), (u, b) = pair, other
    kind, _, numbers = line
    try:
        fits = np.broadcast_shapes(a.shape, b.shape) == a.shape
    except ValueError:
        fits = False
    if kind == "fill" or not fits:
        u, b = tensor(numbers[1] - 0.5), np.array(numbers[1] - 0.5)
    version = t.storage.version
    if kind == "fill":
        t.write(g.broadcast_to(u.read(), a.shape))
        a[...] = b
    else:
        t.assign(kind, u)
        {"multiply": np.multiply, "add": np.add}[kind](a, b, out=a)
    assert t.storage.version == version + 1


def agree(program: Sequence[Line]) -> bool:
    """Whether every tensor equals its NumPy array, whenever it is read and at the end."""
    start = np.arange(12.0).reshape(3, 4)
    pairs: list[Pair] = [(tensor(start), start)]
    for line in program:
        kind, source, numbers = line
        pair = pairs[source % len(pairs)]
        if kind in ("fill", "multiply", "add"):
            store(pair, pairs[numbers[0] % len(pairs)], line)
        elif kind == "read":
            if not np.array_equal(pair[0].numpy(), pair[1]):
                return False
        else:
            made = look(pair, line)
            pairs += [] if made is None else [made]
    return all(np.array_equal(t.numpy(), a) for t, a in pairs)


@settings(max_examples=8 * settings().max_examples)
@given(programs)
def test_views_and_writes_alias_as_in_numpy(program: list[Line]) -> None:
    assert agree(program)
    SAVED.clear()


def stale_read(self: Tensor) -> Node:
    """The bug: what was once read is never read again."""
    if self._seen is None:
        self._seen = 0, unpatched_read(self)
    return self._seen[1]


unpatched_read = Tensor.read


@pytest.mark.parametrize("bug", ["cache", "steps", "order"])
def test_the_programs_find_a_planted_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if bug == "cache":
        monkeypatch.setattr(Tensor, "read", stale_read)
    elif bug == "steps":
        ones = lambda b, new, starts, sizes, steps: g.update_slice(  # noqa: E731
            b, new, tuple(min(s, s + (n - 1) * k) for s, n, k in zip(starts, sizes, steps)),
            tuple(map(abs, steps)),
        )  # fmt: skip
        monkeypatch.setitem(INVERSE, "slice", ones)
    else:
        same = lambda base, new, axes: g.reshape(new, base.shape)  # noqa: E731
        monkeypatch.setitem(INVERSE, "permute", same)
    only = settings(max_examples=2000, phases=[Phase.generate])
    assert not agree(find(programs, lambda p: not agree(p), settings=only))


def test_reading_again_makes_no_nodes_until_a_write() -> None:
    t = tensor(np.zeros((3, 4)))
    v = t.view("permute", (1, 0)).slice(slice(1, 3), slice(0, 3))
    first = v.read()
    with counting() as done:
        assert v.read() is first
    assert done.nodes == 0
    t.assign("add", tensor(1.0))
    assert v.read() is not first


def test_an_expanded_tensor_can_be_read_but_not_written() -> None:
    t = tensor([1.0, 2.0])
    wide = t.view("broadcast_to", (3, 2))
    t.assign("add", tensor(1.0))
    assert wide.numpy().tolist() == [[2.0, 3.0]] * 3
    with pytest.raises(RuntimeError, match="more than one element"):
        wide.assign("add", tensor(1.0))
    assert t.storage.version == 1


def test_a_reader_made_before_the_write_keeps_the_old_value() -> None:
    t = tensor([1.0, 2.0, 3.0])
    doubled = call("add", t, t)
    t.slice(slice(0, 2)).assign("multiply", tensor(10.0))
    assert doubled.numpy().tolist() == [2.0, 4.0, 6.0]
    assert t.numpy().tolist() == [10.0, 20.0, 3.0]


# --- backward on ten rows ------------------------------------------------------------------------

ONE = ["negative", "sin", "exp", "tanh"]
TWO = ["add", "subtract", "multiply", "divide", "maximum"]


def total(t: Tensor) -> Tensor:
    return call("sum", t, params=(tuple(range(t.read().ndim)),))


def slope(run: Callable[[Tensor], Tensor], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Central differences of a scalar function, element by element."""
    out = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        out[place] = (run(tensor(x + step)).numpy() - run(tensor(x - step)).numpy()) / 2e-6
    return out


def backward(run: Callable[[Tensor], Tensor], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    t = tensor(x).requires_grad_()
    run(t).backward()
    assert t.grad is not None
    return t.grad


X = np.array([[0.3, -1.2, 0.8], [1.7, 0.4, -0.6]])
Y = np.array([1.5, -0.7, 2.1])


@pytest.mark.parametrize("row", ONE)
def test_backward_of_one_argument(row: str) -> None:
    run = lambda t: total(call("multiply", call(row, t), tensor(X + 2)))  # noqa: E731
    np.testing.assert_allclose(backward(run, X), slope(run, X), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("row", TWO)
@pytest.mark.parametrize("swap", [False, True])
def test_backward_of_two_arguments_broadcast(row: str, swap: bool) -> None:
    def run(t: Tensor) -> Tensor:
        a = call(row, t, tensor(Y)) if not swap else call(row, tensor(Y), t)
        return total(call("sin", a))

    np.testing.assert_allclose(backward(run, X), slope(run, X), rtol=1e-6, atol=1e-8)
    if not swap:
        back = lambda t: total(call("sin", call(row, tensor(X), t)))  # noqa: E731
        np.testing.assert_allclose(backward(back, Y), slope(back, Y), rtol=1e-6, atol=1e-8)


def test_backward_of_a_matrix_product_through_views() -> None:
    run = lambda t: total(call("sin", call("matmul", t, t.view("permute", (1, 0)))))  # noqa: E731
    np.testing.assert_allclose(backward(run, X), slope(run, X), rtol=1e-6, atol=1e-8)


def scenario(t: Any, mul: Any, head: Any, sin: Any) -> Any:
    """An in-place write in the middle of a computation, seen by its views and its base."""
    y = mul(t, t)
    first = head(y)
    mul_in_place(first, t)
    return sin(y), first


def mul_in_place(view: Any, t: Any) -> None:
    if isinstance(view, Tensor):
        view.assign("multiply", t.slice(slice(0, 1), slice(0, 2)))
    else:
        view.mul_(t[0:1, 0:2])


def written(t: Tensor) -> Tensor:
    y, first = scenario(
        t,
        lambda a, b: call("multiply", a, b),
        lambda a: a.slice(slice(0, 1), slice(0, 2)),
        lambda a: call("sin", a),
    )
    return call("add", total(y), total(first))


def test_backward_through_in_place_writes_on_views() -> None:
    np.testing.assert_allclose(backward(written, X), slope(written, X), rtol=1e-6, atol=1e-8)


def test_backward_through_in_place_writes_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X, requires_grad=True)
    y, first = scenario(x, torch.multiply, lambda a: a[0:1, 0:2], torch.sin)
    (y.sum() + first.sum()).backward()
    np.testing.assert_allclose(backward(written, X), x.grad.numpy(), rtol=1e-12)


def test_gradients_accumulate_and_survive_a_value_read_before() -> None:
    t = tensor(X).requires_grad_()
    for _ in range(2):
        loss = total(call("multiply", t, t))
        loss.numpy()
        loss.backward()
    assert t.grad is not None
    np.testing.assert_array_equal(t.grad, 4 * X)


def test_a_leaf_that_requires_grad_is_not_written_to() -> None:
    t = tensor(X).requires_grad_()
    with pytest.raises(RuntimeError, match=r"^a leaf Variable that requires grad"):
        t.assign("add", tensor(1.0))
    with pytest.raises(RuntimeError, match=r"^a view of a leaf Variable"):
        t.slice(slice(0, 1), slice(0, 1)).assign("add", tensor(1.0))


# Row, and whether writing to its argument, or to its result, makes the derivative stale in PyTorch.
STALE = [
    ("sin", True, False),
    ("exp", False, True),
    ("tanh", False, True),
    ("negative", False, False),
]


@pytest.mark.parametrize(("row", "argument", "result"), STALE)
def test_versions_tell_when_what_was_saved_has_changed(
    row: str, argument: bool, result: bool
) -> None:
    for which, raises in (("argument", argument), ("result", result)):
        t = tensor(X).requires_grad_()
        y = call("add", t, tensor(0.0))
        z = call(row, y)
        loss = total(z)
        (y if which == "argument" else z).assign("multiply", tensor(2.0))
        if raises:
            with pytest.raises(RuntimeError, match=r"at version 1; expected version 0"):
                loss.backward()
        else:
            loss.backward()


@pytest.mark.parametrize(("row", "argument", "result"), STALE)
def test_stale_exactly_where_pytorch_is(row: str, argument: bool, result: bool) -> None:
    torch = pytest.importorskip("torch")
    for which, raises in (("argument", argument), ("result", result)):
        y = torch.tensor(X, requires_grad=True) + 0.0
        z = getattr(torch, row)(y)
        loss = z.sum()
        (y if which == "argument" else z).mul_(2.0)
        if raises:
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                loss.backward()
        else:
            loss.backward()
