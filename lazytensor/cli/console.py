"""The terminal: headings, tables, code and progress, with `rich`; plain text where there is no
terminal.

What enters: text and rows. What leaves: lines on standard output, without control codes in a pipe,
wrapped to the terminal's width ($COLUMNS, or 80 in a pipe). It must not know what is shown.
"""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol


class Bar(Protocol):
    """Progress that can be told of."""

    def total(self, count: int) -> None:
        """How many steps there are."""

    def step(self, name: str) -> None:
        """One more is done; `name` is what was worked on."""


def _console() -> Any:
    """Made anew each time, for output and width may have changed."""
    from rich.console import Console

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return Console(highlight=False, markup=False, emoji=False)


def width() -> int:
    """Characters in a line."""
    return int(_console().width)


def say(text: str = "", style: str | None = None) -> None:
    """A paragraph, wrapped to the width."""
    _console().print(text, style=style)


def heading(text: str) -> None:
    """A line above what belongs together."""
    console = _console()
    console.print()
    console.print(text, style="bold cyan")
    console.print("─" * min(len(text), console.width), style="cyan")


def code(text: str, language: str = "python") -> None:
    """Text that keeps its lines; coloured where there is a terminal."""
    console = _console()
    if not console.is_terminal or console.no_color:
        console.print(text.rstrip("\n"), soft_wrap=True)
        return
    from rich.syntax import Syntax

    console.print(
        Syntax(text.rstrip("\n"), language, theme="ansi_dark", background_color="default")
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> None:
    """Rows under headings, if there are any; columns numbered in `right` are set flush right."""
    from rich import box
    from rich.table import Table

    out = Table(
        box=box.SIMPLE,
        pad_edge=False,
        header_style="bold",
        show_header=any(columns),
        show_edge=False,
    )
    for number, name in enumerate(columns):
        out.add_column(name, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        out.add_row(*map(str, row))
    _console().print(out)


def complain(text: str) -> None:
    """A line on standard error."""
    _console()
    sys.stderr.write(f"lazytensor: {text}\n")


@contextmanager
def progress(what: str) -> Iterator[Bar]:
    """A bar in a terminal; in a pipe a line whenever the name of the work changes."""
    console = _console()
    if not console.is_terminal:
        plain = _Lines()
        yield plain
        plain.close()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield _RichBar(bar, bar.add_task(what, total=None))


class _RichBar:
    """A bar of `rich`."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def total(self, count: int) -> None:
        """How many steps there are."""
        self._bar.update(self._task, total=count)

    def step(self, name: str) -> None:
        """One more is done."""
        self._bar.update(self._task, advance=1, description=name)


class _Lines:
    """A line for each name, when the next begins."""

    def __init__(self) -> None:
        self._name = ""
        self._done = self._of_name = self._total = 0

    def total(self, count: int) -> None:
        """How many steps there are."""
        self._total = count

    def step(self, name: str) -> None:
        """One more is done."""
        if name != self._name:
            self.close()
            self._name, self._of_name = name, 0
        self._of_name += 1
        self._done += 1

    def close(self) -> None:
        """The line of the last name."""
        if self._name:
            total = f" of {self._total}" if self._total else ""
            say(f"{self._name}: {self._of_name} ({self._done}{total})")
            sys.stdout.flush()
