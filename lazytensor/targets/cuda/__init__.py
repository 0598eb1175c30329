"""The CUDA target: kernels as CUDA C, and how they are launched; who compiles and launches them is
not here.

What enters: a Kernel and its form; a launch and how its operands lie. What leaves: source text;
grids and words. Raises `Unsupported` for what there is no code for.
"""

from .form import Form
from .launches import Binding, Part, bind
from .scalar import Unsupported
from .source import OPTIONS, function, key, source
from .steps import Bound, Command, bound, together

__all__ = [
    "OPTIONS", "Binding", "Bound", "Command", "Form", "Part", "Unsupported", "bind", "bound",
    "function", "key", "source", "together",
]  # fmt: skip
