"""Small helpers of layers: sizes as tuples, fresh parameters.

What enters: sizes and shapes as users give them. What leaves: tuples, parameters. It must not know
layers.
"""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from ... import _api as torch
from ..parameter import Parameter

__all__ = ["fresh"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """A function that makes a tuple: of an iterable its items, of anything else n times it."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else tuple(repeat(x, n))

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: Iterable[Any], n: int) -> tuple[Any, ...]:
    """The items in reverse, each n times: (1, 2) twice is (2, 2, 1, 1)."""
    return tuple(x for x in reversed(tuple(t)) for _ in range(n))


def fresh(shape: Any, device: Any = None, dtype: Any = None) -> Any:
    """A parameter of a shape, with unspecified values."""
    return Parameter(torch.empty(shape, device=device, dtype=dtype))
