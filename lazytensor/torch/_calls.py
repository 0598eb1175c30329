"""Calls that fit no signature of a function, and dtypes that no kernel is for, refused in PyTorch's
words.

What enters: names, arguments, signatures. What leaves: TypeErrors,
NotImplementedErrors. It must not know operations.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._dtypes import TITLES, dtype
from .tensor import Tensor

NUMBERS = (bool, int, float, complex, np.generic)
OPERANDS = (Tensor, *NUMBERS)


def no_such_call(name: str, args: Sequence[Any], *signatures: str) -> TypeError:
    """The refusal of arguments that fit none of a function's signatures."""
    given = ", ".join(type(x).__name__ for x in args)
    listed = "".join(f" * ({s})\n" for s in signatures)
    return TypeError(
        f"{name}() received an invalid combination of arguments - got ({given}), but expected one "
        f"of:\n{listed}"
    )


def some_tensor(
    name: str, a: Any, b: Any, words: tuple[str, str] = ("input", "other"), first: str = "self",
    rest: str = ", *, Tensor out = None",
) -> None:  # fmt: skip
    """Raises TypeError unless one of two operands is a tensor, and the other that or a number."""
    if isinstance(a, Tensor) and isinstance(b, OPERANDS):
        return
    if isinstance(b, Tensor) and isinstance(a, NUMBERS):
        return
    marks = ", ".join(f"!{type(x).__name__}!" for x in (a, b))
    why = "" if rest else (
        f"\n      didn't match because some of the arguments have invalid types: ({marks})"
    )  # fmt: skip
    x, y = words
    number_first = f" * (Number {first}, Tensor {y}{rest}){why}\n"
    raise TypeError(
        f"{no_such_call(name, (a, b), f'Tensor {x}, Tensor {y}, *, Tensor out = None')}"
        f"{number_first} * (Tensor {x}, Number {y}, *, Tensor out = None)\n"
    )


def refuse(x: Tensor | dtype, kernel: str, ranks: str = "0123") -> None:
    """Raises NotImplementedError for a dtype that PyTorch's kernel does not have: `ranks` are those
    of bool, of integers, of real and of complex numbers.
    """
    of = x.dtype if isinstance(x, Tensor) else x
    if str(of._rank) in ranks:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{TITLES[of]}'")


def tensor_first(name: str, input: Any, other: Any, argument: str = "other") -> None:
    """Raises TypeError unless a tensor is followed by a tensor or a number."""
    if not isinstance(input, Tensor) or not isinstance(other, OPERANDS):
        raise no_such_call(
            name, (input, other), f"Tensor input, Tensor {argument}, *, Tensor out = None",
            f"Tensor input, Number {argument}, *, Tensor out = None",
        )  # fmt: skip
