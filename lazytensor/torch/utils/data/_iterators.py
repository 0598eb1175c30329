"""One pass over a loader: batches fetched in this process, or by workers ahead of time.

What enters: a loader's settings. What leaves: batches. It must not know class DataLoader but as an
object with settings.
"""

import atexit
import multiprocessing
import os
import queue
import warnings
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from ... import _api as torch
from ._utils.fetch import Fetcher
from ._utils.pin_memory import pin_memory
from ._utils.worker import (
    ExceptionWrapper,
    IterableEnded,
    Resume,
    Task,
    worker_loop,
)


class _Exiting:
    """Whether the interpreter is about to end; workers then end by themselves."""

    now = False


@atexit.register
def _note_exit() -> None:
    _Exiting.now = True


@dataclass
class _Settings:
    """What a pass needs to know of its loader, which it must not keep alive."""

    dataset: Any
    iterable: bool
    expected: int | None
    index_sampler: Any
    num_workers: int
    timeout: float
    in_order: bool
    persistent: bool

    @classmethod
    def of(cls, loader: Any) -> "_Settings":
        """A loader's settings."""
        return cls(
            loader.dataset,
            loader._iterable,
            loader._IterableDataset_len_called,
            loader._index_sampler,
            loader.num_workers,
            loader.timeout,
            loader.in_order,
            loader.persistent_workers,
        )


class _Pass:
    """One pass over a loader."""

    def __init__(self, loader: Any) -> None:
        self._settings = _Settings.of(loader)
        self._pinned = loader.pin_memory and torch.accelerator.is_available()
        if loader.pin_memory and not self._pinned:
            warnings.warn(_NOT_PINNED, stacklevel=4)
        self._sampler_iter = iter(loader._index_sampler)
        draw = torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
        self._base_seed = draw.item()
        self._num_yielded = 0

    def __iter__(self) -> Any:
        return self

    def __len__(self) -> int:
        return len(self._settings.index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", self.__class__.__name__)

    def _reset(self, loader: Any) -> None:
        """Begin another pass."""
        self._settings = _Settings.of(loader)
        self._sampler_iter = iter(loader._index_sampler)
        self._num_yielded = 0

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        expected = self._settings.expected
        if self._settings.iterable and expected is not None and self._num_yielded > expected:
            self._warn_of_length(expected)
        return pin_memory(data) if self._pinned else data

    def _warn_of_length(self, expected: int) -> None:
        text = (
            f"Length of IterableDataset {self._settings.dataset} was reported to be {expected}"
            f"(when accessing len(dataloader)), but {self._num_yielded} samples have been fetched. "
        )
        if self._settings.num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly "
                "configuring the IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for "
                "examples."
            )
        warnings.warn(text, stacklevel=3)


