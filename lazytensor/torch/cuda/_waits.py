"""Telling a program where it waits for a CUDA device: `set_sync_debug_mode`.

What enters: a mode. What leaves: a warning, or an error, before the host waits for a value. Virtual
devices are never waited for.
"""

import sys
import warnings

from .._driver import driver

__all__ = ["get_sync_debug_mode", "set_sync_debug_mode"]

_MODES = {"default": 0, "warn": 1, "error": 2}
_OURS = "lazytensor."
_TEXT = "called a synchronizing CUDA operation"


class _Mode:
    now = 0


def _warn() -> None:
    """At the line of whoever called the library."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame, level = frame.f_back, level + 1
    warnings.warn(_TEXT, UserWarning, stacklevel=level)


def _refuse() -> None:
    raise RuntimeError(_TEXT)


def set_sync_debug_mode(debug_mode: int | str) -> None:
    """Say nothing when the host waits for a value of a device ("default", 0), warn ("warn", 1), or
    raise RuntimeError ("error", 2). Raises RuntimeError for any other mode.
    """
    mode = _MODES.get(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if mode is None:
        raise RuntimeError(
            "invalid value of debug_mode, expected one of `default`, `warn`, `error`"
        )
    if mode not in (0, 1, 2):
        raise RuntimeError("invalid value of debug_mode, expected 0,1 or 2")
    driver().tell_waits((None, _warn, _refuse)[mode])
    _Mode.now = mode


def get_sync_debug_mode() -> int:
    """The mode: 0, 1 or 2."""
    driver()
    return _Mode.now
