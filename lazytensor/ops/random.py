"""Random bits by counter, and two inverse distribution functions with the same bits everywhere.

`random_bits(key, position, shape)` is a pure function. Key and position are inputs, not parameters,
so that another draw is the same program. Its numbers, for every target to reproduce:

    element i = word i % 4 of Philox4x64-10(key, counter = position + 1 + i // 4)

with the elements in C order and the counter a number of 256 bits, lowest word first (the sum
carries into its second word). This is `random_raw(n)` of
`numpy.random.Philox(key=key, counter=position)`. A draw of n elements uses ceil(n / 4) counters.
`words` is the generator over scalar instructions.

`surprisal` and `ndtri` turn bits into exponential and normal numbers. Their bodies use only
instructions that IEEE 754 rounds exactly (+ - * / sqrt, comparisons, selects), so that every target
gives the same numbers; logarithms of C libraries differ in the last place.
It must not know streams, seeds or distributions.
"""

from collections.abc import Sequence
from math import log, pi, prod, sqrt
from typing import Any

from .._base.dtypes import DType, float32, float64, uint64
from .._base.shapes import Shape
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from ._eager import Eager
from ._families import Infer, unary

# J. Salmon and others, Parallel random numbers: as easy as 1, 2, 3 (2011).
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS, WORDS, LOW = 10, 4, 0xFFFFFFFF


def multiply_high(s: Any, x: Any, factor: int) -> Any:
    """The upper 64 bits of the 128-bit product of a uint64 and a constant."""
    f_low, f_high = factor & LOW, factor >> 32
    low, high = s.and_(x, LOW), s.shr(x, 32)
    middle = s.add(s.mul(high, f_low), s.shr(s.mul(low, f_low), 32))
    rest = s.add(s.mul(low, f_high), s.and_(middle, LOW))
    return s.add(s.add(s.mul(high, f_high), s.shr(middle, 32)), s.shr(rest, 32))


