"""Streams and events of any device: `torch.Stream`, `torch.Event`.

What enters: devices, streams, events. What leaves: the same; times between events. What is pending
is computed before an event is recorded, and before a stream is waited for: to eager programs it
has been put on the stream. On the CPU nothing is queued. It must not know how a device runs them.
"""

from typing import Any

from ..._base.devices import cuda_devices
from .. import _types
from .._driver import CAPTURE, driver
from ._devices import device, indexed, node_device
from ._live import compute

__all__ = ["Event", "Stream", "StreamContext", "set_stream"]


def _index(where: Any) -> int:
    """The index of a CUDA device, -1 for the CPU. Raises RuntimeError for one that isn't there."""
    if where is None:
        return indexed() if cuda_devices() else -1
    found = _types.device("cuda", where) if isinstance(where, int) else _types.device(where)
    return indexed(found) if found.type == "cuda" else -1


def _device(index: int) -> _types.device:
    return _types.device("cpu") if index < 0 else _types.device("cuda", index)


def _current(index: int) -> "Stream":
    """Where work of this thread for a device goes."""
    found: Stream | None = _types.HERE.streams.get(index)
    if found is None:
        found = object.__new__(Stream)
        found._set(index, None)
    return found


class Stream:
    """Work that a device does in order: a new one of a device, by default of the current CUDA
    device, if there is one. As a context, that where new work goes.
    """

    _event_kind: "type[Event]"

    def __init__(
        self, device: Any = None, *, priority: int = 0, stream_id: int = 0, device_index: int = -1,
        device_type: int = 0,
    ) -> None:  # fmt: skip
        if device is None and device_type:
            self._set(device_index, driver().external_stream(device_index, stream_id), priority)
            return
        index = _index(device)
        if index < 0:
            self._set(index, None)
        else:
            self._set(index, driver().new_stream(index, priority), priority)

    def _set(self, index: int, handle: Any, priority: int = 0) -> None:
        self._index, self._handle, self.priority = index, handle, priority

    @property
    def device(self) -> _types.device:
        """Whose stream it is."""
        return _device(self._index)

    device_index = property(lambda self: self._index)
    device_type = property(lambda self: int(self._index >= 0))

    @property
    def cuda_stream(self) -> int:
        """CUDA's handle; 0 of a default stream, and on the CPU."""
        return 0 if self._index < 0 else driver().stream_address(self._handle)

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
        made = self._event_kind() if event is None else event
        made.record(self)
        return made

    def query(self) -> bool:
        """Whether all that was put on it has run."""
        if self._index < 0:
            return True
        compute(node_device(self._index))
        return driver().stream_done(self._index, self._handle)

    def synchronize(self) -> None:
        """Wait for all that was put on it."""
        if self._index < 0:
            return
        compute(node_device(self._index))
        driver().wait_stream(self._index, self._handle)

    def is_capturing(self) -> bool:
        """Whether a CUDA graph is being captured on it."""
        return self._index >= 0 and CAPTURE.graph is not None and self == _current(self._index)

    @property
    def native_handle(self) -> int:
        """CUDA's handle. Raises RuntimeError on the CPU."""
        if self._index < 0:
            raise RuntimeError("Backend doesn't support getting stream native handle.")
        return self.cuda_stream

    def __cuda_stream__(self) -> tuple[int, int]:
        """CUDA's protocol of streams: its version, and the handle."""
        return 0, self.native_handle

    def __enter__(self) -> "Stream":
        context = StreamContext(self)
        _types.HERE.entered.append(context)
        context.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        _types.HERE.entered.pop().__exit__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return False
        return (self._index, self._handle) == (other._index, other._handle)

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self._index))

    def __repr__(self) -> str:
        return (
            f"torch.Stream device_type={self.device.type}, device_index={self._index}, "
            f"stream_id={self.cuda_stream}"
        )


class Event:
    """Something that happens on a device when what was put on a stream before has run."""

    def __init__(
        self, device: Any = None, *, enable_timing: bool = False, blocking: bool = False,
        interprocess: bool = False,
    ) -> None:  # fmt: skip
        self._set(_index(device), enable_timing, blocking)

    def _set(self, index: int, timing: bool, blocking: bool) -> None:
        self._timing, self._blocking = bool(timing), bool(blocking)
        self._handle: Any = None
        self._asked, self._index = index, -1

    @property
    def device(self) -> _types.device | None:
        """Whose event it is."""
        return _device(self._asked)

    @property
    def event_id(self) -> int:
        """A number of its own, once it was recorded."""
        return 0 if self._handle is None else id(self._handle)

    def record(self, stream: Stream | None = None) -> None:
        """Let it happen when all that a stream, by default the current one, has so far has run.

        Raises RuntimeError on the CPU.
        """
        on = _current(self._asked) if stream is None else stream
        if on._index < 0:
            raise RuntimeError("cpu backend doesn't support events.")
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
        (_current(self._asked) if stream is None else stream).wait_event(self)

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
        where = _device(self._asked)
        index = -1 if where.index is None else where.index
        return (
            f"torch.Event device_type={where.type}, device_index={index}, "
            f"event_flag={int(self._timing)}, event_id={self.event_id}"
        )


def set_stream(stream: Stream | None) -> None:
    """Let work for its device go to a stream; its device is the current one from then on."""
    if stream is None:
        return
    compute(node_device(stream._index))
    _types.HERE.cuda = stream._index
    _types.HERE.streams[stream._index] = stream
    driver().use_stream(stream._index, stream._handle)


class StreamContext:
    """A context in which work goes to a stream, whose device is the current one; of None, and on
    the CPU, nothing changes.
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream if stream is not None and stream._index >= 0 else None
        self._device = device(None if self.stream is None else self.stream._index)
        self._before: Stream | None = None

    def __enter__(self) -> None:
        if self.stream is not None:
            self._device.__enter__()
            self._before = _current(self.stream._index)
            set_stream(self.stream)

    def __exit__(self, *exception: object) -> None:
        if self.stream is not None and self._before is not None:
            set_stream(self._before)
            self._device.__exit__()


Stream._event_kind = Event
