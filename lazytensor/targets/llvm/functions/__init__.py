"""Elementary functions as LLVM IR: no branches, no calls but of dear cases out of line.

What enters and leaves: values of `float` or `double`, of any width; the same results whatever the
width. It must not know kernels.
"""

from collections.abc import Callable

from ..code import Value
from .error import erf
from .exponential import exp, exp_of_nonpositive, expm1
from .hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
from .inverse import acos, asin, atan, atan2
from .logarithm import log, log1p, log2, log10
from .power import hypot, logaddexp, power
from .remainder import floordiv, fmod, mod
from .trigonometric import cos, sin, tan

# Instruction -> f(code, x) or f(code, x, y).
FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "log2": log2,
    "log10": log10,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
    "erf": erf,
    "pow": power,
    "atan2": atan2,
    "hypot": hypot,
    "logaddexp": logaddexp,
    "fmod": fmod,
    "mod": mod,
    "floordiv": floordiv,
}
# The same for arguments that are never positive.
OF_NONPOSITIVE: dict[str, Callable[..., Value]] = {"exp": exp_of_nonpositive}
