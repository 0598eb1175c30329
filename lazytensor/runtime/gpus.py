"""The GPUs of this process: whether there are any, and what runs steps on them, loaded when needed.

What enters: nothing. What leaves: how many GPUs there are; the package `gpu`. Nothing of it, nor of
CuPy, is loaded before somebody asks for a GPU.
"""

import ctypes
import importlib.util
import sys
from typing import Any

import numpy as np

from .._base import devices


class _Counted:
    """How many devices there are, once anybody has asked; whether another driver is asked."""

    count = -1
    other = False


def count() -> int:
    """How many GPUs can be used: none without CuPy, or a driver of the system's."""
    if _Counted.count < 0:
        known = importlib.util.find_spec("cupy") is not None
        _Counted.count = loaded().count() if known and (_Counted.other or _driver()) else 0
    return _Counted.count


def _driver() -> bool:
    """Whether the system has a driver, as far as that is known without CuPy, which takes 100 ms to
    load.
    """
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def active() -> bool:
    """Whether arrays may be on GPUs."""
    return _Counted.count > 0


def use(driver: Any) -> Any:
    """Ask GPUs through another driver; the one before."""
    _Counted.count, _Counted.other = -1, True
    return loaded().use(driver)


def loaded() -> Any:
    """What runs steps of plans on GPUs (`gpu/steps.py`)."""
    from .gpu import steps

    return steps


def at_hand(x: Any) -> Any:
    """An array, or several, in memory of the host. Waits for what is on a GPU."""
    if type(x) is tuple:
        return tuple(map(at_hand, x))
    return x if isinstance(x, np.ndarray | np.generic) else loaded().read(x)


def tell(x: Any) -> None:
    """Raise what was found wrong on the way to an array, or several, if it is on a GPU."""
    if not isinstance(x, np.ndarray | np.generic | tuple):
        loaded().tell(x)


def own_number(x: Any, device: devices.Device) -> Any:
    """One number, wherever it is, on a GPU in memory that nothing else has."""
    return loaded().own_number(x, device)


def clear() -> None:
    """Give the memory of GPUs back that nothing uses."""
    if active():
        loaded().clear()


devices.GPUS.append(count)
