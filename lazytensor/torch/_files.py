"""What `save` and `load` need to know of tensors: how they are described, and built anew.

What enters: tensors when saved, bytes and places in them when loaded. What leaves: descriptions,
and tensors, which share memory where they did. It must not know the file formats.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from ..ops.movement import permute, reshape, slice_
from . import _dtypes, _types, serialization
from ._checkpoint import StorageSpec, TensorSpec
from ._host import placed_new, value
from ._pickle import Name
from .copying import users
from .create import place
from .nn.parameter import Parameter
from .parts import strided
from .storage import Storage, read
from .tensor import Ints, Tensor, contiguous, normal, order_of, view_of, wrap

__all__ = ["Files"]


class _Memory:
    """Bytes that were loaded; the first tensor that shows all of them owns them."""

    def __init__(self, data: Any, device: Any) -> None:
        self.data = data
        self.device = device
        self.owners: dict[Any, Tensor] = {}

    def tensor(self, of: _dtypes.dtype, offset: int, size: Ints, strides: Ints) -> Tensor:
        """The tensor that shows these elements."""
        owner = self.owners.get(of)
        count = len(self.data) // of.itemsize
        order = order_of(strides)
        dense = strides == _strides_in(size, order)
        if owner is None:
            whole = dense and not offset and prod(size) == count
            owner = self.owners[of] = self._owner(of, size if whole else (count,), order, whole)
            if whole:
                return owner
        if not dense:
            return _unrelated(strided("AsStrided", owner, size, strides, offset))
        return _shown(owner, offset, size, strides, order)

    def _owner(self, of: _dtypes.dtype, shape: Ints, order: Ints, whole: bool) -> Tensor:
        items = self.data[: len(self.data) // of.itemsize * of.itemsize].view(of.numpy)
        if not whole:
            return wrap(placed_new(items, self.device), of)
        lying = items.reshape(tuple(shape[a] for a in order))
        back = tuple(sorted(range(len(order)), key=order.__getitem__))
        made = wrap(placed_new(np.ascontiguousarray(lying.transpose(back)), self.device), of)
        made._strides = normal(shape, _strides_in(shape, order))
        return made


def _strides_in(size: Ints, order: Ints) -> Ints:
    """Strides without gaps for axes in an order."""
    steps = contiguous([size[a] for a in order])
    found = dict(zip(order, steps, strict=True))
    return tuple(found[a] for a in range(len(size)))


def _shown(owner: Tensor, offset: int, size: Ints, strides: Ints, order: Ints) -> Tensor:
    """A part of the owner's memory without gaps."""
    stor: Storage = owner._share()
    number = owner.dtype.numpy
    lying = tuple(size[a] for a in order)
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    steps: Any = (
        *stor.flat(number),
        (slice_, ((offset,), (prod(size),), (1,))),
        (reshape, (lying,)),
        (permute, (back,)),
    )
    node = stor.whole()
    for step in steps:
        node = read(node, step)
    return view_of(owner, node, steps, strides, offset)


def _unrelated(x: Tensor) -> Tensor:
    """A tensor that shares memory, and is no view for autograd."""
    x._base = None
    return x


class Files:
    """The face's tensors, for the readers and writers of checkpoints."""

    constants: Mapping[str, Any] = {f"torch.{name}": d for name, d in _dtypes.NAMES.items()} | {
        "torch.Size": _types.Size,
        "torch.device": _types.device,
        "torch.Tensor": Tensor,
        "torch.nn.parameter.Parameter": Parameter,
    }

    def describe(self, found: object) -> Any:
        """How an object is written; None for Python's own way."""
        if isinstance(found, Tensor):
            return self._tensor(found)
        if isinstance(found, _dtypes.dtype):
            return Name.of(str(found))
        if isinstance(found, _types.device):
            place_ = (found.type,) if found.index is None else (found.type, found.index)
            return Name.of("torch.device"), place_
        if type(found) is _types.Size:
            return Name.of("torch.Size"), (tuple(found),)
        return None

    def _tensor(self, x: Tensor) -> TensorSpec:
        stor = x._share()

        def data() -> Any:
            node = stor.shown(stor.flat(stor.node.dtype))
            return np.ascontiguousarray(value(node)).reshape(-1).view(np.uint8)

        count = stor.node.size * x.dtype.itemsize
        kept = StorageSpec(stor, count, data, location=str(x.device))
        given = users(x)
        kind = type(x)
        return TensorSpec(
            kept, x.dtype._name, x._offset, tuple(x.shape), tuple(x._stride()), x.requires_grad,
            isinstance(x, Parameter), None, None if kind in (Tensor, Parameter) else kind,
            given or None,
        )  # fmt: skip

    def storage(self, data: Any, dtype: str) -> _Memory:
        """Bytes on the CPU."""
        return _Memory(np.asarray(data), place("cpu"))

    def place(self, storage: _Memory, location: str) -> _Memory | None:
        """The bytes at a location, None where there is no such device."""
        try:
            where = place(location)
        except RuntimeError:
            return None
        return _Memory(storage.data, where)

    def typed(self, storage: _Memory, dtype: str) -> Tensor:
        """A storage that was saved itself: its elements as a tensor."""
        of = _dtypes.NAMES[dtype or "uint8"]
        count = len(storage.data) // of.itemsize
        return storage.tensor(of, 0, (count,), (1,))

    def tensor(
        self, storage: _Memory, dtype: str, offset: int, size: Ints, stride: Ints,
        requires_grad: bool, metadata: dict[str, bool],
    ) -> Tensor:  # fmt: skip
        """The tensor that shows these elements."""
        if dtype not in _dtypes.NAMES:
            raise NotImplementedError(f"load: there are no tensors of dtype {dtype} here")
        out = storage.tensor(_dtypes.NAMES[dtype], offset, tuple(size), tuple(stride))
        if metadata.get("conj"):
            out = Tensor.conj(out)  # type: ignore[attr-defined]
        if metadata.get("neg"):
            out = -out
        out._needs = requires_grad
        return out

    def parameter(self, tensor: Tensor, requires_grad: bool) -> Parameter:
        """The parameter over a tensor."""
        return Parameter(tensor, requires_grad)

    def restored(self, tensor: Tensor, subclass: type, state: dict[str, Any]) -> Tensor:
        """The tensor as one of the class, with the attributes that users gave it."""
        if subclass is not Tensor and isinstance(subclass, type):
            tensor.__class__ = subclass
        vars(tensor).update(state)
        return tensor


serialization.connect(Files())
