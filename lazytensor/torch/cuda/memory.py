"""How the memory of a CUDA device is used, as `torch.cuda.memory` tells it.

What enters: devices. What leaves: bytes; zeros where there is no device. It must not know how
memory is given out.
"""

from typing import Any

from .._driver import Memory, current, driver
from .._missing import missing, parts
from ._devices import indexed

__all__ = [
    "empty_cache", "get_allocator_backend", "get_per_process_memory_fraction", "host_memory_stats",
    "host_memory_stats_as_nested_dict", "max_memory_allocated", "max_memory_cached",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved",
    "memory_stats", "memory_stats_as_nested_dict", "memory_summary",
    "reset_accumulated_host_memory_stats", "reset_accumulated_memory_stats",
    "reset_max_memory_allocated", "reset_max_memory_cached", "reset_peak_host_memory_stats",
    "reset_peak_memory_stats", "set_per_process_memory_fraction",
]  # fmt: skip

_NOTHING = Memory(0, 0, 0, 0, 0, 0, 0)


def _memory(device: Any) -> Memory:
    found = current()
    return _NOTHING if found is None else found.memory(indexed(device))


def empty_cache() -> None:
    """Give back memory that is held and not used."""
    found = current()
    if found is not None:
        found.empty_cache()


def memory_allocated(device: Any = None) -> int:
    """Bytes of tensors on a device."""
    return _memory(device).allocated


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of tensors that were on a device."""
    return _memory(device).most_allocated


def memory_reserved(device: Any = None) -> int:
    """Bytes held on a device."""
    return _memory(device).reserved


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that were held on a device."""
    return _memory(device).most_reserved


memory_cached, max_memory_cached = memory_reserved, max_memory_reserved


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let the most so far be what there is now."""
    found = current()
    if found is not None:
        found.reset_peak(indexed(device))


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Nothing is summed up."""


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Figures of a device's memory by PyTorch's names; none where there is no device."""
    if current() is None:
        return {}
    m = _memory(device)
    bytes_ = {
        "allocated_bytes": (m.allocated, m.most_allocated),
        "active_bytes": (m.allocated, m.most_allocated),
        "reserved_bytes": (m.reserved, m.most_reserved),
    }
    stats: dict[str, Any] = {"active.all.current": m.blocks, "allocation.all.current": m.blocks}
    for name, (now, most) in bytes_.items():
        stats[f"{name}.all.current"], stats[f"{name}.all.peak"] = now, most
    return dict(sorted(stats.items())) | {"num_alloc_retries": 0, "num_ooms": m.failures}


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Bytes that are free on a device, and all that there are."""
    m = driver().memory(indexed(device))
    return m.free, m.total


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """Figures of a device's memory, those of one kind together."""
    return _nested(memory_stats(device))


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, number in flat.items():
        *path, last = name.split(".")
        inner = nested
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = number
    return nested


def host_memory_stats() -> dict[str, Any]:
    """Figures of pinned memory that is in use, by PyTorch's names, bytes as they were asked for;
    none where there is no device. What is kept for what comes isn't counted.
    """
    found = current()
    if found is None:
        return {}
    counts = zip(("requests", "bytes"), found.pinned_blocks().figures(), strict=True)
    stats: dict[str, Any] = {}
    for name, (now, most, taken) in counts:
        figures = {"current": now, "peak": most, "allocated": taken, "freed": taken - now}
        owned = "allocations" if name == "requests" else "allocated_bytes"
        for kind in (f"active_{name}", owned):
            stats |= {f"{kind}.{key}": number for key, number in figures.items()}
    return dict(sorted(stats.items()))


def host_memory_stats_as_nested_dict() -> dict[str, Any]:
    """Figures of pinned memory, those of one kind together."""
    return _nested(host_memory_stats())


def reset_accumulated_host_memory_stats() -> None:
    """Let the pinned memory that was taken so far be what is in use now."""
    found = current()
    if found is not None:
        found.pinned_blocks().reset_taken()


def reset_peak_host_memory_stats() -> None:
    """Let the most pinned memory so far be what is in use now."""
    found = current()
    if found is not None:
        found.pinned_blocks().reset_most()


def get_allocator_backend() -> str:
    """Whose way of giving out memory is used: the library's own."""
    return "native"


_fractions: dict[int, float] = {}


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Let tensors have no more than a part of a device's memory. Raises TypeError, ValueError."""
    index = indexed(device)
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    driver().set_memory_fraction(index, fraction)
    _fractions[index] = fraction


def get_per_process_memory_fraction(device: Any = None) -> float:
    """The part of a device's memory that tensors may have."""
    return _fractions.get(indexed(device), 1.0)


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The figures as a table."""
    index = indexed(device)
    m = driver().memory(index)
    rows = (
        ("Allocated memory", m.allocated, m.most_allocated),
        ("GPU reserved memory", m.reserved, m.most_reserved),
    )
    line = "|" + "=" * 57 + "|"
    lines = [line, f"|{f'lazytensor CUDA memory summary, device ID {index}':^57}|", line]
    lines.append(f"| {'Metric':<23} | {'Cur Usage':>13} | {'Peak Usage':>13} |")
    lines += [f"| {name:<23} | {_sized(a):>13} | {_sized(b):>13} |" for name, a, b in rows]
    return "\n".join([*lines, line]) + "\n"


def _sized(n: int) -> str:
    for unit in ("B  ", "KiB", "MiB", "GiB"):
        if n < 10240 or unit == "GiB":
            break
        n //= 1024
    return f"{n:7d} {unit}"


_POOLS = (
    "CUDAPluggableAllocator", "MemPool", "caching_allocator_alloc", "caching_allocator_delete",
    "caching_allocator_disabled", "caching_allocator_enable", "change_current_allocator",
    "memory_snapshot", "use_mem_pool",
)  # fmt: skip
_parts = parts("lazytensor.torch.cuda", "_pools")


def __getattr__(name: str) -> Any:
    """Pools and allocators, which load when they are first named."""
    return getattr(_parts("_pools"), name) if name in _POOLS else _absent(name)


_absent = missing("torch.cuda.memory")
