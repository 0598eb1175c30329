"""What a worker process does: seeds itself, then fetches what it is told to.

What enters: a dataset, and numbers of samples through a queue. What leaves: batches, or what went
wrong, through another. It must not know the loader.
"""

import os
import queue
import random
import sys
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from .... import _api as torch
from .fetch import Fetcher

# How long a worker waits before it looks whether it is still needed, in seconds.
MP_STATUS_CHECK_INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Which worker of how many this process is, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """What is known of this worker, None in the main process."""
    return _worker_info


@dataclass(frozen=True)
class IterableEnded:
    """The message that a worker's iterable dataset has ended."""

    worker_id: int


@dataclass(frozen=True)
class Resume:
    """The message that another pass begins."""


class _KeyText(str):
    """A text that a KeyError shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """What was raised in a worker, to be raised again in the main process."""

    def __init__(self, where: str) -> None:
        kind, error, trace = sys.exc_info()
        self.exc_type: Any = kind
        self.exc_msg = "".join(traceback.format_exception(kind, error, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise an exception of the same class whose text has the worker's traceback."""
        name = self.exc_type.__name__
        text: Any = f"Caught {name} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            text = _KeyText(text)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=text)
        try:
            error = self.exc_type(text)
        except Exception:  # noqa: BLE001 - classes whose exceptions need other arguments
            raise RuntimeError(text) from None
        raise error


@dataclass
class Task:
    """All that a worker has to know."""

    dataset: Any
    auto_collation: bool
    collate_fn: Any
    drop_last: bool
    base_seed: int
    init_fn: Any
    worker_id: int
    num_workers: int

    def fetcher(self) -> Fetcher:
        """What fetches this worker's samples, from the start."""
        return Fetcher(self.dataset, self.auto_collation, self.collate_fn, self.drop_last)


def seed_worker(base_seed: int, worker_id: int) -> int:
    """Seed all generators of a worker, each worker otherwise; returns the seed."""
    seed = base_seed + worker_id
    random.seed(seed)
    torch.manual_seed(seed)
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))  # noqa: NPY002 - users' datasets draw from it
    return seed


def _begin(task: Task) -> Any:
    """The fetcher of a new worker, or what went wrong."""
    global _worker_info
    seed = seed_worker(task.base_seed, task.worker_id)
    _worker_info = WorkerInfo(task.worker_id, task.num_workers, seed, task.dataset)
    try:
        if task.init_fn is not None:
            task.init_fn(task.worker_id)
        return task.fetcher()
    except Exception:  # noqa: BLE001 - raised again in the main process
        return ExceptionWrapper(f"in DataLoader worker process {task.worker_id}")


def _fetched(fetcher: Any, index: Any, task: Task) -> Any:
    """A batch, or the message that there are no more, or what went wrong."""
    if isinstance(fetcher, ExceptionWrapper):
        return fetcher
    try:
        return fetcher.fetch(index)
    except StopIteration:
        if fetcher.iterable:
            return IterableEnded(task.worker_id)
        return ExceptionWrapper(f"in DataLoader worker process {task.worker_id}")
    except Exception:  # noqa: BLE001 - raised again in the main process
        return ExceptionWrapper(f"in DataLoader worker process {task.worker_id}")


def worker_loop(task: Task, index_queue: Any, data_queue: Any, done_event: Any) -> None:
    """Fetch what comes through the queue until told to stop, or the main process is gone."""
    parent = os.getppid()
    try:
        torch.set_num_threads(1)
        fetcher, ended = _begin(task), False
        while os.getppid() == parent:
            try:
                message = index_queue.get(timeout=MP_STATUS_CHECK_INTERVAL)
            except queue.Empty:
                if done_event.is_set():
                    break
                continue
            if message is None:
                break
            if isinstance(message, Resume):
                data_queue.put((message, None))
                fetcher, ended = task.fetcher(), False
                continue
            if done_event.is_set() or ended:
                continue
            number, index = message
            data = _fetched(fetcher, index, task)
            ended = isinstance(data, IterableEnded)
            data_queue.put((number, data))
            del data, index, message
    except KeyboardInterrupt:
        done_event.set()
    if done_event.is_set():
        data_queue.cancel_join_thread()
        data_queue.close()
