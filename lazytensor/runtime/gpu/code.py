"""Kernels as functions of a device: compiled once, kept on disk for other processes.

What enters: texts. What leaves: functions. It must not know what texts are of.
"""

import hashlib
import os
import threading
from functools import cache
from typing import Any

from ..._base import config
from ..._base.folders import cache_folder
from ..._base.log import log
from ..._base.store import Store
from ...targets.cuda import OPTIONS
from ..counters import COUNTERS
from .driver import driver

_functions: dict[tuple[Any, int, str], Any] = {}
_compiling: dict[str, threading.Lock] = {}
_lock = threading.Lock()


def function(text: str, name: str, device: int) -> Any:
    """The function of that name in a text, on the device, which is the current one."""
    key = (driver(), device, text)
    found = _functions.get(key)
    if found is None:
        found = _functions[key] = driver().load(code(text, store()), name)
    return found


def code(text: str, kept: Store) -> bytes:
    """Machine code of a text for the current device, which is kept. Of several threads that ask for
    it, one compiles.
    """
    options = (*OPTIONS, f"--gpu-architecture={driver().architecture()}")
    key = hashlib.sha256("\0".join((*options, text)).encode()).hexdigest()
    with _lock:
        lock = _compiling.setdefault(key, threading.Lock())
    with lock:
        found = kept.get(key)
        if found is None:
            COUNTERS.compilations += 1
            log(4, text)
            found = driver().compile(text, options)
            kept.put(key, found)
    return found


def store() -> Store:
    """Where machine code is kept, as this thread's settings say."""
    return _store(cache_folder(), config.get("cache_bytes"))


@cache
def _store(folder: str, cap: int) -> Store:
    return Store(os.path.join(folder, "cuda"), cap)
