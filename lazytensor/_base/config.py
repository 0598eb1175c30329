"""Settings: one table of names, environment variables and defaults; precedence is call > context >
set > environment.

What enters: names and values. What leaves: parsed values and a fingerprint of those that affect
lowering. It must not know what any setting is used for.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .record import Record

__all__ = ["TABLE", "context", "fingerprint", "get", "set"]


class Setting(Record, frozen=True):
    """One row of the table: how a setting is named, read and checked."""

    name: str
    default: Any
    parse: Callable[[str], Any]
    lowering: bool
    doc: str
    choices: tuple[Any, ...] = ()

    @property
    def env(self) -> str:
        """The environment variable that sets it."""
        return "LAZYTENSOR_" + self.name.upper()


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(f"expected 0 or 1, got {text!r}")


TABLE: dict[str, Setting] = {
    s.name: s
    for s in (
        Setting("target", "llvm", str, True, "code generator", ("llvm", "numpy", "null")),
        Setting(
            "execution",
            "auto",
            str,
            False,
            "interpret every graph, compile every graph, or compile the hot and the large",
            ("auto", "interpret", "compile"),
        ),
        Setting("num_threads", 0, int, False, "threads that a kernel may use; 0: all there are"),
        Setting("cache_dir", "", str, False, "folder for compiled kernels, else the system's"),
        Setting("debug", 0, int, False, "0 to 6: what is written to standard error"),
        Setting("default_device", "cpu", str, False, "where arrays are made if nothing says where"),
        Setting("tf32", False, _flag, False, "products of float32 on GPUs may be rounded to TF32"),
        Setting(
            "cuda_graphs", True, _flag, False, "run what comes often on a GPU as one CUDA graph"
        ),
        Setting("cpu_devices", 1, int, False, "number of virtual CPU devices"),
        Setting(
            "virtual_cuda", 0, int, False, "CUDA devices that the CPU stands in for; 0: GPUs alone"
        ),
        Setting("fuse", True, _flag, True, "fuse elementwise chains and row reductions"),
        Setting("block_bytes", 131072, int, False, "bytes of one operand in a block of a kernel"),
        Setting(
            "graph_cache", 1 << 18, int, False, "nodes kept in the graph cache; 0 turns it off"
        ),
        Setting(
            "kernel_cache", 2048, int, False, "native functions kept besides those of kept graphs"
        ),
        Setting(
            "cache_bytes", 1 << 29, int, False, "bytes of compiled kernels on disk; 0: none is kept"
        ),
        Setting("max_pending", 8192, int, False, "nodes made between two looks at what is pending"),
        Setting("pool_bytes", 1 << 30, int, False, "bytes of large buffers kept for reuse"),
        Setting(
            "traceback",
            "short",
            str,
            False,
            "whether errors show the frames of the package too",
            ("short", "full"),
        ),
        Setting("verify", False, _flag, False, "check every graph after every pass"),
    )
}


class _Context(threading.local):
    """Overrides of the running thread, innermost last."""

    def __init__(self) -> None:
        self.stack: list[dict[str, Any]] = []


CONTEXT = _Context()
_values: dict[str, Any] = {}
_several: dict[tuple[str, ...], tuple[Any, ...]] = {}
# Another object after each change for all threads.
VERSION = [object()]


def _row(name: str) -> Setting:
    if name not in TABLE:
        raise ValueError(f"unknown setting {name!r}; the settings are {', '.join(TABLE)}")
    return TABLE[name]


def _checked(row: Setting, value: Any) -> Any:
    if row.choices and value not in row.choices:
        raise ValueError(f"setting {row.name!r} must be one of {row.choices}, got {value!r}")
    if type(value) is not type(row.default):
        want = type(row.default).__name__
        raise TypeError(
            f"setting {row.name!r} must be {want}, got {type(value).__name__}: {value!r}"
        )
    if isinstance(value, int) and value < 0:
        raise ValueError(f"setting {row.name!r} must not be negative, got {value}")
    return value


def _initial(row: Setting) -> Any:
    text = os.environ.get(row.env)
    if text is None:
        return row.default
    try:
        return _checked(row, row.parse(text))
    except ValueError as error:
        raise ValueError(f"environment variable {row.env}={text!r}: {error}") from None


def get(name: str) -> Any:
    """The value in force in this thread. Raises ValueError for an unknown name."""
    stack = CONTEXT.stack
    if not stack and name in _values:
        return _values[name]
    for frame in reversed(stack):
        if name in frame:
            return frame[name]
    if name not in _values:
        _values[name] = _initial(_row(name))
    return _values[name]


def set(**values: Any) -> None:
    """Set for all threads. Raises ValueError or TypeError, leaving every setting as it was."""
    _values.update({name: _checked(_row(name), value) for name, value in values.items()})
    _several.clear()
    VERSION[0] = object()


@contextmanager
def context(**values: Any) -> Iterator[None]:
    """Set for this thread, within a `with` block."""
    CONTEXT.stack.append({name: _checked(_row(name), value) for name, value in values.items()})
    try:
        yield
    finally:
        CONTEXT.stack.pop()


def several(names: tuple[str, ...]) -> tuple[Any, ...]:
    """Values of some settings, remembered while no context is entered: for what runs often."""
    if CONTEXT.stack:
        return tuple([get(name) for name in names])
    found = _several.get(names)
    if found is None:
        found = _several[names] = tuple([get(name) for name in names])
    return found


def fingerprint() -> tuple[Any, ...]:
    """Values of all settings that affect lowering: a part of every cache key."""
    return several(LOWERING)


LOWERING = tuple(s.name for s in TABLE.values() if s.lowering)
