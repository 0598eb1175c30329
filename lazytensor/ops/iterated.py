"""Rows computed step by step, where the number of steps depends on data or on an axis: incomplete
gammas, orthogonal polynomials, common divisors, running extrema, running log-sum-exp, frexp.

Not elementwise rows, for they have no scalar body: their arguments have one shape and are not
broadcast. What enters and leaves: as the columns of `ir/op.py` say. They must not know other rows
but through the builder.
"""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

from .._base.dtypes import float64, int32, int64, kind
from .._base.module import Worth, own
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from . import _gamma
from ._families import Infer, all_batched, wide
from .scan import flip, put_along, shift, take_along

# Steps of running extrema after which the target's own function is asked.
STEPS = Worth(1 << 18)


def _infer_pair(name: str) -> Callable[..., Infer]:
    def infer(x: Node, y: Node, *params: Any) -> Infer:
        if x.dtype is not y.dtype:
            raise TypeError(f"dtypes {x.dtype} and {y.dtype} differ: cast first")
        if x.shape != y.shape:
            raise ValueError(f"{name}: shapes {x.shape} and {y.shape} differ: broadcast first")
        return x.shape, x.dtype

    return infer


def _batch_pair(name: str) -> Callable[..., Node]:
    def batch(g: Any, batched: Sequence[bool], x: Node, y: Node, *params: Any) -> Node:
        return getattr(g, name)(*all_batched(g, batched, (x, y)), *params)  # type: ignore[no-any-return]

    return batch


def _pair(name: str, domain: str, **columns: Any) -> Op:
    return register(
        Op(
            name, "scan", 2, domain=domain, infer=_infer_pair(name), batch=_batch_pair(name),
            **columns,
        )
    )  # fmt: skip


def _in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """A value column computed in float64 and rounded once."""

    def value(np: Any, x: Any, y: Any, *params: Any) -> Any:
        found = function(np, x.astype(float64), y.astype(float64), *params)
        return np.asarray(found).astype(x.dtype)

    return value


# --- incomplete gamma functions -------------------------------------------------------------------


def _density(g: Any, a: Node, x: Node) -> Node:
    """x^(a-1) exp(-x) / gamma(a), the derivative of P by x."""
    return g.exp(g.log(x) * (a - 1) - x - g.lgamma(a))  # type: ignore[no-any-return]


igamma = _pair(
    "igamma", "f", value=_in_double(lambda np, a, x: _gamma.incomplete(np, a, x)[0]),
    partials=lambda g, y, a, x: (g.constant(nan, y), _density(g, a, x)),
    doc="Regularised lower incomplete gamma function P(a, x). By a there is no derivative: NaN.",
)  # fmt: skip
igammac = _pair(
    "igammac", "f", value=_in_double(lambda np, a, x: _gamma.incomplete(np, a, x)[1]),
    partials=lambda g, y, a, x: (g.constant(nan, y), -_density(g, a, x)),
    doc="Regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x). By a: NaN.",
)  # fmt: skip

# --- orthogonal polynomials -----------------------------------------------------------------------

# Family -> a, b, c of p[k+1] = (a x + b) p[k] - c p[k-1], DLMF 18.9.1; p[0] = 1, p[-1] = 0.
_RECURRENCES: dict[str, Callable[[int], tuple[float, float, float]]] = {
    "chebyshev_t": lambda k: (2.0 if k else 1.0, 0.0, 1.0),
    "chebyshev_u": lambda k: (2.0, 0.0, 1.0),
    "chebyshev_v": lambda k: (2.0, 0.0 if k else -1.0, 1.0),
    "chebyshev_w": lambda k: (2.0, 0.0 if k else 1.0, 1.0),
    "hermite_h": lambda k: (2.0, 0.0, 2.0 * k),
    "hermite_he": lambda k: (1.0, 0.0, float(k)),
    "laguerre_l": lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)),
    "legendre_p": lambda k: ((2 * k + 1) / (k + 1), 0.0, k / (k + 1)),
}


