"""Subclasses of Tensor, copies and pickles, beside PyTorch."""

from __future__ import annotations

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as ours  # noqa: E402
from tests.torch.calls import plain  # noqa: E402

LIBRARIES = [ours, torch]


def classes(lib):
    """A plain subclass, one that notes what is called, and one with attributes of its own."""

    class Plain(lib.Tensor):
        def doubled(self):
            return self * 2

    class Noting(lib.Tensor):
        calls: list[str] = []

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            name = getattr(func, "__name__", str(func))
            cls.calls.append(name)
            return super().__torch_function__(func, types, args, kwargs or {})

    class Labelled(lib.Tensor):
        @staticmethod
        def __new__(cls, data, label):
            return lib.Tensor._make_subclass(cls, lib.as_tensor(data, dtype=lib.float32))

        def __init__(self, data, label):
            self.label = label

    Noting.calls = []
    return Plain, Noting, Labelled


def shown(x):
    """What is compared: texts of tensors with their classes, anything else as it is."""
    if isinstance(x, list | tuple):
        return type(x).__name__, [shown(y) for y in x]
    return (type(x).__name__, plain(repr(x))) if hasattr(x, "tolist") else x


PROGRAMS = [
    lambda lib, a, b, c: a.doubled() + 1,
    lambda lib, a, b, c: [type(y) is type(a) for y in (a + 1, 1 - a, a @ a, a[0], a.sum(), a.T)],
    lambda lib, a, b, c: lib.cat([a, lib.ones(2, 2)]),
    lambda lib, a, b, c: lib.nn.functional.relu(a - 0.5),
    lambda lib, a, b, c: a.max(0),
    lambda lib, a, b, c: a.split(1),
    lambda lib, a, b, c: (a > 0.5).all().item(),
    lambda lib, a, b, c: (a.shape, a.size(0), a.stride(), a.tolist()),
    lambda lib, a, b, c: a.requires_grad_().pow(2).sum(),
    lambda lib, a, b, c: lib.autograd.grad(a.requires_grad_().pow(2).sum(), a)[0],
    lambda lib, a, b, c: (b.add(1), b.mul_(2), type(b).calls),
    lambda lib, a, b, c: (lib.add(b, a), type(b).calls),
    lambda lib, a, b, c: (b[0], b.clone(), -b, b @ b, type(b).calls),
    lambda lib, a, b, c: (lib.stack([b, b]).sum(), type(b).calls),
    lambda lib, a, b, c: (c.label, c + 1, hasattr(c + 1, "label")),
    lambda lib, a, b, c: copy.deepcopy(c).label,
    lambda lib, a, b, c: copy.copy(a),
    lambda lib, a, b, c: a.as_subclass(type(b)),
    lambda lib, a, b, c: a.as_subclass(lib.Tensor),
    lambda lib, a, b, c: a.detach(),
    lambda lib, a, b, c: a.data,
    lambda lib, a, b, c: a.new_zeros(2),
    lambda lib, a, b, c: a.to(lib.float64),
    lambda lib, a, b, c: isinstance(lib.nn.Parameter(a), type(a)),
]


@pytest.mark.parametrize("program", range(len(PROGRAMS)))
def test_subclasses(program):
    found = []
    for lib in LIBRARIES:
        plain, noting, labelled = classes(lib)
        made = lib.arange(4.0).reshape(2, 2) / 2
        a, b = made.clone().as_subclass(plain), lib.ones(2, 2).as_subclass(noting)
        noting.calls.clear()
        try:
            found.append(shown(PROGRAMS[program](lib, a, b, labelled([1.0], "one"))))
        except (TypeError, RuntimeError) as error:
            text = str(error).replace("torch.Tensor.", "torch.")
            found.append((type(error), text.replace("lazytensor.", "")))
    assert found[0] == found[1]


def overriding(lib):
    """A class that is no tensor, but answers for operations on it."""

    class Constant:
        def __init__(self, value):
            self.value = value

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func is lib.mean:
                return "mean", args[0].value
            if func is lib.add:
                return "add", [getattr(x, "value", None) for x in args]
            return NotImplemented

    return Constant(3)


def test_other_classes_answer_for_operations():
    for lib in LIBRARIES:
        x = overriding(lib)
        assert lib.mean(x) == ("mean", 3)
        assert lib.add(lib.ones(1), x) == ("add", [None, 3])
        with pytest.raises(TypeError, match=r"'torch.sum'; all .*\n\n  - .* <class '.*Constant'>"):
            lib.sum(x)


def tensors(lib):
    """Some that copies and pickles must keep as they are."""
    leaf = lib.arange(3.0, requires_grad=True)
    leaf.sum().backward()
    leaf.note = "mine"
    return [
        leaf,
        lib.ones(2, 3).T,
        lib.arange(6)[1::2],
        lib.nn.Parameter(lib.ones(2)),
        lib.tensor(1 + 2j),
        lib.zeros(2, dtype=lib.bfloat16),
    ]


@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), copy.copy],
    ids=["deepcopy", "pickle", "copy"],
)
def test_copies(again):
    found = []
    for lib in LIBRARIES:
        rows = []
        for x in tensors(lib):
            y = again(x)
            rows.append(
                (shown(y), tuple(y.stride()), y.storage_offset(), y.requires_grad, y.is_leaf,
                 getattr(y, "note", None), shown(y.grad) if y.is_leaf else None)
            )  # fmt: skip
        found.append(rows)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("lib", "again"),
    [
        (ours, copy.deepcopy),
        (torch, copy.deepcopy),
        (ours, lambda x: pickle.loads(pickle.dumps(x))),  # PyTorch's own pickles are apart
    ],
)
def test_a_copy_of_several_shares_what_they_shared(lib, again):
    whole = lib.zeros(4)
    new = again({"whole": whole, "part": whole[1:3], "again": whole})
    new["part"].fill_(5)
    assert new["whole"].tolist() == [0, 5, 5, 0] and new["again"] is new["whole"]
    assert whole.tolist() == [0, 0, 0, 0]


def test_only_leaves_are_copied():
    for lib in LIBRARIES:
        x = lib.ones(2, requires_grad=True) * 2
        with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
            copy.deepcopy(x)


def test_parameters_are_printed_as_pytorchs():
    found = []
    for lib in LIBRARIES:

        class Special(lib.nn.Parameter): ...

        made = (
            lib.nn.Parameter(lib.ones(2, 2)),
            Special(lib.ones(2)),
            lib.nn.Buffer(lib.ones(2)),
            lib.nn.Parameter(lib.ones(1), requires_grad=False),
            lib.nn.ParameterList([lib.ones(3)]),
            lib.nn.ParameterDict({"a": lib.ones(3)}),
            lib.nn.UninitializedParameter(),
        )
        found.append([plain(repr(x)) for x in made])
    assert found[0] == found[1]
