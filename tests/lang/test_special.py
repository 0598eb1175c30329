"""Special functions against PyTorch, SciPy and 30 digits, forward and backward."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import leaf
from lazytensor.lang import special
from lazytensor.ops import g

from .against_torch import agree, torch
from .oracle import run

mpmath = pytest.importorskip("mpmath")
scipy = pytest.importorskip("scipy.special")
T = torch.special

LINE = np.concatenate([
    np.linspace(-6, 6, 97) + 1e-3, np.random.default_rng(0).uniform(-30, 30, 60),
])  # fmt: skip
UNIT = np.concatenate([np.linspace(0.001, 0.999, 60), 10.0 ** -np.arange(1, 12)])
EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, -2.0, 5e-324, 1e300])
PLUS = np.abs(LINE) + 0.01

ROWS: dict[str, tuple[Callable[..., Any], np.ndarray[Any, Any]]] = {
    "erfc": (torch.erfc, LINE), "erfcx": (T.erfcx, LINE), "erfinv": (torch.erfinv, 2 * UNIT - 1),
    "log_ndtr": (T.log_ndtr, LINE), "ndtri": (T.ndtri, UNIT), "lgamma": (torch.lgamma, LINE),
    "digamma": (torch.digamma, LINE), "entr": (T.entr, UNIT), "logit": (torch.logit, UNIT),
    "i0": (torch.i0, LINE), "i0e": (T.i0e, LINE), "i1": (T.i1, LINE), "i1e": (T.i1e, LINE),
    "bessel_k0": (T.modified_bessel_k0, PLUS), "bessel_k1": (T.modified_bessel_k1, PLUS),
    "bessel_k0e": (T.scaled_modified_bessel_k0, PLUS),
    "bessel_k1e": (T.scaled_modified_bessel_k1, PLUS),
    "spherical_bessel_j0": (T.spherical_bessel_j0, LINE),
}  # fmt: skip
# Where these cross 0, or PyTorch is farther from the function than that.
LOOSE = {"lgamma": 100, "digamma": 1000, "erfcx": 10}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ROWS)
def test_rows_as_pytorch(name: str, dtype: str) -> None:
    theirs, x = ROWS[name]
    x = x.astype(dtype)
    with np.errstate(all="ignore"):
        want = theirs(torch.from_numpy(x)).numpy()
    tol = 2e-14 if dtype == "float64" else 2e-6
    scale = LOOSE.get(name, 1)
    np.testing.assert_allclose(
        run(getattr(g, name), x), want, rtol=tol * scale, atol=tol * 0.1 * scale
    )


@pytest.mark.parametrize("name", ROWS)
def test_rows_at_the_edges(name: str) -> None:
    theirs, _ = ROWS[name]
    want = theirs(torch.from_numpy(EDGES)).numpy()
    np.testing.assert_allclose(run(getattr(g, name), EDGES), want, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize(
    "name", ["erfc", "erfcx", "erfinv", "log_ndtr", "lgamma", "digamma", "entr", "logit", "i0",
             "i0e", "i1", "i1e"],
)  # fmt: skip
def test_gradients_as_pytorch(name: str) -> None:
    theirs, x = ROWS[name]
    x = x[np.abs(x) < 5]
    agree(getattr(g, name), theirs, x[np.abs(x - np.rint(x)) > 1e-2], scale=100)


DIGITS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "erfcx": (lambda v: mpmath.exp(v * v) * mpmath.erfc(v), lambda x: x),
    "lgamma": (lambda v: mpmath.log(abs(mpmath.gamma(v))), lambda x: x),
    "digamma": (lambda v: mpmath.psi(0, v), lambda x: x),
    "bessel_j0": (lambda v: mpmath.besselj(0, v), lambda x: x),
    "bessel_j1": (lambda v: mpmath.besselj(1, v), lambda x: x),
    "bessel_y0": (lambda v: mpmath.bessely(0, v), np.abs),
    "bessel_y1": (lambda v: mpmath.bessely(1, v), np.abs),
    "bessel_k0": (lambda v: mpmath.besselk(0, v), np.abs),
    "bessel_k1": (lambda v: mpmath.besselk(1, v), np.abs),
    "airy_ai": (mpmath.airyai, lambda x: x),
    "airy_ai_slope": (lambda v: mpmath.airyai(v, derivative=1), lambda x: x),
}


@pytest.mark.parametrize("name", DIGITS)
def test_rows_to_thirty_digits(name: str) -> None:
    exact, domain = DIGITS[name]
    x = domain(LINE)
    with mpmath.workdps(30):
        want = np.array([float(exact(mpmath.mpf(float(v)))) for v in x])
    np.testing.assert_allclose(run(getattr(g, name), x), want, rtol=2e-13, atol=2e-15)


def test_lgamma_keeps_its_digits_at_its_zeros() -> None:
    x = np.concatenate([c + s * 10.0 ** -np.arange(1, 15) for c in (1, 2) for s in (1, -1)])
    with mpmath.workdps(40):
        want = [float(mpmath.loggamma(mpmath.mpf(float(v)))) for v in x]
    np.testing.assert_allclose(run(g.lgamma, x), want, rtol=1e-15)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
def test_polygamma(n: int) -> None:
    x = np.concatenate([np.linspace(0.05, 40, 50), [-0.5, -2.25, -7.7]])
    with mpmath.workdps(30):
        exact = [float(mpmath.psi(n, mpmath.mpf(float(v)))) for v in x]
    np.testing.assert_allclose(run(lambda v: special.polygamma(n, v), x), exact, rtol=1e-13)
    scale = 1e5 if n < 2 else 10  # PyTorch's trigamma has ten digits
    agree(lambda v: special.polygamma(n, v), lambda t: torch.polygamma(n, t), x[:50], scale=scale)


def test_zeta() -> None:
    rng = np.random.default_rng(1)
    s, q = rng.uniform(1.01, 25, 200), 10.0 ** rng.uniform(-2, 3, 200)
    s[150:], q[150:] = np.rint(s[150:] + 1), -q[150:] - 0.01
    want = T.zeta(torch.from_numpy(s), torch.from_numpy(q)).numpy()
    np.testing.assert_allclose(run(g.zeta, s, q), want, rtol=1e-11)
    edges = [(1, 2), (0.5, 2), (2, 0), (2, -3), (2.5, -2.5), (np.nan, 1), (2, np.nan), (3, -2.5)]
    s, q = np.array(edges, float).T.copy()
    want = T.zeta(torch.from_numpy(s), torch.from_numpy(q)).numpy()
    np.testing.assert_allclose(run(g.zeta, s, q), want, rtol=1e-13)


@pytest.mark.parametrize("spread", [0.01, 0.3, 2.0])
def test_incomplete_gamma(spread: float) -> None:
    rng = np.random.default_rng(2)
    a = 10.0 ** rng.uniform(-2, 5, 300)
    x = a * np.exp(rng.normal(size=300) * spread)
    for f, exact in ((special.igamma, scipy.gammainc), (special.igammac, scipy.gammaincc)):
        np.testing.assert_allclose(run(f, a, x), exact(a, x), rtol=1e-10, atol=1e-13)


def test_incomplete_gamma_at_the_edges_and_its_gradient() -> None:
    a, x = (v.ravel().copy() for v in np.meshgrid([0, 1, np.inf, -1, 0.5, 1e10], EDGES[2:]))
    b, y = torch.tensor([0.5, 3.0, 40.0]).double(), np.array([0.2, 4.0, 30.0])
    for ours, theirs in ((special.igamma, torch.igamma), (special.igammac, torch.igammac)):
        want = theirs(torch.from_numpy(a), torch.from_numpy(x)).numpy()
        usable = ~np.isnan(x)
        np.testing.assert_allclose(run(ours, a, x)[usable], want[usable], 1e-9, 1e-12)
        # PyTorch's own asymptotic series has nine digits
        agree(lambda n, f=ours: f(leaf(b.numpy()), n), lambda t, f=theirs: f(b, t), y, scale=1e5)


FAMILIES = {
    "chebyshev_t": "chebyshev_polynomial_t", "chebyshev_u": "chebyshev_polynomial_u",
    "chebyshev_v": "chebyshev_polynomial_v", "chebyshev_w": "chebyshev_polynomial_w",
    "hermite_h": "hermite_polynomial_h", "hermite_he": "hermite_polynomial_he",
    "laguerre_l": "laguerre_polynomial_l", "legendre_p": "legendre_polynomial_p",
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_polynomials(family: str) -> None:
    x = np.concatenate([np.linspace(-1, 1, 21), [-3.5, 2.5]])
    n = np.arange(-2.0, 9)[:, None] + 0.25
    theirs = getattr(T, FAMILIES[family])
    want = theirs(torch.from_numpy(x), torch.from_numpy(n)).numpy()
    got = run(lambda a, b: special.polynomial(family, a, b), x, n)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-9)
    if family.startswith("chebyshev"):
        theirs = getattr(T, "shifted_" + FAMILIES[family])
        want = theirs(torch.from_numpy(x), torch.from_numpy(n)).numpy()
        got = run(lambda a, b: special.polynomial(family, a, b, True), x, n)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-9)


def test_compositions() -> None:
    x = np.linspace(-3, 3, 25) + 0.01
    y = np.abs(x) + 0.1
    agree(special.ndtr, T.ndtr, x)
    agree(special.sinc, torch.sinc, np.append(x, 0.0), scale=10)
    agree(special.exp2, torch.exp2, x)
    agree(special.xlogy, torch.xlogy, np.append(x, 0.0), np.append(y, 2.0))
    agree(special.xlog1py, T.xlog1py, np.append(x, 0.0), np.append(y, 2.0))
    agree(special.logaddexp2, torch.logaddexp2, x, np.append(y[1:], x[-1]), scale=10)
    agree(
        lambda v: special.logit(v, 0.1), lambda t: torch.logit(t, 0.1), np.linspace(0, 1, 21) + 0.01
    )
    agree(lambda v: special.mvlgamma(v, 3), lambda t: torch.mvlgamma(t, 3), y + 2, scale=10)


def test_compositions_at_the_edges() -> None:
    a, b = (v.ravel().copy() for v in np.meshgrid(EDGES, EDGES))
    pairs = (
        (special.xlogy, torch.xlogy), (special.xlog1py, T.xlog1py),
        (special.logaddexp2, torch.logaddexp2),
    )  # fmt: skip
    for ours, theirs in pairs:
        want = theirs(torch.from_numpy(a), torch.from_numpy(b)).numpy()
        np.testing.assert_allclose(run(ours, a, b), want, rtol=1e-14, atol=1e-16)
    for ours, theirs in ((special.sinc, torch.sinc), (special.exp2, torch.exp2)):
        np.testing.assert_allclose(run(ours, EDGES), theirs(torch.from_numpy(EDGES)).numpy(), 1e-14)


@pytest.mark.parametrize("dtype", ["int8", "int64"])
def test_divisors(dtype: str) -> None:
    x, y = np.random.default_rng(0).integers(-11, 12, (2, 60)).astype(dtype)
    y[:3], x[2:5] = 0, 0
    for ours, theirs in ((special.gcd, torch.gcd), (special.lcm, torch.lcm)):
        want = theirs(torch.from_numpy(x), torch.from_numpy(y)).numpy()
        np.testing.assert_array_equal(run(ours, x, y), want)


WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: special.polygamma(-1, x), "does not support negative n"),
    (lambda x: special.mvlgamma(x, 0), "p has to be greater"),
]


@pytest.mark.parametrize(("call", "text"), WRONG)
def test_wrong_arguments(call: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        call(leaf(np.ones(3)))


def test_a_family_that_is_not_there() -> None:
    x = leaf(np.ones(3))
    with pytest.raises(ValueError, match="the families are chebyshev_t, .* got 'jacobi'"):
        special.polynomial("jacobi", x, x)
