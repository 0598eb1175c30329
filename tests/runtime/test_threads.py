"""The pool of threads: parts, exceptions, interrupts, forks, ends; and how many there are."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
import lazytensor.torch as torch
from lazytensor._base import config, processors, threads

QUIET = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def parts(n: int, grain: int, count: int) -> list[tuple[int, int]]:
    """The parts that a function is called for."""
    seen: list[tuple[int, int]] = []
    threads.run(lambda lo, hi: seen.append((lo, hi)), n, grain, count)
    return sorted(seen)


def child(code: str, *args: object, timeout: float = 60, **env: str) -> str:
    """What code prints in a fresh process that no coverage tool watches."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, args)]
    done = subprocess.run(
        command, env={**QUIET, **env}, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.strip()


# --- parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 64, 1000, 1001, 99_991])
@pytest.mark.parametrize("grain", [0, 1, 3, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_parts_cover_the_range_and_are_always_the_same(n: int, grain: int, count: int) -> None:
    found = parts(n, grain, count)
    assert found[0][0] == 0 and found[-1][1] == n
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
    assert found == parts(n, grain, count)
    if len(found) > 1:
        assert min(hi - lo for lo, hi in found) >= grain
        assert len(found) <= threads.PARTS * count
        assert len(found) <= count or len(found) % count == 0


@pytest.mark.parametrize(("n", "grain", "count"), [(99, 50, 8), (1000, 1, 1), (0, 1, 4)])
def test_small_work_stays_on_the_caller(n: int, grain: int, count: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(threads._Pool, "call", lambda *_: pytest.fail("the pool was called"))
    assert parts(n, grain, count) == [(0, n)]


def test_workers_take_part() -> None:
    names, meeting = set(), threading.Barrier(3, timeout=20)

    def work(lo: int, hi: int) -> None:
        name = threading.current_thread().name
        if name not in names:
            names.add(name)
            meeting.wait()  # until all three have come

    threads.run(work, 12, 1, 3)
    assert len(names) == 3


def test_workers_take_part_after_jobs_that_ended_without_them(monkeypatch: Any) -> None:
    monkeypatch.setattr(threads, "_pool", threads._Pool())
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)  # no worker gets to run before this thread waits
    try:
        for _ in range(20):
            parts(100, 1, 3)
        test_workers_take_part()
    finally:
        sys.setswitchinterval(interval)


def test_what_is_called_within_a_part_is_done_at_once() -> None:
    seen: list[Any] = []

    def inner(lo: int, hi: int) -> None:
        seen.append((threading.get_ident(), lo, hi))

    def outer(lo: int, hi: int) -> None:
        here = threading.get_ident()
        threads.run(inner, 100, 1, 4)
        assert (here, 0, 100) in seen
        time.sleep(0.005)

    threads.run(outer, 16, 1, 4)
    assert len(seen) == 16
    assert len(parts(100, 1, 4)) > 1, "the caller is free again"


def test_many_threads_call_at_once() -> None:
    failures: list[BaseException] = []

    def caller(seed: int) -> None:
        try:
            for i in range(200):
                out = np.zeros(500 + seed)

                def work(lo: int, hi: int, out: Any = out, i: int = i) -> None:
                    out[lo:hi] += i

                threads.run(work, len(out), 10, 3)
                assert (out == i).all()
        except BaseException as error:
            failures.append(error)

    callers = [threading.Thread(target=caller, args=(k,)) for k in range(12)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    assert not failures


def test_a_busy_pool_does_not_keep_others_waiting() -> None:
    """All workers are at work for one thread; what another asks for is done meanwhile, by itself,
    and the queue holds no more than a few of its jobs.
    """
    go = threading.Event()
    first = threading.Thread(target=threads.run, args=(lambda lo, hi: go.wait(30), 2, 1, 2))
    first.start()
    try:
        for _ in range(100):
            assert len(parts(100, 1, 2)) > 1
        assert threads._pool._jobs.qsize() <= 2 * len(threads._pool._workers)
    finally:
        go.set()
        first.join()


def test_where_no_thread_can_be_had_the_caller_does_it_all(monkeypatch: Any) -> None:
    def refused(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "_pool", threads._Pool())
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert len(parts(100, 1, 4)) > 1


# --- exceptions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", range(8))
def test_an_exception_is_raised_when_all_parts_have_ended(bad: int) -> None:
    running: list[int] = []

    def work(lo: int, hi: int) -> None:
        running.append(lo)
        try:
            time.sleep(0.002)
            if lo == bad:
                raise LookupError(f"part {lo}")
        finally:
            running.remove(lo)

    for _ in range(3):
        with pytest.raises(LookupError, match=f"^part {bad}$"):
            threads.run(work, 8, 1, 2)
        assert not running
    assert len(parts(100, 1, 2)) > 1


def test_after_an_exception_no_part_is_begun() -> None:
    begun: list[int] = []

    def work(lo: int, hi: int) -> None:
        begun.append(lo)
        time.sleep(0.01)
        raise LookupError

    with pytest.raises(LookupError):
        threads.run(work, 16, 1, 4)
    assert len(begun) <= 4


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_kept_of_what_a_part_held(fails: bool) -> None:
    class Held:
        pass

    def once() -> weakref.ref[Any]:
        held = Held()

        def work(lo: int, hi: int, held: Any = held) -> None:
            time.sleep(0.001)
            if fails:
                raise LookupError(held)

        try:
            threads.run(work, 8, 1, 3)
        except LookupError:
            assert fails
        return weakref.ref(held)

    gc.collect()
    gc.disable()
    try:
        dead = once()
        deadline = time.monotonic() + 5
        while dead() is not None and time.monotonic() < deadline:
            time.sleep(0.01)  # a worker may be about to let go
        assert dead() is None
    finally:
        gc.enable()


@pytest.mark.cpu("how a kernel is shared out")
def test_kernels_are_shared_out_and_their_exceptions_come_back(monkeypatch: Any) -> None:
    settings = {"num_threads": 3, "block_bytes": 1 << 12, "target": "numpy"}
    with config.context(execution="compile", **settings):
        x = xp.asarray(np.linspace(0.1, 1, 1 << 20))
        want = np.exp(np.asarray(x)) * 2.0
        np.testing.assert_array_equal(np.asarray(xp.exp(x) * 2.0), want)
        run, shared = sys.modules["lazytensor.targets.numpy.run"], []
        share = run.share

        def failing(work: Any, n: int, grain: int, count: int) -> None:
            def bad(lo: int, hi: int) -> None:
                work(lo, hi)
                shared.append(lo)
                if lo:
                    raise MemoryError

            share(bad, n, grain, count)

        monkeypatch.setattr(run, "share", failing)
        with pytest.raises(MemoryError):
            xp.materialize(xp.exp(x) * 2.0)
        assert len(shared) > 1
        monkeypatch.undo()
        np.testing.assert_array_equal(np.asarray(xp.exp(x) * 2.0), want)


# --- interrupts -----------------------------------------------------------------------------------

INTERRUPTED = """
    import sys, threading, time
    from lazytensor._base import threads
    main, running = threading.main_thread(), []
    def work(lo, hi):
        here = threading.current_thread()
        if (here is main) == (sys.argv[1] == "working"):
            running.append(lo)
            print("ready", flush=True)
            end = time.perf_counter() + 0.6
            while time.perf_counter() < end:
                time.sleep(0.01)
            running.remove(lo)
        else:
            time.sleep(0.05)  # the other one takes the next part
    try:
        threads.run(work, 2, 1, 2)
    except KeyboardInterrupt:
        print("interrupted", running if sys.argv[1] == "waiting" else [], flush=True)
    for _ in range(20):
        seen = []
        threads.run(lambda lo, hi: (time.sleep(0.001), seen.append(threading.get_ident())), 8, 1, 2)
        assert len(seen) == 8 and len(set(seen)) == 2
    print("usable")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there")
@pytest.mark.parametrize("what", ["working", "waiting"])
def test_an_interrupt_waits_for_parts_in_flight(what: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), what],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUIET,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out.splitlines() == ["interrupted []", "usable"], err


def test_what_is_made_once_is_made_by_one_thread() -> None:
    made: list[object] = []

    class Slow:
        @threads.once
        def part(self) -> object:
            """Made late."""
            time.sleep(0.05)
            made.append(object())
            return made[-1]

    one, found = Slow(), []
    callers = [threading.Thread(target=lambda: found.append(one.part)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == made * 4 and one.part is made[0]
    assert Slow().part is made[1], "each object has its own"


# --- forks and ends -------------------------------------------------------------------------------

FORKS = """
    import os, sys, threading, time, warnings
    from lazytensor._base import threads
    stop = threading.Event()
    def caller():
        while not stop.is_set():
            threads.run(lambda lo, hi: time.sleep(0.001), 8, 1, 2)
    def total():
        seen = []
        threads.run(lambda lo, hi: seen.append(hi - lo), 1000, 1, 3)
        return sum(seen)
    callers = [threading.Thread(target=caller) for _ in range(2)]
    for t in callers:
        t.start()
    codes = []
    warnings.simplefilter("ignore")  # that there are threads: the callers are
    for _ in range(int(sys.argv[1])):
        pid = os.fork()
        if not pid:
            os._exit(0 if total() == 1000 else 1)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    stop.set()
    for t in callers:
        t.join()
    print(total(), sum(codes))
"""


@needs_fork
def test_forks_while_workers_work(request: pytest.FixtureRequest) -> None:
    count = 1000 if request.config.getoption("--full") else 20
    assert child(FORKS, count, timeout=250) == "1000 0"


ALONE = """
    import os, threading, time
    from lazytensor._base import threads
    work = lambda lo, hi: time.sleep(0.001)
    threads.run(work, 8, 1, 3)
    assert threading.active_count() == 3
    pid = os.fork()  # with other threads there is a DeprecationWarning from Python 3.12 on
    alone = threading.active_count() == 1
    threads.run(work, 8, 1, 3)
    if not pid:
        os._exit(0 if alone and threading.active_count() == 3 else 1)
    assert alone and threading.active_count() == 3
    print(os.waitpid(pid, 0)[1])
"""


@needs_fork
def test_a_fork_finds_no_worker_alive() -> None:
    assert child(ALONE) == "0"


ENDS = """
    import atexit, sys, threading, time
    kind = sys.argv[1]
    def late():
        seen = []
        threads.run(lambda lo, hi: seen.append(hi - lo), 100, 1, 4)
        print(sum(seen), flush=True)
    if kind == "at exit":
        atexit.register(late)
    from lazytensor._base import threads
    if kind == "at work":
        t = threading.Thread(target=threads.run, args=(lambda lo, hi: time.sleep(60), 2, 1, 2))
        t.daemon = True
        t.start()
        time.sleep(0.1)
        print(100)
    elif kind == "idle":
        late()
    if kind != "at work":
        threads.run(lambda lo, hi: time.sleep(0.001), 8, 1, 4)
"""


@pytest.mark.parametrize("kind", ["idle", "at work", "at exit"])
def test_the_interpreter_ends_soon(kind: str) -> None:
    start = time.monotonic()
    assert child(ENDS, kind) == "100"
    assert time.monotonic() - start < 20


# --- how many -------------------------------------------------------------------------------------


@pytest.fixture
def found_anew(monkeypatch: Any) -> Any:
    """The automatic count is looked for again, before and after."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    processors._forget()
    yield monkeypatch
    processors._forget()


def test_the_setting_comes_first(found_anew: Any) -> None:
    found_anew.setenv("OMP_NUM_THREADS", "3")
    with config.context(num_threads=5):
        assert processors.count() == torch.get_num_threads() == 5
    with config.context(num_threads=0):
        assert processors.count() == torch.get_num_threads() == 3


@pytest.mark.parametrize(
    ("text", "want"), [("3", 3), ("7,2", 7), (" 4 ", 4), ("", 6), ("0", 6), ("-1", 6), ("many", 6)]
)
def test_then_openmp_then_what_there_is(text: str, want: int, found_anew: Any) -> None:
    found_anew.setattr(processors, "processors", lambda: 6)
    found_anew.setattr(processors, "quota", lambda: 9)
    found_anew.setenv("OMP_NUM_THREADS", text)
    assert processors.automatic() == want


def test_the_quota_bounds_the_processors(found_anew: Any) -> None:
    found_anew.setattr(processors, "processors", lambda: 6)
    found_anew.setattr(processors, "quota", lambda: 2)
    assert processors.automatic() == 2


def test_processors_are_those_of_the_affinity(monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 4, 5}, raising=False)
    assert processors.processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2, raising=False)
    assert processors.processors() == 2
    monkeypatch.setattr(os, "process_cpu_count", lambda: None)
    assert processors.processors() == 1


GROUPS: dict[str, tuple[str, dict[str, str], int]] = {
    "none": ("", {}, sys.maxsize),
    "no bound": ("0::/", {"cpu.max": "max 100000\n"}, sys.maxsize),
    "two": ("0::/", {"cpu.max": "200000 100000\n"}, 2),
    "rounded up": ("0::/", {"cpu.max": "150000 100000"}, 2),
    "a tenth": ("0::/", {"cpu.max": "10000 100000"}, 1),
    "nested": ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
    "the innermost": ("0::/a/b", {"a/b/cpu.max": "1 1", "a/cpu.max": "300000 100000"}, 1),
    "a path outside": ("0::/../host/x", {"cpu.max": "400000 100000"}, 4),
    "version 1": (
        "5:cpu,cpuacct:/pod\n1:name=systemd:/",
        {f"cpu,cpuacct/pod/cpu.cfs_{k}_us": v for k, v in (("quota", "25"), ("period", "10"))},
        3,
    ),
    "version 1, no bound": (
        "1:cpu:/",
        {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
        sys.maxsize,
    ),
    "both": (
        "2:cpu:/\n0::/",
        {"cpu/cpu.cfs_quota_us": "5", "cpu/cpu.cfs_period_us": "1", "cpu.max": "7 1"},
        5,
    ),
    "nonsense": ("0::/\n::\nx\n3:cpu", {"cpu.max": "lots of it"}, sys.maxsize),
    "no period": ("0::/", {"cpu.max": "5 0"}, sys.maxsize),
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_the_quota_of_control_groups(name: str, tmp_path: Path) -> None:
    own, files, want = GROUPS[name]
    (tmp_path / "own").write_text(own)
    for path, text in files.items():
        (tmp_path / "groups" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / path).write_text(text)
    assert processors.quota(str(tmp_path / "groups"), str(tmp_path / "own")) == want


LIMITED = """
    import sys, threading
    if sys.argv[1] == "before":
        import threadpoolctl
    from lazytensor._base import config, processors
    config.set(num_threads=6)
    assert ("threadpoolctl" in sys.modules) == (sys.argv[1] == "before")
    import threadpoolctl
    def ours():
        return [x for x in threadpoolctl.threadpool_info() if x["user_api"] == "lazytensor"]
    def elsewhere():
        out = []
        t = threading.Thread(target=lambda: out.append(processors.count()))
        t.start(); t.join()
        return out[0]
    assert processors.count() == 6
    assert [x["num_threads"] for x in ours()] == [6]
    with threadpoolctl.threadpool_limits(3):
        assert processors.count() == 3 and elsewhere() == 6
        with threadpoolctl.threadpool_limits({"lazytensor": 1}):
            assert processors.count() == 1
        assert processors.count() == 3
        with config.context(num_threads=2):
            assert processors.count() == 2
    assert processors.count() == 6
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert processors.count() == 6
    config.set(num_threads=8)
    assert processors.count() == 8
    print("right")
"""


@pytest.mark.parametrize("imported", ["before", "after"])
def test_threadpoolctl_finds_and_bounds_us(imported: str) -> None:
    pytest.importorskip("threadpoolctl")
    assert child(LIMITED, imported) == "right"
