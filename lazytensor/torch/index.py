"""Indexing: reads that are views or copies, and writes, as PyTorch has them.

What enters: tensors and keys of ints, slices, None, ..., booleans, lists and tensors. What leaves:
tensors, or IndexError in PyTorch's words. It must not know how a mask's value is found.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._base.devices import CPU
from ..ir.node import Node
from ..lang import indexing
from ..ops import g
from ..runtime.materialize import NoValue
from . import _dtypes, _types
from ._dispatch import assign, number, op, refuse_leaf, same_device
from ._host import beside, known, placed, value
from ._overlap import refuse_meeting
from ._record import cast, for_writing, record, to_dtype
from ._strides import ordered_strides
from .create import from_array, moved
from .parts import cut, picked
from .tensor import Tensor, contiguous, wrap
from .views import alias_of, unsqueeze

__all__ = ["getitem", "setitem"]


def places(mask: Node) -> tuple[Node, ...]:
    """The indices, one tensor an axis, where a mask holds: asks for its value."""
    found = indexing.coordinates(np.atleast_1d(value(mask)))
    return tuple(placed(i, mask.device) for i in found)


def _items(key: Any) -> list[Any]:
    """The key as a list of ints, slices, None, Ellipsis and tensors."""
    if not isinstance(key, tuple):
        if isinstance(key, list) and any(
            isinstance(k, slice | Tensor | list | tuple) or k is None or k is ... for k in key
        ) and len(key) < 32:  # fmt: skip
            key = tuple(key)
        else:
            key = (key,)
    return [_item(k) for k in key]


def _item(k: Any) -> Any:
    if k is None or k is ... or isinstance(k, slice):
        return k
    if isinstance(k, bool | np.bool_):
        return from_array(np.asarray(bool(k)), None, "cpu")
    if isinstance(k, Tensor):
        if k.dtype is _dtypes.bool_ or k._node.shape:
            return _index_tensor(k)
        return _whole(k)
    if isinstance(k, int | np.integer):
        return int(k)
    if isinstance(k, np.ndarray | list | tuple | range):
        found = np.asarray(k)
        if not found.size and found.dtype.kind == "f":
            found = found.astype(np.int64)
        return _index_tensor(from_array(found, None, "cpu"))
    if hasattr(k, "__index__"):
        return k.__index__()
    if isinstance(k, str):
        raise TypeError("new(): invalid data type 'str'")
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
        f"indices (got {type(k).__name__})"
    )


def _whole(k: Tensor) -> Any:
    """A 0-d integer tensor: the number that it holds; the tensor itself where it has no value."""
    if k.dtype._rank > 1:
        _refuse(k)
    try:
        return int(value(k._read()))
    except NoValue:
        return k


def _index_tensor(k: Tensor) -> Tensor:
    if k.dtype._rank > 1:
        _refuse(k)
    if k.dtype is _dtypes.uint8:
        return to_dtype(k, _dtypes.bool_)
    return k


def _refuse(k: Tensor) -> None:
    raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def _spread(items: list[Any], ndim: int) -> list[Any]:
    """The items with whole slices for an ellipsis. Raises IndexError for too many."""
    used = sum(_consumed(k) for k in items)
    if used > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    dots = [i for i, k in enumerate(items) if k is ...]
    if not dots:
        return items
    at = dots[0]
    rest = [k for k in items[at + 1 :] if k is not ...]
    return [*items[:at], *[slice(None)] * (ndim - used), *rest]


def _consumed(k: Any) -> int:
    if k is None or k is ...:
        return 0
    if isinstance(k, Tensor) and k.dtype is _dtypes.bool_:
        return len(k._node.shape)
    return 1


def _viewed(x: Tensor, items: Sequence[Any]) -> tuple[Tensor, dict[int, Tensor]]:
    """What ints, slices and Nones show, and the index tensors by the axis where they stand."""
    at = 0
    arrays: dict[int, Tensor] = {}
    for place, k in enumerate(items):
        if k is None:
            x, at = unsqueeze(x, at), at + 1
        elif isinstance(k, slice):
            k = _ints(k)
            if not _everything(k, x._node.shape[at]):
                x = cut(x, at, k)
            at += 1
        elif isinstance(k, Tensor):
            if k.dtype is _dtypes.bool_ and not k._node.shape:
                x = unsqueeze(x, at)
                arrays[at] = k
                at += 1
            else:
                arrays[at] = k
                at += len(k._node.shape) if k.dtype is _dtypes.bool_ else 1
        else:
            x = _selected(x, at, k, place)
    return x, arrays


def _everything(k: slice, n: int) -> bool:
    """Whether a slice shows an axis of size n as it is."""
    return k.start in (None, 0) and k.step in (None, 1) and (k.stop is None or k.stop >= n)


def _ints(k: slice) -> slice:
    def plain(v: Any) -> Any:
        return int(v.item()) if isinstance(v, Tensor) else v

    return slice(plain(k.start), plain(k.stop), plain(k.step))


def _selected(x: Tensor, at: int, i: int, place: int) -> Tensor:
    """Without axis `at`, at i. Raises IndexError, which says where in the key i stands."""
    n = x._node.shape[at]
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for dimension {place} with size {n}")
    return picked(x, at, i % n)


def key_of(x: Tensor, arrays: dict[int, Tensor]) -> tuple[Any, ...]:
    """The key for `lang.indexing`: index nodes, and whole slices between them."""
    key: list[Any] = []
    at = 0
    shape = x._node.shape
    while at < len(shape):
        k = arrays.get(at)
        if k is None:
            key.append(slice(None))
            at += 1
            continue
        node = k._read()
        _refuse_device(node, x)
        if node.dtype is _dtypes.bool_.numpy and not node.shape:
            found = np.zeros(int(bool(value(node))), np.int64)
            key.append(placed(found, x._node.device))
            at += 1
        else:
            _check_mask(k, shape, at)
            _check_bounds(node, shape[at], at)
            key.append(beside(node, x._node))
            at += len(node.shape) if node.dtype is _dtypes.bool_.numpy else 1
    return tuple(key)


def _refuse_device(index: Node, x: Tensor) -> None:
    """Raises RuntimeError for an index on another device than the CPU and that of x."""
    if index.device is not x._node.device and index.device is not CPU:
        also = "" if x.device == _types.CPU else "either on cpu or "
        raise RuntimeError(
            f"indices should be {also}on the same device as the indexed tensor ({x.device})"
        )


def _check_bounds(index: Node, n: int, at: int) -> None:
    """Raises IndexError where an index that is known leads out of an axis of size n."""
    found = known(index)
    if found is None or found.dtype.kind == "b" or not found.size:
        return
    for i in (int(found.min()), int(found.max())):
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for dimension {at} with size {n}")


def _check_mask(k: Tensor, shape: Sequence[int], at: int) -> None:
    if k.dtype is not _dtypes.bool_:
        return
    mask = k._node.shape
    for a, n in enumerate(mask):
        if n != shape[at + a]:
            raise IndexError(
                f"The shape of the mask {list(mask)} at index {a} does not match the shape of the "
                f"indexed tensor {list(shape)} at index {at + a}"
            )


def getitem(x: Tensor, key: Any) -> Tensor:
    """`x[key]`: a view for ints, slices and Nones, else a copy. Raises IndexError."""
    shape = x._node.shape
    if type(key) is int:
        if not shape:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            )
        return _selected(x, 0, key, 0)
    if type(key) is slice and shape:
        return cut(x, 0, _ints(key))
    items = _spread(_items(key), len(shape))
    shown, arrays = _viewed(x, items)
    if not arrays:
        return alias_of(x) if shown is x else shown
    return _gathered(shown, arrays)


def _gathered(x: Tensor, arrays: dict[int, Tensor]) -> Tensor:
    node = x._read()
    key = key_of(x, arrays)
    try:
        out = indexing.getitem(node, key, places)
    except IndexError as error:
        raise _mismatch(arrays, error) from None
    strides = None if x._strides is None else _laid_out(x, key, out.shape)
    return record(wrap(out, x.dtype, strides), "Index", (x,), (node,))


def _laid_out(x: Tensor, key: Sequence[Any], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides of what is gathered: the axes that stay lie as those of x."""
    strides, at = x._stride(), 0
    kept: list[int] = []
    where: list[int] = []
    for k in key:
        if isinstance(k, Node):
            where.append(len(kept))
            at += len(k.shape) if k.dtype.kind == "b" else 1
        else:
            kept.append(strides[at])
            at += 1
    new = len(shape) - len(kept)
    front = where[0] if where[0] == where[-1] else 0
    own = [*kept[:front], *[0] * new, *kept[front:]]
    inner = contiguous(shape[front : front + new])
    index = [*[0] * front, *inner, *[0] * (len(kept) - front)]
    return ordered_strides(shape, (own, index))


