"""What a GPU is asked for, by way of CuPy: memory, copies, code, launches.

What enters: shapes, texts, arrays. What leaves: CuPy's arrays, functions. It must not know graphs,
kernels, or what is asked for when.
"""

import importlib
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np

from ..._base import config
from ..._base.dtypes import DType
from ..._base.shapes import Shape
from .libraries import Libraries
from .usage import Peak, Usage

Three = tuple[int, int, int]
Array = Any
"""An array of CuPy's."""
Allocator = tuple[Callable[[int, int], int], Callable[[int, int], None]]
"""What gives so many bytes of a device, at an address, and what takes them back."""
_NOTHING = nullcontext()
OUT_OF_MEMORY = 2  # CUDA's number for it
# How products are rounded CuPy keeps for all threads: one at a time says how and asks for one.
_rounding = threading.RLock()


class Driver:
    """The GPUs of this machine. Devices are numbers; all is done in the order of the stream in
    force, but for what says that it waits.
    """

    _usual: Any = None  # what gives memory, while it is not asked

    @property
    def cupy(self) -> Any:
        """The module."""
        return _cupy()

    def count(self) -> int:
        """How many GPUs there are: none without a driver of the system's."""
        try:
            return int(self.cupy.cuda.runtime.getDeviceCount())
        except self.cupy.cuda.runtime.CUDARuntimeError:
            return 0

    def on(self, device: int) -> Any:
        """A context in which a device is the current one."""
        return _NOTHING if self._only else self.cupy.cuda.Device(device)

    @cached_property
    def _only(self) -> bool:
        """Whether there is no other device that might be the current one."""
        return self.count() == 1

    def figures(self, device: int) -> dict[str, Any]:
        """What CUDA says of a device, by CUDA's names."""
        return dict(self.cupy.cuda.runtime.getDeviceProperties(device))

    def architecture(self) -> str:
        """What code for the current device is compiled for."""
        return f"sm_{self.cupy.cuda.Device().compute_capability}"

    def empty(self, shape: Shape, dtype: DType) -> Array:
        """A new array in row-major order. Raises MemoryError."""
        return self.cupy.ndarray(shape, dtype)

    def over(self, x: Array, shape: Shape) -> Array:
        """An array in row-major order over the memory of one that nothing else has from now on."""
        return self.cupy.ndarray(shape, x.dtype, x.data)

    def put(self, out: Array, host: np.ndarray[Any, Any]) -> None:
        """Fill an array from memory of the host; both are in row-major order. Memory that isn't
        pinned may be written to afterwards; the device is not waited for.
        """
        out.data.copy_from_host_async(host.ctypes.data, host.nbytes)

    def get(self, host: np.ndarray[Any, Any], x: Array, first: int) -> None:
        """Begin to fill memory of the host from an array, from the byte `first` on."""
        (x.data + first).copy_to_host_async(host.ctypes.data, host.nbytes)

    def pinned(self, nbytes: int) -> np.ndarray[Any, Any]:
        """Bytes that devices reach without the host. Raises MemoryError."""
        try:
            memory = self.cupy.cuda.alloc_pinned_memory(nbytes)
        except self.cupy.cuda.runtime.CUDARuntimeError as error:
            if error.status != OUT_OF_MEMORY:
                raise
            raise MemoryError(str(error)) from None
        return np.frombuffer(memory, np.uint8, nbytes)

    def mark(self) -> Any:
        """An event that happens when all that was asked for so far is done."""
        event = self.cupy.cuda.Event(disable_timing=True)
        event.record()
        return event

    def passed(self, event: Any) -> bool:
        """Whether an event has happened."""
        return bool(event.done)

    def wait(self, event: Any) -> None:
        """Wait for an event."""
        event.synchronize()

    def copy(self, out: Array, x: Array) -> None:
        """Fill an array from one on any device; both are in row-major order."""
        out.data.copy_from_device_async(x.data, x.nbytes)

    def foreign(self, x: Any) -> Array:
        """An array over the memory of another library's, ordered after what fills it."""
        take = self.cupy.from_dlpack if hasattr(x, "__dlpack__") else self.cupy.asarray
        return take(x)

    def capsule(self, x: Array, **how: Any) -> Any:
        """A DLPack capsule of an array; `how` is what `__dlpack__` is asked for."""
        return x.__dlpack__(**how)

    def interface(self, x: Array) -> dict[str, Any]:
        """`__cuda_array_interface__` of an array."""
        return x.__cuda_array_interface__  # type: ignore[no-any-return]

    def call(self, function: Any, args: Sequence[Array], params: Sequence[Any]) -> Array:
        """What a value column gives, with CuPy for NumPy: cuBLAS and cuFFT."""
        products = _products()
        tf32 = config.get("tf32")
        kind = products.COMPUTE_TYPE_TF32 if tf32 else products.COMPUTE_TYPE_DEFAULT
        with _rounding:
            products.set_compute_type(np.float32, kind)
            return function(self.cupy, *args, *params)

    def device(self) -> int:
        """The current device."""
        return int(self.cupy.cuda.Device().id)

    def transforms(self, length: int, name: str, count: int) -> Any:
        """A plan of cuFFT's for so many transforms. Raises MemoryError."""
        cufft = self.cupy.cuda.cufft
        return cufft.Plan1d(length, getattr(cufft, f"CUFFT_{name}"), count)

    def transform(self, plan: Any, function: Any, x: Array, params: Sequence[Any]) -> Array:
        """What a value column gives, with CuPy for NumPy, by a plan that fits."""
        with plan:
            return function(self.cupy, x, *params)

    @cached_property
    def libraries(self) -> Libraries:
        """Solvers."""
        return Libraries()

    def compile(self, text: str, options: Sequence[str]) -> bytes:
        """Machine code of a text."""
        nvrtc = _nvrtc()
        program = nvrtc.createProgram(text, "kernel.cu", (), ())
        try:
            nvrtc.compileProgram(program, tuple(options))
            return bytes(nvrtc.getCUBIN(program))
        except nvrtc.NVRTCError as error:
            raise RuntimeError(f"{error}: {nvrtc.getProgramLog(program)}\n{text}") from None
        finally:
            nvrtc.destroyProgram(program)

    def load(self, code: bytes, name: str) -> Any:
        """A function of some code, on the current device."""
        module = self.cupy.cuda.Module()
        module.load(code)
        return module.get_function(name)

    def launch(
        self, function: Any, grid: Three, threads: Three, shared: int, words: Sequence[int]
    ) -> None:
        """Run a function that takes an array of 64-bit words."""
        function(grid, threads, (by_value(words),), shared)

    def room(self) -> "Room":
        """Room for CUDA graphs, that are launched in the stream in force."""
        return Room(self.cupy)

    @contextmanager
    def capturing(self, room: "Room") -> Iterator["Replay"]:
        """A context in which launches are not carried out but noted, and new arrays have memory of
        the room, for what it gives to do again. Raises Uncaptured where a graph can't do what was
        asked for.
        """
        replay, cuda = Replay(), self.cupy.cuda
        with cuda.using_allocator(room.pool.malloc), room.stream:
            room.stream.begin_capture(cuda.runtime.streamCaptureModeRelaxed)
            try:
                yield replay
                replay.graph = room.stream.end_capture()
            except BaseException as error:
                with suppress(cuda.runtime.CUDARuntimeError):
                    room.stream.end_capture()
                if isinstance(error, self._refusals):
                    raise Uncaptured(str(error)) from error
                raise

    @cached_property
    def _refusals(self) -> tuple[type[Exception], ...]:
        """What CuPy raises where CUDA refuses: its runtime, its driver, which launches, cuBLAS,
        cuFFT.
        """
        cuda = self.cupy.cuda
        found = [cuda.runtime.CUDARuntimeError, cuda.driver.CUDADriverError]
        if self.libraries.complete:
            found.append(self.libraries.cublas.CUBLASError)
        with suppress(ImportError):
            found.append(cuda.cufft.CuFFTError)
        return tuple(found)

    @contextmanager
    def outside(self, room: "Room") -> Iterator[None]:
        """A context within `capturing` in which all is as it is without: what is asked for is done
        before what was noted.
        """
        with self.cupy.cuda.using_allocator(room.taken), room.under:
            yield

    def stream(self) -> int:
        """The stream in force."""
        return int(self.cupy.cuda.get_current_stream().ptr)

    def usage(self, device: int) -> Usage:
        """How the memory of a device is used, as CuPy's pool says."""
        with self.on(device):
            pool = self.cupy.get_default_memory_pool()
            used, held = int(pool.used_bytes()), int(pool.total_bytes())
            free, total = self.cupy.cuda.runtime.memGetInfo()
        peak = _PEAKS[device]
        most = max(peak.used, used), max(peak.held, held)
        return Usage(used, held, *most, int(free), int(total), peak.failures)

    def reset_peak(self, device: int) -> None:
        """The most so far is what there is now."""
        now = self.usage(device)
        _PEAKS[device].now(now.used, now.held)

    def pool(self, allocator: Allocator | None) -> Any:
        """Memory apart from what else there is, which an allocator gives, if one is named."""
        cuda = self.cupy.cuda
        return cuda.MemoryPool(*((_asked(cuda, allocator),) if allocator else ()))

    @contextmanager
    def pooled(self, device: int, pool: Any) -> Iterator[None]:
        """A context in which this thread's new arrays on a device have memory of a pool."""
        cuda = self.cupy.cuda
        before = cuda.get_allocator()

        def given(size: int) -> Any:
            if cuda.Device().id != device:
                return before(size)
            found = pool.malloc(size)
            found.mem.of = pool
            return found

        with cuda.using_allocator(given):
            yield

    def block(self, x: Array) -> tuple[int, int, int]:
        """Where the memory of an array begins, its bytes, and the id of the pool that it is of,
        0 for the usual one.
        """
        mem = x.data.mem
        pool = getattr(mem, "of", None)
        return int(mem.ptr), int(mem.size), 0 if pool is None else id(pool)

    def caching(self, on: bool) -> None:
        """Keep what is free for new arrays, as is usual, or else have CUDA asked for each."""
        cuda = self.cupy.cuda
        if not on and self._usual is None:
            self._usual = cuda.get_allocator()
            cuda.set_allocator(None)
        elif on and self._usual is not None:
            cuda.set_allocator(self._usual)
            self._usual = None

    def allocate_by(self, allocator: Allocator) -> None:
        """Have all memory given by an allocator from now on. Raises RuntimeError if some was."""
        if any(self.usage(device).held for device in range(self.count())):
            raise RuntimeError("Can't swap an already initialized allocator")
        self.cupy.cuda.set_allocator(_asked(self.cupy.cuda, allocator))

    def clear(self) -> None:
        """Give free memory back."""
        self.cupy.get_default_memory_pool().free_all_blocks()
        self.cupy.get_default_pinned_memory_pool().free_all_blocks()

    def synchronize(self) -> None:
        """Wait until the current device has done all that it was asked for."""
        self.cupy.cuda.Device().synchronize()


