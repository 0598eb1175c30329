"""Elementwise functions as PyTorch defines them, composed of rows, with its gradients at bounds.

What enters: nodes of one dtype that broadcast, and Python numbers. What leaves: nodes. It must not
know promotion or faces.
"""

from math import inf, pi

import numpy as np

from .._base.dtypes import DType, float32, kind, real_of
from ..ir.node import Node
from ..ops import g
from ._checks import as_dtype

# --- angles, complex numbers ----------------------------------------------------------------------


def deg2rad(x: Node) -> Node:
    """Degrees in radians."""
    return x * (pi / 180)


def rad2deg(x: Node) -> Node:
    """Radians in degrees."""
    return x * (180 / pi)


def polar(size: Node, angle: Node) -> Node:
    """Complex numbers of moduli and angles."""
    return g.complex(size * g.cos(angle), size * g.sin(angle))


def angle(x: Node) -> Node:
    """The angle of complex numbers; of real ones pi below 0, NaN of NaN, else 0."""
    if kind(x.dtype) == "c":
        return g.atan2(g.imag(x), g.real(x))
    half_turn = g.where(g.less(x, 0), g.constant(pi, x), g.constant(0, x))
    return g.where(g.isnan(x), x, half_turn)


def view_as_real(x: Node) -> Node:
    """Real and imaginary parts along a new last axis."""
    parts = [g.reshape(part, (*x.shape, 1)) for part in (g.real(x), g.imag(x))]
    return g.concat(parts, x.ndim)


def view_as_complex(x: Node) -> Node:
    """Complex numbers of pairs along the last axis. Raises RuntimeError unless its size is 2."""
    if not x.shape or x.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    ones, shape = (1,) * x.ndim, x.shape[:-1]
    real, imag = (
        g.reshape(g.slice(x, (*(0,) * (x.ndim - 1), k), (*shape, 1), ones), shape) for k in (0, 1)
    )
    return g.complex(real, imag)


# --- steps, bounds, comparison --------------------------------------------------------------------


def heaviside(x: Node, values: Node) -> Node:
    """0 below 0, 1 above, `values` at 0; 0 of NaN."""
    step = g.where(g.less(g.constant(0, x), x), g.constant(1, x), g.constant(0, x))
    return g.where(g.equal(x, 0), values, step)


def clamp(x: Node, low: Node | None = None, high: Node | None = None) -> Node:
    """x between bounds, `high` where they cross; NaN if anything is. At a bound x has the
    gradient, beyond it the bound.
    """
    if low is not None:
        x = g.where(g.logical_or(g.less(x, low), g.isnan(low)), low, x)
    if high is not None:
        x = g.where(g.logical_or(g.less(high, x), g.isnan(high)), high, x)
    return x


def nan_to_num(
    x: Node, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Node:
    """NaN and infinities replaced, these by the largest and smallest numbers unless given."""
    if kind(x.dtype) == "c":
        parts = [nan_to_num(part, nan, posinf, neginf) for part in (g.real(x), g.imag(x))]
        return g.complex(*parts)
    if kind(x.dtype) != "f":
        return x
    most = _largest(x.dtype)
    x = g.where(g.isnan(x), g.constant(nan, x), x)
    x = g.where(g.equal(x, inf), g.constant(most if posinf is None else posinf, x), x)
    return g.where(g.equal(x, -inf), g.constant(-most if neginf is None else neginf, x), x)


def _largest(dtype: DType) -> float:
    """The largest number of a real floating-point dtype; bfloat16's by its eight digits."""
    return float(np.finfo(dtype).max) if dtype.kind == "f" else (2 - 2.0**-7) * 2.0**127


def isclose(
    x: Node, y: Node, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Node:
    """|x - y| <= atol + rtol |y|, or equal; NaN equal to NaN if asked for."""
    close = g.equal(x, y)
    if equal_nan and kind(x.dtype) in "fc":
        close = g.logical_or(close, g.logical_and(g.isnan(x), g.isnan(y)))
    if rtol == 0 and atol == 0:
        return close
    if kind(x.dtype) == "b":
        x, y = g.cast(x, float32), g.cast(y, float32)
    wide = real_of(x.dtype) if kind(x.dtype) in "fc" else float32
    allowed = as_dtype(g.abs(y), wide) * rtol + atol
    error = as_dtype(g.abs(x - y), wide)
    near = g.logical_and(g.isfinite(error), g.less_equal(error, allowed))
    return g.logical_or(close, near)


# --- arithmetic -----------------------------------------------------------------------------------


def lerp(start: Node, end: Node, weight: Node) -> Node:
    """start + weight (end - start), from whichever end is nearer, so that both are met."""
    distance = end - start
    near = g.less(g.abs(weight), 0.5)
    return g.where(near, start + weight * distance, end - distance * (1 - weight))


def addcmul(x: Node, a: Node, b: Node, value: float = 1) -> Node:
    """x + value a b."""
    return x + (a if value == 1 else a * value) * b


def addcdiv(x: Node, a: Node, b: Node, value: float = 1) -> Node:
    """x + value a / b."""
    return x + (a if value == 1 else a * value) / b


def ldexp(x: Node, exponent: Node) -> Node:
    """x 2^exponent, both of one floating-point dtype."""
    return x * g.pow(g.constant(2, exponent), exponent)


def frexp(x: Node) -> tuple[Node, Node]:
    """Mantissa in [1/2, 1) and int32 exponent of two."""
    both = g.frexp(x)
    return g.pick(both, 0), g.pick(both, 1)
