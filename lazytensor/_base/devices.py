"""Devices by name: `cpu`, virtual ones `cpu:1` …, `cuda:N` reserved.

What enters: names. What leaves: interned Device objects. It must not know how a device computes.
"""

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


def devices() -> tuple[Device, ...]:
    """Every device that arrays may be placed on."""
    return (CPU, *(device(f"cpu:{i}") for i in range(1, config.get("cpu_devices"))))


def device(name: Any) -> Device:
    """The Device of that name; None is the default one. Raises ValueError for one that
    isn't there.
    """
    if name is None or (isinstance(name, str) and name in _DEFAULT):
        return CPU
    return _other(name)


def _other(name: Any) -> Device:
    if not isinstance(name, str):
        raise TypeError(f"device must be a string or a Device, got {type(name).__name__}: {name!r}")
    kind, _, index = name.partition(":")
    count = config.get("cpu_devices")
    if kind == "cuda":
        raise ValueError(f"device {name!r} is not available: this build computes on CPU devices")
    if kind != "cpu" or index not in map(str, range(count)):
        have = "'cpu'" if count == 1 else f"'cpu' and 'cpu:1' to 'cpu:{count - 1}'"
        raise ValueError(f"unknown device {name!r}; the devices are {have}")
    return _known.setdefault(name, Device(name))
