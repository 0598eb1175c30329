"""All verbs: help, exit codes, plain text in a pipe."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lazytensor
from lazytensor.cli import VERBS, demo, info, main

from .conftest import ROOT, Run
from .test_conformance import fake_suite


@pytest.mark.parametrize("words", [["--help"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: lazytensor")
    assert done.stderr == ""


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"lazytensor {lazytensor.__version__}\n"


@pytest.mark.parametrize(
    "words",
    [[], ["nothing"], ["info", "more"], ["explain"], ["conformance", "--max-examples", "0"]],
    ids=" ".join,
)
def test_a_wrong_command_line(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "usage: lazytensor" in done.stderr


def test_main_returns_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    assert "array API standard" in capsys.readouterr().out


def narrow(text: str, width: int) -> bool:
    """No control codes, and no line of prose that is wider; code keeps its lines."""
    code = (" ", "def", "kernel", "plan")
    prose = [line for line in text.splitlines() if not line.startswith(code)]
    return "\x1b" not in text and max(map(len, prose)) <= width


def test_plain_text_within_the_width_in_a_pipe(run: Run) -> None:
    done = run("info", COLUMNS="70", LAZYTENSOR_CACHE_DIR="kept")
    assert (done.returncode, done.stderr) == (0, "")
    assert narrow(done.stdout, 70)


def test_a_pipe_without_unicode(run: Run) -> None:
    done = run("info", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away() -> None:
    command = f"exec {sys.executable} -m lazytensor demo"
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) != 0
    assert process.stderr.read() == b""
    process.stderr.close()


def in_a_terminal(*words: str) -> str:
    """What a command writes to a terminal of 60 columns."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    variables = os.environ | {"COLUMNS": "60", "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    variables.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "lazytensor", *words]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=variables)
    os.close(theirs)
    parts = []
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(ours, 4096):
            parts.append(part)
    os.close(ours)
    assert process.wait(60) == 0
    return b"".join(parts).decode()


def test_colours_in_a_terminal() -> None:
    text = in_a_terminal("explain", "-c", "import lazytensor as xp; print(xp.ones(3) + 1)")
    assert "\x1b[" in text
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "g.add(" in plain


def test_a_bar_in_a_terminal(tmp_path: Path) -> None:
    folder = fake_suite(tmp_path / "suite", test_one="def test_one(): pass")
    report = str(tmp_path / "report.md")
    text = in_a_terminal("conformance", "--suite", str(folder), "--report", report)
    assert "1/1" in text
    assert "━" in text


# info


def test_info_says_what_is_here(run: Run) -> None:
    done = run("info", LAZYTENSOR_NUM_THREADS="3", LAZYTENSOR_CPU_DEVICES="2")
    assert done.returncode == 0
    for text in (
        "array API standard",
        "numpy, null",
        "cpu, cpu:1",
        "cache folder",
        "BLAS of NumPy",
    ):
        assert text in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert lines["num_threads"].split()[1:3] == ["3", "LAZYTENSOR_NUM_THREADS"]
    assert lines["execution"].split()[1:3] == ["'auto'", "default"]


def test_info_says_how_to_get_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(info, "find_spec", lambda name: None if name in ("xdist", "rich") else name)
    assert main(["info"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "missing: pytest-xdist (conformance --jobs): pip install 'lazytensor[test]'" in out
    assert "missing: rich (this program's tables and bars): pip install rich" in out
    assert out.count("missing:") == 2


def test_a_wrong_setting_is_named(run: Run) -> None:
    done = run("info", LAZYTENSOR_TARGET="abacus")
    assert done.returncode == 2
    assert "LAZYTENSOR_TARGET='abacus'" in done.stderr
    assert "Traceback" not in done.stderr


# demo


@pytest.fixture(scope="module")
def tour() -> subprocess.CompletedProcess[str]:
    """The demo in a pipe of 70 columns."""
    variables = os.environ | {"COLUMNS": "70", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lazytensor", "demo"]
    return subprocess.run(
        command, env=variables, capture_output=True, encoding="utf-8", timeout=120
    )


def test_demo_shows_graph_kernels_times_and_accuracy(
    tour: subprocess.CompletedProcess[str],
) -> None:
    assert (tour.returncode, tour.stderr) == (0, "")
    for text in ("def graph(x0", "kernel k0(", "NumPy", "speed", "variance"):
        assert text in tour.stdout
    right = re.findall(r"Right: ([0-9.]+)%", tour.stdout)
    assert [float(share) > 85 for share in right] == [True, True]


def test_demo_is_plain_text_within_the_width(tour: subprocess.CompletedProcess[str]) -> None:
    assert narrow(tour.stdout, 70)


def test_demo_gives_the_same_answers_each_time(
    tour: subprocess.CompletedProcess[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr(demo, "REPEATS", 1)
    assert main(["demo"]) == 0
    first, second = (
        text.split("The same code on")[0] for text in (tour.stdout, capsys.readouterr().out)
    )
    pattern = r"\d+ kernels? compiled"
    assert re.sub(pattern, "", first) == re.sub(pattern, "", second)
