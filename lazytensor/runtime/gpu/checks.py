"""What kernels found wrong: bad indices are told of when a value is read, not when they are met.

What enters: words of status, and what they mean. What leaves: errors, with the user's line. A
device goes on after one.
"""

import threading
from typing import Any, NamedTuple

import numpy as np

from ..._base.devices import Device
from ..._base.dtypes import int64
from ..interpret import located
from .driver import Array, driver
from .memory import NOW, empty
from .pinned import receive


class Check(NamedTuple):
    """Words of status, what they mean, and the line of whoever called."""

    words: Array
    fails: Any
    where: Any


# By device, and by the address of the words.
_waiting: dict[Device, dict[int, Check]] = {}
_lock = threading.Lock()
# Words of zeros on each device, which words of status are filled from.
_zeros: dict[tuple[Any, Device], Array] = {}
# Checks after which a device is waited for, so that they don't pile up.
MOST = 256


def status(device: Device) -> Array:
    """Two words that say that all went well, on the current device. Those of a CUDA graph no run
    makes 0 again, so that what any of them found wrong is there when it is asked for.
    """
    if NOW.capture is None:
        return _fresh(device)
    with NOW.capture.outside():
        return _fresh(device)


def _fresh(device: Device) -> Array:
    key = driver(), device
    if key not in _zeros:
        _zeros[key] = zeros = empty((2,), int64)
        driver().put(zeros, np.zeros(2, np.int64))
    found = empty((2,), int64)
    driver().copy(found, _zeros[key])
    return found


def check_later(device: Device, check: Check) -> None:
    """Look at words of status when a value is read."""
    if NOW.capture is not None:
        NOW.capture.checks.append(check)
        return
    with _lock:
        waiting = _waiting.setdefault(device, {})
        waiting[check.words.data.ptr] = check
        full = len(waiting) >= MOST
    if full:
        check_now(device)


def check_now(device: Device) -> None:
    """Wait for the device, which is the current one, if something is to be looked at. Raises what
    kernels found wrong first.
    """
    with _lock:
        waiting = _waiting.pop(device, {})
    for words, fails, where in waiting.values():
        host = np.empty(2, np.int64)
        receive(host, words)
        error = fails.error(*map(int, host))
        if error is not None:
            driver().put(words, np.zeros(2, np.int64))
            raise located(error, where)
