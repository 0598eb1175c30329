"""GPUs where there is none: CuPy's arrays over memory of the host, kernels compiled by g++ and run
as fibres. Everything else is what runs on a device.
"""

import ctypes
import subprocess
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lazytensor.runtime import gpus
from lazytensor.runtime.gpu import runs
from lazytensor.runtime.gpu.driver import Driver, by_value
from lazytensor.runtime.gpu.usage import Peak, Usage
from lazytensor.targets.cuda.source import HEAD
from lazytensor.targets.cuda.words import MOST_WORDS

from .harness import FLAGS, HERE, WRONG, compiler
from .solvers import Solvers

ALIGNED = 256
CAPTURING = 1000
WAITS = b"\x01", b"\x00"


class _Mine(threading.local):
    """What a thread captures: other threads' launches are carried out meanwhile."""

    kept: Any = None
    noted: Any = None

    def __init__(self) -> None:
        self.pools: dict[int, _Pool] = {}


class StandIn(Driver):
    """Devices of which each has so many bytes; what was asked of them is counted."""

    def __init__(self, count: int = 2, capacity: int = 1 << 30) -> None:
        self.devices = count
        self.in_force = 0
        self.capacity = capacity
        self.current = 0
        self.mine = _Mine()
        self.used = 0
        self.pins: set[int] = set()
        self.others: deque[Any] = deque(maxlen=16)  # pinned memory that others have by now
        self.coming: list[tuple[Callable[[], Any], Any]] = []
        self.blocks: weakref.WeakValueDictionary[int, _Block] = weakref.WeakValueDictionary()
        self.arrived = 0
        self.peaks = [Peak() for _ in range(count)]
        self.libraries: Any = Solvers(self)
        self.one_kernel = threading.Lock()
        self.allocator: Any = None
        self.keeping, self.asked = True, 0
        self.plans = 0
        self.puts = self.gets = self.copies = self.launches = self.compiled = self.calls = (
            self.replays
        ) = 0

    def count(self) -> int:
        return self.devices

    @contextmanager
    def on(self, device: int) -> Iterator[None]:
        assert 0 <= device < self.devices
        before, self.current = self.current, device
        try:
            yield
        finally:
            self.current = before

    def figures(self, device: int) -> dict[str, Any]:
        figures = {"multiProcessorCount": 2, "maxThreadsPerMultiProcessor": 2048}
        return {"name": b"stand-in", "major": 9, "minor": 0} | figures

    def architecture(self) -> str:
        return "sm_90"

    def empty(self, shape: Any, dtype: Any) -> Any:
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if self.used + size > self.capacity:
            self.peaks[self.current].failures += 1
            raise MemoryError(f"a device has no {size} bytes left")
        pool = self.mine.pools.get(self.current)
        allocator = self.allocator if pool is None else pool.allocator
        self.asked += pool is None and not self.keeping
        owner = _Given(self, size, allocator) if allocator else _Block(self, size)
        owner.pool = pool
        self.blocks[owner.start] = owner
        self.peaks[self.current].taken(size, lambda: self.used, self.used)
        if self.mine.kept is not None:
            self.mine.kept.append(owner)
        cuda = self.cupy.cuda
        memory = cuda.UnownedMemory(owner.start, max(size, 1), owner, self.current)
        return self.cupy.ndarray(shape, dtype, cuda.MemoryPointer(memory, 0))

    def over(self, x: Any, shape: Any) -> Any:
        return self.cupy.ndarray(shape, x.dtype, x.data)

    def usage(self, device: int) -> Usage:
        """As of one device: all have one memory."""
        peak, free = self.peaks[device], self.capacity - self.used
        return Usage(self.used, self.used, peak.used, peak.held, free, self.capacity, peak.failures)

    def reset_peak(self, device: int) -> None:
        self.peaks[device].now(self.used, self.used)

    def pool(self, allocator: Any) -> "_Pool":
        return _Pool(allocator)

    @contextmanager
    def pooled(self, device: int, pool: "_Pool") -> Iterator[None]:
        before = self.mine.pools
        self.mine.pools = before | {device: pool}
        try:
            yield
        finally:
            self.mine.pools = before

    def block(self, x: Any) -> tuple[int, int, int]:
        owner = self.blocks[x.data.mem.ptr]
        return owner.start, owner.size, 0 if owner.pool is None else id(owner.pool)

    def caching(self, on: bool) -> None:
        self.keeping = on

    def allocate_by(self, allocator: Any) -> None:
        if self.used:
            raise RuntimeError("Can't swap an already initialized allocator")
        self.allocator = allocator

    def stream(self) -> int:
        """That which graphs are captured in is another one."""
        return self.in_force + (0 if self.mine.noted is None else CAPTURING)

    def room(self) -> list[Any]:
        return []

    @contextmanager
    def capturing(self, room: list[Any]) -> Iterator["Noted"]:
        assert self.mine.noted is None and self.mine.kept is None
        noted = Noted(self)
        with self._noting(noted.calls, room):
            yield noted

    @contextmanager
    def outside(self, room: list[Any]) -> Iterator[None]:
        assert self.mine.kept is room
        with self._noting(None, None):
            yield

    @contextmanager
    def _noting(self, calls: list[Any] | None, room: list[Any] | None) -> Iterator[None]:
        before, self.mine.noted, self.mine.kept = (self.mine.noted, self.mine.kept), calls, room
        try:
            yield
        finally:
            self.mine.noted, self.mine.kept = before

    def put(self, out: Any, host: Any) -> None:
        assert out.flags.c_contiguous and host.flags.c_contiguous
        assert out.nbytes == host.nbytes and out.device.id == self.current
        assert self.mine.noted is None, "a CUDA graph can't read the host's memory"
        self.puts += 1
        root = host
        while isinstance(root.base, np.ndarray):
            root = root.base
        now = partial(ctypes.memmove, out.data.ptr, host.ctypes.data, host.nbytes)
        if root.ctypes.data in self.pins:  # at some time before what is asked for next
            self.coming.append((now, self.blocks[out.data.mem.ptr]))
        else:
            now()

    def get(self, host: Any, x: Any, first: int) -> None:
        assert x.flags.c_contiguous and host.nbytes <= x.nbytes - first
        assert self.mine.noted is None and x.device.id == self.current, "a CUDA graph can't wait"
        self._arrive()
        self.gets += 1
        ctypes.memmove(host.ctypes.data, x.data.ptr + first, host.nbytes)

    def pinned(self, nbytes: int) -> Any:
        """Memory that is given to others as soon as nothing refers to it."""
        room = np.zeros(nbytes, np.uint8)
        found = np.frombuffer(memoryview(room), np.uint8)
        self.pins.add(room.ctypes.data)
        weakref.finalize(found, self._given_back, room)
        return found

    def _given_back(self, room: Any) -> None:
        room.fill(0x5A)
        self.pins.discard(room.ctypes.data)
        self.others.append(room)

    def mark(self) -> int:
        return self.arrived + len(self.coming)

    def passed(self, event: int) -> bool:
        return event <= self.arrived

    def wait(self, event: int) -> None:
        self._arrive()

    def _arrive(self) -> None:
        self.arrived += len(self.coming)
        for now, _ in self.coming:
            now()
        self.coming.clear()

    def copy(self, out: Any, x: Any) -> None:
        assert out.flags.c_contiguous and x.flags.c_contiguous and out.nbytes == x.nbytes
        self._copy(out.data.ptr, x.data.ptr, x.nbytes)

    def _copy(self, out: int, x: int, nbytes: int) -> None:
        """As of a device, a graph has addresses, and keeps nothing alive."""
        if self.mine.noted is not None:
            self.mine.noted.append(partial(self._copy, out, x, nbytes))
            return
        self._arrive()
        self.copies += 1
        ctypes.memmove(out, x, nbytes)

    def interface(self, x: Any) -> dict[str, Any]:
        return {"shape": x.shape, "typestr": x.dtype.str, "data": (x.data.ptr, False), "version": 3}

    def capsule(self, x: Any, dl_device: Any = None, max_version: Any = None, **how: Any) -> Any:
        """Of a copy in memory of the host, for who asks for it there."""
        if dl_device is None or dl_device[0] != 1:
            raise BufferError("memory of a stand-in")
        self._arrive()
        return shown(x).copy().__dlpack__(max_version=max_version)

    def foreign(self, x: "Foreign") -> Any:
        if not hasattr(x, "array"):
            raise RuntimeError("a device that isn't there")
        return x.array

    def call(self, function: Any, args: Sequence[Any], params: Sequence[Any]) -> Any:
        self._arrive()
        given = list(map(shown, args))
        like = function(np, *given, *params)
        found = self.empty(like.shape, like.dtype)
        out = shown(found)

        def compute() -> None:
            self.calls += 1
            out[...] = function(np, *given, *params)

        if self.mine.noted is None:
            compute()
        else:
            self.mine.noted.append(compute)
        return found

    def device(self) -> int:
        return self.current

    def transforms(self, length: int, name: str, count: int) -> "_Transforms":
        assert self.mine.noted is None, "a plan is made before it is captured"
        self.plans += 1
        return _Transforms(self.current, (length, name, count))

    def transform(self, plan: "_Transforms", function: Any, x: Any, params: Any) -> Any:
        found = self.call(function, [x], params)
        letters = {"float32": "R", "float64": "D", "complex64": "C", "complex128": "Z"}
        name = f"{letters[x.dtype.name]}2{letters[found.dtype.name]}"
        axis = params[0]
        length = max(x.shape[axis], found.shape[axis])
        assert plan.what == (length, name, x.size // x.shape[axis])
        plan.stream = self.stream() if plan.stream is None else plan.stream
        assert plan.device == self.current and plan.stream == self.stream()
        if self.mine.noted is not None:  # a graph doesn't keep the plan itself
            known = weakref.ref(plan)

            def check() -> None:
                assert known() is not None, "a plan that is no more"

            self.mine.noted.append(check)
        return found

    def compile(self, text: str, options: Sequence[str]) -> bytes:
        self.compiled += 1
        assert text.startswith(HEAD) and any("sm_90" in o for o in options)
        body = text.removeprefix(HEAD)
        waits = "__syncthreads" in body or "__shfl" in body
        with tempfile.TemporaryDirectory(prefix="lazytensor-cuda-") as folder:
            source, target = Path(folder) / "kernel.cpp", Path(folder) / "kernel.so"
            source.write_text(
                f'#include "fibres.h"\n#include "atomics.h"\n{body}', encoding="utf-8"
            )
            command = [compiler(), *FLAGS, f"-I{HERE}", str(source), "-o", str(target)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[:4000]
            return WAITS[not waits] + target.read_bytes()

    def load(self, code: bytes, name: str) -> Any:
        with tempfile.TemporaryDirectory(prefix="lazytensor-cuda-") as folder:
            path = Path(folder) / "kernel.so"
            path.write_bytes(code[1:])
            return getattr(ctypes.CDLL(str(path)), name), code[:1] == WAITS[0]

    def launch(
        self, function: Any, grid: Any, threads: Any, shared: int, words: Sequence[int]
    ) -> None:
        if self.mine.noted is not None:
            self.mine.noted.append(partial(self.launch, function, grid, threads, shared, words))
            return
        self._arrive()
        self.launches += 1
        call, waits = function
        x, y, z = grid
        assert 0 < x < 1 << 31 and 0 < y < 1 << 16 and z == 1, "more blocks than there may be"
        assert threads[2] <= 64 and shared <= 48 << 10, "what a device doesn't allow"
        assert len(words) <= MOST_WORDS, "more words than a kernel may be given"
        shape = (ctypes.c_uint * 7)(x, *threads, shared, waits, y)
        given = by_value(words)
        with self.one_kernel:  # its fibres are all that its code has room for
            wrong = call(ctypes.c_void_p(given.ctypes.data), shape, 0)
        if wrong:
            raise RuntimeError(WRONG[wrong])

    def clear(self) -> None:
        pass

    def synchronize(self) -> None:
        self._arrive()


def shown(x: Any) -> Any:
    """An array of CuPy's as one of NumPy's."""
    if not x.size:
        return np.empty(x.shape, x.dtype)
    one = np.frombuffer((ctypes.c_char * x.itemsize).from_address(x.data.ptr), x.dtype)
    return np.lib.stride_tricks.as_strided(one, x.shape, x.strides)


class Foreign:
    """An array of some other library on a device."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.array.device.id


class _Transforms:
    """A plan of cuFFT's."""

    def __init__(self, device: int, what: tuple[int, str, int]) -> None:
        self.device, self.what = device, what
        self.stream: int | None = None  # the one that its memory is used in


class Noted:
    """What was asked of a device, to be done again."""

    def __init__(self, driver: StandIn) -> None:
        self.calls: list[Callable[[], None]] = []
        self._driver = driver

    def launch(self) -> None:
        self._driver.replays += 1
        self._driver._arrive()
        for call in self.calls:
            call()


class _Block:
    """Memory of a device, counted while it lives."""

    def __init__(self, device: StandIn, size: int) -> None:
        self._bytes = np.full(size + ALIGNED, 0xA5, np.uint8)
        self.start = self._bytes.ctypes.data + -self._bytes.ctypes.data % ALIGNED
        self._device, self.size = device, size
        self.pool: _Pool | None = None
        device.used += size

    def __del__(self) -> None:
        self._device.used -= self.size


class _Given(_Block):
    """Memory that a user's allocator gives."""

    def __init__(self, device: StandIn, size: int, allocator: Any) -> None:
        give, self._take = allocator
        self._index, self.start = device.current, 0
        self.start = give(size, self._index)
        self._device, self.size = device, size
        self.pool = None
        device.used += size

    def __del__(self) -> None:
        if self.start:
            super().__del__()
            self._take(self.start, self._index)


class _Pool:
    """Memory apart from what else there is."""

    def __init__(self, allocator: Any) -> None:
        self.allocator = allocator


@contextmanager
def standing_in(**how: Any) -> Iterator[StandIn]:
    """A `with` block in which there are GPUs."""
    driver = StandIn(**how)
    before = gpus.use(driver)
    try:
        yield driver
    finally:
        try:
            runs.look()  # whoever is asked next doesn't know of these
        finally:
            gpus.use(before)