def _asked(cuda: Any, allocator: Allocator) -> Any:
    """An allocator as CuPy has them."""
    return cuda.PythonFunctionAllocator(*allocator).malloc


class Uncaptured(Exception):
    """Something that a CUDA graph can't do."""


class Room:
    """Memory that CUDA graphs keep for what they compute on the way, and a stream in which they are
    noted. All of them have the same memory: they are launched in one stream, one after another.
    What is free of it is never given back while there are graphs, since they write to it.
    """

    def __init__(self, cupy: Any) -> None:
        self.under = under = cupy.cuda.get_current_stream()
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.taken = taken = cupy.cuda.get_allocator()

        def more(size: int) -> Any:
            with under:
                return taken(size)

        self.pool = cupy.cuda.MemoryPool(more)
        self.pool.set_limit(size=0)


class Replay:
    """Launches that were captured."""

    graph: Any = None

    def launch(self) -> None:
        """Carry them out in the stream in force."""
        self.graph.launch()


def by_value(words: Sequence[int]) -> np.ndarray[Any, Any]:
    """Words as one value, as an argument of a kernel has to be for CuPy: an array of one."""
    pack, kind = _layout(len(words))
    return np.frombuffer(pack(*words), kind)


@lru_cache(1024)
def _layout(count: int) -> tuple[Any, np.dtype[Any]]:
    """How so many words are written one after another, and the type of all of them."""
    return struct.Struct(f"{count}q").pack, np.dtype(f"V{8 * count}")


