"""`lazytensor explain`: what a piece of code makes the library do, as text that reads as Python.

What enters: a file or a string of Python. What leaves: for each materialisation the user's line
that forced it, the graph, the plan with its kernels and buffers, and figures. It must not know how
plans are made; it is told of them by `runtime/observe`.
"""

import argparse
import linecache
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

from .._base import config
from ..extra.inspection import explained_graph
from ..ir.node import describe_line
from ..runtime.counters import Counters, counters
from ..runtime.observe import OBSERVERS, Event
from . import console

STRING = "<string>"
# Lines of a graph or a plan that are shown unless `--all` is given.
SHOWN = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE", help="a file of Python to run")
    what.add_argument("-c", dest="code", metavar="CODE", help="code to run")
    parser.add_argument(
        "arguments", nargs="*", metavar="ARG", help="the file's own arguments, sys.argv[1:]"
    )
    parser.add_argument("--execution", choices=config.TABLE["execution"].choices, default=None,
                        help="whether graphs are compiled (default: the setting)")  # fmt: skip
    parser.add_argument(
        "--source", action="store_true", help="show the generated source of each kernel too"
    )
    parser.add_argument("--all", action="store_true", help="show long graphs and plans whole")


@dataclass
class Told:
    """One materialisation, as text: keeping its nodes would change what is kept of later ones."""

    line: str
    asker: str
    graph: str
    plan: str
    sources: list[str]
    compiled: bool
    before: Counters


class Watcher:
    """The observer: turns each event into text at once."""

    def __init__(self, filename: str, sources: bool) -> None:
        self.told: list[Told] = []
        self._filename = filename
        self._sources = sources

    def __call__(self, event: Event) -> None:
        """Called before a graph is computed."""
        found = explained_graph(event.graph, event.plan or 0)
        asker = describe_line(event.where)
        line = user_line(self._filename) or asker
        self.told.append(
            Told(
                line=line,
                asker="" if asker == line else asker,
                graph=found.graph,
                plan=found.plan,
                sources=list(dict.fromkeys(k.source for k in found.kernels))
                if self._sources
                else [],
                compiled=event.plan is not None,
                before=counters(),
            )
        )


def user_line(filename: str) -> str:
    """`file.py:12`, the innermost running line of that file; empty where there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == filename:
            return f"{filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def run(options: argparse.Namespace) -> int:
    """Run the code, then tell what it made. Returns 1 when it raised."""
    try:
        name, code = _compiled(options)
    except (OSError, SyntaxError, ValueError) as error:
        console.complain(f"{type(error).__name__}: {error}")
        return 2
    watcher = Watcher(name, options.source)
    start = counters()
    with _observed(watcher), config.context(**_settings(options)):
        status = _execute(code, [name, *options.arguments])
    end = counters()
    for number, told in enumerate(watcher.told):
        after = watcher.told[number + 1].before if number + 1 < len(watcher.told) else end
        before = watcher.told[number - 1].before if number else start
        _show(number + 1, told, _figures(before, told.before, after), options)
    _totals(watcher, end - start)
    return status


def _compiled(options: argparse.Namespace) -> tuple[str, CodeType]:
    """(file name, code object). Raises OSError or SyntaxError."""
    if options.code is None:
        name, text = options.file, Path(options.file).read_text(encoding="utf-8")
    else:
        name, text = STRING, options.code
        lines = text.splitlines(keepends=True)
        linecache.cache[STRING] = (len(text), None, lines, STRING)
    return name, compile(text, name, "exec")


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {} if options.execution is None else {"execution": options.execution}


@contextmanager
def _observed(watcher: Watcher) -> Iterator[None]:
    OBSERVERS.append(watcher)
    try:
        yield
    finally:
        OBSERVERS.remove(watcher)


def _execute(code: CodeType, argv: list[str]) -> int:
    """Run as a main program would; what it raises is printed, and its own exit code counts."""
    old_argv, old_path = sys.argv, sys.path[:]
    sys.argv = argv
    sys.path.insert(0, "" if argv[0] == STRING else str(Path(argv[0]).resolve().parent))
    try:
        exec(code, {"__name__": "__main__", "__file__": argv[0], "__builtins__": __builtins__})
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except Exception as error:  # noqa: BLE001  (whatever a program raises is shown, as Python does)
        traceback.print_exception(type(error), error, _own_part(error.__traceback__))
        return 1
    finally:
        sys.argv, sys.path[:] = old_argv, old_path
        sys.stdout.flush()
    return 0


def _own_part(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without this module's frame at its top."""
    return trace.tb_next if trace is not None else None


def _figures(before: Counters, asked: Counters, after: Counters) -> str:
    """What was made up to the asking, and what was done because of it."""
    made, done = asked - before, after - asked
    return f"{_counted(made.nodes, 'node')} made before; {_work(done, made.compilations)}"


def _work(done: Counters, compilations: int) -> str:
    """What was run; what did not happen is left out."""
    parts = [
        (compilations, "kernel", " compiled"),
        (done.kernels, "kernel", " run"),
        (done.calls, "library call", ""),
        (done.interpreted, "operation", " interpreted"),
        (done.bytes, "byte", " of new buffers"),
    ]
    found = [_counted(count, noun) + rest for count, noun, rest in parts if count]
    return ", ".join(found) or "nothing run"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _show(number: int, told: Told, figures: str, options: argparse.Namespace) -> None:
    console.heading(f"{number}. asked for at {told.line}")
    text = linecache.getline(*_split(told.line)).strip()
    if text:
        console.code(f"    {text}")
    if told.asker:
        console.code(f"by {told.asker}")
    console.say("the graph:", style="bold")
    console.code(_short(told.graph, options))
    how = (
        "the plan:"
        if told.compiled
        else "interpreted, for it is small and new; compiled it would be:"
    )
    console.say(how, style="bold")
    console.code(_short(told.plan, options))
    for source in told.sources:
        console.say("the source of a kernel:", style="bold")
        console.code(_short(source, options))
    console.say(figures)


def _split(line: str) -> tuple[str, int]:
    name, _, number = line.rpartition(":")
    return (name, int(number)) if number.isdecimal() else (line, 0)


def _short(text: str, options: argparse.Namespace) -> str:
    lines = text.rstrip("\n").splitlines()
    if options.all or len(lines) <= SHOWN:
        return "\n".join(lines)
    rest = len(lines) - SHOWN
    return "\n".join(
        [
            *lines[: SHOWN // 2],
            f"    # … {rest} lines more; --all shows them",
            *lines[-SHOWN // 2 :],
        ]
    )


def _totals(watcher: Watcher, done: Counters) -> None:
    console.heading("In all")
    count = len(watcher.told)
    console.say(
        f"{_counted(done.nodes, 'node')} made, values asked for {_counted(count, 'time')}; "
        f"{_work(done, done.compilations)}"
    )
    if not count and done.nodes:
        console.say("No value was asked for, so nothing was computed.")
