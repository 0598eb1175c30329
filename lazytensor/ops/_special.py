"""Longer columns of elementwise rows: the standard's special cases where NumPy's ufuncs differ,
erf, cast, where.

What enters and leaves: as the column says (`value`: a NumPy-like module and arrays; `body`: an
interpreter and scalars). It must not know other rows but through the builder.
"""

from typing import Any

from .._base.dtypes import bool_, float32, kind
from .._base.shapes import broadcast
from ..ir.node import Node
from . import _eager


def expm1(np: Any, x: Any) -> Any:
    """exp(x) - 1."""
    return _eager.expm1(np, x) if x.dtype.kind == "c" else np.expm1(x)


def tanh(np: Any, x: Any) -> Any:
    """Hyperbolic tangent."""
    return _eager.tanh(np, x) if x.dtype.kind == "c" else np.tanh(x)


def log1p(np: Any, x: Any) -> Any:
    """log(1 + x)."""
    return np.log1p(x)


def floor_divide(np: Any, x: Any, y: Any) -> Any:
    """Rounded down; the plain quotient where either is infinite."""
    q = np.floor_divide(x, y)
    if x.dtype.kind in "iu":
        return q
    return np.where(np.isinf(x) | np.isinf(y), np.divide(x, y), q)


def floor_divide_body(s: Any, x: Any, y: Any) -> Any:
    """As `floor_divide`."""
    q = s.floordiv(x, y)
    if x.dtype.kind in "iu":
        return q
    return s.select(s.or_(s.isinf(x), s.isinf(y)), s.div(x, y), q)


def multiply(np: Any, x: Any, y: Any) -> Any:
    """x * y."""
    return _eager.complex_multiply(np, x, y) if x.dtype.kind == "c" else np.multiply(x, y)


def power(np: Any, x: Any, y: Any) -> Any:
    """x ** y."""
    return _eager.integer_power(np, x, y) if x.dtype.kind == "i" else np.power(x, y)


def infer_where(c: Node, x: Node, y: Node) -> Any:
    """Shape and dtype of `where`."""
    if c.dtype is not bool_:
        raise TypeError(f"where: condition must be bool, got {c.dtype}")
    if x.dtype is not y.dtype:
        raise TypeError(f"where: dtypes {x.dtype} and {y.dtype} differ: cast first")
    if c.shape == x.shape == y.shape:
        return c.shape, x.dtype
    return broadcast(c.shape, x.shape, y.shape), x.dtype


def where_vjp(g: Any, ct: Any, z: Any, c: Any, x: Any, y: Any) -> Any:
    """Each argument has the cotangent where it was taken, zero elsewhere."""
    zero = g.constant(0, ct)
    return None, g.where(c, ct, zero), g.where(c, zero, ct)


def where_jvp(g: Any, tangents: Any, z: Any, c: Any, x: Any, y: Any) -> Any:
    """Tangents select as values do; one that is missing is zero."""
    _, tx, ty = tangents
    if tx is None and ty is None:
        return None
    zero = g.constant(0, tx if tx is not None else ty)
    return g.where(c, zero if tx is None else tx, zero if ty is None else ty)


def cast_vjp(g: Any, ct: Any, y: Any, x: Any, dtype: Any) -> Any:
    """Cotangents are cast back; to a real dtype the real part is taken."""
    if kind(x.dtype) not in "fc" or kind(dtype) not in "fc":
        return (None,)
    return (g.cast(ct, x.dtype),)


def cast_jvp(g: Any, tangents: Any, y: Any, x: Any, dtype: Any) -> Any:
    """Tangents are cast; there is none through integers."""
    t = tangents[0]
    if t is None or kind(x.dtype) not in "fc" or kind(dtype) not in "fc":
        return None
    return g.cast(t, dtype)


def erf(np: Any, x: Any) -> Any:
    """The body, computed array by array."""
    return erf_body(_eager.Eager(np), x)


def erf_body(s: Any, x: Any) -> Any:
    """Half precision is computed in single."""
    if x.dtype.itemsize == 2:
        return s.cast(s.erf(s.cast(x, float32)), x.dtype)
    return s.erf(x)
