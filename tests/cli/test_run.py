"""`lazytensor run`: a program sees what `python` shows it, but for the torch that it finds."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lazytensor.cli.alias.torch import Finder
from lazytensor.cli.run import ALIAS, divide

from .conftest import ROOT, Run

FACTS = """
import json, sys
main = sys.modules["__main__"]
assert vars(main) is globals()
path = [entry for entry in sys.path if not entry.endswith("alias")]
names = {k: repr(v).split(" at 0x")[0] for k, v in vars(main).items() if k.startswith("__")}
print(json.dumps([sys.argv, path, names]))
"""
# A program that hands objects of a class of its own to processes, and tells what torch is there.
PROCESSES = """
import multiprocessing, sys
import torch
class Task:
    def __init__(self, number):
        self.number = number
    def __call__(self):
        import torch.nn.functional
        import lazytensor.torch
        same = torch is lazytensor.torch and torch.nn is lazytensor.torch.nn
        return self.number * 2, same, type(self).__module__.strip("_"), sys.argv[1:]
def call(task):
    return task()
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(1) as pool:
        print(pool.map(call, [Task(2), Task(3)]))
"""
ASKS = "import torch, lazytensor.torch; print(torch is lazytensor.torch)"


def python(*words: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """What the interpreter itself does."""
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    variables |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=variables, input=stdin, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip


@pytest.fixture
def here(run: Run, tmp_path: Path) -> Path:
    """The folder in which `run` starts, with a program in every form that Python takes."""
    folder = tmp_path / "here"
    (folder / "package").mkdir()
    (folder / "program.py").write_text(FACTS)
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "__main__.py").write_text(FACTS)
    (folder / "package" / "inner.py").write_text(FACTS)
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", FACTS)
    return folder


WAYS = [
    ["program.py"], ["./package/inner.py"], ["-m", "program"], ["-m", "package"],
    ["-m", "package.inner"], ["package"], ["./package/"], ["archive.zip"], ["-c", FACTS],
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way)[:20].strip())
@pytest.mark.parametrize("arguments", [[], ["a", "--help", "-m", "--", "-c", "b c"]], ids=len)
def test_a_program_sees_what_python_shows(
    run: Run, here: Path, way: list[str], arguments: list[str]
) -> None:
    python(*way, cwd=here)  # the first run writes compiled files
    expected = python(*way, *arguments, cwd=here)
    found = run("run", *way, *arguments)
    assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr) == (0, "")
    assert json.loads(found.stdout) == json.loads(expected.stdout)


def test_standard_input_is_a_program(here: Path) -> None:
    found = python("-m", "lazytensor", "run", "-", "a", cwd=here, stdin=FACTS)
    expected = python("-", "a", cwd=here, stdin=FACTS)
    assert json.loads(found.stdout) == json.loads(expected.stdout)


ENDS = [
    "import sys; sys.exit(3)", "raise SystemExit('told')", "raise SystemExit", "1 / 0",
    "def f():\n    raise KeyError('x')\ntry:\n    f()\nexcept KeyError as e:\n    raise OSError()",
    "x = (", "import nothing.at.all", "def f():\n    f()\nf()",
    "import sys\nsys.excepthook = lambda *a: print(a[0], a[1], a[1].__traceback__ is a[2])\n[][1]",
    "import atexit\nx = 1\natexit.register(lambda: print(x))",
    "import threading, time\nthreading.Timer(0.1, lambda: print('end')).start()",
]  # fmt: skip


def rough(line: str) -> str:
    """A line without how deep a recursion went: our own frames take a few of its thousand."""
    return re.sub(r"repeated \d+ more", "repeated", line)


@pytest.mark.parametrize("text", ENDS)
def test_a_program_ends_as_under_python(run: Run, here: Path, text: str) -> None:
    (here / "ends.py").write_text(text)
    for way in (["ends.py"], ["-m", "ends"], ["-c", text]):
        expected, found = python(*way, cwd=here), run("run", *way)
        assert (found.returncode, found.stdout) == (expected.returncode, expected.stdout)
        # Under `-m` Python leaves frames of its own in the traceback.
        told = [line for line in expected.stderr.splitlines() if "<frozen runpy>" not in line]
        assert [rough(line) for line in found.stderr.splitlines()] == list(map(rough, told))


def test_an_interrupted_program(run: Run) -> None:
    done = run("run", "-c", "raise KeyboardInterrupt")
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "Traceback (most recent call last):", '  File "<string>", line 1, in <module>',
        "KeyboardInterrupt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["absent.py"], 2, "can't open file"),
        (["-m", "absent"], 1, "No module named absent"),
        (["-m", "absent.inner"], 1, "No module named absent.inner"),
        (["-m", "package.absent"], 1, "No module named package.absent"),
        (["-m", "sys"], 1, "No code object available for sys"),
        (["."], 1, "can't find '__main__' module"),
        ([], 2, "usage: lazytensor run"),
        (["--wrong"], 2, "usage: lazytensor run"),
    ],
    ids=str,
)
def test_nothing_to_run(run: Run, here: Path, words: list[str], code: int, text: str) -> None:
    done = run("run", *words)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (["x.py", "-m", "y"], 1), (["-m", "x", "y"], 2), (["-mx", "y"], 1), (["-c", "x"], 2),
        (["-cx", "-c"], 1), (["-", "--help"], 1), (["--help"], 1), ([], 0),
    ],
    ids=str,
)  # fmt: skip
def test_the_program_keeps_its_own_words(words: list[str], own: int) -> None:
    assert divide(words) == (words[:own], words[own:])


SAME = """
import importlib, importlib.util, sys
import torch.nn.functional as F
import torch.nn as nn, torch
from torch.utils.data import DataLoader
from torch import optim
import lazytensor.torch
assert torch is lazytensor.torch
for name in ("nn", "nn.functional", "utils.data", "optim", "optim.lr_scheduler"):
    module = importlib.import_module(f"torch.{name}")
    assert module is importlib.import_module(f"lazytensor.torch.{name}"), name
    assert module is sys.modules[f"torch.{name}"]
    assert module.__spec__.name == module.__name__ == f"lazytensor.torch.{name}"
    assert importlib.util.find_spec(f"torch.{name}") is not None
