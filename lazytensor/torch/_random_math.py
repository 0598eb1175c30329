"""Arithmetic whose last bit is PyTorch's: fused multiplication, logarithms, sines, roundings.

What enters: arrays of floating-point numbers. What leaves: arrays with the numbers that PyTorch's
CPU kernels compute on processors with fused multiply-add. float64 functions are those of the C
library, which both use; NumPy's own differ in the last place where it has vector versions. The
float32 logarithm, sine and cosine are Cephes' polynomials (S. Moshier), evaluated as PyTorch's
vector code does. It must not know random numbers.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._base.module import Worth, module, own

__all__ = ["box_muller", "cosines_and_sines", "fma", "libm", "rounded", "truncated"]

Array = np.ndarray[Any, Any]

# Numbers computed at a time, so that temporaries stay in the cache.
_BLOCK = 4096
# Numbers after which the native target is asked.
NORMAL, CALLED = Worth(1 << 18, 1 << 12), Worth(1 << 17)
_SPLITTER = 134217729.0  # 2**27 + 1


def _single(number: float) -> float:
    return float(np.float32(number))


def _singles(*numbers: float) -> tuple[float, ...]:
    return tuple(map(_single, numbers))


_LOG = _singles(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_LOG_2 = _singles(-2.12194440e-4, 0.693359375)
_SIN = _singles(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _singles(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_QUARTER = _singles(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)
_ROOT_HALF, _TWO_PI, _FOUR_OVER_PI = _singles(math.sqrt(0.5), 2 * math.pi, 1.27323954473516)
_CONSTANTS = {
    "log": _LOG, "ln2": _LOG_2, "sin": _SIN, "cos": _COS, "parts": _QUARTER,
    "root": (_ROOT_HALF,), "turn": (_TWO_PI,), "eighths": (_FOUR_OVER_PI,),
}  # fmt: skip


def rounded(x: Array, dtype: Any) -> Array:
    """x in a floating-point dtype; the 16-bit ones by way of float32, as PyTorch converts."""
    if x.dtype == dtype:
        return x
    with np.errstate(over="ignore"):
        if np.dtype(dtype).itemsize == 2:
            x = x.astype(np.float32)
        return x.astype(dtype)


def truncated(x: Array, dtype: Any) -> Array:
    """float64 x in any real dtype; numbers beyond an integer dtype become what x86 makes of them.

    That is the lowest number of 64 bits for int64, and the lower bits of the lowest number of 32
    bits for the others.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        return rounded(x, dtype)
    width = 64 if dtype.itemsize == 8 else 32
    fits = np.abs(x) < 2.0 ** (width - 1)
    return np.where(fits, np.where(fits, x, 0).astype(np.int64), -(1 << (width - 1))).astype(dtype)


def libm(function: Callable[[float], float], x: Array) -> Array:
    """A function of the C library on every element of a float64 array, within its domain."""
    native = own(module(), "c_library") if CALLED(x.size) else None
    found: Array | None = native(function.__name__, x) if native else None
    if found is not None:
        return found
    flat = np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size)
    return flat.reshape(x.shape)


def cosines_and_sines(angles: Array) -> tuple[Array, Array]:
    """cos and sin of a float64 array, by the C library or its complex exponential."""
    if CALLED(0) and own(module(), "c_library"):
        return libm(math.cos, angles), libm(math.sin, angles)
    turns = np.zeros(angles.shape, np.complex128)
    turns.imag = angles
    np.exp(turns, out=turns)
    return turns.real, turns.imag


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The rounded sum and what rounding lost (D. Knuth)."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def _two_product(a: Array, b: Any) -> tuple[Array, Array]:
    """The rounded product and what rounding lost (T. Dekker)."""
    product = a * b
    a_high = a * _SPLITTER - (a * _SPLITTER - a)
    b_high = b * _SPLITTER - (b * _SPLITTER - b)
    a_low, b_low = a - a_high, b - b_high
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, rest


def _odd_sum(a: Array, b: Array) -> Array:
    """a + b rounded to the neighbour whose last bit is odd, where it isn't exact."""
    total, rest = _two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    toward = np.nextafter(total, np.copysign(np.inf, rest))
    return np.where(even & (rest != 0), toward, total)


def _fma_double(a: Array, b: float, c: float) -> Array:
    """S. Boldo and G. Melquiond, Emulation of FMA and correctly rounded sums (2008)."""
    with np.errstate(all="ignore"):
        high, low = _two_product(a, b)
        carry, rest = _two_sum(low, np.full_like(a, c))
        total, left = _two_sum(high, carry)
        result = total + _odd_sum(rest, left)
        return np.where(np.isfinite(result), result, a * b + c)