def _mismatch(arrays: dict[int, Tensor], error: IndexError) -> IndexError:
    if "broadcast" in str(error):
        shapes = ", ".join(str(list(k._node.shape)) for k in arrays.values())
        return IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            f"{shapes}"
        )
    return error


def setitem(x: Tensor, key: Any, new: Any) -> None:
    """`x[key] = new`, broadcast and cast. Raises IndexError, RuntimeError for shapes."""
    items = _spread(_items(key), len(x._node.shape))
    shown, arrays = _viewed(x, items)
    given = _value(shown, new)
    if not arrays:
        _fill(shown, given)
        return
    same_device((shown, given))
    given = _shorter(given)
    refuse_leaf(shown, (given,))
    read = node, u = shown._read(), given._read()
    if u.size == 1 and len(arrays) == 1 and _is_mask(arrays):
        if u.dtype.kind == "c" and node.dtype.kind not in "cb" and value(g.imag(u)).any():
            kind = _dtypes.C_NAMES.get(shown.dtype._name, shown.dtype._name)
            raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
        u = cast(u, shown.dtype)
    else:
        refuse_meeting(shown, given)
    if u.dtype is not node.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{_dtypes.TITLES[shown.dtype]} for the destination and {_dtypes.TITLES[given.dtype]} "
            "for the source."
        )
    key = None
    if _one_mask(shown, arrays, u):
        mask = next(iter(arrays.values()))
        _refuse_device(mask._read(), shown)
        out = _masked(node, beside(mask._read(), node), u)
    else:
        key = key_of(shown, arrays)
        try:
            out = indexing.setitem(node, key, u, places)
        except ValueError:
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(u.shape)} cannot be broadcast to "
                "indexing result"
            ) from None
    made = for_writing(shown, record, wrap(out, shown.dtype), "IndexPut", (shown, given), read)
    if key is not None and made._fn is not None:
        made._fn.__dict__["part"] = lambda n: indexing.getitem(n, key, places)
    assign(shown, made)


