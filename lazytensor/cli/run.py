"""`lazytensor run`: runs a program in which `import torch` means `lazytensor.torch`.

What enters: a script, `-m module` or `-c code`, and the program's own arguments. What leaves: what
the program prints, and its exit code. `__main__`, `sys.argv` and `sys.path` are as `python` makes
them, but for the folder `alias` behind the first entry of `sys.path`, which stands in PYTHONPATH
too: by it every process that the program starts finds the same `torch`, however it is started. It
must not know what the program does.
"""

import argparse
import builtins
import importlib.machinery
import io
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple

from . import alias, console
from .alias.torch import install

ALIAS = str(Path(alias.__file__).parent)
# The folder that holds the package.
ROOT = str(Path(__file__).resolve().parents[2])

Names = dict[str, Any]


class NoProgramError(Exception):
    """There is nothing to run; the exit code is what `python` gives."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Program(NamedTuple):
    """Something to run: `sys.path[0]`, `sys.argv[0]`, and how its code is found.

    `load` gives the code and the names that `__main__` has from the start.
    """

    folder: str
    title: str
    load: Callable[[], tuple[CodeType, Names]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "file", nargs="?", metavar="FILE", help="a script, a folder or archive with __main__.py, -"
    )
    what.add_argument("-m", dest="module", metavar="MODULE", help="a module to run")
    what.add_argument("-c", dest="code", metavar="CODE", help="code to run")
    parser.epilog = "All words that follow are the program's own arguments, sys.argv[1:]."


def divide(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that are ours, and the program's own: those after what is to be run."""
    for place, word in enumerate(words):
        if word in ("-m", "-c"):
            return list(words[: place + 2]), list(words[place + 2 :])
        if word == "-" or not word.startswith("-") or word.startswith(("-m", "-c")):
            return list(words[: place + 1]), list(words[place + 1 :])
    return list(words), []


def run(options: argparse.Namespace) -> int:
    """Run the program. Returns its exit code, or raises the SystemExit that it raised."""
    try:
        _execute(_program(options), options.arguments)
    except NoProgramError as error:
        console.complain(str(error))
        return error.code
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  (whatever a program raises is shown, as Python does)
        return _shown(error)
    return 0


def _program(options: argparse.Namespace) -> Program:
    if options.code is not None:
        return Program("", "-c", lambda: _text(options.code.encode(), "<string>", {}))
    if options.module is not None:
        return Program(str(Path.cwd()), "-m", lambda: _module(options.module))
    file = options.file
    if file == "-":
        return Program("", "-", _standard_input)
    if Path(file).is_dir() or zipfile.is_zipfile(file):
        folder = os.path.join(os.getcwd(), file)
        return Program(folder, file, lambda: _main_of(folder))
    return Program(str(Path(file).resolve().parent), file, lambda: _script(file))


def _execute(program: Program, arguments: Sequence[str]) -> None:
    """Run as the main program. Raises NoProgramError, and whatever the program raises."""
    _set_up(program.folder)
    sys.argv[:] = [program.title, *arguments]
    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    code, names = program.load()
    vars(main).update({"__annotations__": {}, "__builtins__": builtins, **names})
    exec(code, vars(main))


def _set_up(folder: str) -> None:
    """Let `torch` be ours here, and in every process that comes from here."""
    install()
    safe = sys.flags.safe_path
    rest = [entry for entry in sys.path[not safe :] if entry != ALIAS]
    own = [] if importlib.machinery.PathFinder.find_spec("lazytensor", rest) else [ROOT]
    sys.path[:] = [*([] if safe else [folder]), ALIAS, *rest, *own]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    known = [entry for entry in given if entry and entry != ALIAS]
    os.environ["PYTHONPATH"] = os.pathsep.join([ALIAS, *known, *own])


def _text(source: bytes, name: str, names: Names) -> tuple[CodeType, Names]:
    """Compiled code, for which `python` has no loader. Raises SyntaxError and ValueError."""
    loader = importlib.machinery.BuiltinImporter
    code = compile(source, name, "exec", dont_inherit=True)
    return code, {"__loader__": loader, "__spec__": None, "__package__": None, **names}


def _standard_input() -> tuple[CodeType, Names]:
    return _text(sys.stdin.buffer.read(), "<stdin>", {"__file__": "<stdin>", "__cached__": None})


def _script(file: str) -> tuple[CodeType, Names]:
    """A file's code; its name is absolute, as `python` has it."""
    path = os.path.join(os.getcwd(), file)
    try:
        with io.open_code(path) as stream:
            source = stream.read()
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        raise NoProgramError(f"can't open file {path!r}: {reason}", 2) from None
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    return _text(source, path, {"__loader__": loader, "__file__": path, "__cached__": None})


def _main_of(folder: str) -> tuple[CodeType, Names]:
    """`__main__` of a folder or an archive."""
    spec = importlib.machinery.PathFinder.find_spec("__main__", [folder])
    if spec is None:
        raise NoProgramError(f"can't find '__main__' module in {folder!r}", 1)
    return _of_spec(spec)


def _module(name: str) -> tuple[CodeType, Names]:
    """A module's code, or a package's `__main__`; it is `sys.argv[0]` too."""
    spec = _spec(name)
    if spec.submodule_search_locations is not None:
        spec = _spec(f"{name}.__main__")
    sys.argv[0] = str(spec.origin)
    return _of_spec(spec)


def _spec(name: str) -> importlib.machinery.ModuleSpec:
    try:
        found = find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        found = None
    if found is None:
        raise NoProgramError(f"No module named {name}", 1)
    return found


def _of_spec(spec: importlib.machinery.ModuleSpec) -> tuple[CodeType, Names]:
    """What a specification tells of `__main__`. Raises NoProgramError for what has no code."""
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(spec.name) if get_code is not None else None
    if code is None:
        raise NoProgramError(f"No code object available for {spec.name}", 1)
    names = {"__file__": spec.origin, "__cached__": spec.cached, "__package__": spec.parent}
    return code, {"__loader__": spec.loader, "__spec__": spec, **names}


def _shown(error: BaseException) -> int:
    """Let the program's own hook print what it raised; Python's prints a traceback."""
    error = error.with_traceback(_others(error.__traceback__))
    sys.excepthook(type(error), error, error.__traceback__)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _others(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this folder."""
    kept = []
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
            kept.append(trace)
        trace = trace.tb_next
    for entry in reversed(kept):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return trace
