"""The pool of buffers: what is handed out again and when, its cap, figures, threads, forks."""

from __future__ import annotations

import gc
import mmap
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime import buffers
from lazytensor.runtime.buffers import HUGE, POOLED, Pool

U8, F32 = np.dtype("uint8"), np.dtype("float32")
MB = 1 << 20


@pytest.fixture
def pool(monkeypatch: Any) -> Pool:
    """A pool of its own."""
    made = Pool()
    monkeypatch.setattr(buffers, "POOL", made)
    return made


def take(nbytes: int) -> Any:
    return buffers.empty((nbytes,), U8)


def address(a: np.ndarray) -> int:
    return int(a.__array_interface__["data"][0])


SIZES = [POOLED, POOLED + 1, 3 * POOLED, MB + 5, HUGE - 4096, HUGE, 5 * MB + 77, 33 * MB]


@pytest.mark.parametrize("nbytes", SIZES)
def test_blocks_are_aligned_whole_and_writable(nbytes: int, pool: Pool) -> None:
    a, b = take(nbytes), take(nbytes)
    assert a.shape == (nbytes,) and a.flags.c_contiguous and a.flags.writeable
    assert address(a) % 64 == 0 and (nbytes < HUGE or address(a) % HUGE == 0)
    a[:], b[:] = 1, 2
    assert (a == 1).all() and not np.may_share_memory(a, b)


@pytest.mark.parametrize("nbytes", [POOLED, MB, 3 * MB])
def test_a_block_comes_again_when_nothing_shows_it(nbytes: int, pool: Pool) -> None:
    first = take(nbytes)
    where = address(first)
    keepers: list[Any] = [
        first[7:9], first.reshape(-1, 2).T, memoryview(first), np.asarray(first).view(np.int8),
        np.from_dlpack(first), np.lib.stride_tricks.as_strided(first, (3,), (1,)),
    ]  # fmt: skip
    del first
    while keepers:
        assert address(take(nbytes)) != where
        keepers.pop()
    again = [take(nbytes) for _ in range(2)]
    assert where in [address(a) for a in again]


def test_blocks_of_one_class_serve_all_dtypes_and_shapes(pool: Pool) -> None:
    where = address(buffers.empty((100, 100, 10), np.dtype("complex64")))
    a = buffers.empty((800_000,), np.dtype("bool"))
    assert a.dtype == bool and address(a) == where
    del a
    assert address(buffers.empty((100, 1000), np.dtype("float64"))) == where


def test_small_buffers_are_not_pooled(pool: Pool) -> None:
    a = take(POOLED - 1)
    assert a.base is None and pool.stats()["in_use"] == 0


def test_figures(pool: Pool) -> None:
    with config.context(pool_bytes=10 * MB):
        a, b = take(MB), take(MB)
        assert xp.memory_stats() == {
            "held": 2 * MB, "free": 0, "in_use": 2 * MB, "peak": 2 * MB, "cap": 10 * MB,
            "hits": 0, "misses": 2,
        }  # fmt: skip
        del a
        assert (pool.held(), pool.free()) == (2 * MB, MB)
        a = take(MB)
        del a, b
        stats = xp.memory_stats()
        assert (stats["hits"], stats["misses"], stats["in_use"]) == (1, 2, 0)
        assert (stats["peak"], stats["free"]) == (2 * MB, 2 * MB)
        pool.clear()
        pool.reset()
        assert set(xp.memory_stats().values()) == {0, 10 * MB}


def test_no_more_than_the_cap_is_kept(pool: Pool) -> None:
    with config.context(pool_bytes=3 * MB):
        many = [take(MB) for _ in range(8)]
        assert pool.stats()["in_use"] == 8 * MB
        del many
        assert pool.stats()["free"] == pool.held() == 3 * MB
        one = take(16 * MB)
        del one
        assert pool.held() <= 3 * MB
    with config.context(pool_bytes=0):
        a = take(MB)
        where = address(a)
        del a
        assert where and pool.held() == 0


