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


def of(name: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """A distribution whose parameters are lists, numbers, or functions of the library."""

    def value(m: Any, x: Any) -> Any:
        return m.tensor(x) if isinstance(x, list) else x(m) if callable(x) else x

    return lambda m: getattr(m.distributions, name)(
        *[value(m, x) for x in args], **{k: value(m, x) for k, x in kwargs.items()}
    )


PAIR, TWO = [0.5, 2.0], [[2.0, 0.5], [0.5, 1.0]]
MADE |= {
    "beta": of("Beta", PAIR, [1.5, 3.0]),
    "beta numbers": of("Beta", 2, 3.0),
    "binomial": of("Binomial", 4, [0.3, 0.9]),
    "binomial logits": of("Binomial", [4.0, 7.0], logits=[0.0, 1.0]),
    "cauchy": of("Cauchy", [0.0, 1.0], PAIR),
    "chi2": of("Chi2", [1.0, 3.0]),
    "dirichlet": of("Dirichlet", [[0.5, 0.25, 0.75], [2.0, 3.0, 4.0]]),
    "exponential": of("Exponential", PAIR),
    "exponential number": of("Exponential", 2.0),
    "fisher": of("FisherSnedecor", [3.0, 1.0], [5.0, 4.5]),
    "gamma": of("Gamma", PAIR, [1.0, 3.0]),
    "geometric": of("Geometric", [0.3, 0.8]),
    "geometric logits": of("Geometric", logits=[0.0, 2.0]),
    "gumbel": of("Gumbel", [0.0, 1.0], PAIR),
    "half cauchy": of("HalfCauchy", PAIR),
    "half normal": of("HalfNormal", PAIR),
    "independent": of("Independent", of("Normal", [[0.0, 1.0]], [[1.0, 2.0]]), 1),
    "inverse gamma": of("InverseGamma", [1.5, 3.0], PAIR),
    "kumaraswamy": of("Kumaraswamy", [1.5, 2.0], [3.0, 1.0]),
    "laplace": of("Laplace", [0.0, 1.0], PAIR),
    "logistic normal": of("LogisticNormal", [0.0, 1.0], PAIR),
    "log normal": of("LogNormal", [0.0, 1.0], PAIR),
    "low rank": of("LowRankMultivariateNormal", [0.0, 1.0], [[1.0], [2.0]], PAIR),
    "mixture": of(
        "MixtureSameFamily", of("Categorical", [0.25, 0.75]), of("Normal", [0.0, 5.0], PAIR)
    ),
    "mixture of vectors": of(
        "MixtureSameFamily", of("Categorical", [[0.25, 0.75]]),
        of("Independent", of("Normal", [[[0.0, 5.0], [1.0, 2.0]]], 1.0), 1),
    ),
    "multinomial": of("Multinomial", 5, [0.2, 0.8]),
    "multivariate": of("MultivariateNormal", [0.0, 1.0], TWO),
    "multivariate factor": of(
        "MultivariateNormal", [[0.0, 1.0]] * 2, scale_tril=[[2.0, 0.0], [1.0, 1.0]]
    ),
    "multivariate precision": of("MultivariateNormal", [0.0, 1.0], precision_matrix=TWO),
    "negative binomial": of("NegativeBinomial", [3.0, 5.0], [0.4, 0.1]),
    "one hot": of("OneHotCategorical", PROBS),
    "one hot straight": of("OneHotCategoricalStraightThrough", logits=PROBS),
    "pareto": of("Pareto", PAIR, [3.0, 1.5]),
    "poisson": of("Poisson", PAIR),
    "relaxed bernoulli": of("RelaxedBernoulli", lambda m: m.tensor(0.5), [0.2, 0.7]),
    "relaxed one hot": of("RelaxedOneHotCategorical", lambda m: m.tensor(0.5), PROBS),
    "student": of("StudentT", [4.0, 2.5], 0.5),
    "transformed": lambda m: m.distributions.TransformedDistribution(
        m.distributions.Normal(m.zeros(2), 1.0),
        [
            m.distributions.AffineTransform(1.0, m.tensor([2.0, 3.0])),
            m.distributions.SigmoidTransform(),
        ],
    ),
    "weibull": of("Weibull", PAIR, [1.5, 3.0]),
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
    "kl": lambda m, d: (
        m.distributions.kl_divergence(d, d.expand(d.batch_shape)).round(decimals=4) + 0
    ),
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
    "concentration": of("Gamma", [0.0, 1.0], 1.0),
    "no vector": of("Dirichlet", lambda m: m.tensor(1.0)),
    "no covariance": of("MultivariateNormal", [0.0, 1.0]),
    "a vector for one": of("MultivariateNormal", [0.0, 1.0], [1.0, 1.0]),
    "indefinite": of("MultivariateNormal", [0.0, 1.0], [[1.0, 2.0], [2.0, 1.0]]),
    "asymmetric": of("MultivariateNormal", [0.0, 1.0], [[1.0, 2.0], [0.0, 1.0]]),
    "too many dimensions": of("Independent", of("Normal", 0.0, 1.0), 1),
    "a sure thing": of("Geometric", [0.0, 0.5]),
    "no transform": of("TransformedDistribution", of("Normal", 0.0, 1.0), [3]),
    "other numbers of parts": of(
        "MixtureSameFamily", of("Categorical", [0.5, 0.5]), of("Normal", [0.0, 1.0, 2.0], 1.0)
    ),
    "off the simplex": lambda m: m.distributions.Dirichlet(m.ones(2)).log_prob(m.ones(2)),
    "two ones": lambda m: m.distributions.OneHotCategorical(m.ones(2)).log_prob(m.ones(2)),
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
    "one_hot", "multinomial(2)", "lower_triangular", "lower_cholesky",
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


DIVERGENCES: dict[str, Callable[[Any], Any]] = {
    "Bernoulli": lambda d: (d.Bernoulli(0.2), d.Bernoulli(0.6)),
    "Beta": lambda d: (d.Beta(0.5, 2.0), d.Beta(2.0, 3.0)),
    "Binomial": lambda d: (d.Binomial(4, 0.2), d.Binomial(4, 0.6)),
    "Binomial of fewer": lambda d: (d.Binomial(4, 0.2), d.Binomial(3, 0.6)),
    "Binomial of more": lambda d: (d.Binomial(4, 0.2), d.Binomial(5, 0.6)),
    "Cauchy": lambda d: (d.Cauchy(0.0, 1.0), d.Cauchy(2.0, 3.0)),
    "Exponential": lambda d: (d.Exponential(0.5), d.Exponential(2.0)),
    "Gamma": lambda d: (d.Gamma(0.5, 2.0), d.Gamma(2.0, 3.0)),
    "Chi2": lambda d: (d.Gamma(0.5, 2.0), d.Chi2(3.0)),
    "Geometric": lambda d: (d.Geometric(0.2), d.Geometric(0.6)),
    "Gumbel": lambda d: (d.Gumbel(0.0, 1.0), d.Gumbel(2.0, 3.0)),
    "HalfNormal": lambda d: (d.HalfNormal(1.0), d.HalfNormal(3.0)),
    "Laplace": lambda d: (d.Laplace(0.0, 1.0), d.Laplace(2.0, 3.0)),
    "LogNormal": lambda d: (d.LogNormal(0.0, 1.0), d.LogNormal(2.0, 3.0)),
    "Normal": lambda d: (d.Normal(0.0, 1.0), d.Normal(2.0, 3.0)),
    "Pareto": lambda d: (d.Pareto(2.0, 1.0), d.Pareto(1.0, 3.0)),
    "Pareto from elsewhere": lambda d: (d.Pareto(1.0, 1.0), d.Pareto(2.0, 3.0)),
    "Poisson": lambda d: (d.Poisson(0.5), d.Poisson(2.0)),
    "Uniform and Normal": lambda d: (d.Uniform(0.0, 1.0), d.Normal(2.0, 3.0)),
    "none": lambda d: (d.StudentT(1.0), d.Poisson(2.0)),
}
VECTORS: dict[str, tuple[list[Any], list[Any]]] = {
    "Dirichlet": ([[0.5, 2.0]], [[3.0, 0.5]]),
    "MultivariateNormal": ([[0.0, 1.0], TWO], [[1.0, 1.0], [[1.0, 0.0], [0.0, 3.0]]]),
    "LowRankMultivariateNormal": (
        [[0.0, 1.0], [[1.0], [2.0]], PAIR], [[1.0, 1.0], [[0.0], [3.0]], [1.0, 1.0]],
    ),
    "OneHotCategorical": ([[0.2, 0.8]], [[0.5, 0.5]]),
}  # fmt: skip


@pytest.mark.parametrize("name", [*DIVERGENCES, *VECTORS])
def test_divergences_are_pytorchs(name: str) -> None:
    def found(m: Any) -> Any:
        if name in DIVERGENCES:
            return m.distributions.kl_divergence(*DIVERGENCES[name](m.distributions))
        return m.distributions.kl_divergence(*[of(name, *args)(m) for args in VECTORS[name]])

    assert said(ours, lambda: found(ours)) == said(real, lambda: found(real))


def test_gradients_of_gamma_and_dirichlet_draws_are_those_of_quantiles() -> None:
    def grads(m: Any) -> list[list[float]]:
        found = []
        for low, high in ((0.05, 0.6), (0.9, 5.0), (20.0, 300.0)):
            m.manual_seed(0)
            a = m.linspace(low, high, 6, dtype=m.float64, requires_grad=True)
            d = m.distributions
            loss = (d.Gamma(a, 2.0).rsample((40,)) ** 2).sum() + d.Chi2(a).rsample((9,)).sum()
            loss = loss + d.Dirichlet(a).rsample((5,)).pow(2).mul(m.arange(6)).sum()
            loss = loss + d.Beta(a, a.flip(0)).rsample((5,)).sum()
            loss = loss + d.StudentT(a + 1).rsample((3,)).square().sum()
            loss.backward()
            found.append(a.grad.tolist())
        return found

    # PyTorch's own are good to some digits only.
    for own, theirs in zip(grads(ours), grads(real), strict=True):
        assert own == pytest.approx(theirs, rel=2e-3)


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "affine": lambda t: t.AffineTransform(1.0, -2.0),
    "affine of vectors": lambda t: t.AffineTransform(1.0, 3.0, event_dim=1),
    "composed": lambda t: t.ComposeTransform([t.ExpTransform(), t.AffineTransform(1.0, 2.0)]),
    "exp": lambda t: t.ExpTransform(),
    "exp, kept": lambda t: t.ExpTransform(cache_size=1),
    "independent": lambda t: t.IndependentTransform(t.ExpTransform(), 1),
    "inverse": lambda t: t.SigmoidTransform().inv.inv,
    "power": lambda t: t.ComposeTransform([t.ExpTransform(), t.PowerTransform(1.5)]),
    "reshape": lambda t: t.ReshapeTransform((2, 3), (6,)),
    "sigmoid": lambda t: t.SigmoidTransform(),
    "softmax": lambda t: t.SoftmaxTransform(),
    "softplus": lambda t: t.SoftplusTransform(),
    "stick": lambda t: t.StickBreakingTransform(),
    "stick, then": lambda t: t.ComposeTransform(
        [t.AffineTransform(0.0, 2.0), t.StickBreakingTransform()]
    ),
    "tanh": lambda t: t.TanhTransform(),
    "cholesky": lambda t: t.LowerCholeskyTransform(),
    "biject": lambda t: t.biject_to(t.constraints.interval(-1.0, 2.0)),
    "to the simplex": lambda t: t.transform_to(t.constraints.simplex),
    "to vectors above 1": lambda t: t.biject_to(
        t.constraints.independent(t.constraints.greater_than(1.0), 1)
    ),
    "nowhere": lambda t: t.biject_to(t.constraints.boolean),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_do_what_pytorchs_do(name: str) -> None:
    def done(m: Any) -> Any:
        d = m.distributions
        d.transforms.biject_to, d.transforms.transform_to = d.biject_to, d.transform_to
        d.transforms.constraints = d.constraints
        made = TRANSFORMS[name](d.transforms)
        x = m.linspace(-1.0, 1.5, 12).view(2, 2, 3)[..., :2, : 2 if name == "cholesky" else 3]
        y = made(x)
        found = [made, y, made.inv(y), made.domain, made.codomain, made.bijective]
        found += [made.forward_shape(m.Size([2, 3])), made.with_cache()]
        found += [made == TRANSFORMS[name](d.transforms)]
        if name not in ("softmax", "cholesky", "to the simplex"):
            found += [made.log_abs_det_jacobian(x, y), made.inv.log_abs_det_jacobian(y, x)]
        return found

    assert said(ours, lambda: done(ours)) == said(real, lambda: done(real))
