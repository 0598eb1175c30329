"""PyTorch's small types: Size, device, layout, memory_format.

What enters: Python values. What leaves: objects that compare and print as PyTorch's. It must not
know tensors.
"""

import operator
import threading
from collections.abc import Iterable
from math import prod
from typing import Any, SupportsIndex

from .._base import config
from .._base import devices as base
from ._errors import AcceleratorError

__all__ = ["Size", "device", "layout", "memory_format"]


class Size(tuple[int, ...]):
    """A tensor's sizes: a tuple of ints that prints as PyTorch's."""

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> "Size":
        return tuple.__new__(cls, map(operator.index, sizes))

    def numel(self) -> int:
        """The number of elements of a tensor of this size."""
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, n: SupportsIndex) -> "Size":
        return Size(tuple.__mul__(self, n))

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)


def size(sizes: tuple[int, ...]) -> Size:
    """A Size of what is a tuple of ints already."""
    return tuple.__new__(Size, sizes)


_TYPES = ("cpu", "cuda", "meta", "mps", "xpu", "hpu", "mtia", "xla", "ipu", "privateuseone")


class _Here(threading.local):
    """Of this thread: the device that it has set, those of open contexts, the current CUDA device
    and streams, contexts of streams that it has entered.
    """

    cuda = 0

    def __init__(self) -> None:
        self.default: device | None = None
        self.devices: list[device] = []
        self.streams: dict[int, Any] = {}
        self.entered: list[Any] = []


class device:
    """Where a tensor is: a type and an index. As a context, where new tensors go."""

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, device: Any = None, index: int | None = None, *, type: Any = None) -> None:
        given = type if device is None else device
        if isinstance(given, _Device):
            kind, place = given.type, given.index
        elif isinstance(given, bool) or not isinstance(given, str | int):
            raise TypeError(
                f"device(): argument 'device' must be str or int, not {given.__class__.__name__}"
            )
        elif isinstance(given, int):
            kind, place = "cuda", given
        else:
            kind, place = _parsed(given)
        if index is not None:
            if place is not None:
                raise RuntimeError(
                    "type (string) must not include an index because index was passed explicitly: "
                    f"{given}"
                )
            place = index
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", place)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __repr__(self) -> str:
        place = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{place})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Device) and self.type == other.type and self.index == other.index
        )

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return _Device, (self.type,) if self.index is None else (self.type, self.index)

    def __enter__(self) -> "device":
        HERE.devices.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        HERE.devices.pop()


_Device = device


def _parsed(text: str) -> tuple[str, int | None]:
    kind, colon, place = text.partition(":")
    if kind not in _TYPES:
        raise RuntimeError(
            "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, "
            "maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of "
            f"device string: {kind}"
        )
    if not colon:
        return kind, None
    if not place.isdigit() or (len(place) > 1 and place[0] == "0"):
        raise RuntimeError(f"Invalid device string: '{text}'")
    return kind, int(place)


HERE = _Here()
CPU = device("cpu")
_settings: dict[str, device | None] = {"cpu": None}
_nodes: dict[device, base.Device] = {CPU: base.CPU}
_known: dict[base.Device, device] = {base.CPU: CPU}


def set_default_device(where: Any) -> None:
    """Where this thread's new tensors go from now on; None for where the setting says."""
    HERE.default = None if where is None else device(where)


def current_device() -> device:
    """Where new tensors go: what was chosen, else the CPU."""
    return chosen_device() or CPU


def chosen_device() -> device | None:
    """The device of the innermost context, else what this thread has set, else what the setting
    `default_device` says; None where nothing was chosen.
    """
    stack = HERE.devices
    return stack[-1] if stack else HERE.default or _by_setting()


def _by_setting() -> device | None:
    name = config.get("default_device")
    if name not in _settings:
        _settings[name] = device(name)
    return _settings[name]


def indexed(where: device) -> device:
    """The device with its index: "cuda" without one is the current CUDA device."""
    return device("cuda", HERE.cuda) if where.type == "cuda" and where.index is None else where


def node_device(where: Any) -> base.Device:
    """The graph's device of one of PyTorch's. Raises RuntimeError for one that isn't there."""
    found = current_device() if where is None else where if type(where) is device else device(where)
    if found is CPU:
        return base.CPU
    known = _nodes.get(found)
    if known is None:
        if found.type == "cuda":
            return _cuda(indexed(found))
        if found.type != "cpu":
            raise RuntimeError(
                f"lazytensor computes on CPU and CUDA devices: no {found.type.upper()} device is "
                f"available for device='{found}'"
            )
        try:
            known = base.device(str(found))
        except ValueError as error:
            raise RuntimeError(str(error)) from None
        _nodes[found] = known
    return known


def _cuda(where: device) -> base.Device:
    """The graph's device of a CUDA device, of which there may be others the next time."""
    try:
        return base.device(str(where))
    except ValueError as error:
        if base.cuda_devices():
            raise AcceleratorError(f"CUDA error: invalid device ordinal: {error}") from None
        raise RuntimeError(str(error)) from None


def cuda_index(where: Any = None, optional: bool = True) -> int:
    """The index of a CUDA device: of None, and of one without an index, the current one's.

    Raises ValueError for a device of another kind, and for none unless `optional`.
    """
    if isinstance(where, int) and not isinstance(where, bool):
        return where
    found = None if where is None else where if type(where) is device else device(where)
    if found is not None and found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    if found is None or found.index is None:
        if not optional:
            raise ValueError(
                "Expected a torch.device with a specified index or an integer, but got:"
                f"{where}"
            )
        return HERE.cuda
    return found.index


def torch_device(where: base.Device) -> device:
    """PyTorch's device for one of the graph's."""
    found = _known.get(where)
    if found is None:
        found = _known[where] = device(str(where))
    return found


class layout:
    """How the elements of a tensor are kept: strided, of which alone there are tensors here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _layout, (self._name,)


def _layout(name: str) -> layout:
    return LAYOUTS[name]


LAYOUTS = {
    name: layout(name)
    for name in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc",
                 "jagged", "_mkldnn")
}  # fmt: skip
strided = LAYOUTS["strided"]


class memory_format:
    """In which order the axes of a tensor lie in memory."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _format, (self._name,)


def _format(name: str) -> memory_format:
    return FORMATS[name]


FORMATS = {
    name: memory_format(name)
    for name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
}
contiguous_format = FORMATS["contiguous_format"]
preserve_format = FORMATS["preserve_format"]
channels_last = FORMATS["channels_last"]
channels_last_3d = FORMATS["channels_last_3d"]
FORMATS["legacy_contiguous_format"] = contiguous_format