@cache
def _cupy() -> Any:
    cupy = importlib.import_module("cupy")
    _count_memory(cupy)
    return cupy


_PEAKS: defaultdict[int, Peak] = defaultdict(Peak)
"""What was at most in use of CuPy's pool, by device."""


def _count_memory(cupy: Any) -> None:
    """Have what is taken from CuPy's pool counted, if new arrays have memory of it."""
    pool = cupy.get_default_memory_pool()
    if cupy.cuda.get_allocator() != pool.malloc:
        return

    def counted(size: int) -> Any:
        try:
            found = pool.malloc(size)
        except MemoryError:
            _PEAKS[cupy.cuda.Device().id].failures += 1
            raise
        _PEAKS[found.device_id].taken(found.mem.size, pool.used_bytes, pool.total_bytes())
        return found

    cupy.cuda.set_allocator(counted)


@cache
def _products() -> Any:
    """Where CuPy keeps how products are computed."""
    return importlib.import_module("cupy._core._routines_linalg")


@cache
def _nvrtc() -> Any:
    return importlib.import_module("cupy_backends.cuda.libs.nvrtc")


class _Used:
    driver = Driver()


def driver() -> Driver:
    """What GPUs are asked through."""
    return _Used.driver


def use(other: Driver) -> Driver:
    """Ask GPUs through another driver; the one before."""
    before, _Used.driver = _Used.driver, other
    return before
