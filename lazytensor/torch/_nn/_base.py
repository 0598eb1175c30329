"""How an operation of neural networks becomes public: in `torch._nn`, and where PyTorch has it in
`torch` and as a method too.

What enters: functions from tensors to tensors. What leaves: the table of public ones. It must not
know any of them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from ...ir.node import Node
from .._dispatch import FUNCTIONS, _public, in_place
from .._record import run, run_fixed, run_many, run_many_fixed
from ..tensor import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
TABLE: dict[str, Callable[..., Any]] = {}
REDUCTIONS = ("none", "mean", "sum")


def nn(
    name: str, *, torch: bool = False, method: bool = False, inplace: bool = False
) -> Callable[[Function], Function]:
    """Make a function public under a name; with `name_` if `inplace`."""

    def made(f: Function) -> Function:
        forms = {name: _public(f, name, True)}
        if inplace:
            forms[name + "_"] = _public(partial(in_place, f, name), name + "_", False)
        for called, public in forms.items():
            TABLE[called] = public
            if torch:
                FUNCTIONS[called] = public
            if method:
                setattr(Tensor, called, public)
        return f

    return made


def apply(title: str, f: Callable[..., Node], *tensors: Tensor | None) -> Tensor:
    """A function of nodes over tensors, of which some may be missing; recorded as `title`."""
    return run(title, _with_gaps(f, tensors), [t for t in tensors if t is not None])


def apply_fixed(
    title: str, f: Callable[..., Node], params: tuple[Any, ...], *tensors: Tensor | None
) -> Tensor:
    """`apply` of `f(*nodes, *params)`, which looks at nothing but types and what params say."""
    return run_fixed(title, f, params, tensors)


def apply_many(
    title: str, f: Callable[..., Sequence[Node]], *tensors: Tensor | None
) -> tuple[Tensor, ...]:
    """`apply` for several results."""
    return run_many(title, _with_gaps(f, tensors), [t for t in tensors if t is not None])


def apply_many_fixed(
    title: str, f: Callable[..., Sequence[Node]], params: tuple[Any, ...], *tensors: Tensor
) -> tuple[Tensor, ...]:
    """`apply_fixed` for several results."""
    return run_many_fixed(title, f, params, tensors)


def _with_gaps(f: Callable[..., Any], tensors: Sequence[Tensor | None]) -> Callable[..., Any]:
    if None not in map(_none, tensors):
        return f

    def filled(*nodes: Node) -> Any:
        given = iter(nodes)
        return f(*[None if t is None else next(given) for t in tensors])

    return filled


def _none(t: Any) -> Any:
    return None if t is None else t.dtype


def word(reduction: int) -> str:
    """PyTorch's number of a reduction as a word."""
    return REDUCTIONS[reduction]
