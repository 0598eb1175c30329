"""Random PyTorch programs show no difference, and differences that are planted are found and cut
down to the lines that they need."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch  # noqa: E402
from tests.torch.programs import compare, difference, program, report, search, shrink  # noqa: E402

SEEDS = 1000
PARTS = 10


class Planted:
    """PyTorch with some names replaced."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


def without_gradient(*args, requires_grad=False, **kwargs):
    return torch.tensor(*args, **kwargs)


def a_bit_more(size, value, **kwargs):
    return torch.full(size, value + 0.01, **kwargs)


def transposed(*args, **kwargs):
    t = torch.ones(*args, **kwargs)
    return t.mT.contiguous().mT if t.dim() > 1 and t.shape[-1] > 1 and not t.requires_grad else t


def with_another_text(*args, **kwargs):
    try:
        return torch.tensor(*args, **kwargs)
    except Exception as error:
        raise type(error)("something else") from None


@pytest.mark.parametrize("seed", range(20))
def test_pytorch_agrees_with_itself(seed):
    lines = program(seed)
    assert lines == program(seed)
    assert difference(lines, torch, texts=True) is None


PLANTED = [
    ({"tensor": without_gradient}, "requires_grad", "v1 = torch.tensor([1.0], requires_grad=True)"),
    ({"full": a_bit_more}, "v1 values", "v1 = torch.full((2,), 0.5)"),
    ({"ones": transposed}, "stride()", "v1 = torch.ones((2, 3))"),
    ({"no_grad": contextlib.nullcontext}, "raised", "with torch.no_grad(): v0.add_(1)"),
    (
        {"inference_mode": torch.no_grad},
        "_version",
        "with torch.inference_mode(): v1 = v0 * 2",
    ),
    (
        {"from_numpy": torch.tensor},
        "v1 values",
        "a1 = np.ones(2); v1 = torch.from_numpy(a1); a1[0] = 5",
    ),
]


@pytest.mark.parametrize(("names", "aspect", "line"), PLANTED)
@pytest.mark.parametrize("eager", [False, True])
def test_a_planted_difference_is_found_and_cut_down(names, aspect, line, eager):
    lines = ["v0 = torch.zeros(3, requires_grad=True)", "v9 = v0 * 2", line, "v10 = v9 + 1"]
    kept, found = shrink(lines, Planted(**names), eager=eager)
    assert aspect in found.aspect
    assert line in kept and len(kept) == 1 + ("v0" in line)
    assert line in report(0, kept, found)


def test_texts_are_compared_when_asked_for():
    lib, lines = Planted(tensor=with_another_text), ["v1 = torch.tensor([[1], [2, 3]])"]
    assert difference(lines, lib) is None
    assert "something else" in difference(lines, lib, texts=True).text


def test_a_planted_bug_is_found_by_random_programs():
    found = list(search(range(60), Planted(no_grad=contextlib.nullcontext)))
    assert found
    assert all(len(lines) <= 6 for _, lines, _ in found)


def test_no_difference_nothing_to_shrink():
    compare(["v1 = torch.ones(2)"], torch)
    with pytest.raises(ValueError, match="no difference"):
        shrink(["v1 = torch.ones(2)"], torch)


# What random programs of other seeds once found.
FOUND = """
    v1 = torch.tensor([-0.75, 1.0, 1.25], requires_grad=True)
    v4 = v1[2:2:3]
    with torch.no_grad(): v4[:, ...] = True
    (v4 - 0.5).sum().backward()

    v1 = torch.tensor([1.5, 1.75, -2.0], requires_grad=True)
    v4 = v1.square()
    with torch.no_grad(): v1.unsqueeze_(0)
    v1.sum().backward()

    v2 = torch.tensor([3.0, -0.25, -2.75])
    v3 = v2[0]
    v4 = v3.reshape((-1,))
    v4[v4 > 0] = v3

    v1 = torch.tensor([1 + 1j], requires_grad=True)
    v3 = v1.real
    v3.index_add_(0, torch.tensor([0, 0]), v3[[0, 0]].detach())

    v1 = torch.tensor(-2.25, requires_grad=True)
    v2 = torch.eye(3)
    v8 = v2.reshape((1, 9))
    v8[:] += v1
"""


@pytest.mark.parametrize("found", FOUND.strip().split("\n\n"))
def test_what_was_found_stays_mended(found):
    compare([line.strip() for line in found.splitlines()], lazytensor.torch)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_programs(part, effort):
    """1,000 programs, 20,000 with --full, every second of them looked at only at the end."""
    each = effort(SEEDS, 20 * SEEDS) // PARTS
    seeds = range(part * each, (part + 1) * each)
    found = [report(*case) for case in search(seeds, lazytensor.torch)]
    assert not found, "\n".join([f"{len(found)} of {each} programs differ", *found[:5]])
