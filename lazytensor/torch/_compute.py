"""Computing tensors before anyone asks for a value, where a graph had better end.

What enters: containers of tensors. What leaves: nothing; the tensors have their values. It must not
know who asks: loaders do for a batch, since how each sample was made would make every step a new
graph, and optimizers for what they have changed, so that no step's graph goes on into the next.
"""

from collections.abc import Sequence
from typing import Any
from weakref import ref

from .._base.pytree import flatten
from ..runtime.materialize import materialize
from .tensor import Tensor

__all__ = ["compute"]


_NUMBERS = (bool, int, float, str, type(None))
_noted: list[ref[Tensor]] = []


def note(tensors: Sequence[Tensor]) -> None:
    """Let what was differentiated last be computed with what is computed next: its own last few
    operations are not among what gradients are made of, and would hold all that came before.
    """
    _noted[:] = map(ref, tensors)


def tensors_of(tree: Any) -> list[Tensor]:
    """Every tensor in a container."""
    found: list[Tensor] = []
    left = [tree]
    while left:
        x = left.pop()
        kind = type(x)
        if isinstance(x, Tensor):
            found.append(x)
        elif kind is dict:
            left += x.values()
        elif kind is list or kind is tuple:
            left += x
        elif kind not in _NUMBERS:
            found += [t for t in flatten(x)[0] if isinstance(t, Tensor)]
    return found


def compute(tree: Any) -> None:
    """Compute every tensor in a container, all in one graph, with those noted that are still there.
    Raises what computing them raises.
    """
    tensors = tensors_of(tree)
    tensors += [x for x in [noted() for noted in _noted] if x is not None]
    materialize([x._read() for x in tensors], cutting=True)
