"""What users get wrong most often is refused when and as PyTorch refuses it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import lazytensor.torch as ours
from lazytensor import config
from lazytensor.runtime.counters import COUNTERS
from lazytensor.torch import nn
from tests.torch.both import neutral

real = pytest.importorskip("torch")

MISTAKES = """
m.ones(2, 3, 4)[0, :, 9]
m.ones(2, 3, 4)[None, 5]
m.ones(2, 3, 4)[0, None, 9]
m.ones(2) // 0
F.cross_entropy(m.ones(2, 3), m.tensor([0, -100]))
F.cross_entropy(m.ones(2, 3), m.tensor([0, 7]), ignore_index=7)
m.zeros(0, 2).index_select(0, m.tensor([0]))
m.zeros(0).take(m.tensor([0]))
nn.BatchNorm2d(3)(m.ones(2, 4, 2, 2))
nn.BatchNorm1d(3).eval()(m.ones(2, 4))
nn.BatchNorm1d(3, track_running_stats=False)(m.ones(2, 4))
nn.GroupNorm(2, 4)(m.ones(2, 6, 3))
float(m.tensor(1j))
float(m.tensor(1 + 0j))
int(m.tensor(1j))
int(m.ones(2))
float(m.tensor([]))
nn.Parameter(m.arange(3))
nn.Parameter(m.arange(3), requires_grad=False)
m.ones(1).type("float")
m.mv(m.ones(2, 3), m.ones(4))
m.ones(2, 3) @ m.ones(4)
~m.ones(2)
m.autograd.grad(m.ones(2).sum(), m.ones(2))
m.autograd.grad(m.ones(2, requires_grad=True).sum(), m.ones(2))
m.finfo(m.float16), m.finfo(m.bfloat16), m.finfo(m.float32)
""".strip().splitlines()

# Numbers that PyTorch looks at before it begins, on the CPU alone.
LOOKED_AT = """
m.arange(3) // 0
m.arange(3) // m.tensor([1, 0, 1])
m.arange(3) % 0
m.fmod(m.arange(3), 0)
m.div(m.arange(3), 0, rounding_mode="trunc")
m.div(m.arange(3), 0, rounding_mode="floor")
5 // m.tensor([0])
m.arange(3).floor_divide_(0)
m.zeros(0, dtype=m.long) // 0
F.cross_entropy(m.ones(2, 3), m.tensor([0, -1]))
F.cross_entropy(m.ones(3), m.tensor(7))
F.cross_entropy(m.ones(2, 3, 2), m.tensor([[0, 7], [0, 0]]))
F.cross_entropy(m.ones(2, 3), m.tensor([0, 5]), label_smoothing=0.1)
F.nll_loss(m.ones(2, 3), m.tensor([0, 4]), reduction="none")
F.nll_loss(m.ones(2, 3), m.tensor([0, 4]), weight=m.ones(3))
F.embedding(m.tensor([[4]]), m.ones(3, 2))
F.embedding(m.tensor([[-1]]), m.ones(3, 2))
F.nll_loss(m.ones(1, 0), m.tensor([0]))
m.zeros(0).index_select(0, m.tensor([0, 0]))
m.zeros(0).gather(0, m.tensor([0]))
m.zeros(0).index_add(0, m.tensor([0]), m.ones(1))
m.zeros(3).index_add(0, m.tensor([-1]), m.ones(1))
m.zeros(3, 2).index_add(0, m.tensor([4]), m.ones(1, 2))
m.zeros(3).index_reduce(0, m.tensor([4]), m.ones(1), "amax")
m.zeros(3, 2).index_reduce(0, m.tensor([4]), m.ones(1, 2), "amax")
m.ones(0).gather(0, m.tensor([0]))
m.ones(0).scatter(0, m.tensor([0]), 1.0)
""".strip().splitlines()


def said(m: Any, code: str) -> str:
    """What an expression gives, or is refused with."""
    m.manual_seed(0)
    try:
        return neutral(str(eval(code, {"m": m, "nn": m.nn, "F": m.nn.functional})))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


BEYOND = """
x[i]
x.index_select(0, i)
x.gather(0, i)
x.take(i)
F.embedding(i, x[:, None])
x[:, None][i, 0]
x.scatter(0, i, 1)
x.scatter_add(0, i, m.ones(i.shape))
x.scatter_reduce(0, i, m.ones(i.shape), "amax")
x.index_add(0, i, m.ones(i.shape))
x.index_copy(0, i, m.ones(i.shape))
x.index_fill(0, i, 1)
x.index_put((i,), m.ones(i.shape))
x.put(i, m.ones(i.shape))
""".strip().splitlines()


@pytest.mark.parametrize("execution", ["interpret", "compile"])
@pytest.mark.parametrize("code", BEYOND)
def test_places_beyond_the_last_are_refused_of_any_size(code: str, execution: str) -> None:
    for size in (0, 1, 5, 9000):
        for count in (1, 2, 5000, 9000):
            for made in ("m.full((c,), n)", "m.full((c,), n) * 1", "m.arange(1, c + 1) // c * n",
                         "m.full((c,), -n - 1) * 1"):  # fmt: skip
                with ours.no_grad(), config.context(execution=execution):
                    i = eval(made, {"m": ours, "c": count, "n": size})
                    x = ours.arange(float(size))
                    with pytest.raises((IndexError, RuntimeError), match="out of|empty"):
                        eval(code, {"m": ours, "F": ours.nn.functional, "x": x, "i": i}).tolist()


AT_ONCE = pytest.mark.cpu("numbers are looked at before anything runs")


@pytest.mark.parametrize(
    "code", [*MISTAKES, *(pytest.param(code, marks=AT_ONCE) for code in LOOKED_AT)]
)
def test_is_refused_as_in_pytorch(code: str) -> None:
    assert said(ours, code) == said(real, code)


def test_cuda_devices_divide_integers_by_0() -> None:
    """As in PyTorch, which refuses that on the CPU alone."""
    with config.context(virtual_cuda=1):
        x = ours.arange(3, device="cuda")
        for y in (0, ours.tensor(0), ours.zeros(3, dtype=ours.int64, device="cuda")):
            for divide in (ours.floor_divide, ours.remainder, ours.fmod):
                assert divide(x, y).tolist() is not None


def test_what_is_checked_at_once_computes_nothing() -> None:
    """What is pending stays so: only numbers that are known are looked at."""
    zeros = ours.arange(3) * 0
    labels = ours.arange(2) + 7
    before = COUNTERS.graphs
    quotient = ours.arange(3) // zeros
    loss = nn.functional.cross_entropy(ours.ones(2, 3), labels)
    rows = nn.functional.embedding(labels, ours.ones(3, 2))
    assert COUNTERS.graphs == before and (quotient.shape, loss.shape, rows.shape)


def test_a_gradient_that_never_comes_is_warned_of() -> None:
    for m in (ours, real):
        x = m.ones(2, requires_grad=True)
        kept = x * 2
        kept.retain_grad()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert x.grad is kept.grad is kept.detach().grad is None
        with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed") as caught:
            assert (x * 2).grad is None
        assert caught[0].filename == __file__


def test_gradients_of_views_that_cannot_be_recorded_again_are_looked_at() -> None:
    for m in (ours, real):
        x = m.ones(2, 3, requires_grad=True) * 1
        kept, other = x.chunk(2)
        kept.retain_grad()
        with m.no_grad():
            x *= 2
        assert kept.retains_grad and not other.retains_grad
        assert kept.grad is None
        with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
            assert other.grad is None
        with pytest.raises(RuntimeError, match="is a view and its base or another view"):
            other.is_leaf


LINEAR = """
nn.Linear(3, 2)(m.ones(3))
nn.Linear(3, 2)(m.ones(2, 3))
nn.Linear(3, 2)(m.ones(2, 2, 3))
nn.Linear(3, 2)(m.ones(2, 4, 3).transpose(0, 1))
nn.Linear(3, 2, bias=False)(m.ones(3))
nn.Linear(3, 2, bias=False)(m.ones(2, 3))
nn.Linear(3, 2, bias=False)(m.ones(2, 2, 3))
F.linear(m.ones(3), m.ones(3, requires_grad=True))
F.linear(m.ones(2, 3), m.ones(3, requires_grad=True))
""".strip().splitlines()


@pytest.mark.parametrize("code", LINEAR)
def test_linear_maps_are_recorded_under_pytorchs_names(code: str) -> None:
    def recorded(m: Any) -> str:
        return said(m, code + ".grad_fn.name()")

    assert recorded(ours) == recorded(real)


def test_adafactor_steps() -> None:
    def stepped(m: Any) -> list[float]:
        w = m.tensor([1.0, -2.0], requires_grad=True)
        optimizer = m.optim.Adafactor([w], lr=0.05)
        for _ in range(3):
            optimizer.zero_grad()
            (w**2).sum().backward()
            optimizer.step()
        return w.tolist()

    assert stepped(ours) == pytest.approx(stepped(real), rel=1e-6)