def test_the_size_that_was_used_last_stays_longest(pool: Pool) -> None:
    with config.context(pool_bytes=6 * MB):
        for size in (MB, 2 * MB, MB, 4 * MB):
            take(size)
        pool.stats()
        assert {size: len(blocks) for size, blocks in pool._free.items() if blocks} == {
            4 * MB: 1, MB: 1,
        }  # fmt: skip


def test_a_change_of_sizes_finds_room(pool: Pool) -> None:
    """What the sizes before had is given up for those that are wanted now."""
    with config.context(pool_bytes=8 * MB):
        del [take(2 * MB) for _ in range(4)][:]
        pool.stats()
        for _ in range(3):
            step = [take(3 * MB) for _ in range(2)]
            del step
        assert pool.stats()["hits"] == 4


def test_lookups_take_as_long_however_many_blocks_are_in_use(pool: Pool) -> None:
    """Counted, not timed: what a lookup looks at is one list's end."""
    held = [take(POOLED) for _ in range(300)]
    del held[0], held[100], held[-1]
    looked: list[int] = []
    settle = pool._settle
    pool._settle = lambda: looked.append(len(pool._dead)) or settle()  # type: ignore[method-assign,func-returns-value]
    for _ in range(50):
        take(POOLED)
    assert looked == [3, *[1] * 49]


# --- memory that can't be had ---------------------------------------------------------------------


@pytest.mark.parametrize("nbytes", [MB, 4 * MB])
def test_where_memory_is_short_what_is_free_is_given_back_first(
    nbytes: int, pool: Pool, monkeypatch: Any
) -> None:
    take(2 * MB)
    real, fail = buffers._block, [True]

    def short(size: int) -> memoryview:
        if fail and fail.pop():
            raise MemoryError
        assert pool.free() == 0
        return real(size)

    monkeypatch.setattr(buffers, "_block", short)
    assert take(nbytes).size == nbytes


@pytest.mark.parametrize("nbytes", [1 << 60, (1 << 63) - (1 << 40)])
def test_memory_that_cannot_be_had_is_a_memory_error(nbytes: int, pool: Pool) -> None:
    for _ in range(2):
        with pytest.raises(MemoryError):
            take(nbytes)
    assert pool.stats()["in_use"] == pool.held() == 0
    assert take(MB).size == MB


def test_systems_without_huge_pages(pool: Pool, monkeypatch: Any) -> None:
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    a = take(4 * MB)
    assert address(a) % 64 == 0
    a[:] = 3
    where = address(a)
    del a
    assert address(take(4 * MB)) == where


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="there are no huge pages here")
def test_a_kernel_that_refuses_huge_pages(pool: Pool, monkeypatch: Any) -> None:
    class Refusing(mmap.mmap):
        def madvise(self, *_: Any) -> None:
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(mmap, "mmap", Refusing)
    a = take(4 * MB)
    a[:] = 3
    assert a.base is not None and (a == 3).all()


# --- threads, forks, interrupts -------------------------------------------------------------------


def test_many_threads_share_the_pool(pool: Pool) -> None:
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            rng, mine = random.Random(seed), []
            for i in range(300):
                a = take(POOLED * rng.choice((1, 2, 3)))
                a[:8] = a[-8:] = seed
                mine.append(a)
                if i % 4 == 3:
                    assert all((b[:8] == seed).all() and (b[-8:] == seed).all() for b in mine)
                    rng.shuffle(mine)
                    del mine[rng.randrange(4) :]
        except BaseException as error:
            failures.append(error)

    with config.context(pool_bytes=4 * MB):
        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        del threads, t
    gc.collect()
    assert not failures
    assert pool.stats()["in_use"] == 0
    assert pool.free() == sum(size * len(blocks) for size, blocks in pool._free.items())


def child(code: str, *args: object) -> subprocess.Popen[str]:
    """Code in a fresh process that no coverage tool watches."""
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, args)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet,
    )  # fmt: skip