def _next(x: Any, now: list[Any], before: list[Any], step: tuple[float, float, float]) -> list[Any]:
    """The next polynomial and its derivatives, up to the order that there are."""
    a, b, c = step
    out = []
    for d, (p, last) in enumerate(zip(now, before, strict=True)):
        lower = d * a * now[d - 1] if d else 0.0
        out.append((a * x + b) * p - c * last + lower)
    return out


def _polynomial(np: Any, x: Any, n: Any, family: str, order: int) -> Any:
    """Degrees are cut to integers; negative ones give 0, NaN gives NaN."""
    degree = np.trunc(n)
    wanted = degree[np.isfinite(degree)]
    now = [np.ones_like(x), *(np.zeros_like(x) for _ in range(order))]
    before = [np.zeros_like(x) for _ in now]
    out = np.where(degree < 0, 0.0, np.full_like(x, nan))
    for k in range(int(wanted.max(initial=-1.0)) + 1):
        out = np.where(degree == k, now[-1], out)
        now, before = _next(x, now, before, _RECURRENCES[family](k)), now
    return out


def _infer_polynomial(x: Node, n: Node, family: str, order: int) -> Infer:
    if family not in _RECURRENCES:
        raise ValueError(f"polynomial: the families are {', '.join(_RECURRENCES)}, got {family!r}")
    return _infer_pair("polynomial")(x, n)


polynomial = register(
    Op(
        "polynomial", "scan", 2, params=("family", "order"), domain="f", infer=_infer_polynomial,
        value=_in_double(_polynomial), batch=_batch_pair("polynomial"),
        partials=lambda g, y, x, n, family, order: (g.polynomial(x, n, family, order + 1), None),
        doc="A derivative, of some order, of the orthogonal polynomials of x of degrees n.",
    )
)  # fmt: skip

# --- integers, parts of numbers -------------------------------------------------------------------

gcd = _pair(
    "gcd", "iu", value=lambda np, x, y: np.gcd(x, y), partials=NONDIFF,
    doc="Greatest common divisor, not negative; gcd(0, 0) is 0.",
)  # fmt: skip


def _power_of_two(g: Any, exponent: Node, like: Node) -> Node:
    """2^-exponent in two factors, since the whole may overflow."""
    half = g.right_shift(exponent, 1)
    one, other = (g.cast(e, like.dtype) for e in (half, exponent - half))
    return g.pow(g.constant(2, one), -one) * g.pow(g.constant(2, other), -other)  # type: ignore[no-any-return]


def _frexp_vjp(g: Any, ct: Sequence[Any], y: Node, x: Node) -> tuple[Node | None]:
    if ct[0] is None:
        return (None,)
    return (ct[0] * _power_of_two(g, g.pick(y, 1), x),)


def _frexp_jvp(g: Any, tangents: Sequence[Any], y: Node, x: Node) -> Any:
    t = tangents[0]
    return None if t is None else (t * _power_of_two(g, g.pick(y, 1), x), None)


def _frexp_value(np: Any, x: Any) -> Any:
    mantissa, exponent = np.frexp(x)
    return np.asarray(mantissa, x.dtype), np.asarray(exponent, int32)


frexp = register(
    Op(
        "frexp", "scan", 1, domain="f", outputs=2,
        infer=lambda x: ((x.shape, x.shape), (x.dtype, int32)), value=_frexp_value,
        vjp=_frexp_vjp, jvp=_frexp_jvp, batch=lambda g, batched, x: g.frexp(x),
        doc="Mantissa in [1/2, 1) with the sign of x, and the int32 exponent of two.",
    )
)  # fmt: skip

# --- along an axis --------------------------------------------------------------------------------


def _infer_axis(name: str, dtype: Any = None) -> Callable[..., Infer]:
    def infer(x: Node, axis: int, *params: Any) -> Infer:
        if not 0 <= axis < x.ndim:
            raise ValueError(f"{name}: axis {axis} is out of bounds for shape {x.shape}")
        return x.shape, dtype or x.dtype

    return infer


def _running_place_value(np: Any, x: Any, axis: int, largest: bool) -> Any:
    native = own(np, "running") if STEPS(x.size) else None
    found = native(x, axis, largest, True) if native else None
    return _places(np, x, axis, largest) if found is None else found


