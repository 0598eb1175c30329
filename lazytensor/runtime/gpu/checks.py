"""Words of status: what kernels found wrong, a bad index or a singular matrix, is noted there, and
looked at later.

What enters: kernels to be launched. What leaves: words for them, and what these say. It must not
know what was computed (`runs.py`).
"""

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._base.devices import Device
from ..._base.dtypes import int64
from ...targets.cuda.calls.plan import turn
from .code import function
from .driver import Array, driver
from .memory import NOW, empty, number, sent
from .pinned import receive

# Runs after which devices are waited for, so that what is to be looked at doesn't pile up. So many
# runs of a CUDA graph have words of their own, all of them together 4 KB.
MOST = 255
# Words before those of the first run.
HEAD = 2


class Check(NamedTuple):
    """Words of status, what they mean, and the lines of whoever called."""

    words: Array
    fails: Any
    lines: Sequence[Any]


class _Made(threading.local):
    """The checks of the step that this thread runs."""

    def __init__(self) -> None:
        self.checks: list[Check] = []


MADE = _Made()
# Words of zeros on each device, which words of status are filled from.
_zeros: dict[tuple[Any, Device], Array] = {}


def status(device: Device) -> Array:
    """Words that say that all went well, on the current device. A CUDA graph has as many as `MOST`
    of its runs take, and begins with a kernel that says whose turn it is.
    """
    capture = NOW.capture
    if capture is None:
        return _fresh(device)
    with capture.outside():
        at = sent(np.zeros(1, np.int64)) if capture.turn is None else capture.turn
        words = sent(np.array([at.data.ptr] + [0] * (2 * MOST + 1), np.int64))
    if capture.turn is None:
        capture.turn = at
        capture.kept.append(at)
        _move_on(device, at)
    return words


def _move_on(device: Device, at: Array) -> None:
    run, one = _turn(device), turn(MOST)
    driver().launch(run, (one.blocks, 1, 1), one.threads, one.shared, [at.data.ptr, *one.tail])


def _turn(device: Device) -> Any:
    return function(turn(MOST).code.source(), "kernel", number(device))


def _fresh(device: Device) -> Array:
    key = driver(), device
    if key not in _zeros:
        _turn(device)  # nothing can be loaded while a graph is captured
        _zeros[key] = zeros = empty((HEAD + 2,), int64)
        driver().put(zeros, np.zeros(HEAD + 2, np.int64))
    found = empty((HEAD + 2,), int64)
    driver().copy(found, _zeros[key])
    return found


def check_later(check: Check) -> None:
    """Look at words of status before what the step makes is read."""
    (MADE.checks if NOW.capture is None else NOW.capture.checks).append(check)


class Look:
    """What words of status say at one time. Waits for devices."""

    def __init__(self) -> None:
        self._words: dict[int, list[int]] = {}
        self._clean: dict[int, bool] = {}
        self._bad: dict[tuple[int, int], tuple[Device, Array]] = {}

    def clean(self, device: Device, checks: Sequence[Check]) -> bool:
        """Whether nothing at all is said by the words of checks, which are those of some work."""
        found = self._clean.get(id(checks))
        if found is None:
            said = [self._of(device, check.words) for check in checks]
            found = self._clean[id(checks)] = not any(said)
        return found

    def _of(self, device: Device, words: Array) -> list[int]:
        """Words; none where all went well."""
        if id(words) not in self._words:
            host = np.empty(words.shape, np.int64)
            with driver().on(number(device)):
                receive(host, words)
            self._words[id(words)] = host.tolist() if host[HEAD:].any() else []
        return self._words[id(words)]

    def first(
        self, device: Device, checks: Sequence[Check], whose: int
    ) -> tuple[Check, int, int] | None:
        """The first check that failed in a run, and its words; `whose` is the run's turn."""
        found, at = None, HEAD + 2 * whose
        for check in checks:
            words = self._of(device, check.words)
            if words and words[at]:
                self._bad[id(check.words), at] = device, check.words
                found = found or (check, words[at], words[at + 1])
        return found

    def done(self) -> None:
        """What was found wrong is known: runs whose turn is the same are yet to come."""
        for (_, at), (device, words) in self._bad.items():
            with driver().on(number(device)):
                driver().put(words[at : at + 2], np.zeros(2, np.int64))