def fma(a: Array, b: float, c: float) -> Array:
    """a·b + c rounded once, for a float32 or float64 array and numbers of its dtype; results below
    float32's normal numbers may be rounded twice.
    """
    native = own(module(), "fma") if CALLED(a.size) else None
    found: Array | None = native(a, b, c) if native else None
    if found is not None:
        return found
    if a.dtype == np.float32:
        return _sum(a.astype(np.float64) * _single(b), _single(c)).astype(np.float32)
    if c == 0 or math.frexp(b)[0] in {0.0, 0.5, -0.5}:
        with np.errstate(all="ignore"):
            return a * b + c
    flat = a.ravel()
    blocks = [_fma_double(flat[i : i + _BLOCK], b, c) for i in range(0, flat.size, _BLOCK)]
    return np.concatenate(blocks or [flat]).reshape(a.shape)


def _halfway(total: Array) -> Array:
    """Whether float64 numbers lie in the middle of two float32 ones."""
    found: Array = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    return found


def _sum(a: Array, b: Any) -> Array:
    """a + b of float64 numbers, rounded to float32 once."""
    total = a + b
    halfway = _halfway(total)
    if halfway.any():  # the first rounding may have led there
        places = np.nonzero(halfway)
        total[places] = _odd_sum(a[places], np.broadcast_to(b, a.shape)[places])
    return _rounding(total)


def _rounding(x: Array) -> Array:
    """float64 numbers rounded to float32, in place."""
    x[...] = x.astype(np.float32)
    return x


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Horner's rule with one rounding a step: float32 arithmetic on float64 arrays."""
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        y = _sum(y * x, c)
    return y


def _log(x: Array) -> Array:
    """The logarithm of positive normal float32 numbers, held as float64."""
    fraction, exponent = np.frexp(x)
    power = exponent.astype(np.float64)
    small = fraction < _ROOT_HALF
    power -= small
    fraction += np.where(small, fraction, 0)
    fraction -= 1
    square = _rounding(fraction * fraction)
    y = _rounding(_polynomial(fraction, _LOG) * fraction)
    y = _sum(y * square, _rounding(power * _LOG_2[0]))
    y = _sum(y, -0.5 * square)
    y = _sum(fraction, y)
    return _sum(power * _LOG_2[1], y)


def _cos_sin(angle: Array) -> tuple[Array, Array]:
    """cos and sin of float32 numbers in [0, 2π], held as float64."""
    octant = (_rounding(angle * _FOUR_OVER_PI).astype(np.int64) + 1) & ~1
    x = angle
    for part in _QUARTER:
        x = _sum(x, -octant * part)
    square = _rounding(x * x)
    cos = _rounding(_polynomial(square, _COS) * square)
    cos = _sum(_sum(cos * square, -0.5 * square), 1)
    sin = _rounding(_polynomial(square, _SIN) * square)
    sin = _sum(sin * x, x)
    swapped = (octant & 2) != 0
    cos, sin = np.where(swapped, sin, cos), np.where(swapped, cos, sin)
    np.negative(cos, out=cos, where=((octant + 2) & 4) != 0)
    np.negative(sin, out=sin, where=(octant & 4) != 0)
    return cos, sin


def _pairs_single(first: Array, second: Array) -> tuple[Array, Array]:
    """Standard normal pairs of float32 uniforms, held as float64."""
    radius = _rounding(np.sqrt(-2.0 * _log(1.0 - first)))
    cos, sin = _cos_sin(_rounding(second * _TWO_PI))
    return _rounding(radius * cos), _rounding(radius * sin)


def _box_muller_single(u: Array, mean: float, std: float) -> None:
    mean, std = _single(mean), _single(std)
    rows = _BLOCK // 8  # of eight pairs
    for start in range(0, len(u), rows):
        block = u[start : start + rows].astype(np.float64)
        cos, sin = _pairs_single(block[:, 0], block[:, 1])
        u[start : start + rows, 0] = _sum(cos * std, mean)
        u[start : start + rows, 1] = _sum(sin * std, mean)


def _box_muller_double(u: Array, mean: float, std: float) -> None:
    radius = np.sqrt(-2.0 * libm(math.log, 1.0 - u[:, 0]))
    cos, sin = cosines_and_sines(2.0 * math.pi * u[:, 1])
    u[:, 0] = fma(radius * cos, std, mean)
    u[:, 1] = fma(radius * sin, std, mean)


def box_muller(uniforms: Array, mean: float, std: float) -> None:
    """Turn uniform numbers into normal ones, in place.

    The array is float32 or float64, contiguous, its size a multiple of 16. Of 16 numbers, the
    first eight make radii and the last eight angles.
    """
    native = own(module(), "box_muller") if NORMAL(uniforms.size) else None
    if native and native(uniforms, mean, std, _CONSTANTS):
        return
    pairs = uniforms.reshape(-1, 2, 8)
    transform = _box_muller_single if uniforms.dtype == np.float32 else _box_muller_double
    transform(pairs, mean, std)
