"""Several processes that run one function, each with its number, and fail together.

What enters: a function and its arguments. What leaves: nothing, or the exception of the first
process that failed. It must not know tensors.
"""

import multiprocessing
import os
import signal
import tempfile
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import Any

__all__ = ["ProcessContext", "ProcessExitedException", "ProcessRaisedException", "spawn",
           "start_processes"]  # fmt: skip

Function = Callable[..., Any]


class ProcessException(Exception):
    """A process failed: `error_index` its number, `error_pid` the system's."""

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """A process raised an exception, whose traceback is the text."""


class ProcessExitedException(ProcessException):
    """A process ended by itself with `exit_code`, or by the signal `signal_name`."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int,
        signal_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name

    def __reduce__(self) -> Any:
        place = self.error_index, self.error_pid
        return type(self), (self.msg, *place, self.exit_code, self.signal_name)


def _run(function: Function, number: int, args: Sequence[Any], report: str) -> None:
    """What a process does; an exception's traceback goes to the file `report`."""
    try:
        function(number, *args)
    except KeyboardInterrupt:
        pass  # the process that started this one has been interrupted too, and says so
    except Exception:  # noqa: BLE001  (whatever it raises is reported)
        Path(report).write_text(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: Sequence[BaseProcess], reports: Sequence[str]) -> None:
        self.processes = list(processes)
        self.error_files = list(reports)
        self.sentinels: dict[Any, int] = {p.sentinel: i for i, p in enumerate(processes)}

    def pids(self) -> list[int | None]:
        """The system's numbers of the processes."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for processes to end, `timeout` seconds at most; whether all have.

        When one has failed, the others are told to end, and killed if they are still there after
        `grace_period` seconds (30 by default). Raises ProcessRaisedException or
        ProcessExitedException for the one that failed.
        """
        for sentinel in wait(list(self.sentinels), timeout) if self.sentinels else ():
            number = self.sentinels.pop(sentinel)
            self.processes[number].join()
            if self.processes[number].exitcode:
                self._end(30.0 if grace_period is None else grace_period)
                self._raise(number)
        if not self.sentinels:
            self._forget()
        return not self.sentinels

    def _end(self, grace_period: float) -> None:
        """End all processes that still run."""
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        latest = monotonic() + grace_period
        for process in self.processes:
            process.join(max(0.0, latest - monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _raise(self, number: int) -> None:
        process, report = self.processes[number], Path(self.error_files[number])
        text = report.read_text()
        self._forget()
        place = number, process.pid or 0
        if text:
            begin = f"\n\n-- Process {number} terminated with the following error:\n"
            raise ProcessRaisedException(begin + text, *place)
        code = process.exitcode or 0
        if code >= 0:
            text = f"process {number} terminated with exit code {code}"
            raise ProcessExitedException(text, *place, code)
        name = _signal_name(-code)
        raise ProcessExitedException(
            f"process {number} terminated with signal {name}", *place, code, name
        )

    def _forget(self) -> None:
        """Delete the files for reports."""
        for name in self.error_files:
            Path(name).unlink(missing_ok=True)


SpawnContext = ProcessContext


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"<Unknown signal {number}>"


def start_processes(
    fn: Function,
    args: Sequence[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run `fn(i, *args)` in processes i = 0 … nprocs − 1.

    Returns the context of the processes without waiting if `join` is false. Raises what
    `ProcessContext.join` raises.
    """
    starter = multiprocessing.get_context(start_method)
    processes: list[BaseProcess] = []
    reports = []
    for i in range(nprocs):
        handle, report = tempfile.mkstemp(prefix="torch-process-", suffix=".txt")
        os.close(handle)
        reports.append(report)
        process = starter.Process(target=_run, args=(fn, i, args, report), daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        processes.append(process)
    context = ProcessContext(processes, reports)
    if not join:
        return context
    while not context.join():
        pass
    return None


def spawn(
    fn: Function,
    args: Sequence[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """`start_processes` with fresh interpreters."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
