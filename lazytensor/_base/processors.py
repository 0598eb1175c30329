"""How many threads to use.

What enters: the setting `num_threads`, OMP_NUM_THREADS, the processors that the system lets this
process use, and what `threadpoolctl` was told. What leaves: a count. It must not know what the
threads are for, nor start any.

The setting wins where it is not 0; else OMP_NUM_THREADS where it is a number; else it is the
processors of this process (its affinity, and the quota of its control groups, rounded up), which
are looked at once. What `threadpoolctl.threadpool_limits` sets bounds all of these, for the thread
that called it.
"""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from . import config
from .threads import at_fork

# Where the system shows control groups, and the process its place in them.
CGROUPS, OWN_CGROUPS = "/sys/fs/cgroup", "/proc/self/cgroup"


def count() -> int:
    """Threads that a computation which this thread asks for may use, itself included."""
    if not _limit.registered and "threadpoolctl" in sys.modules:
        _register(sys.modules["threadpoolctl"])
    wanted, bound = _wanted(), _limit.threads
    return wanted if bound is None else min(wanted, bound)


def _wanted() -> int:
    """The count, whatever `threadpoolctl` was told."""
    found: int = config.get("num_threads") or automatic()
    return found


_found: int | None = None


def automatic() -> int:
    """The count when no setting gives one; found once for a process."""
    global _found
    if _found is None:
        _found = _openmp() or min(processors(), quota())
    return _found


def _forget() -> None:
    """In a child process: it may have other processors."""
    global _found
    _found = None


at_fork(after_in_child=_forget)


def _openmp() -> int:
    """The first number of OMP_NUM_THREADS; 0 where there is none."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def processors() -> int:
    """Processors that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return getattr(os, "process_cpu_count", os.cpu_count)() or 1


def quota(groups: str = CGROUPS, own: str = OWN_CGROUPS) -> int:
    """Processors that the control groups of this process (and those around them) grant it, rounded
    up; a great number where they set no bound.
    """
    shares = [share for folder in _folders(groups, own) for share in _shares(folder)]
    return max(1, min([-(-time // period) for time, period in shares], default=sys.maxsize))


def _folders(groups: str, own: str) -> Iterator[str]:
    """The folders of all control groups that may bound this process's time."""
    for line in _read(own).splitlines():
        number, names, path = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not names:
            yield from _upwards(groups, path)
        elif "cpu" in names.split(","):
            for mount in (names, "cpu"):
                yield from _upwards(os.path.join(groups, mount), path)


def _upwards(root: str, path: str) -> Iterator[str]:
    """The folders from that of a group up to the root. In a container the path may be that outside
    it: then only the root is there.
    """
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts), -1, -1):
        yield os.path.join(root, *parts[:depth])


def _shares(folder: str) -> Iterator[tuple[int, int]]:
    """(time, period) that a control group grants, in either version's files."""
    version1 = [_read(os.path.join(folder, f"cpu.cfs_{name}_us")) for name in ("quota", "period")]
    for text in (_read(os.path.join(folder, "cpu.max")), " ".join(version1)):
        words = text.split()
        if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
            yield int(words[0]), int(words[1])


def _read(path: str) -> str:
    """A file's text; nothing where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


# --- threadpoolctl --------------------------------------------------------------------------------


class _Limit(threading.local):
    """What `threadpoolctl` told this thread: like OpenMP's limit, it is the calling thread's."""

    threads: int | None = None
    registered = False


_limit = _Limit()


def _register(threadpoolctl: Any) -> None:
    """Let `threadpool_limits` and `threadpool_info` find this library.

    They look for shared libraries by name, and there is none of ours: the one found in our place is
    NumPy's core, which no other controller claims. It is only the handle; nothing of it is called.
    """
    if not hasattr(threadpoolctl, "register"):
        return  # it is just being imported, or it is older than that function
    _Limit.registered = True
    functions = {
        "user_api": "lazytensor",
        "internal_api": "lazytensor",
        "filename_prefixes": ("_multiarray_umath",),
        "get_num_threads": lambda self: count(),
        "set_num_threads": lambda self, n: limit(n),
        "get_version": lambda self: getattr(sys.modules.get("lazytensor"), "__version__", None),
    }
    threadpoolctl.register(type("Controller", (threadpoolctl.LibController,), functions))


def limit(threads: int | None) -> None:
    """Bound what this thread uses; as many as it would use anyway, or None, is no bound."""
    _limit.threads = None if threads is None or threads >= _wanted() else max(1, threads)


if "threadpoolctl" in sys.modules:
    _register(sys.modules["threadpoolctl"])
