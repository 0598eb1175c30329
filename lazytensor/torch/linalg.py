"""`torch.linalg`: so far the norms of vectors; the rest of it is to come.

What enters: tensors. What leaves: tensors. It must not know how anything is computed.
"""

from typing import Any

from . import norms
from ._dispatch import _public
from ._dtypes import dtype
from ._missing import missing
from .tensor import Tensor

__all__ = ["vector_norm"]


def _vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The norm of vectors along axes, of all elements by default. Raises RuntimeError."""
    return norms.vector_norm(x, ord, dim, keepdim, dtype)


vector_norm = _public(_vector_norm, "vector_norm", True)


__getattr__ = missing("torch.linalg")