def _places(np: Any, x: Any, axis: int, largest: bool) -> Any:
    x = wide(np, x)
    best = (np.maximum if largest else np.minimum).accumulate(x, axis)
    hit = (x == best) | (x != x)
    line = tuple(-1 if a == axis else 1 for a in range(x.ndim))
    places = np.arange(x.shape[axis], dtype=np.int64).reshape(line)
    return np.maximum.accumulate(np.where(hit, places, 0), axis)


running_place = register(
    Op(
        "running_place", "scan", 1, params=("axis", "largest"), domain="biuf",
        infer=_infer_axis("running_place", int64), value=_running_place_value, partials=NONDIFF,
        batch=lambda g, batched, x, axis, largest: g.running_place(x, axis + 1, largest),
        doc="Where the largest, or smallest, of the first 1, 2, … elements stands: the last such; "
        "the last NaN if there is one.",
    )
)  # fmt: skip


def _running_value(np: Any, x: Any, axis: int, largest: bool) -> Any:
    native = own(np, "running") if STEPS(x.size) else None
    found = native(x, axis, largest, False) if native else None
    if found is None:
        found = np.take_along_axis(x, _places(np, x, axis, largest), axis)
    return found


def _running_vjp(
    g: Any, ct: Node, y: Node, x: Node, axis: int, largest: bool
) -> tuple[Node | None]:
    if kind(x.dtype) != "f":
        return (None,)
    return (put_along(g, ct, g.running_place(x, axis, largest), axis),)


def _running_jvp(
    g: Any, tangents: Sequence[Any], y: Node, x: Node, axis: int, largest: bool
) -> Node | None:
    t = tangents[0]
    return None if t is None else take_along(g, t, g.running_place(x, axis, largest), axis)


running = register(
    Op(
        "running", "scan", 1, params=("axis", "largest"), domain="biuf",
        infer=_infer_axis("running"), value=_running_value, vjp=_running_vjp, jvp=_running_jvp,
        batch=lambda g, batched, x, axis, largest: g.running(x, axis + 1, largest),
        doc="The largest, or smallest, of the first 1, 2, … elements: what stands at the places "
        "that `running_place` gives.",
    )
)  # fmt: skip


def _logcumsumexp_value(np: Any, x: Any, axis: int) -> Any:
    return np.logaddexp.accumulate(wide(np, x), axis).astype(x.dtype, copy=False)


def _kept_share(g: Any, y: Node, axis: int) -> Node:
    """exp(y[i - 1] - y[i]): how much of a sum was there one step before; 0 of nothing."""
    before = shift(g, y, axis, 0)
    same = g.equal(before, y)
    difference = g.where(same, g.constant(0, y), before - y)
    return g.exp(difference)  # type: ignore[no-any-return]


def _new_share(g: Any, y: Node, x: Node) -> Node:
    """exp(x[i] - y[i])."""
    difference = g.where(g.equal(x, y), g.constant(0, y), x - y)
    return g.exp(difference)  # type: ignore[no-any-return]


def _logcumsumexp_vjp(g: Any, ct: Node, y: Node, x: Node, axis: int) -> tuple[Node]:
    """exp(x[i]) times the sum over j >= i of ct[j] exp(-y[j]), as a recurrence from the end."""
    factor = shift(g, flip(g, _kept_share(g, y, axis), axis), axis, 0)
    reached = flip(g, g.recurrence(factor, flip(g, ct, axis), axis), axis)
    return (_new_share(g, y, x) * reached,)


def _logcumsumexp_jvp(g: Any, tangents: Sequence[Any], y: Node, x: Node, axis: int) -> Node | None:
    t = tangents[0]
    if t is None:
        return None
    return g.recurrence(_kept_share(g, y, axis), t * _new_share(g, y, x), axis)  # type: ignore[no-any-return]


logcumsumexp = register(
    Op(
        "logcumsumexp", "scan", 1, params=("axis",), domain="f", infer=_infer_axis("logcumsumexp"),
        value=_logcumsumexp_value, vjp=_logcumsumexp_vjp, jvp=_logcumsumexp_jvp,
        batch=lambda g, batched, x, axis: g.logcumsumexp(x, axis + 1),
        doc="Logarithms of the sums of the exponentials of the first 1, 2, … elements.",
    )
)  # fmt: skip
