"""Devices by name: `cpu`, virtual ones `cpu:1` …, and `cuda:N`, which may be virtual too.

What enters: names; who counts the GPUs. What leaves: interned Device objects. It must not know how
a device computes.
"""

from collections.abc import Callable
from typing import Any

from . import config


class Device(str):
    """A device's name; equal to the plain string, so `x.device == "cpu"` holds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"device({str(self)!r})"


CPU = Device("cpu")
_DEFAULT = ("cpu", "cpu:0")
_known: dict[str, Device] = {}
GPUS: list[Callable[[], int]] = []
"""Who knows how many GPUs can be used: at most one, put there by the runtime."""
OUT_OF_MEMORY: list[type[MemoryError]] = [MemoryError]
"""The last one is raised where a GPU has no memory left: a face may have a class of its own."""
NO_GPU = (
    "there is no CUDA device here. To use a GPU, install lazytensor[cuda12] or lazytensor[cuda13] "
    "on a machine that has one"
)


def devices() -> tuple[Device, ...]:
    """Every device that arrays may be placed on."""
    virtual = (device(f"cpu:{i}") for i in range(1, config.get("cpu_devices")))
    return (CPU, *virtual, *(device(f"cuda:{i}") for i in range(cuda_devices())))


def cuda_devices() -> int:
    """How many CUDA devices there are: virtual ones, where the setting `virtual_cuda` asks for
    them, else GPUs.
    """
    virtual: int = config.get("virtual_cuda")
    return virtual or sum(count() for count in GPUS)


def is_gpu(device: Device) -> bool:
    """Whether a device is a GPU, with memory of its own."""
    return device.startswith("cuda") and not config.get("virtual_cuda")


def device(name: Any) -> Device:
    """The Device of that name; None is the default one. Raises ValueError for one that
    isn't there.
    """
    if name is None:
        name = config.get("default_device")
    if (isinstance(name, str) and name in _DEFAULT):
        return CPU
    return _other(name)


def _other(name: Any) -> Device:
    if not isinstance(name, str):
        raise TypeError(f"device must be a string or a Device, got {type(name).__name__}: {name!r}")
    kind, _, index = name.partition(":")
    if kind == "cuda":
        return _cuda(name, index or "0")
    count = config.get("cpu_devices")
    if kind != "cpu" or index not in map(str, range(count)):
        have = "'cpu'" if count == 1 else f"'cpu' and 'cpu:1' to 'cpu:{count - 1}'"
        raise ValueError(f"unknown device {name!r}; the devices are {have}")
    return _known.setdefault(name, Device(name))


def _cuda(name: str, index: str) -> Device:
    full = f"cuda:{index}"
    count = cuda_devices()
    if index in map(str, range(count)):
        return _known.setdefault(full, Device(full))
    if not count:
        raise ValueError(f"device {name!r} is not available: {NO_GPU}")
    have = "'cuda:0'" if count == 1 else f"'cuda:0' to 'cuda:{count - 1}'"
    raise ValueError(f"unknown device {name!r}; the CUDA devices are {have}")
