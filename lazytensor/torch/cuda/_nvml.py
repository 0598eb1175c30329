"""What NVIDIA's management library says of devices: how busy, warm, quick they are.

What enters: devices. What leaves: figures. Raises ModuleNotFoundError without `nvidia-ml-py`. It
knows devices by their numbers among those that CUDA_VISIBLE_DEVICES lets through.
"""

import os
from importlib import import_module
from typing import Any

from ._devices import indexed

__all__ = ["clock_rate", "device_memory_used", "list_gpu_processes", "memory_usage", "power_draw",
           "temperature", "utilization"]  # fmt: skip

# The library's numbers: NVML_TEMPERATURE_GPU, NVML_CLOCK_SM.
_OF_CHIP, _OF_PROCESSORS = 0, 1


def _library() -> Any:
    try:
        found = import_module("pynvml")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "nvidia-ml-py does not seem to be installed or it can't be imported."
        ) from error
    try:
        found.nvmlInit()
    except found.NVMLError_DriverNotLoaded as error:
        raise RuntimeError("cuda driver can't be loaded, is cuda enabled?") from error
    return found


def _place(index: int) -> int | str:
    """The library's number of a device, or the identity that the environment gives it."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not visible:
        return index
    found = visible.split(",")[index].strip()
    return int(found) if found.isdigit() else found


def _handle(device: Any) -> tuple[Any, Any]:
    library = _library()
    place = _place(indexed(device))
    if isinstance(place, str):
        return library, library.nvmlDeviceGetHandleByUUID(place)
    return library, library.nvmlDeviceGetHandleByIndex(place)


def utilization(device: Any = None) -> int:
    """Percent of the last moments in which kernels ran."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetUtilizationRates(handle).gpu)


def memory_usage(device: Any = None) -> int:
    """Percent of the last moments in which memory was read or written."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetUtilizationRates(handle).memory)


def device_memory_used(device: Any = None) -> int:
    """Bytes that are in use, by all processes."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetMemoryInfo(handle).used)


def temperature(device: Any = None) -> int:
    """Degrees Celsius."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetTemperature(handle, _OF_CHIP))


def power_draw(device: Any = None) -> int:
    """Milliwatts."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetPowerUsage(handle))


def clock_rate(device: Any = None) -> int:
    """Megahertz of the multiprocessors."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetClockInfo(handle, _OF_PROCESSORS))


def list_gpu_processes(device: Any = None) -> str:
    """The processes on a device, and the memory that each has, as text."""
    try:
        library, handle = _handle(device)
    except ModuleNotFoundError:
        return "pynvml module not found, please install nvidia-ml-py"
    found = library.nvmlDeviceGetComputeRunningProcesses(handle)
    lines = [f"GPU:{indexed(device)}", *(() if found else ("no processes are running",))]
    sizes = [(p.pid, p.usedGpuMemory / (1 << 20)) for p in found]
    lines += [f"process {pid:>10d} uses {size:>12.3f} MB GPU memory" for pid, size in sizes]
    return "\n".join(lines)
