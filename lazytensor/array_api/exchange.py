"""Exchange of memory with NumPy, DLPack and pickles: read-only views go out, copies or views come
in.

What enters: nodes, foreign objects. What leaves: NumPy arrays and capsules that nobody can write
through, nodes. Memory that others may write to is `exposed`: operations copy it when they are
called.
It must not know class Array but as an argument.
"""

import sys
from enum import IntEnum
from types import FrameType
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from .._base.devices import CPU, NO_GPU, Device, is_gpu
from .._base.devices import device as device_of
from .._base.dtypes import canonical
from ..ir.graph import COUNTED
from ..ir.node import Node, apply, known
from ..ir.op import ROWS
from ..runtime import gpus
from ..runtime.materialize import asked, on_device
from ..runtime.pending import new_leaf
from ._rules import brief, cut, exposed, frozen, is_exposed

Buffer = np.ndarray[Any, Any]


class DLDevice(IntEnum):
    """DLPack's numbers for kinds of devices."""

    CPU = 1
    CUDA = 2


def read_only(buffer: Buffer) -> Buffer:
    """A view that can't be written through."""
    view = buffer.view()
    view.flags.writeable = False
    return view


def to_numpy(node: Node, dtype: Any, copy: bool | None) -> Buffer:
    """The value as a NumPy array. Raises ValueError when `copy=False` can't be had."""
    found = asked(node)
    if dtype is not None and np.dtype(dtype) != found.dtype:
        if copy is False:
            raise ValueError(
                f"copy=False: converting {found.dtype} to {np.dtype(dtype)} makes a copy"
            )
        return found.astype(dtype)
    return found.copy() if copy else read_only(found)


def lend(handle: Any) -> Buffer:
    """The handle's own memory to write to: until whoever has it lets go, operations on the handle
    copy what is there when they are called. Memory that another node may read is copied first; of
    what is on a GPU a copy is lent, which is put there again where it is read.
    """
    node = handle._node
    found = asked(node)
    if is_exposed(node):
        return found.view()
    if not (is_gpu(node.device) or (COUNTED and sys.getrefcount(node) <= _LENT and _sole(found))):
        found = found.copy()
    handle._node = exposed(found.view(), node.device)
    return found


# References to what only one handle or node has, seen in a function: its own, a name, the call.
_LENT = 3


def _sole(found: Buffer) -> bool:
    """Whether nothing but its node and the caller refers to a buffer, nor to its memory."""
    if not found.flags.writeable or sys.getrefcount(found) > _LENT + 1:
        return False
    owner = found.base
    return owner is None or (
        isinstance(owner, np.ndarray) and owner.flags.owndata and sys.getrefcount(owner) <= _LENT
    )


def asked_by(package: str) -> bool:
    """Whether the first frame above NumPy's and ours is a module of that package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_PASSED):
            return bool(module.startswith(package))
        frame = frame.f_back
    return False


_PASSED = ("numpy.", "lazytensor.")


def dlpack_device(device: Device) -> tuple[Any, int]:
    """Where arrays of a device are: those of virtual ones in the memory of the CPU."""
    return (DLDevice.CUDA, int(device[5:])) if is_gpu(device) else (DLDevice.CPU, 0)


def to_dlpack(handle: Any, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """A capsule. Consumers that don't know read-only memory (before DLPack 1.0) get a copy.

    With `copy=False` they get the memory itself, as they ask for, and must not write to it.
    """
    if is_gpu(handle._node.device):
        return _gpu_capsule(handle, stream, max_version, dl_device, copy)
    if stream is not None:
        raise ValueError(f"__dlpack__: CPU arrays take no stream, got {stream!r}")
    if dl_device is not None and tuple(dl_device) != (DLDevice.CPU, 0):
        raise BufferError(f"__dlpack__: the array is on the CPU, not on device {dl_device!r}")
    found = asked(handle._node)
    if copy:
        found = found.copy()
    elif max_version is not None and tuple(max_version) >= (1, 0):
        found = read_only(found)
    elif copy is None:
        found = found.copy()
    elif not found.flags.writeable:
        found = _own_memory(handle)
    return found.__dlpack__(max_version=max_version)


def _gpu_capsule(handle: Any, stream: Any, max_version: Any, dl_device: Any, copy: Any) -> Any:
    """CuPy's capsule of an array on a GPU, ordered after what the consumer's stream has to do."""
    return gpus.loaded().capsule(
        _there(handle), stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
    )


def cuda_interface(handle: Any) -> dict[str, Any]:
    """What `__cuda_array_interface__` says: memory on a GPU, not to be written to. Raises
    AttributeError for arrays elsewhere.
    """
    node = handle._node
    if not is_gpu(node.device):
        raise AttributeError(f"__cuda_array_interface__: the array is on {node.device}")
    found = gpus.loaded().interface(_there(handle))
    return {**found, "data": (found["data"][0], True)}


def _there(handle: Any) -> Any:
    """The handle's elements as an array of CuPy's, which it keeps."""
    node = cut(handle)
    found = on_device(node)
    if found is not node.value:
        handle._node = known(found, node.dtype, node.device)
    return found


def _own_memory(handle: Any) -> Buffer:
    """The handle's elements in memory that no other node has: constants share theirs."""
    handle._node = new_leaf(handle._node.value.copy(), handle._node.device)
    return handle._node.value  # type: ignore[no-any-return]


