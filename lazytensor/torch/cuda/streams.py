"""Streams of CUDA devices, and events on them.

What enters: devices, streams, events. What leaves: the same; times between events. What is pending
is computed before an event is recorded, and before a stream is waited for: to eager programs it
has been put on the stream. It must not know how a device runs them.
"""

from typing import Any

from .. import _types
from .._driver import driver
from .._missing import missing
from ._devices import device, indexed, node_device
from ._live import compute

__all__ = [
    "Event", "ExternalStream", "Stream", "StreamContext", "current_blas_handle", "current_stream",
    "default_stream", "get_stream_from_external", "set_stream", "stream",
]  # fmt: skip


class Stream:
    """Work that a device does in order. A new one of the current device, or of that given.

    As a context, that where new work goes.
    """

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        index = indexed(device)
        self._set(index, driver().new_stream(index, priority), priority)

    def _set(self, index: int, handle: Any, priority: int = 0) -> None:
        self._index, self._handle, self.priority = index, handle, priority
        self._within: list[Any] = []

    @property
    def device(self) -> _types.device:
        """Whose stream it is."""
        return _types.device("cuda", self._index)

    device_index = property(lambda self: self._index)
    device_type = 1

    @property
    def cuda_stream(self) -> int:
        """CUDA's handle; 0 of a default stream."""
        return driver().stream_address(self._handle)

    stream_id = cuda_stream

    @staticmethod
    def priority_range() -> tuple[int, int]:
        """The least and the greatest priority, which is the lower number."""
        return 0, -1

    def wait_event(self, event: "Event") -> None:
        """Let what comes next wait for an event."""
        if event._handle is not None:
            driver().stream_waits(self._index, self._handle, event._handle)

    def wait_stream(self, stream: "Stream") -> None:
        """Let what comes next wait for what another stream has so far."""
        self.wait_event(stream.record_event())

    def record_event(self, event: "Event | None" = None) -> "Event":
        """Record an event, a new one if none is given."""
        made = Event() if event is None else event
        made.record(self)
        return made

    def query(self) -> bool:
        """Whether all that was put on it has run."""
        compute(node_device(self._index))
        return driver().stream_done(self._index, self._handle)

    def synchronize(self) -> None:
        """Wait for all that was put on it."""
        compute(node_device(self._index))
        driver().wait_stream(self._index, self._handle)

    def __enter__(self) -> "Stream":
        context = StreamContext(self)
        self._within.append(context)
        context.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._within.pop().__exit__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return False
        return (self._index, self._handle) == (other._index, other._handle)

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self._index))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream that others made, by CUDA's handle."""

    def __init__(self, stream_ptr: Any, device: Any = None, **kwargs: Any) -> None:
        self._set(indexed(device), stream_ptr or None)


class Event:
    """Something that happens on a device when what was put on a stream before has run."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False,
        external: bool = False,
    ) -> None:  # fmt: skip
        driver()
        self._timing, self._blocking = bool(enable_timing), bool(blocking)
        self._handle: Any = None
        self._index = -1

    @property
    def device(self) -> _types.device | None:
        """The device of the stream that it was recorded on; None so far."""
        return None if self._handle is None else _types.device("cuda", self._index)

    def record(self, stream: Stream | None = None) -> None:
        """Let it happen when all that a stream, by default the current one, has so far has run."""
        on = current_stream() if stream is None else stream
        if self._handle is None:
            self._handle = driver().new_event(on._index, self._timing, self._blocking)
            self._index = on._index
        if self._index != on._index:
            raise RuntimeError(
                f"Event device {self._index} does not match recording stream's device {on._index}."
            )
        compute(node_device(on._index))
        driver().record(self._handle, on._index, on._handle)

    def wait(self, stream: Stream | None = None) -> None:
        """Let what comes next on a stream, by default the current one, wait for it."""
        (current_stream() if stream is None else stream).wait_event(self)

    def query(self) -> bool:
        """Whether it has happened; also where it was never recorded."""
        return self._handle is None or driver().event_done(self._handle)

    def synchronize(self) -> None:
        """Wait for it."""
        if self._handle is not None:
            driver().wait_event(self._handle)

    def elapsed_time(self, end_event: "Event") -> float:
        """Milliseconds from this event to another. Raises RuntimeError, ValueError without any."""
        events = (self, end_event)
        if not all(e._timing for e in events):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if any(e._handle is None for e in events):
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        if not all(e.query() for e in events):
            raise ValueError("Both events must be completed before calculating elapsed time.")
        return driver().elapsed(self._handle, end_event._handle)

    def __repr__(self) -> str:
        if self._handle is None:
            return "<torch.cuda.Event uninitialized>"
        return f"<torch.cuda.Event {id(self._handle):#x}>"


def default_stream(device: Any = None) -> Stream:
    """The stream of a device that everything goes to where nothing else is said."""
    found: Stream = object.__new__(Stream)
    found._set(indexed(device), None)
    return found


def current_stream(device: Any = None) -> Stream:
    """Where work of this thread for a device goes."""
    index = indexed(device)
    found: Stream | None = _types.HERE.streams.get(index)
    return default_stream(index) if found is None else found


def set_stream(stream: Stream | None) -> None:
    """Let work for its device go to a stream; its device is the current one from then on."""
    if stream is None:
        return
    compute(node_device(stream._index))
    _types.HERE.cuda = stream._index
    _types.HERE.streams[stream._index] = stream
    driver().use_stream(stream._index, stream._handle)


class StreamContext:
    """A context in which work goes to a stream, whose device is the current one; of None nothing
    changes.
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self._device = device(None if stream is None else stream._index)
        self._before: Stream | None = None

    def __enter__(self) -> None:
        if self.stream is not None:
            self._device.__enter__()
            self._before = current_stream()
            set_stream(self.stream)

    def __exit__(self, *exception: object) -> None:
        if self.stream is not None and self._before is not None:
            set_stream(self._before)
            self._device.__exit__()


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


__getattr__ = missing("torch.cuda.streams")