FORKS = """
    import os, sys, threading
    import numpy as np
    from lazytensor.runtime import buffers
    u8, stop = np.dtype("uint8"), threading.Event()
    def churn():
        while not stop.is_set():
            buffers.empty((1 << 18,), u8)
    workers = [threading.Thread(target=churn) for _ in range(2)]
    for w in workers:
        w.start()
    mine = buffers.empty((4 << 20,), u8)
    mine[:] = 5
    codes = 0
    for _ in range(int(sys.argv[1])):
        pid = os.fork()
        if not pid:
            mine[:] = 6  # the child's own copy
            other = buffers.empty((4 << 20,), u8)
            other[:] = 7
            buffers.memory_stats()
            os._exit(0 if (mine == 6).all() else 1)
        codes += os.waitpid(pid, 0)[1]
        codes += not (mine == 5).all()
    stop.set()
    print(codes)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forks_while_threads_take_buffers(request: pytest.FixtureRequest) -> None:
    process = child(FORKS, 1000 if request.config.getoption("--full") else 30)
    out, err = process.communicate(timeout=250)
    assert out.strip() == "0", err


INTERRUPTED = """
    import numpy as np, time
    from lazytensor.runtime import buffers
    u8, seen = np.dtype("uint8"), 0
    print("ready", flush=True)
    end = time.monotonic() + 60
    while seen < 40 and time.monotonic() < end:
        try:
            while True:
                a = buffers.empty((1 << 18,), u8)
                del a
        except KeyboardInterrupt:
            seen += 1
            print("seen", flush=True)
    a = None
    stats = buffers.memory_stats()
    assert stats["free"] <= 1 << 22 and stats["in_use"] == 0, stats
    for _ in range(1000):
        buffers.empty((1 << 18,), u8)
    buffers.POOL.clear()
    print("usable")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there")
def test_every_interrupt_is_heard() -> None:
    """Whatever the pool is about: none is swallowed where an array dies."""
    process = child(INTERRUPTED)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for _ in range(40):
        time.sleep(0.02)  # it is taking buffers again
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "seen\n"
    out, err = process.communicate(timeout=60)
    assert out == "usable\n" and not err


@pytest.mark.parametrize("event", ["call", "c_return"])
def test_an_interrupt_anywhere_leaves_the_figures_true(event: str, pool: Pool) -> None:
    """Raised in turn where any call begins or has returned, as Python hears of it."""
    at, more = 0, True
    while more:
        at += 1
        more = interrupted_at(at, event, pool)
        blocks = [take(POOLED), take(MB)]
        assert pool.stats()["in_use"] == sum(loan.size for loan in pool._loans.values())
        blocks.clear()
        stats = pool.stats()
        free = sum(size * len(blocks) for size, blocks in pool._free.items())
        assert stats["in_use"] == pool._kept_bytes == 0 and stats["free"] == free, at
    assert at > 20


def interrupted_at(at: int, event: str, pool: Pool) -> bool:
    """Takes and gives back blocks; whether it was interrupted where the `at`-th event was."""
    left = at

    def hear(frame: Any, what: str, argument: Any) -> None:
        nonlocal left
        left -= what == event and frame.f_code.co_filename == buffers.__file__
        if left == 0:
            left = -1
            raise KeyboardInterrupt

    try:
        sys.setprofile(hear)
        with config.context(pool_bytes=2 * MB):
            some = [take(POOLED), take(MB), take(POOLED), take(3 * MB)]
            del some[1:3]
            some += [take(POOLED), take(MB)]
            some.clear()
            pool.clear()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
    return False


def huge_pages() -> bool:
    """Whether the system has them to give to who asks."""
    said = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return said.exists() and "[never]" not in said.read_text()


def faults(streamed: bool, threads: int) -> int:
    """How often the system is asked for a page while 32 MB of new memory are written."""
    with config.context(num_threads=threads):
        buffers.POOL.clear()
        made = buffers.empty((32 * MB,), U8, streamed)
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    made.fill(1)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


@pytest.mark.skipif(not huge_pages(), reason="the system has no huge pages")
def test_pages_are_there_where_they_are_written_past_the_caches_by_one_thread(pool: Pool) -> None:
    assert faults(True, 1) <= 2
    assert faults(False, 1) >= 16
    assert faults(True, 2) >= 16
