"""A pool of threads that share out the parts of one piece of work; and what is done about locks
when a process forks, whose child has one thread, and nobody to release what others held.

What enters: a function of a range, and the length of the whole range. What leaves: nothing; the
function was called once for each part. It must not know what the work is, nor what locks guard.

The caller takes part, and never waits for a worker that has not begun: whoever comes takes the next
part, and when none is left only parts that are being worked on are waited for. So many threads may
call at once, and a pool that is busy, small or gone costs time only. Workers have no context of the
caller's: no settings of a `with` block, no NumPy error state.
"""

import atexit
import os
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

Work = Callable[[int, int], None]
Part = tuple[int, int]
Made = TypeVar("Made")
# Parts for each thread: those that come late, or share their processor with others, take fewer.
PARTS = 4
# Seconds that a fork and the interpreter's end wait for workers that are at work.
PATIENCE = 0.1


def run(work: Work, n: int, grain: int, threads: int) -> None:
    """Call `work(lo, hi)` for parts of range(n), each of `grain` or more, on up to so many threads.

    Less than two such parts, and calls from within `work`, stay on this thread as one. How parts
    are cut depends on the arguments alone. The first exception is raised, when no thread is at work
    any more; Ctrl-C is one. `work` holds whatever it writes to.
    """
    parts = _cut(n, grain, threads)
    if len(parts) < 2 or _here.busy:
        work(0, n)
        return
    job = _Job(work, parts)
    try:
        _here.busy = True
        _pool.call(job, min(threads, len(parts)) - 1)
        job.share()
    finally:
        _here.busy = False
        job.finish()
    if job.errors:
        _raise(job.errors)


def _cut(n: int, grain: int, threads: int) -> list[Part]:
    """Equal parts, the first one last; as many for each thread."""
    count = min(n // max(grain, 1), PARTS * threads)
    if threads < 2 or count < 2:
        return []
    if count > threads:
        count -= count % threads
    return [(n * i // count, n * (i + 1) // count) for i in reversed(range(count))]


def _raise(errors: list[BaseException]) -> None:
    """Raise the first one; nothing that its traceback holds refers to it after that."""
    error = errors[0]
    errors.clear()
    try:
        raise error
    finally:
        del error


class _Here(threading.local):
    """Whether this thread is working on a part."""

    busy = False


class _Job:
    """Parts that are left, and who works on them. All that threads do to the lists is to append, to
    pop and to clear, each of which happens at once.
    """

    __slots__ = ("_begun", "_ended", "_parts", "_signal", "_work", "errors")

    def __init__(self, work: Work, parts: list[Part]) -> None:
        self._work: Work | None = work
        self._parts = parts
        self.errors: list[BaseException] = []
        self._begun: list[None] = []
        self._ended: list[None] = []
        self._signal = threading.Lock()
        self._signal.acquire()

    @property
    def ended(self) -> bool:
        """Whether no part is left that nobody works on."""
        return not self._parts

    def share(self) -> None:
        """Work on parts until none is left; after an error none is."""
        work = self._work
        try:
            while work is not None and (part := self._next()) is not None:
                work(*part)
        except BaseException as error:  # noqa: BLE001  (it is raised in the caller)
            self.errors.append(error)
            self._parts.clear()

    def _next(self) -> Part | None:
        try:
            return self._parts.pop()
        except IndexError:
            return None

    def help(self) -> None:
        """`share`, by a worker: the caller waits for those that have begun."""
        self._begun.append(None)
        self.share()
        self._ended.append(None)
        try:
            self._signal.release()
        except RuntimeError:  # another worker has just released it
            return

    def finish(self) -> None:
        """Let nobody begin any more, and wait for those who have. Ctrl-C is raised after that."""
        interrupt: BaseException | None = None
        self._parts.clear()
        while len(self._ended) < len(self._begun):
            try:
                self._signal.acquire()
            except BaseException as error:  # noqa: BLE001  (it is raised below)
                interrupt = error
        self._work = None
        if interrupt is not None:
            raise interrupt


class _Pool:
    """Workers, started when they are first wanted, that take jobs from one queue."""

    def __init__(self, closed: bool = False) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = closed

    def call(self, job: _Job, helpers: int) -> None:
        """Have that many workers help with a job, if there are so many. A queue that nobody
        empties, since all are at work, is not filled any further.
        """
        if len(self._workers) < helpers:
            self._grow(helpers)
        most = 2 * len(self._workers)
        if self._jobs.qsize() + helpers > most:
            self._tidy()
        for _ in range(min(helpers, most - self._jobs.qsize())):
            self._jobs.put(job)

    def _tidy(self) -> None:
        """Take jobs out of the queue that ended before a worker came to them."""
        for _ in range(self._jobs.qsize()):
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is None or not job.ended:
                self._jobs.put(job)

    def _grow(self, size: int) -> None:
        with self._lock:
            while len(self._workers) < size and not self._closed:
                name = f"lazytensor {len(self._workers) + 1}"
                worker = threading.Thread(target=_serve, args=(self._jobs,), name=name, daemon=True)
                try:
                    worker.start()
                except RuntimeError:  # no more threads can be had: there are fewer, then
                    return
                self._workers.append(worker)

    def close(self) -> None:
        """Let all workers end, those that are at work a moment later."""
        self._closed = True
        deadline = time.monotonic() + PATIENCE
        for _ in self._workers:
            self._jobs.put(None)
        for worker in self._workers:
            if worker is not threading.current_thread():
                worker.join(max(0.0, deadline - time.monotonic()))


def _serve(jobs: "SimpleQueue[_Job | None]") -> None:
    """What a worker does all its life."""
    _here.busy = True
    while (job := jobs.get()) is not None:
        job.help()
        del job


_here = _Here()
_pool = _Pool()


def _renew(closed: bool = False) -> None:
    """Go on with a pool that has no workers yet; if it is closed, it never has any."""
    global _pool
    old, _pool = _pool, _Pool(closed)
    old.close()


def _forked() -> None:
    """In a child process there are no workers, and nobody to release a lock."""
    global _pool
    _pool = _Pool()


# --- forks ----------------------------------------------------------------------------------------


def at_fork(**acts: Callable[[], object]) -> None:
    """What to call `before` a fork, `after_in_parent` and `after_in_child`, if there are forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**acts)


def renewed(module: dict[str, Any], **locks: Callable[[], Any]) -> None:
    """In a child, globals of a module are made anew: each name with what makes its lock."""
    at_fork(after_in_child=lambda: module.update({name: make() for name, make in locks.items()}))


def waits_for(lock: Any) -> None:
    """A fork waits until nobody holds the lock: what it guards is whole in the child."""
    at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


# Held while code is loaded, compiled or linked: a child would find either half way. There is one,
# so that a fork can't wait for it in another order than threads do.
COMPILING = threading.RLock()
waits_for(COMPILING)


class once(Generic[Made]):
    """A method's result as an attribute, made when it is first asked for: by one thread, while no
    other compiles or forks.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: type) -> Made:
        name, known = self._make.__name__, instance.__dict__
        with COMPILING:
            if name not in known:
                known[name] = self._make(instance)
        made: Made = known[name]
        return made


atexit.register(_renew, closed=True)
at_fork(before=_renew, after_in_child=_forked)  # without other threads a process forks safely
