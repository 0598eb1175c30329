"""Arrays of GPUs: made, filled, read, copied.

What enters: arrays of the host, or of a device. What leaves: the same elsewhere. A device is named
`cuda:N`. It must not know graphs.
"""

import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from ..._base.devices import OUT_OF_MEMORY, Device
from ..._base.dtypes import DType, canonical
from ..._base.shapes import Shape, prod
from ..counters import COUNTERS
from .driver import Array, driver

# Scalars that are kept on devices.
MOST_SCALARS = 1024
_scalars: OrderedDict[tuple[Any, Device, str, bytes], Array] = OrderedDict()


class NeedsHost(Exception):
    """A step that can't be a part of a CUDA graph: the host computes it."""


class _Now(threading.local):
    """Whether this thread runs steps that are captured, and what has words of status for these."""

    capturing = False
    sticky: Any = None


NOW = _Now()


def need_host() -> None:
    """The host is needed. Raises NeedsHost where steps are captured."""
    if NOW.capturing:
        raise NeedsHost


def number(device: Device) -> int:
    """A device's number."""
    return int(device[5:])


def empty(shape: Shape, dtype: DType) -> Array:
    """A new array on the current device. Raises MemoryError, or the face's own kind of it."""
    try:
        found = driver().empty(shape, dtype)
    except MemoryError as error:
        wanted = prod(shape) * dtype.itemsize
        raise OUT_OF_MEMORY[-1](
            f"CUDA out of memory. Tried to allocate {wanted} bytes. {error}"
        ) from None
    COUNTERS.bytes += found.nbytes
    return found


def there(x: Any) -> bool:
    """Whether an array is on a device."""
    return not isinstance(x, np.ndarray | np.generic | tuple)


def put(x: Any, device: Device) -> Any:
    """An array of the host, or several, on a device, which is the current one."""
    if type(x) is tuple:
        return tuple(put(each, device) for each in x)
    host = np.asarray(x)
    return _scalar(host, device) if not host.ndim else _put(host)


def _put(host: np.ndarray[Any, Any]) -> Array:
    out = empty(host.shape, canonical(host.dtype))
    if host.nbytes:
        driver().put(out, np.ascontiguousarray(host))
    return out


def _scalar(host: np.ndarray[Any, Any], device: Device) -> Array:
    """One number, of which programs have few: those used last are kept."""
    key = driver(), device, host.dtype.str, host.tobytes()
    found = _scalars.pop(key, None)
    if found is None:
        found = _put(host)
        while len(_scalars) >= MOST_SCALARS:
            _scalars.popitem(last=False)
    _scalars[key] = found
    return found
