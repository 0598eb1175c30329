"""Writers of event files, which TensorBoard reads.

What enters: names with numbers, arrays and texts, by step. What leaves: files named as PyTorch
names them. It must not know how a summary is laid out.
"""

import io
import itertools
import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from . import _wire
from .summary import histogram, histogram_raw, scalar, text

__all__ = ["FileWriter", "SummaryWriter"]

_NUMBERS = itertools.count()
_VERSION = "brain.Event:2"
_STARTED = _wire.embed(7, _wire.varint(1, 1))


class FileWriter:
    """One event file in a folder, which is made.

    What is added is written at once and flushed when `max_queue` events wait, or when an event
    comes more than `flush_secs` after the last flush.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        self._folder = str(log_dir)
        self._limits = max_queue, flush_secs
        self._suffix = filename_suffix
        self._open()

    def _open(self) -> None:
        Path(self._folder).mkdir(parents=True, exist_ok=True)
        parts = (socket.gethostname(), str(os.getpid()), str(next(_NUMBERS)))
        name = ".".join([f"events.out.tfevents.{int(time.time()):010d}", *parts])
        file = os.path.join(self._folder, name + self._suffix)
        self._file = io.BufferedWriter(io.FileIO(file, "w"))
        self._add(
            time.time(), 0, _wire.text(3, _VERSION) + _wire.embed(10, _wire.text(1, __name__))
        )
        self.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return self._folder

    def _add(self, walltime: float, step: int, content: bytes) -> None:
        event = _wire.floating(1, walltime) + _wire.varint(2, step) + content
        self._file.write(_wire.record(event))

    def add_event(self, event: bytes, step: Any = None, walltime: float | None = None) -> None:
        """Add the serialized fields of an event other than its time and step."""
        self._add(
            time.time() if walltime is None else walltime, 0 if step is None else int(step), event
        )
        self._waiting += 1
        queue, seconds = self._limits
        if self._waiting >= queue or time.monotonic() - self._flushed > seconds:
            self.flush()

    def add_summary(
        self, summary: bytes, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Add a serialized summary."""
        self.add_event(_wire.embed(5, summary), global_step, walltime)

    def flush(self) -> None:
        """Let all that was added be in the file."""
        self._file.flush()
        self._waiting, self._flushed = 0, time.monotonic()

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()

    def reopen(self) -> None:
        """Go on in a new file, if this one is closed."""
        if self._file.closed:
            self._open()


class SummaryWriter:
    """Writes scalars, histograms and texts to event files in a folder, `log_dir`.

    Without one it is `runs/` and a name of time and host, with `comment` behind it. With
    `purge_step`, TensorBoard forgets what earlier runs wrote from that step on.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = log_dir
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self.file_writer: FileWriter | None = None
        self.all_writers: dict[str, FileWriter] | None = None
        self._get_file_writer()
        self.default_bins = _default_bins()

    def _new(self, folder: str | os.PathLike[str]) -> FileWriter:
        return FileWriter(folder, self.max_queue, self.flush_secs, self.filename_suffix)

    def _get_file_writer(self) -> FileWriter:
        """The writer in the folder itself, made anew if it was closed."""
        if self.file_writer is None:
            self.file_writer = writer = self._new(self.log_dir)
            self.all_writers = {writer.get_logdir(): writer}
            if self.purge_step is not None:
                writer.add_event(_wire.text(3, _VERSION), self.purge_step)
                writer.add_event(_STARTED, self.purge_step)
                self.purge_step = None
        return self.file_writer

    def get_logdir(self) -> str | os.PathLike[str]:
        """The folder."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add a number. Raises AssertionError for a tensor with several."""
        summary = scalar(tag, scalar_value, new_style, double_precision)
        self._get_file_writer().add_summary(summary, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add several numbers, each in a folder of its own, so that they share a chart."""
        walltime = time.time() if walltime is None else walltime
        home = self._get_file_writer().get_logdir()
        assert self.all_writers is not None
        for tag, value in tag_scalar_dict.items():
            folder = f"{home}/{main_tag.replace('/', '_')}_{tag}"
            if folder not in self.all_writers:
                self.all_writers[folder] = self._new(folder)
            summary = scalar(main_tag, value)
            self.all_writers[folder].add_summary(summary, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add a histogram of values. Raises ValueError where there are none."""
        if isinstance(bins, str) and bins == "tensorflow":
            bins = self.default_bins
        summary = histogram(tag, values, bins, max_bins)
        self._get_file_writer().add_summary(summary, global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: float,
        sum: float,
        sum_squares: float,
        bucket_limits: Sequence[float],
        bucket_counts: Sequence[float],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a histogram of which everything is known. Raises ValueError for unlike lengths."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        summary = histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts)
        self._get_file_writer().add_summary(summary, global_step, walltime)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a text, which is shown as Markdown."""
        self._get_file_writer().add_summary(text(tag, text_string), global_step, walltime)

    def flush(self) -> None:
        """Let all that was added be in the files."""
        for writer in (self.all_writers or {}).values():
            writer.flush()

    def close(self) -> None:
        """Flush and close the files; what is added afterwards goes to new ones."""
        for writer in (self.all_writers or {}).values():
            writer.close()
        self.file_writer = self.all_writers = None

    def __enter__(self) -> "SummaryWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _default_bins() -> list[float]:
    """Limits from -1e20 to 1e20, each 1.1 times the one before, and 0."""
    upper, value = [], 1e-12
    while value < 1e20:
        upper.append(value)
        value *= 1.1
    return [-x for x in reversed(upper)] + [0] + upper
