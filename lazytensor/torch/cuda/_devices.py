"""CUDA devices: how many there are, which is the current one, what they are.

What enters: devices, by index, name or object. What leaves: answers; RuntimeError where there is
none. It must not know streams.
"""

from collections.abc import Sequence
from typing import Any

from ..._base import config, devices
from .. import _types
from .._driver import CAPTURE, Properties, driver, refuse
from . import _gpu as _gpu
from . import _virtual as _virtual
from ._live import compute

__all__ = [
    "can_device_access_peer", "current_device", "device", "device_count", "device_of",
    "get_arch_list", "get_device_capability", "get_device_name", "get_device_properties",
    "get_gencode_flags", "init", "ipc_collect", "is_available", "is_bf16_supported",
    "is_current_stream_capturing", "is_initialized", "is_tf32_supported", "set_device",
    "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether there is a CUDA device that can be used."""
    return devices.cuda_devices() > 0


def device_count() -> int:
    """How many CUDA devices there are."""
    return devices.cuda_devices()


def is_initialized() -> bool:
    """Whether there is a CUDA device: there is nothing to initialise."""
    return is_available()


def init() -> None:
    """Nothing to initialise. Raises RuntimeError where there is no device."""
    driver()


def node_device(index: int) -> devices.Device:
    """The graph's device of an index. Raises RuntimeError for one that isn't there."""
    if not is_available():
        refuse()
    return _types.node_device(_types.device("cuda", index))


def indexed(where: Any = None) -> int:
    """The index of a device that is there, of None the current one's. Raises RuntimeError."""
    index = _types.cuda_index(where)
    node_device(index)
    return index


def current_device() -> int:
    """The index of the current device, which "cuda" stands for."""
    driver()
    return _types.HERE.cuda


def set_device(device: Any) -> None:
    """Let a device be the current one of this thread; an index below 0 changes nothing."""
    index = _types.cuda_index(device)
    if index >= 0:
        node_device(index)
        _types.HERE.cuda = index


class device:
    """A context in which a device is the current one; None, or an index below 0, changes nothing.

    As a decorator, in each call.
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else _types.cuda_index(device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        """Raises RuntimeError for a device that isn't there."""
        self.prev_idx = _types.HERE.cuda
        set_device(self.idx)

    def __exit__(self, *exception: object) -> None:
        _types.HERE.cuda = self.prev_idx


class device_of(device):
    """A context in which a tensor's CUDA device is the current one; of others nothing changes."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_device_properties(device: Any = None) -> Properties:
    """What a device is: `name`, `major`, `minor`, `total_memory`, `multi_processor_count`, …."""
    index = indexed(device)
    return driver().properties(index)


def get_device_name(device: Any = None) -> str:
    """The name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The version of what a device can do."""
    found = get_device_properties(device)
    return found.major, found.minor


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether a device can read the memory of another. Raises AssertionError for one that isn't
    there.
    """
    found = [_types.cuda_index(where) for where in (device, peer_device)]
    for index in found:
        if not 0 <= index < device_count():
            raise AssertionError(f"Invalid device id {index}")
    return driver().peer(found[0], found[1])


def synchronize(device: Any = None) -> None:
    """Compute the tensors on a device that are pending, and wait for them."""
    index = indexed(device)
    compute(node_device(index))
    driver().synchronize(index)


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the device has bfloat16."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def is_tf32_supported() -> bool:
    """Whether the device can multiply with fewer digits."""
    return is_available() and get_device_capability()[0] >= 8


def is_current_stream_capturing() -> bool:
    """Whether a CUDA graph is being captured."""
    driver()
    return CAPTURE.graph is not None


def ipc_collect() -> None:
    """Nothing to collect: processes share no memory of devices."""
    driver()


def get_arch_list() -> Sequence[str]:
    """The architectures that kernels are built for: those of the devices that there are."""
    if config.get("virtual_cuda"):
        return []
    found = {get_device_capability(i) for i in range(device_count())}
    return [f"sm_{major}{minor}" for major, minor in sorted(found)]


def get_gencode_flags() -> str:
    """Options of the compiler for these."""
    named = [a.removeprefix("sm_") for a in get_arch_list()]
    return " ".join([f"-gencode compute=compute_{n},code=sm_{n}" for n in named])
