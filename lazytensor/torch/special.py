"""Special functions: `torch.special`, and those of them that the namespace itself has too.

What enters: tensors and Python numbers. What leaves: tensors. It must not know how anything is
computed.
"""

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import special as nodes
from ..lang.activation import in_single
from ..ops import g
from ._calls import refuse, some_tensor
from ._dispatch import FUNCTIONS, alias, need_tensor, op, result_type
from ._dtypes import bool_, default
from ._missing import missing
from .arithmetic import several
from .pointwise import binary, floated, pointwise
from .tensor import Tensor

# --- one operand ----------------------------------------------------------------------------------


def _function(name: str, title: str, f: Callable[[Node], Node], kernel: str, here: bool) -> None:
    """Public in `torch.special`, and as `torch.name` and a method too if `here`. Without a title
    the result has no gradient, as in PyTorch.
    """

    def function(input: Tensor) -> Tensor:
        x = floated(need_tensor(name, input))
        refuse(x, kernel, "3")
        return pointwise(title, f, x)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each element; integers in floating point."
    if here:
        op(name, inplace=True, out=True)(function)
        alias(f"_special_{name}", name, method=False)
    else:
        op(f"_special_{name}", method=False, out=True)(function)


def _ndtri(x: Node) -> Node:
    """The inverse of the normal distribution function: Newton's method on its logarithm, from the
    first terms of its asymptotic series, in double precision (as DLMF 7.17).
    """
    wide = g.cast(x, np.dtype(np.float64))
    upper = g.less(0.5, wide)
    p = g.where(upper, 1.0 - wide, wide)
    inside = g.logical_and(g.less(0.0, p), g.less_equal(p, 0.5))
    safe = g.where(inside, p, g.constant(0.25, p))
    target = g.log(safe)
    t = g.sqrt(target * -2.0)
    tail = (g.log(t) + 0.5 * log(2 * pi)) / t - t
    y = g.where(g.less(safe, 0.05), tail, sqrt(2) * g.erfinv(safe * 2.0 - 1.0))
    for _ in range(4):
        slope = g.exp(y * y * -0.5 - 0.5 * log(2 * pi) - g.log_ndtr(y))
        y = y - (g.log_ndtr(y) - target) / slope
    edge = g.where(g.equal(p, 0.0), g.constant(float("-inf"), p), g.constant(float("nan"), p))
    y = g.where(inside, y, edge)
    return g.cast(g.where(upper, -y, y), x.dtype)


for _name, _title, _f, _kernel in (
    ("erfc", "Erfc", g.erfc, "erfc_vml_cpu"),
    ("erfinv", "Erfinv", g.erfinv, "erfinv_vml_cpu"),
    ("lgamma", "Lgamma", g.lgamma, "lgamma_vml_cpu"),
    ("digamma", "Digamma", g.digamma, "digamma"),
    ("i0", "I0", g.i0, "i0_vml_cpu"),
):
    _function(_name, _title, _f, _kernel, True)
for _name, _title, _f, _kernel in (
    ("airy_ai", "", g.airy_ai, "airy_ai_cpu"),
    ("bessel_j0", "", g.bessel_j0, "bessel_j0_cpu"),
    ("bessel_j1", "", g.bessel_j1, "bessel_j1_cpu"),
    ("bessel_y0", "", g.bessel_y0, "bessel_y0_cpu"),
    ("bessel_y1", "", g.bessel_y1, "bessel_y1_cpu"),
    ("entr", "SpecialEntr", g.entr, "entr_cpu"),
    ("erfcx", "SpecialErfcx", g.erfcx, "erfcx_cpu"),
    ("i0e", "SpecialI0E", g.i0e, "i0e_cpu"),
    ("i1", "SpecialI1", g.i1, "i1_cpu"),
    ("i1e", "SpecialI1E", g.i1e, "i1e_cpu"),
    ("log_ndtr", "SpecialLogNdtr", g.log_ndtr, "log_ndtr_cpu"),
    ("modified_bessel_i0", "", g.i0, "modified_bessel_i0_cpu"),
    ("modified_bessel_i1", "", g.i1, "modified_bessel_i1_cpu"),
    ("modified_bessel_k0", "", g.bessel_k0, "modified_bessel_k0_cpu"),
    ("modified_bessel_k1", "", g.bessel_k1, "modified_bessel_k1_cpu"),
    ("ndtr", "MulBackward1", nodes.ndtr, "erf_vml_cpu"),
    ("ndtri", "SpecialNdtri", _ndtri, "ndtri_cpu"),
    ("scaled_modified_bessel_k0", "", g.bessel_k0e,
     "scaled_modified_bessel_k0_cpu"),
    ("scaled_modified_bessel_k1", "", g.bessel_k1e,
     "scaled_modified_bessel_k1_cpu"),
    ("spherical_bessel_j0", "", g.spherical_bessel_j0,
     "spherical_bessel_j0_cpu"),
):  # fmt: skip
    _function(_name, _title, _f, _kernel, False)


@op(inplace=True, out=True)
def sinc(input: Tensor) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0."""
    return pointwise("Sinc", in_single(nodes.sinc), floated(need_tensor("sinc", input)))


@op(inplace=True, out=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), of x brought into [eps, 1 - eps] if given."""
    x = floated(need_tensor("logit", input))
    refuse(x, "logit_cpu", "3")
    return pointwise("Logit", lambda n: nodes.logit(n, eps), x)


