"""Arrays of GPUs: made, filled, read, copied.

What enters: arrays of the host, or of a device. What leaves: the same elsewhere. A device is named
`cuda:N`. It must not know graphs.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from ..._base.devices import OUT_OF_MEMORY, Device
from ..._base.dtypes import DType, canonical, uint8
from ..._base.shapes import Shape, prod
from ..counters import COUNTERS
from .driver import Array, driver
from .pinned import send

# Scalars that are kept on devices, by the stream that fills them: others may read them too early.
MOST_SCALARS = 1024
_scalars: OrderedDict[tuple[Any, Device, int, str, bytes], Array] = OrderedDict()


class NeedsHost(Exception):
    """What can't be a part of a CUDA graph, or isn't worth one: the host computes it, or waits."""


class Capture:
    """Steps that are noted for a CUDA graph: `given` are the ids of inputs that may be written
    over, to each of which whoever captures has one reference more than whoever runs steps; `into`
    gives the array that a slot's value is to be left in, if any. The graph needs `checks` and
    `kept`.
    """

    def __init__(self, room: Any, given: set[int], into: Callable[[int], Any]) -> None:
        self._room = room
        self.given, self.into = given, into
        self.checks: list[Any] = []
        self.kept: list[Any] = []
        self.turn: Any = None  # where the device counts its runs

    def outside(self) -> AbstractContextManager[None]:
        """A context in which what is asked for is done, and not noted."""
        return driver().outside(self._room)


class _Now(threading.local):
    """What this thread captures, and how many pools it has put in the place of the usual one."""

    capture: Capture | None = None
    pools = 0


NOW = _Now()


def need_host() -> None:
    """The host is needed. Raises NeedsHost where steps are captured."""
    if NOW.capture is not None:
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


def block(size: int, device: Device) -> Any:
    """So many bytes on a device: an array. Raises MemoryError."""
    with driver().on(number(device)):
        return empty((size,), uint8)


@contextmanager
def pooled(device: Device, pool: Any) -> Iterator[None]:
    """A context in which this thread's new arrays on a device have memory of a pool. Nothing runs
    as a CUDA graph meanwhile, whose arrays are kept.
    """
    NOW.pools += 1
    try:
        with driver().pooled(number(device), pool):
            yield
    finally:
        NOW.pools -= 1


def there(x: Any) -> bool:
    """Whether an array is on a device."""
    return not isinstance(x, np.ndarray | np.generic | tuple)


def put(x: Any, device: Device) -> Any:
    """An array of the host, or several, on a device, which is the current one."""
    if type(x) is tuple:
        return tuple(put(each, device) for each in x)
    host = np.asarray(x)
    return _scalar(host, device) if not host.ndim else sent(host)


def shaped(x: Array, shape: Shape) -> Array:
    """An array in another shape, that has all its memory to itself: no view of it."""
    return x if x.shape == shape else driver().over(x, shape)


def sent(host: np.ndarray[Any, Any]) -> Array:
    """A new array on the current device, of one of the host."""
    out = empty(host.shape, canonical(host.dtype))
    if host.nbytes:
        send(out, np.ascontiguousarray(host))
    return out


def _scalar(host: np.ndarray[Any, Any], device: Device) -> Array:
    """One number, of which programs have few: those used last are kept."""
    key = driver(), device, driver().stream(), host.dtype.str, host.tobytes()
    found = _scalars.pop(key, None)
    if found is None:
        found = sent(host)
        while len(_scalars) >= MOST_SCALARS:
            _scalars.popitem(last=False)
    _scalars[key] = found
    return found