assert torch.__spec__.name == "lazytensor.torch"
files = [m.__file__ for m in set(sys.modules.values()) if getattr(m, "__file__", None)]
assert len(files) == len(set(files))
print(torch.__version__)
"""


def test_one_module_under_both_names(run: Run) -> None:
    done = run("run", "-c", SAME)
    assert (done.returncode, done.stderr) == (0, "")
    folder = next(Path(ALIAS).glob("torch-*.dist-info"))
    version = importlib.metadata.PathDistribution(folder).version
    assert done.stdout.strip() == version
    assert folder.name == f"torch-{version}.dist-info"
    assert version.startswith("2.13.0+")


def test_inquiries(run: Run) -> None:
    text = """
import importlib.metadata, importlib.util, sys
print(importlib.util.find_spec("torch") is not None, "torch" in sys.modules)
print(importlib.util.find_spec("torch.absent"), importlib.util.find_spec("torchabsent"))
print(importlib.metadata.version("torch").partition("+")[0])
"""
    done = run("run", "-c", text)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["True", "False", "None", "None", "2.13.0"]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import torch.absent", "torch.absent"),
        ("import torch.absent.more", "torch.absent"),
        ("from torch.absent import x", "torch.absent"),
        ("from torch import absent", "torch.absent"),
        ("from torch.nn import Absent", "torch.nn.Absent"),
    ],
)
def test_what_is_lacking_is_named(run: Run, statement: str, name: str) -> None:
    done = run("run", "-c", statement)
    assert done.returncode == 1
    *frames, last = done.stderr.splitlines()
    assert frames == [
        "Traceback (most recent call last):",
        '  File "<string>", line 1, in <module>',
    ]
    start = f"ModuleNotFoundError: No module named '{name}': lazytensor.torch has no such part"
    assert last == f"{start} (docs/torch_coverage.md lists what it has)"


def test_other_packages_are_found_as_ever() -> None:
    assert Finder().find_spec("json") is None
    assert Finder().find_spec("torchvision") is None


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("way", [["tasks.py"], ["-m", "tasks"]], ids=" ".join)
def test_processes_of_every_kind(run: Run, here: Path, method: str, way: list[str]) -> None:
    (here / "tasks.py").write_text(PROCESSES)
    done = run("run", *way, method)
    assert done.stderr == ""
    name = "main" if method == "fork" else "mp_main"
    assert done.stdout.strip() == str([(n, True, name, [method]) for n in (4, 6)])


@pytest.mark.parametrize(
    "call",
    [
        "subprocess.run([sys.executable, '-c', ASKS], check=True)",
        "subprocess.run([sys.executable, '-c', ASKS], check=True, cwd='/')",
        "subprocess.run(['sh', '-c', f'{sys.executable} asks.py'], check=True)",
        "subprocess.run([sys.executable, 'again.py'], check=True)",
        "sys.stdout.flush(), os.execv(sys.executable, [sys.executable, 'asks.py'])",
        "runpy.run_path('asks.py', run_name='__main__')",
        "exec(ASKS)",
    ],
)
def test_interpreters_that_a_program_starts(run: Run, here: Path, call: str) -> None:
    (here / "asks.py").write_text(ASKS)
    (here / "again.py").write_text(
        "import subprocess, sys; subprocess.run([sys.executable, 'asks.py'])"
    )
    text = f"import os, runpy, subprocess, sys\nASKS = {ASKS!r}\n{call}"
    done = run("run", "-c", text)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_package_that_only_the_working_folder_leads_to(here: Path) -> None:
    """As in a checkout: sys.path[0], which led to us, becomes the program's folder."""
    (here / "tasks.py").write_text(PROCESSES)
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for method in ("fork", "spawn", "forkserver"):
        done = subprocess.run(
            [sys.executable, "-m", "lazytensor", "run", str(here / "tasks.py"), method],
            cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.stderr == ""
        assert done.stdout.count("True") == 2


def test_an_isolated_interpreter(here: Path) -> None:
    """With -P, nothing is put in front of sys.path; processes are told of the flag."""
    (here / "tasks.py").write_text(PROCESSES)
    for flag in ("-P", "-s"):
        done = python(flag, "-m", "lazytensor", "run", "tasks.py", "spawn", cwd=here)
        assert done.stderr == ""
        assert done.stdout.count("True") == 2


def test_a_program_may_change_sys_path(run: Run, here: Path) -> None:
    """A folder with another torch, put in front, does not win."""
    (here / "other").mkdir()
    (here / "other" / "torch.py").write_text("raise RuntimeError('the wrong one')")
    done = run("run", "-c", f"import sys; sys.path.insert(0, 'other'); {ASKS}")
    assert (done.stdout, done.stderr) == ("True\n", "")
