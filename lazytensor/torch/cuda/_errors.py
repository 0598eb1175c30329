"""Errors of CUDA's runtime by their numbers, and the runtime as far as scripts call it.

What enters: numbers. What leaves: exceptions. It must not know what was asked for.
"""

from types import SimpleNamespace
from typing import Any

from .._driver import driver
from ._devices import indexed, synchronize
from .memory import mem_get_info

__all__ = ["CudaError", "DeferredCudaCallError", "check_error", "cudaStatus", "cudart"]


class cudaStatus:
    """Numbers of two results."""

    SUCCESS: int = 0
    ERROR_NOT_READY: int = 34


_NAMES = {0: "no error", 1: "invalid argument", 2: "out of memory", 3: "initialization error",
          34: "CUDA driver is a stub library", 100: "no CUDA-capable device is detected",
          101: "invalid device ordinal", 600: "device not ready",
          700: "an illegal memory access was encountered"}  # fmt: skip


class CudaError(RuntimeError):
    """A call of CUDA's failed: its number, and what it means."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{_NAMES.get(code, 'unrecognized error code')} ({code})")


class DeferredCudaCallError(Exception):
    """What was to be called when CUDA is there failed."""


def check_error(res: int) -> None:
    """Raises CudaError for the number of a failure."""
    if res != cudaStatus.SUCCESS:
        raise CudaError(res)


def cudart() -> Any:
    """CUDA's runtime, as far as scripts call it: each call gives 0, or 0 and what it found.

    Raises RuntimeError without a device.
    """
    found = driver()

    def listens(on: bool) -> int:
        found.profile(on)
        return 0

    def waited() -> int:
        synchronize()
        return 0

    return SimpleNamespace(
        cudaError=SimpleNamespace(success=0),
        cudaGetErrorString=lambda code: _NAMES.get(int(code), "unrecognized error code"),
        cudaProfilerStart=lambda: listens(True),
        cudaProfilerStop=lambda: listens(False),
        cudaDeviceSynchronize=waited,
        cudaMemGetInfo=lambda device=None: mem_get_info(indexed(device)),
    )
