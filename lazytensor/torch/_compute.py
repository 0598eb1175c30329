"""Computing tensors before anyone asks for a value, where a graph had better end.

What enters: containers of tensors. What leaves: nothing; the tensors have their values. It must not
know who asks: loaders do for a batch, since how each sample was made would make every step a new
graph, and optimizers for what they have changed, so that no step's graph goes on into the next.
"""

from typing import Any

from .._base.pytree import flatten
from ..runtime.materialize import materialize
from .tensor import Tensor

__all__ = ["compute"]


def compute(tree: Any) -> None:
    """Compute every tensor in a container, all in one graph. Raises what computing them raises."""
    tensors = [x for x in flatten(tree)[0] if isinstance(x, Tensor)]
    materialize([x._read() for x in tensors], cutting=True)