class InProcess(_Pass):
    """A pass whose batches are fetched in this process, when they are asked for."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._fetcher = Fetcher(
            loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last
        )

    def _next_data(self) -> Any:
        return self._fetcher.fetch(next(self._sampler_iter))


class MultiProcess(_Pass):
    """A pass whose batches are fetched by workers, several ahead.

    Batches are numbered as they are handed out, to one worker after another, and come back in that
    order unless the loader says otherwise.
    """

    _shutdown = True  # until there are workers

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if loader.prefetch_factor <= 0:
            raise AssertionError(
                "prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter"
            )
        self._ahead = loader.prefetch_factor * loader.num_workers
        context = loader.multiprocessing_context or multiprocessing.get_context()
        self._results = context.Queue()
        self._done = context.Event()
        self._queues: list[Any] = []
        self._workers: list[Any] = []
        self._available: list[bool] = []
        self._shutdown, self._owner = False, os.getpid()
        for i in range(loader.num_workers):
            self._start(context, loader, i)
        self._begin()

    def _start(self, context: Any, loader: Any, i: int) -> None:
        """Start one worker."""
        indices = context.Queue()
        indices.cancel_join_thread()
        task = Task(
            loader.dataset,
            loader._auto_collation,
            loader.collate_fn,
            loader.drop_last,
            self._base_seed,
            loader.worker_init_fn,
            i,
            loader.num_workers,
        )
        process = context.Process(
            target=worker_loop, args=(task, indices, self._results, self._done), daemon=True
        )
        process.start()
        self._queues.append(indices)
        self._workers.append(process)
        self._available.append(True)

    def _begin(self) -> None:
        """Number batches from zero, and hand out the first ones."""
        self._sent = self._received = self._outstanding = 0
        self._tasks: dict[int, Any] = {}  # number -> worker, or (worker, batch) come early
        self._available = [True] * len(self._workers)
        self._loads = [0] * len(self._workers)
        self._turns = cycle(range(len(self._workers)))
        for _ in range(self._ahead):
            self._hand_out()

    def _reset(self, loader: Any) -> None:
        super()._reset(loader)
        for indices in self._queues:
            indices.put(Resume())
        waiting = len(self._queues)
        while waiting:
            number, _ = self._get()
            waiting -= isinstance(number, Resume)
        self._begin()

    def _worker_for_next(self) -> int | None:
        """The worker whose turn it is, None if all have ended."""
        alive = sum(self._available)
        for _ in self._workers:
            i = next(self._turns)
            if self._available[i] and (
                self._settings.in_order or self._loads[i] < self._ahead // alive
            ):
                return i
        return None

    def _hand_out(self) -> None:
        """Give the next numbers to a worker, if there are more."""
        index = next(self._sampler_iter, _END)
        if index is _END:
            return
        worker = self._worker_for_next()
        if worker is None:
            return
        self._queues[worker].put((self._sent, index))
        self._tasks[self._sent] = worker
        self._loads[worker] += 1
        self._outstanding += 1
        self._sent += 1

    def _try_get(self, timeout: float) -> Any:
        """What a worker sent, or None; RuntimeError if one died."""
        try:
            return self._results.get(timeout=timeout)
        except queue.Empty:
            failed = [
                i for i, w in enumerate(self._workers) if self._available[i] and not w.is_alive()
            ]
            for i in failed:
                self._end(i)
            if failed:
                pids = ", ".join(str(self._workers[i].pid) for i in failed)
                raise RuntimeError(
                    f"DataLoader worker (pid(s) {pids}) exited unexpectedly"
                ) from None
            return None

    def _get(self) -> Any:
        """What a worker sent next."""
        timeout = self._settings.timeout
        if timeout > 0:
            message = self._try_get(timeout)
            if message is None:
                raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
            return message
        message = None
        while message is None:
            message = self._try_get(_LOOK)
        return message

    def _skip_ended(self) -> None:
        """Pass over numbers whose worker ended without them."""
        while self._received < self._sent:
            task = self._tasks.get(self._received)
            if isinstance(task, tuple) or (task is not None and self._available[task]):
                return
            self._tasks.pop(self._received, None)
            self._received += 1
        if not self._settings.persistent:
            self._stop()
        raise StopIteration

    def _next_data(self) -> Any:
        while True:
            self._skip_ended()
            task = self._tasks[self._received]
            if isinstance(task, tuple):
                del self._tasks[self._received]
                self._received += 1
                return self._taken(*task)
            number, data = self._get()
            self._outstanding -= 1
            if isinstance(data, IterableEnded):
                if self._settings.persistent:
                    self._available[data.worker_id] = False
                else:
                    self._end(data.worker_id)
                self._hand_out()
            elif number == self._received or not self._settings.in_order:
                self._received += number == self._received
                return self._taken(self._tasks.pop(number), data)
            else:
                self._tasks[number] = (self._tasks[number], data)

    def _taken(self, worker: int, data: Any) -> Any:
        """A batch that is given to the user; another is handed out in its place."""
        self._loads[worker] -= 1
        self._hand_out()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _end(self, worker: int) -> None:
        """Tell a worker that nothing more comes."""
        self._queues[worker].put(None)
        self._available[worker] = False

    def _stop(self) -> None:
        """End all workers, by force where they do not."""
        if self._shutdown or _Exiting.now or os.getpid() != self._owner:
            return
        self._shutdown = True
        self._done.set()
        for i, indices in enumerate(self._queues):
            if self._settings.persistent or self._available[i]:
                self._end(i)
            self._workers[i].join(timeout=_PATIENCE)
            indices.cancel_join_thread()
            indices.close()
        for worker in self._workers:
            if worker.is_alive():
                worker.terminate()
                worker.join(timeout=_PATIENCE)
        self._results.cancel_join_thread()
        self._results.close()

    def __del__(self) -> None:
        self._stop()


_END: Any = object()
_LOOK = 0.2  # seconds between looks whether all workers are alive
_PATIENCE = 5.0  # seconds that a worker has to end by itself
_NOT_PINNED = (
    "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
    "won't be used."
)
