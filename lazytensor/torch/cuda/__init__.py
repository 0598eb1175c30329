"""`torch.cuda`: CUDA devices, their memory, streams and generators.

What enters: devices. What leaves: answers; what needs a device raises RuntimeError where there is
none.
"""

from typing import Any

from .._errors import AcceleratorError as AcceleratorError
from .._errors import OutOfMemoryError as OutOfMemoryError
from .._generator import default_of
from .._missing import parts
from ..create import TYPED_CUDA
from . import _devices, memory, random, streams

_MODULES = (_devices, memory, random, streams)
globals().update({name: getattr(m, name) for m in _MODULES for name in m.__all__})
globals().update(TYPED_CUDA)
has_half, has_magma = True, False
_PARTS = (
    "_errors", "_nvml", "_pools", "_waits", "amp", "comm", "graphs", "nccl", "nvtx", "profiler",
)  # fmt: skip
_parts = parts(__name__, *_PARTS)
# Names of modules that are loaded when one of them is first named.
_NAMES = {
    "_errors": ("CudaError", "DeferredCudaCallError", "check_error", "cudaStatus", "cudart"),
    "_nvml": (
        "clock_rate", "device_memory_used", "list_gpu_processes", "memory_usage", "power_draw",
        "temperature", "utilization",
    ),
    "_pools": memory._POOLS,
    "_waits": ("get_sync_debug_mode", "set_sync_debug_mode"),
    "graphs": ("CUDAGraph", "graph", "graph_pool_handle", "make_graphed_callables"),
}  # fmt: skip
_LAZY = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """`default_generators`, of the devices that there are now; modules that load when named."""
    if name == "default_generators":
        return tuple([default_of(i) for i in range(_devices.device_count())])
    return getattr(_parts(_LAZY[name]), name) if name in _LAZY else _parts(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_PARTS, "default_generators"})
