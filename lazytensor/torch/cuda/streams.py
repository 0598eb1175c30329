"""Streams of CUDA devices, and events on them.

What enters: devices, handles of streams. What leaves: streams, events; the stream that work goes
to. It must not know how a device runs them.
"""

from typing import Any

from .. import _types
from .._driver import driver
from .._missing import missing
from . import _queues
from ._devices import indexed
from ._queues import StreamContext as StreamContext
from ._queues import set_stream as set_stream

__all__ = [
    "Event", "ExternalStream", "Stream", "StreamContext", "current_blas_handle",
    "current_solver_handle", "current_stream", "default_stream", "get_stream_from_external",
    "set_stream", "stream",
]  # fmt: skip


class Event(_queues.Event):
    """Something that happens on a CUDA device when what was put on a stream before has run."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False,
        external: bool = False,
    ) -> None:  # fmt: skip
        driver()
        self._set(indexed(), enable_timing, blocking)

    @property
    def device(self) -> _types.device | None:
        """The device of the stream that it was recorded on; None so far."""
        return None if self._handle is None else _types.device("cuda", self._index)

    def record(self, stream: _queues.Stream | None = None) -> None:
        """Let it happen when all that a stream, by default the current one, has so far has run."""
        super().record(current_stream() if stream is None else stream)

    def wait(self, stream: _queues.Stream | None = None) -> None:
        """Let what comes next on a stream, by default the current one, wait for it."""
        super().wait(current_stream() if stream is None else stream)

    def __repr__(self) -> str:
        if self._handle is None:
            return "<torch.cuda.Event uninitialized>"
        return f"<torch.cuda.Event {id(self._handle):#x}>"


class Stream(_queues.Stream):
    """Work that a CUDA device does in order. A new one of the current device, or of that given.

    As a context, that where new work goes.
    """

    _event_kind = Event

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        index = indexed(device)
        self._set(index, driver().new_stream(index, priority), priority)

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream that others made, by CUDA's handle."""

    def __init__(self, stream_ptr: Any, device: Any = None, **kwargs: Any) -> None:
        index = indexed(device)
        self._set(index, driver().external_stream(index, int(stream_ptr)))


def default_stream(device: Any = None) -> Stream:
    """The stream of a device that everything goes to where nothing else is said."""
    return _of(indexed(device), None)


def _of(index: int, handle: Any) -> Stream:
    found: Stream = object.__new__(Stream)
    found._set(index, handle)
    return found


def current_stream(device: Any = None) -> Stream:
    """Where work of this thread for a device goes."""
    index = indexed(device)
    found = _types.HERE.streams.get(index)
    return found if isinstance(found, Stream) else _of(index, getattr(found, "_handle", None))


def stream(stream: Stream | None) -> StreamContext:
    """A context in which work goes to a stream."""
    return StreamContext(stream)


def get_stream_from_external(data_ptr: int, device: Any = None) -> Stream:
    """A stream that others made, by CUDA's handle."""
    return ExternalStream(data_ptr, device)


def current_blas_handle() -> int:
    """Raises RuntimeError: the library's handle is not given out."""
    driver()
    raise RuntimeError("lazytensor: the handle of the BLAS library is not given out")


def current_solver_handle() -> int:
    """Raises RuntimeError: the library's handle is not given out."""
    driver()
    raise RuntimeError("lazytensor: the handle of the solver library is not given out")


__getattr__ = missing("torch.cuda.streams")
