"""Copies of arrays: to row-major order, to the host, to another device.

What enters: arrays. What leaves: arrays with the same elements.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..._base.devices import Device
from ..._base.dtypes import DType, canonical, complex128, uint8, uint16, uint32, uint64
from ..._base.shapes import Shape
from ...lower.kernel import FULL, Input, Kernel, Launch, Stage
from ...ops.elementwise import cast
from .driver import Array, driver
from .launches import launched
from .memory import empty, number, put, there
from .pinned import receive

# What elements of so many bytes are copied as: bits, whatever they mean.
_BITS = {1: uint8, 2: uint16, 4: uint32, 8: uint64, 16: complex128}


def contiguous(x: Array, device: Device) -> Array:
    """The array in row-major order: itself where it lies so. Its device is the current one."""
    if x.flags.c_contiguous:
        return x
    bits = _BITS[x.dtype.itemsize]
    return launched(_copy(x.shape, bits, device), [x.view(bits)])[0].view(x.dtype)


@lru_cache(256)
def _copy(shape: Shape, dtype: DType, device: Device) -> Launch:
    """A launch that copies."""
    axes = tuple(n != 1 for n in shape)
    stage = Stage(cast, (dtype,), (0,), dtype, FULL)
    kernel = Kernel(len(shape), 0, (Input(dtype, FULL, axes),), (), (stage,), (1,))
    return Launch(
        kernel, shape, (0,), ((shape, shape),), (1,), (shape,), (dtype,), shape, (),
        varied=(0,), device=device,
    )  # fmt: skip


class _Waits:
    """What is called before the host waits for a value of a device, if anything is."""

    told: Callable[[], None] | None = None


def tell_waits(told: Callable[[], None] | None) -> None:
    """Have something called before the host waits for a value of a device; None: nothing."""
    _Waits.told = told


def fetch(x: Array) -> np.ndarray[Any, Any]:
    """What is on a device in memory of the host. Waits."""
    if _Waits.told is not None:
        _Waits.told()
    host = np.empty(x.shape, canonical(x.dtype))
    if host.nbytes:
        with driver().on(x.device.id):
            receive(host, contiguous(x, _device(x)))
    return host


def _device(x: Array) -> Device:
    return Device(f"cuda:{x.device.id}")


def copied(x: Any, device: Device) -> Any:
    """A copy of an array, or several, on its own device, which is the current one."""
    if type(x) is tuple:
        return tuple(copied(each, device) for each in x)
    out = empty(x.shape, canonical(x.dtype))
    driver().copy(out, contiguous(x, device))
    return out


def moved(x: Any, device: Device) -> Array:
    """An array of the host, or of any device, on a device, which is the current one."""
    if not there(x):
        return put(x, device)
    if x.device.id == number(device):
        return x
    with driver().on(x.device.id):
        x = contiguous(x, _device(x))
    out = empty(x.shape, canonical(x.dtype))
    driver().copy(out, x)
    return out