def _one_mask(x: Tensor, arrays: dict[int, Tensor], u: Node) -> bool:
    k = arrays.get(0)
    return (
        len(arrays) == 1
        and k is not None
        and k.dtype is _dtypes.bool_
        and k._node.shape == x._node.shape
        and not u.shape
    )


def _masked(x: Node, mask: Node, u: Node) -> Node:
    return g.where(mask, u, x)


def _value(x: Tensor, new: Any) -> Tensor:
    """What is written, as a tensor, without axes on the device of x; a number in the dtype of x."""
    if isinstance(new, Tensor):
        return new if new._node.shape else moved(new, x.device)
    if isinstance(new, bool | int | float | complex | np.generic):
        return wrap(number(new, x.dtype, x._node), x.dtype)
    if isinstance(new, np.ndarray):
        return from_array(new, x.dtype, x.device)
    raise TypeError(f"can't assign a {type(new).__name__} to a {_name(x)}")


def _name(x: Tensor) -> str:
    return f"torch.{_dtypes.TITLES[x.dtype]}Tensor"


def _is_mask(arrays: dict[int, Tensor]) -> bool:
    return all(k.dtype is _dtypes.bool_ for k in arrays.values())


def _shorter(given: Tensor) -> Any:
    """Without the axes of size 1 in front."""
    own = given._node.shape
    ones = next((i for i, n in enumerate(own) if n != 1), len(own))
    return Tensor.view(given, own[ones:]) if ones else given  # type: ignore[attr-defined]


def _fill(shown: Tensor, given: Tensor) -> None:
    """As PyTorch: a copy where shapes are the same, a number filled in, else what is expanded."""
    shape, own = shown._node.shape, given._node.shape
    if own == shape:
        shown.copy_(given)
    elif not own:
        shown.fill_(given)
    else:
        short = _shorter(given)
        shown.copy_(short if short._node.shape == shape else short.expand(shape))


op(name="__getitem__", function=False)(getitem)
op(name="__setitem__", function=False)(setitem)