@op(inplace=True, out=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of p variables. Raises RuntimeError for p < 1."""
    x = need_tensor("mvlgamma", input)
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if x.dtype is bool_:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    refuse(x, "arange_cpu", "3")
    return pointwise("Mvlgamma", lambda n: nodes.mvlgamma(n, p), floated(x))


def _polygamma(n: int, x: Tensor) -> Tensor:
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    refuse(x, ("digamma", "trigamma")[n] if n < 2 else "polygamma", "3")
    return pointwise("Polygamma", lambda node: nodes.polygamma(n, node), floated(x))


@op(method=False, out=True)
def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma. Raises RuntimeError for negative n."""
    return _polygamma(n, need_tensor("polygamma", input, 2))


@op(name="polygamma", function=False, inplace=True)
def _polygamma_method(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma. Raises RuntimeError for negative n."""
    return _polygamma(n, need_tensor("polygamma", input))


# --- two operands ---------------------------------------------------------------------------------


def _numbered(name: str, title: str, x: Any, y: Any) -> str:
    """The derivative's name: another one where an operand is a number. Raises NotImplementedError
    for complex numbers.
    """
    for t in (x, y):
        if isinstance(t, Tensor):
            refuse(t, f"{name}_cpu", "3")
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return title
    return title + ("Backward2" if isinstance(x, Tensor) else "Backward1")


@op(inplace=True, out=True)
def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), 0 where input is 0 and other not NaN."""
    some_tensor("xlogy", input, other)
    title = _numbered("xlogy", "Xlogy", input, other)
    return binary("xlogy", title, nodes.xlogy, input, other, floating=True)


@op("_special_xlog1py", method=False, out=True)
def xlog1py(input: Any, other: Any) -> Tensor:
    """input * log(1 + other), 0 where input is 0 and other not NaN."""
    some_tensor("special_xlog1py", input, other)
    title = _numbered("xlog1py", "SpecialXlog1Py", input, other)
    return binary("xlog1py", title, nodes.xlog1py, input, other, floating=True)


@op("_special_zeta", method=False, out=True)
def zeta(input: Any, other: Any) -> Tensor:
    """Hurwitz's zeta function."""
    some_tensor("special_zeta", input, other)
    title = _numbered("zeta", "SpecialZeta", input, other)
    return binary("zeta", title, g.zeta, input, other, floating=True)


def _floating_pair(name: str, title: str, f: Callable[[Node, Node], Node]) -> None:
    def function(input: Tensor, other: Tensor) -> Tensor:
        x, y = need_tensor(name, input), need_tensor(name, other, 2, "other")
        joint = result_type(x, y)
        refuse(joint, f"{name}_cpu", "01" if name == "logaddexp" else "013")
        return binary(name, title, f, x, y)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each pair. Raises NotImplementedError for integers."
    op(name, inplace=name.startswith("i"), out=True)(function)


def _logaddexp(x: Node, y: Node) -> Node:
    """log(exp(x) + exp(y)); of complex numbers by the one with the greater real part."""
    if x.dtype.kind != "c":
        return g.logaddexp(x, y)
    greater = g.less(g.real(x), g.real(y))
    most, least = g.where(greater, y, x), g.where(greater, x, y)
    same = g.logical_and(g.equal(x, y), g.isinf(g.real(x)))
    apart = g.where(same, g.constant(0, x), least - most)
    return g.log(g.exp(apart) + 1) + most


_floating_pair("logaddexp", "Logaddexp", _logaddexp)
_floating_pair("igamma", "Igamma", nodes.igamma)
_floating_pair("igammac", "Igammac", nodes.igammac)
_floating_pair("logaddexp2", "Logaddexp2", nodes.logaddexp2)

# --- polynomials ----------------------------------------------------------------------------------


def _polynomial(name: str, family: str, shifted: bool) -> None:
    def f(x: Node, n: Node) -> Node:
        return nodes.polynomial(family, x, n, shifted)

    def function(input: Any, n: Any) -> Tensor:
        some_tensor(f"special_{title}", input, n, ("x", "n"), "x")
        joint = result_type(input, n)
        return several("", f, (input, n), joint if joint._rank > 1 else default())

    title = f"{'shifted_' if shifted else ''}{name}"
    function.__name__ = title
    function.__doc__ = f"`{title}`: the polynomials of x of degrees n, tensors or numbers."
    op(f"_special_{title}", method=False, out=True)(function)


for _letter in "tuvw":
    for _shift in (False, True):
        _polynomial(f"chebyshev_polynomial_{_letter}", f"chebyshev_{_letter}", _shift)
_polynomial("hermite_polynomial_h", "hermite_h", False)
_polynomial("hermite_polynomial_he", "hermite_he", False)
_polynomial("laguerre_polynomial_l", "laguerre_l", False)
_polynomial("legendre_polynomial_p", "legendre_p", False)

# --- names ----------------------------------------------------------------------------------------

_SHARED = {
    "digamma": "digamma", "erf": "erf", "exp2": "exp2", "expit": "sigmoid", "expm1": "expm1",
    "gammainc": "igamma", "gammaincc": "igammac", "gammaln": "lgamma", "log1p": "log1p",
    "log_softmax": "log_softmax", "logit": "logit", "logsumexp": "logsumexp",
    "multigammaln": "mvlgamma", "polygamma": "polygamma", "psi": "digamma", "round": "round",
    "sinc": "sinc", "softmax": "softmax", "xlogy": "xlogy",
}  # fmt: skip


def _names() -> dict[str, Any]:
    """The namespace `torch.special`."""
    prefix = "_special_"
    own = {n.removeprefix(prefix): f for n, f in FUNCTIONS.items() if n.startswith(prefix)}
    return own | {new: FUNCTIONS[old] for new, old in _SHARED.items()}


globals().update(_names())
__all__ = sorted(_names())  # noqa: PLE0605


__getattr__ = missing("torch.special")
