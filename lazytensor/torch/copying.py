"""Copies and pickles of tensors: memory that several of them show is shared by their copies too.

What enters: tensors and storages. What leaves: new ones. It must not know any operation.
"""

import copy
from typing import Any

from ._dtypes import dtype
from ._untyped import UntypedStorage, over, untyped_storage
from .tensor import Tensor, normal
from .utils.hooks import warn_if_has_hooks

__all__ = ["users"]

# What a tensor consists of; all else in its `__dict__` is the user's.
OWN = frozenset(k for k in Tensor.__annotations__ if k.startswith("_")) | {"dtype"}


def users(x: Tensor) -> dict[str, Any]:
    """The attributes that a user has set."""
    return {name: found for name, found in vars(x).items() if name not in OWN}


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy, of which memory that was shared with what `memo` knows is shared with its copies.

    Raises RuntimeError for a tensor with a history, and a class that doesn't say how to copy it.
    """
    if not self.is_leaf:
        raise RuntimeError(_NO_LEAF)
    if id(self) in memo:
        return memo[id(self)]  # type: ignore[no-any-return]
    if type(self) is not Tensor:
        raise RuntimeError(_SUBCLASS)
    out = object.__new__(Tensor)
    out.dtype, out._needs = self.dtype, self._needs
    out._node, out._strides, out._offset = self._read(), self._strides, self._offset
    if self._stor is not None:
        out._stor = copy.deepcopy(untyped_storage(self), memo)._stor
        out._steps, out._seen = self._steps, out._stor.stamp
        out._count()
    memo[id(self)] = out
    if self._grad is not None:
        out._grad = copy.deepcopy(self._grad, memo)
    out.__dict__.update(copy.deepcopy(users(self), memo))
    return out


_NO_LEAF = (
    "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
    "the moment.  If you were attempting to deepcopy a module, this may be because of a "
    "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
)
_SUBCLASS = (
    "The default implementation of __deepcopy__() for non-wrapper subclasses only works for "
    "subclass types that implement new_empty() and for which that function returns another "
    "instance of the same subclass. You should either properly implement new_empty() for your "
    "subclass or override __deepcopy__() if it is intended behavior for new_empty() to return an "
    "instance of a different type."
)


def _reduce_ex(self: Tensor, protocol: int) -> Any:
    """A function and its arguments that make the tensor again, over the same storage."""
    warn_if_has_hooks(self)
    whole = self._stor is None or not self._steps
    shape, strides = tuple(self._node.shape), self._stride()
    place = (shape, strides, self._offset, whole)
    return _rebuilt, (
        type(self), untyped_storage(self), self.dtype, *place, self.requires_grad, users(self)
    )  # fmt: skip


def _rebuilt(
    cls: type, storage: UntypedStorage, of: dtype, shape: tuple[int, ...],
    strides: tuple[int, ...], offset: int, whole: bool, needs: bool, attributes: dict[str, Any],
) -> Tensor:  # fmt: skip
    out: Tensor = object.__new__(cls)
    if whole:
        stor = storage._stor
        out._node, out._stor, out._seen = stor.whole(), stor, stor.stamp
        out._strides, out._offset = normal(shape, strides), offset
    else:
        shown = over(storage, of, offset, shape, strides)
        out.__dict__.update(vars(shown))
    out.dtype, out._needs = of, needs
    out._count()
    out.__dict__.update(attributes)
    return out


Tensor._own_names = OWN  # type: ignore[attr-defined]
Tensor.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
Tensor.__reduce_ex__ = _reduce_ex  # type: ignore[assignment]
