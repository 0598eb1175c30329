"""`torch.distributions` against PyTorch: draws from the same seed, probabilities, texts and what is
refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.torch.both import neutral, ours, real

PROBS = [[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]

MADE: dict[str, Callable[[Any], Any]] = {
    "categorical": lambda m: m.distributions.Categorical(m.tensor(PROBS)),
    "categorical of one": lambda m: m.distributions.Categorical(m.tensor([1.0, 3.0])),
    "categorical logits": lambda m: m.distributions.Categorical(logits=m.tensor(PROBS)),
    "bernoulli": lambda m: m.distributions.Bernoulli(m.tensor([0.3, 0.5, 0.0])),
    "bernoulli number": lambda m: m.distributions.Bernoulli(0.25),
    "bernoulli logits": lambda m: m.distributions.Bernoulli(logits=m.tensor([-1.0, 2.0])),
    "normal": lambda m: m.distributions.Normal(m.tensor([0.0, 1.0]), m.tensor([1.0, 2.5])),
    "normal numbers": lambda m: m.distributions.Normal(0, 1),
    "normal mixed": lambda m: m.distributions.Normal(m.zeros(2, 1).double(), 0.5),
    "uniform": lambda m: m.distributions.Uniform(m.tensor([0.0, 1.0]), 3.0),
    "uniform numbers": lambda m: m.distributions.Uniform(-1, 1),
}

USES: dict[str, Callable[[Any, Any], Any]] = {
    "text": lambda m, d: d,
    "shapes": lambda m, d: (d.batch_shape, d.event_shape, d.has_rsample, d.has_enumerate_support),
    "support": lambda m, d: (d.support, d.arg_constraints),
    "sample": lambda m, d: (d.sample(), d.sample((3,)), d.sample(m.Size([2, 1]))),
    "rsample": lambda m, d: d.rsample((2,)),
    "log_prob": lambda m, d: d.log_prob(d.sample((4,))),
    "moments": lambda m, d: (d.mean, d.variance, d.stddev, d.mode),
    "entropy": lambda m, d: (d.entropy(), d.perplexity()),
    "cdf": lambda m, d: d.cdf(d.sample((2,))),
    "icdf": lambda m, d: d.icdf(m.tensor(0.3)),
    "enumerate": lambda m, d: (d.enumerate_support(), d.enumerate_support(expand=False)),
    "expand": lambda m, d: (d.expand((2, *d.batch_shape)), d.expand((2, *d.batch_shape)).sample()),
    "probs": lambda m, d: (d.probs, d.logits, d.param_shape),
    "kl": lambda m, d: m.distributions.kl_divergence(d, d.expand(d.batch_shape)),
    "too long": lambda m, d: d.log_prob(m.zeros(7)),
    "outside": lambda m, d: d.log_prob(m.tensor(4.5)),
    "nan": lambda m, d: d.log_prob(m.tensor(float("nan"))),
    "no tensor": lambda m, d: d.log_prob(1.0),
}

DRAW = ("sample", "rsample", "log_prob", "cdf", "expand")
DRAWN = pytest.mark.cpu("random numbers as PyTorch's on the CPU")

REFUSED: dict[str, Callable[[Any], Any]] = {
    "both": lambda m: m.distributions.Categorical(m.ones(2), m.ones(2)),
    "neither": lambda m: m.distributions.Bernoulli(),
    "no dimension": lambda m: m.distributions.Categorical(m.tensor(1.0)),
    "no dimension of logits": lambda m: m.distributions.Categorical(logits=m.tensor(1.0)),
    "negative": lambda m: m.distributions.Categorical(m.tensor([-1.0, 3.0])),
    "scale": lambda m: m.distributions.Normal(m.zeros(2), m.tensor([1.0, -1.0])),
    "nan": lambda m: m.distributions.Normal(float("nan"), 1.0),
    "above": lambda m: m.distributions.Bernoulli(m.tensor([0.5, 1.5])),
    "bounds": lambda m: m.distributions.Uniform(1.0, 0.0),
    "text": lambda m: m.distributions.Normal("0", 1.0),
    "unchecked": lambda m: m.distributions.Normal(0.0, -1.0, validate_args=False),
    "kl": lambda m: m.distributions.kl_divergence(
        m.distributions.Uniform(0, 1), m.distributions.Categorical(m.ones(2))
    ),
    "default": lambda m: m.distributions.Distribution.set_default_validate_args(3),
}


def said(m: Any, f: Callable[[], Any]) -> str:
    """What is printed, to few digits, or what is refused."""
    m.manual_seed(3)
    m.set_printoptions(precision=3)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return neutral(str(f()))
    except Exception as error:
        text = f"{type(error).__name__}: {error}".replace("lazytensor.torch.", "torch.")
        return neutral(text)
    finally:
        m.set_printoptions(profile="default")


@pytest.mark.parametrize(
    "use", [pytest.param(use, marks=DRAWN) if use in DRAW else use for use in USES]
)
@pytest.mark.parametrize("made", MADE)
def test_distributions_do_what_pytorchs_do(made: str, use: str) -> None:
    own, theirs = (said(m, lambda m=m: USES[use](m, MADE[made](m))) for m in (ours, real))
    if theirs.startswith("AttributeError"):
        assert own.startswith("AttributeError")
    else:
        assert own == theirs


@pytest.mark.parametrize("case", REFUSED)
def test_the_same_is_refused(case: str) -> None:
    own, theirs = (said(m, lambda m=m: REFUSED[case](m)) for m in (ours, real))
    assert own == theirs


CHECKED = [
    "real", "positive", "nonnegative", "unit_interval", "boolean", "nonnegative_integer",
    "positive_integer", "simplex", "real_vector", "greater_than(1.0)", "less_than(1.0)",
    "greater_than_eq(1.0)", "interval(-1, 1)", "half_open_interval(-1, 1)",
    "integer_interval(0, 2)", "independent(constraints.boolean, 1)", "dependent",
    "dependent(event_dim=1)", "independent(constraints.real, 3)",
]  # fmt: skip


@pytest.mark.parametrize("name", CHECKED)
def test_constraints_allow_the_same(name: str) -> None:
    rows = [[0.0, 1.0, float("nan")], [0.5, 0.5, 0.0], [-1.0, 1.0, 2.0]]

    def checked(m: Any) -> Any:
        names = {"constraints": m.distributions.constraints}
        found = eval(f"constraints.{name}", names)
        return found, found.event_dim, found.check(m.tensor(rows)), found.is_discrete

    assert said(ours, lambda: checked(ours)) == said(real, lambda: checked(real))


@DRAWN
def test_gradients_go_through_draws_and_probabilities() -> None:
    def grads(m: Any) -> list[float]:
        m.manual_seed(0)
        w = m.tensor([0.5, 1.5, 2.0], requires_grad=True)
        policy = m.distributions.Categorical(logits=w)
        noise = m.distributions.Normal(w.sum(), w[1])
        other = m.distributions.Categorical(m.softmax(w * 2, 0))
        loss = -policy.log_prob(policy.sample((5,))).sum() + noise.rsample((4,)).sum()
        loss = loss + policy.entropy() + m.distributions.kl_divergence(policy, other)
        loss.backward()
        return [float(x) for x in w.grad]

    assert grads(ours) == pytest.approx(grads(real), rel=1e-5)


def test_the_divergence_of_the_nearest_classes_is_taken() -> None:
    class Own(ours.distributions.Normal):
        pass

    before = ours.distributions.kl_divergence(Own(0, 1), ours.distributions.Normal(1, 1))
    assert before.item() == 0.5
    ours.distributions.register_kl(Own, Own)(lambda p, q: "own")
    assert ours.distributions.kl_divergence(Own(0, 1), Own(0, 1)) == "own"
    del ours.distributions.kl._REGISTRY[Own, Own]
