"""Elementwise rows that only networks need: what no composition gives without overflow or a wrong
derivative at 0.
"""

from typing import Any

from ._families import binary, elementwise, unary


def _passed(g: Any, t: Any, x: Any) -> Any:
    """What passes where x is above 0 or NaN; elsewhere 0, with a plus, whatever t is."""
    return None if t is None else g.where(g.less_equal(x, 0.0), g.constant(0, t), t)


relu = elementwise("relu", "iuf", "same", value=lambda np, x: np.maximum(x.dtype.type(0), x),
                   body=lambda s, x: s.max(s.const(0, x.dtype), x),
                   vjp=lambda g, ct, y, x: (_passed(g, ct, x),),
                   jvp=lambda g, tangents, y, x: _passed(g, tangents[0], x),
                   doc="x where it is not negative, else 0; the derivative at 0 is 0.")


def _along_root(g: Any, t: Any, y: Any) -> Any:
    """t / 2y, and 0 where y is 0, whatever t is."""
    if t is None:
        return None
    flat = g.equal(y, 0.0)
    return g.where(flat, g.constant(0, t), t * (0.5 / g.where(flat, g.constant(1, y), y)))


root = elementwise("root", "f", "same", value=lambda np, x: np.sqrt(x),
                   body=lambda s, x: s.sqrt(x),
                   vjp=lambda g, ct, y, x: (_along_root(g, ct, y),),
                   jvp=lambda g, tangents, y, x: _along_root(g, tangents[0], y),
                   doc="Square root, whose derivative at 0 is 0, as that of a length.")
sigmoid = unary("sigmoid", "f", lambda np, x: np.divide(x.dtype.type(1), 1 + np.exp(-x)),
                lambda s, x: s.div(1, s.add(1, s.exp(s.neg(x)))), lambda g, y, x: y * (1 - y),
                "Logistic function, 1 / (1 + exp(-x)).")


def _log(np: Any, x: Any) -> Any:
    """The logarithm, not below -100."""
    return np.maximum(np.log(x), x.dtype.type(-100))


def _log_other(np: Any, x: Any) -> Any:
    """log(1 - x), not below -100."""
    return np.maximum(np.log1p(-x), x.dtype.type(-100))


def _bce_partials(g: Any, z: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """(x - t) / (x (1 - x)), the divisor not below 1e-12 in single, as PyTorch has it; -logit x."""
    by = g.maximum((1 - x) * x, 9.999999960041972e-13)
    return (x - t) / by, g.log1p(-x) - g.log(x)


bce = binary("bce", "f", lambda np, x, t: (t - 1) * _log_other(np, x) - t * _log(np, x),
             lambda s, x, t: s.sub(s.mul(s.sub(t, 1), s.max(s.log1p(s.neg(x)), -100)),
                                   s.mul(t, s.max(s.log(x), -100))),
             _bce_partials, "Cross-entropy of a probability x and a target t, logarithms ≥ -100.")
