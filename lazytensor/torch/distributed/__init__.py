"""`torch.distributed` for a world of one process.

What enters: tensors. What leaves: what a collective of one process makes of them. More processes
are refused with NotImplementedError. It must not know modules.
"""

import os
from typing import Any

__all__ = [
    "ReduceOp", "all_gather", "all_reduce", "barrier", "broadcast", "destroy_process_group",
    "get_backend", "get_rank", "get_world_size", "init_process_group", "is_available",
    "is_gloo_available", "is_initialized", "is_mpi_available", "is_nccl_available",
]  # fmt: skip

_BACKENDS = ("gloo", "mpi", "nccl", "ucc", "undefined", "xccl")
_NOT_BUILT = {"nccl": "NCCL", "mpi": "MPI", "ucc": "UCC", "xccl": "XCCL"}


class _World:
    """The default process group's backend; None where there is no group."""

    backend: str | None = None


class ReduceOp:
    """How a collective combines tensors; with one process each leaves them as they are."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = (
        "SUM", "AVG", "PRODUCT", "MIN", "MAX", "BAND", "BOR", "BXOR",
    )  # fmt: skip


class Work:
    """A collective that is complete."""

    def wait(self, timeout: Any = None) -> bool:
        """True: there is nothing to wait for."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True


def is_available() -> bool:
    """True: for one process there is all that it takes."""
    return True


def is_gloo_available() -> bool:
    """Whether the backend "gloo" can be asked for."""
    return True


def is_nccl_available() -> bool:
    """False."""
    return False


def is_mpi_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """Whether there is a process group."""
    return _World.backend is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
) -> None:
    """Make the default process group, of one process.

    Raises NotImplementedError for more, ValueError for what is missing or where there is a group.
    """
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    name = "gloo" if backend is None else backend.lower()
    if name not in _BACKENDS:
        raise AssertionError(f"Unknown backend type {name}")
    if store is not None:
        raise NotImplementedError("lazytensor: init_process_group(store=...)")
    scheme = (init_method or "env://").partition("://")[0]
    size = _given("world_size", world_size, scheme)
    _given("rank", rank, scheme)
    if name in _NOT_BUILT:
        raise RuntimeError(f"Distributed package doesn't have {_NOT_BUILT[name]} built in")
    if size != 1:
        raise NotImplementedError(f"lazytensor: a process group of {size} processes; one is all")
    _World.backend = name


def _given(what: str, value: int, scheme: str) -> int:
    """A number that was given, in the call or the environment. Raises ValueError for none."""
    if value >= 0:
        return value
    error = f"Error initializing torch.distributed using {scheme}:// rendezvous: "
    if scheme != "env":
        raise ValueError(f"{error}{what.replace('_', ' ')} parameter missing")
    if what.upper() not in os.environ:
        raise ValueError(f"{error}environment variable {what.upper()} expected, but not set")
    return int(os.environ[what.upper()])


def _need_group() -> str:
    if _World.backend is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return _World.backend


def destroy_process_group(group: Any = None) -> None:
    """Forget the group. Raises AssertionError where there is none."""
    if not is_initialized():
        raise AssertionError("Process group cannot be None")
    _World.backend = None


def get_rank(group: Any = None) -> int:
    """The number of this process: 0. Raises ValueError without a group."""
    _need_group()
    return 0


def get_world_size(group: Any = None) -> int:
    """How many processes there are: 1. Raises ValueError without a group."""
    _need_group()
    return 1


def get_backend(group: Any = None) -> str:
    """The name of the backend. Raises ValueError without a group."""
    return _need_group()


def _done(async_op: bool) -> Work | None:
    return Work() if async_op else None


def _need_root(name: str, root: int | None) -> None:
    if root not in (0, None):
        raise RuntimeError(f"ProcessGroupGloo::{name}: invalid root rank: {root}")


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait for all processes, which is this one."""
    _need_group()
    return _done(async_op)


def all_reduce(
    tensor: Any, op: str = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Let the tensor be the combination of those of all processes: what it is."""
    _need_group()
    return _done(async_op)


def broadcast(
    tensor: Any,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Let the tensor be that of process `src`. Raises RuntimeError for another than 0."""
    _need_group()
    _need_root("broadcast", group_src if src is None else src)
    return _done(async_op)


def all_gather(
    tensor_list: list[Any], tensor: Any, group: Any = None, async_op: bool = False
) -> Work | None:
    """Write the tensors of all processes to those of the list."""
    _need_group()
    if len(tensor_list) != 1:
        raise ValueError(
            "ProcessGroupGloo::allgather: invalid output tensor list at index 0 (expected length "
            f"1, got {len(tensor_list)})"
        )
    tensor_list[0].copy_(tensor)
    return _done(async_op)