def words(s: Any, key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Four words of Philox4x64-10 for a key and the two lower words of a counter, all uint64."""
    k0, k1 = key
    c0, c1 = counter
    c2 = c3 = s.xor(c0, c0)
    for _ in range(ROUNDS):
        high0, low0 = multiply_high(s, c0, MULTIPLIERS[0]), s.mul(c0, MULTIPLIERS[0])
        high1, low1 = multiply_high(s, c2, MULTIPLIERS[1]), s.mul(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = s.xor(s.xor(high1, c1), k0), low1, s.xor(s.xor(high0, c3), k1), low0
        k0, k1 = s.add(k0, KEY_STEPS[0]), s.add(k1, KEY_STEPS[1])
    return c0, c1, c2, c3


def _stream(np: Any, key: Any, position: Any, n: int) -> Any:
    """The first n elements of a draw."""
    if hasattr(np.random, "Philox"):
        return np.random.Philox(key=key, counter=int(position)).random_raw(n)
    return stream_of_arrays(np, key, position, n)


def stream_of_arrays(np: Any, key: Any, position: Any, n: int) -> Any:
    """The same by array operations, for a module that has no generator of its own."""
    s = Eager(np)
    low = np.arange(1, -(-n // WORDS) + 1, dtype=uint64) + position
    carry = (low <= position).astype(uint64)
    return np.stack(words(s, (key[0], key[1]), (low, carry)), axis=1).reshape(-1)[:n]


def _bits_value(np: Any, key: Any, position: Any, shape: Shape) -> Any:
    n = prod(shape)
    if position.ndim == 0:
        return _stream(np, key, position, n).reshape(shape)
    out = np.empty((*position.shape, n), uint64)
    for place in np.ndindex(position.shape):
        out[place] = _stream(np, key[place], position[place], n)
    return out.reshape((*position.shape, *shape))


def _infer_bits(key: Node, position: Node, shape: Shape) -> Infer:
    if key.dtype is not uint64 or position.dtype is not uint64:
        raise TypeError(
            f"random_bits: {key.dtype} key, {position.dtype} position; both must be uint64"
        )
    if key.shape != (*position.shape, 2):
        raise ValueError(f"random_bits: key {key.shape} and position {position.shape} do not match")
    return (*position.shape, *shape), uint64


def _bits_batch(g: Any, batched: Sequence[bool], key: Node, position: Node, shape: Shape) -> Node:
    """Every example draws from its own key, or at its own position."""
    n = key.shape[0] if batched[0] else position.shape[0]
    key, position = (
        x if b else g.broadcast_to(x, (n, *x.shape))
        for x, b in zip((key, position), batched, strict=True)
    )
    return g.random_bits(key, position, shape)  # type: ignore[no-any-return]


random_bits = register(
    Op(
        "random_bits", "random", 2, params=("shape",), domain="u",
        infer=_infer_bits, value=_bits_value, partials=NONDIFF, batch=_bits_batch,
        doc="Uniform 64-bit words for a key of two words and a position (Philox4x64-10).",
    )
)  # fmt: skip

# Exponents of powers of two that bring any number of a width, subnormal ones too, into [1/2, 1]:
# towards the end each is half of the one before, so that each is needed at most once.
_SCALES = {
    float32: (64, 64, 32, 16, 8, 4, 2, 1),
    float64: (512, 256, 128, 64, 64, 32, 16, 8, 4, 2, 1),
}
_ATANH = tuple(1 / (2 * n + 1) for n in range(11))


def _width(dtype: DType) -> DType:
    """Half precision is computed in single."""
    return dtype if dtype in _SCALES else float32


def _horner(s: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """A polynomial, the constant term first."""
    y = s.add(s.mul(x, coefficients[-1]), coefficients[-2])
    for c in coefficients[-3::-1]:
        y = s.add(s.mul(y, x), c)
    return y


def _neg_log(s: Any, p: Any) -> Any:
    """-log(p) for 0 < p <= 1: p = m / 2^e with sqrt(1/2) <= m < sqrt(2), of which
    log(m) = 2 atanh((m - 1) / (m + 1))."""
    m, e = p, s.const(0.0, p.dtype)
    for below, k in (*((2.0**-k, k) for k in _SCALES[p.dtype]), (sqrt(0.5), 1)):
        small = s.lt(m, below)
        m, e = s.select(small, s.mul(m, 2.0**k), m), s.select(small, s.add(e, float(k)), e)
    t = s.div(s.sub(m, 1.0), s.add(m, 1.0))
    series = s.mul(s.add(t, t), _horner(s, s.mul(t, t), _ATANH))
    return s.sub(s.mul(e, log(2)), series)


def surprisal_body(s: Any, p: Any) -> Any:
    """-log(p) by exactly rounded instructions."""
    x = s.cast(p, _width(p.dtype))
    inside = s.and_(s.le(0.0, x), s.le(x, 1.0))
    found = s.select(s.eq(x, 0.0), float("inf"), _neg_log(s, x))
    return s.cast(s.select(inside, found, float("nan")), p.dtype)


# M. Wichura, The percentage points of the normal distribution, Applied Statistics 37 (1988),
# AS 241: numerators and denominators by 0.180625 - q^2, by t - 1.6 and by t - 5, t = sqrt(-log(p)).
_CENTRE = (
    (
        3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
        1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
        3.3430575583588128105e4, 2.5090809287301226727e3,
    ),
    (
        1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
        5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
        2.8729085735721942674e4, 5.2264952788528545610e3,
    ),
)  # fmt: skip
_TAIL = (
    (
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
        3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ),
    (
        1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
        6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
        5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ),
)  # fmt: skip
_FAR = (
    (
        6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
        2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ),
    (
        1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
        1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
        1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ),
)  # fmt: skip


def _ratio(s: Any, x: Any, fraction: tuple[Sequence[float], Sequence[float]]) -> Any:
    return s.div(_horner(s, x, fraction[0]), _horner(s, x, fraction[1]))


def quantile(s: Any, q: Any, nearest: Any) -> Any:
    """Where the normal distribution is 1/2 + q, given the probability of the nearer tail too; NaN
    where that is negative.
    """
    centre = s.mul(q, _ratio(s, s.sub(0.180625, s.mul(q, q)), _CENTRE))
    t = s.sqrt(_neg_log(s, nearest))
    beyond = s.select(s.le(t, 5.0), _ratio(s, s.sub(t, 1.6), _TAIL), _ratio(s, s.sub(t, 5.0), _FAR))
    y = s.select(s.le(s.abs(q), 0.425), centre, s.copysign(beyond, q))
    y = s.select(s.eq(nearest, 0.0), s.copysign(float("inf"), q), y)
    return s.select(s.le(0.0, nearest), y, float("nan"))


def ndtri_body(s: Any, p: Any) -> Any:
    """The normal distribution's inverse by exactly rounded instructions, in three ranges of p."""
    x = s.cast(p, _width(p.dtype))
    return s.cast(quantile(s, s.sub(x, 0.5), s.min(x, s.sub(1.0, x))), p.dtype)


surprisal = unary(
    "surprisal", "f", lambda np, p: surprisal_body(Eager(np), p), surprisal_body,
    lambda g, y, p: -1 / p,
    "-log(p) of a probability in [0, 1], else NaN; the same bits on every target, within 2 ulp.",
)  # fmt: skip
ndtri = unary(
    "ndtri", "f", lambda np, p: ndtri_body(Eager(np), p), ndtri_body,
    lambda g, y, p: g.exp(y * y * 0.5) * sqrt(2 * pi),
    "The normal distribution's inverse, else NaN; the same bits on every target, within 5 ulp.",
)  # fmt: skip