def from_foreign(x: Any, device: Any, copy: bool | None) -> Node:
    """A node over the memory of an object with `__dlpack__`, or a copy of it. Raises TypeError,
    BufferError.
    """
    if not hasattr(x, "__dlpack__"):
        raise TypeError(
            f"from_dlpack: x must have a __dlpack__ method, got {type(x).__name__}: {brief(x)}"
        )
    if on_gpu(x):
        return from_gpu(x, device, copy)
    target = device_of(device)
    if is_gpu(target):
        _must_copy(copy, target)
        copy = True
    try:
        buffer = np.from_dlpack(x, copy=copy)
    except TypeError:  # a producer from before the keyword, or a dtype that NumPy doesn't know
        buffer = np.from_dlpack(x)
    canonical(buffer.dtype)
    if buffer.size and buffer.flags.owndata:  # NumPy makes up memory where there is none
        raise BufferError(f"from_dlpack: {type(x).__name__} gave a null pointer for {buffer.shape}")
    return frozen(buffer, target) if copy else exposed(read_only(buffer), target)


def on_gpu(x: Any) -> bool:
    """Whether another library's array is on a GPU."""
    where = getattr(x, "__dlpack_device__", None)
    if where is None:
        return hasattr(x, "__cuda_array_interface__")
    return bool(where()[0] == DLDevice.CUDA)


def from_gpu(x: Any, device: Any, copy: bool | None) -> Node:
    """A node over the memory of another library's array on a GPU, which is read when kernels run
    that read it; or a copy. Raises BufferError where there are no GPUs, ValueError for a copy that
    `copy=False` forbids.
    """
    if not gpus.count():
        raise BufferError(f"the array is on a GPU, and {NO_GPU}")
    found = gpus.loaded().foreign(x)
    here = device_of(f"cuda:{found.device.id}")
    target = here if device is None else device_of(device)
    if target is not here:
        _must_copy(copy, target)
    node = known(gpus.loaded().copy(found) if copy else found, canonical(found.dtype), here)
    return node if target is here else apply(ROWS["transfer"], (node,), (target,))


def _must_copy(copy: bool | None, target: Device) -> None:
    if copy is False:
        raise ValueError(f"copy=False: what is elsewhere can't be on {target} without a copy")


def inside(x: Any, found: Buffer) -> Buffer:
    """What NumPy made of an object; its `__array_interface__` may name elements outside its bytes.

    NumPy takes its word for it. Raises ValueError.
    """
    interface = getattr(x, "__array_interface__", None)
    data = interface.get("data") if isinstance(interface, dict) else ()
    if isinstance(data, tuple) or not found.size:
        return found
    low, high = byte_bounds(found)
    first, last = byte_bounds(np.frombuffer(x if data is None else data, np.uint8))
    if low < first or high > last:
        raise ValueError(
            f"asarray: __array_interface__ of {type(x).__name__} names elements outside its "
            f"{last - first} bytes"
        )
    return found


def from_buffer(buffer: Buffer, device: Device, copy: bool | None) -> Node:
    """A node with a copy of a NumPy array; over its memory with `copy=False`."""
    if is_gpu(device):
        _must_copy(copy, device)
    return frozen(buffer, device) if copy is not False else exposed(read_only(buffer), device)


def rebuild(array: Any, buffer: Buffer, device: str) -> Any:
    """What a pickle is loaded by: the array on its device, or on the default one where that is
    gone.
    """
    try:
        target = device_of(device)
    except ValueError:
        target = CPU
    buffer.flags.writeable = False
    return array(new_leaf(buffer, target))
