"""Copies between memory of the host and devices, by way of pinned memory: what devices reach by
themselves, at full speed, while the host goes on.

What enters: arrays of both, in row-major order. What leaves: arrays, filled. It must not know what
they are for.
"""

import threading
from collections import deque
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from .driver import Array, driver
from .usage import Blocks

Host = np.ndarray[Any, Any]
# Up to where the system's driver copies at once; what is copied at a time; up to where memory is
# taken to send something as a whole.
FEW, CHUNK, MOST = 1 << 12, 4 << 20, 64 << 20

_pinned: WeakValueDictionary[int, Host] = WeakValueDictionary()
# What devices still read or write, and events that happen when they have.
_used: deque[tuple[Any, Any, Host]] = deque()
_lock = threading.Lock()
BLOCKS = Blocks()
"""Pinned memory that is in use."""


def _room(nbytes: int) -> Host:
    """Bytes of pinned memory, counted. Raises MemoryError."""
    found = driver().pinned(nbytes)
    BLOCKS.take(found, nbytes)
    return found


def pinned(host: Host) -> Host:
    """A copy in pinned memory. Raises MemoryError."""
    room = _room(max(host.nbytes, 1))
    _pinned[id(room)] = room
    out = room[: host.nbytes].view(host.dtype).reshape(host.shape)
    out[...] = host
    return out


def is_pinned(host: Any) -> bool:
    """Whether an array is, or shows, a copy in pinned memory."""
    while isinstance(host.base, np.ndarray):
        host = host.base
    return _pinned.get(id(host)) is host


def send(out: Array, host: Host) -> None:
    """Fill an array of the current device. Memory of the host may be written to afterwards, but for
    pinned memory, which is kept until it has been read. The device is not waited for.
    """
    source = host if host.nbytes <= FEW or is_pinned(host) else _staged(host)
    driver().put(out, source)
    if host.nbytes > FEW and (source is not host or is_pinned(host)):
        _keep(source)


def _staged(host: Host) -> Host:
    """The array in pinned memory, if there is as much; else itself."""
    if host.nbytes > MOST:
        return host
    try:
        room = _room(host.nbytes)
    except MemoryError:
        return host
    room[: host.nbytes] = _bytes(host)
    return room[: host.nbytes]


def _keep(host: Host) -> None:
    """Keep what the device has been asked to read, or write, until it has."""
    with _lock:
        while _used and _used[0][0].passed(_used[0][1]):
            _used.popleft()
        _used.append((driver(), driver().mark(), host))


def receive(host: Host, x: Array) -> None:
    """Fill an array of the host from one of the current device. Waits."""
    rooms = [] if is_pinned(host) else _rooms(host.nbytes)
    try:
        if rooms:
            _by_way_of(rooms, _bytes(host), x)
        else:
            driver().get(host, x, 0)
            driver().wait(driver().mark())
    except BaseException:  # a Ctrl-C: the device goes on writing there
        for each in rooms or [host]:
            _keep(each)
        raise


def _rooms(nbytes: int) -> list[Host]:
    """Pinned memory for a chunk, or for two, if there is as much."""
    try:
        return [_room(min(nbytes, CHUNK)) for _ in range(1 + (nbytes > CHUNK))]
    except MemoryError:
        return []


def _by_way_of(rooms: list[Host], out: Host, x: Array) -> None:
    """Copy by chunks: one is written to its place while the next one comes."""
    before: tuple[Any, Host, Host] | None = None
    for i, first in enumerate(range(0, out.nbytes, CHUNK)):
        part = out[first : first + CHUNK]
        room = rooms[i % len(rooms)][: part.nbytes]
        driver().get(room, x, first)
        now = driver().mark(), room, part
        if before is not None:
            _written(*before)
        before = now
    if before is not None:
        _written(*before)


def _written(event: Any, room: Host, part: Host) -> None:
    driver().wait(event)
    part[...] = room


def _bytes(host: Host) -> Host:
    return host.reshape(-1).view(np.uint8)
