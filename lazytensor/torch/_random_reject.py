"""Random numbers by rejection: Poisson, binomial and gamma.

What enters: a tape of uniform and normal numbers, and parameters. What leaves: one number a call,
PyTorch's for the same tape. Parameters of float32 tensors are combined in float32, since which
numbers are rejected depends on it. It must not know how numbers are made, or arrays of samples.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._random_bits import Tape

__all__ = ["binomial", "gamma", "poisson"]

Round = Callable[[Any], Any]

_THIRD = np.float32(1) / np.float32(3)
_LOWEST = -(1 << 63)
_SQUEEZE = float(np.float32(0.0331))
# Stirling's series: what log k! has beyond it, for k from 0 to 9.
_TAILS = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def poisson(rate: float, tape: Tape) -> int:
    """A Poisson number; rates from 10 on by transformed rejection (W. Hörmann, 1993).

    Raises RuntimeError for rates below zero and NaN.
    """
    if not rate >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if rate == 0:
        return 0
    return _poisson_large(rate, tape) if rate >= 10 else _poisson_small(rate, tape)


def _poisson_small(rate: float, tape: Tape) -> int:
    """How many uniform numbers have a product above exp(-rate)."""
    least = math.exp(-rate)
    count, product = 0, tape.uniform()
    while product > least:
        count += 1
        product *= tape.uniform()
    return count


def _poisson_large(rate: float, tape: Tape) -> int:
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    box = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = tape.uniform() - 0.5
        v = tape.uniform()
        us = 0.5 - abs(u)
        k = _int64((2 * a / us + b) * u + rate + 0.43) if us else _LOWEST
        if us >= 0.07 and v <= box:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = _log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if left <= -rate + k * log_rate - math.lgamma(k + 1.0):
            return k


def _log(x: float) -> float:
    """The logarithm of a number from 0 on; −inf at 0."""
    return math.log(x) if x else -math.inf


def _int64(x: float) -> int:
    """The floor of x as an int64; the lowest one where it has none, as x86 converts."""
    return math.floor(x) if -(2.0**63) <= x < 2.0**63 else _LOWEST


def _floor(x: float) -> float:
    return float(math.floor(x)) if math.isfinite(x) else x


def _exact(x: Any) -> float:
    return float(x)


def _parameters(dtype: Any) -> Round:
    """What rounds an expression of parameters: float32 numbers stay float32."""
    return np.float32 if dtype == np.float32 else _exact


def binomial(count: Any, p: Any, tape: Tape) -> float:
    """A binomial number; both parameters are NumPy scalars of one dtype, float32 or float64."""
    number = _parameters(count.dtype)
    count, p = number(count), number(p)
    if count <= 0 or p <= 0:
        return 0.0
    if p >= 1:
        return float(count)
    if not p <= 0.5:
        if math.isnan(p):
            return math.nan
        return float(count - number(_binomial_low(count, number(1.0 - float(p)), number, tape)))
    return _binomial_low(count, p, number, tape)


def _binomial_low(count: Any, p: Any, number: Round, tape: Tape) -> float:
    if count * p >= 10.0:
        return _binomial_transformed(count, p, number, tape)
    return _binomial_waiting(float(count), float(number(math.log1p(-p))), tape)


def _binomial_waiting(count: float, log_failure: float, tape: Tape) -> float:
    """How many geometric waiting times have a sum of up to `count`. NaN for a NaN count."""
    if math.isnan(count):
        return math.nan
    found, waited = 0.0, 0.0
    while True:
        ratio = _log(tape.uniform()) / log_failure
        waited += math.ceil(ratio) if math.isfinite(ratio) else ratio
        if waited > count:
            return found
        found += 1


def _binomial_transformed(count: Any, p: Any, number: Round, tape: Tape) -> float:
    """Transformed rejection with squeeze (W. Hörmann, 1993, algorithm BTRS)."""
    one = number(1)
    deviation = float(number(math.sqrt(count * p * (one - p))))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(p)
    c = float(count * p) + 0.5
    box = 0.92 - 4.2 / b
    odds = float(p / (one - p))
    alpha = (2.83 + 5.1 / b) * deviation
    mode = _floor(float((count + one) * p))
    while True:
        u = tape.uniform() - 0.5
        v = tape.uniform()
        us = 0.5 - abs(u)
        k = number(_floor((2 * a / us + b) * u + c)) if us else number(-1)
        if k < 0 or k > count:
            continue
        if us >= 0.07 and v <= box:
            return float(k)
        v = _log(v * alpha / (a / (us * us) + b))
        if v <= _binomial_bound(count, k, mode, odds, one):
            return float(k)


def _binomial_bound(count: Any, k: Any, mode: float, odds: float, one: Any) -> float:
    """The logarithm of the probability of k over that of the mode."""
    most, rest, total = float(k), float(count - k), float(count)
    failures = float(count - k + one)
    fewest = total - mode + 1
    return float(
        (mode + 0.5) * math.log((mode + 1) / (odds * fewest))
        + float(count + one) * math.log(fewest / failures)
        + (most + 0.5) * math.log(odds * failures / float(k + one))
        + _tail(mode)
        + _tail(total - mode)
        - _tail(most)
        - _tail(rest)
    )


def _tail(k: float) -> float:
    """log k! less Stirling's approximation of it."""
    if k < len(_TAILS):
        return _TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def gamma(shape: Any, tape: Tape) -> float:
    """A gamma number of scale 1 (G. Marsaglia and W. Tsang, 2000), before it is rounded.

    The shape is a NumPy scalar, float32 or float64. NaN where the method has no end: for shapes
    below −2/3 and NaN.
    """
    number = _parameters(shape.dtype)
    alpha, scale = number(shape), 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = math.pow(1 - tape.uniform(), float(number(1) / alpha))
        alpha = alpha + number(1)
    d = float(alpha - number(_THIRD))
    if not d > 0:
        return math.nan
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = tape.normal()
        y = 1.0 + c * x
        while y <= 0:
            x = tape.normal()
            y = 1.0 + c * x
        v = y * y * y
        u = 1 - tape.uniform()
        square = x * x
        if u < 1.0 - _SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v
