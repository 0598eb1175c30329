"""explain: names the user's line, shows a graph that runs, and what was computed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Run

PROGRAM = """\
import lazytensor as xp

x = xp.arange(12.0)
y = xp.exp(x) * 2.0 + x

print(float(xp.sum(y)))
if bool(xp.any(y > 3)):
    print(xp.max(y))
"""


def test_a_file(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "here" / "program.py"
    program.write_text(PROGRAM)
    done = run("explain", program.name)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^(\d)\. asked for at program\.py:(\d+)$", done.stdout, re.MULTILINE) == [
        ("1", "6"), ("2", "7"), ("3", "8"),
    ]  # fmt: skip
    for text in (
        "float(xp.sum(y))",
        "def graph(",
        "g.exp(",
        "plan(",
        "In all",
        "asked for 3 times",
    ):
        assert text in done.stdout
    assert done.stdout.count("g.exp(") == 1, "the second time exp's result is there"


def test_a_string(run: Run) -> None:
    done = run("explain", "-c", "import lazytensor as xp\nprint(xp.ones(3) + 1)")
    assert done.returncode == 0
    assert "1. asked for at <string>:2" in done.stdout
    assert "print(xp.ones(3) + 1)" in done.stdout


def test_compiled_with_sources(run: Run) -> None:
    code = "import lazytensor as xp; x = xp.ones((4, 5)); print(xp.exp(x) + x)"
    call = ("explain", "-c", code, "--execution", "compile", "--source")
    done = run(*call, LAZYTENSOR_TARGET="numpy")
    assert done.returncode == 0
    for text in ("kernel k0(", "the plan:", "def kernel(", "1 kernel compiled, 1 kernel run"):
        assert text in done.stdout


def test_sources_of_the_native_target(run: Run) -> None:
    pytest.importorskip("llvmlite")
    code = "import lazytensor as xp; x = xp.ones((4, 5)); print(xp.exp(x) + x)"
    done = run("explain", "-c", code, "--execution", "compile", "--source")
    assert done.returncode == 0
    assert "define i64 @kernel" in done.stdout


def test_nothing_asked_for(run: Run) -> None:
    done = run("explain", "-c", "import lazytensor as xp; x = xp.ones(3) + 1")
    assert done.returncode == 0
    assert "No value was asked for" in done.stdout


def test_the_user_s_line_behind_another_package(run: Run) -> None:
    code = "import lazytensor as xp, numpy as np\nx = xp.ones(3)\nnp.testing.assert_allclose(x, 1)"
    done = run("explain", "-c", code)
    assert done.returncode == 0
    assert "asked for at <string>:3" in done.stdout
    assert re.search(r"^by .*numpy.*:\d+$", done.stdout, re.MULTILINE)


def test_long_graphs_are_cut_unless_asked_for(run: Run) -> None:
    code = "import lazytensor as xp; x = xp.ones(3)\nfor _ in range(100): x = xp.sin(x)\nprint(x)"
    short, whole = run("explain", "-c", code), run("explain", "-c", code, "--all")
    assert "lines more; --all shows them" in short.stdout
    assert whole.stdout.count("g.sin(") == 100


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise ValueError('on purpose')", 1),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit()", 0),
    ],
)
def test_the_program_s_own_end(run: Run, code: str, status: int) -> None:
    done = run("explain", "-c", code)
    assert done.returncode == status
    assert "In all" in done.stdout
    if status == 1:
        assert 'File "<string>", line 1' in done.stderr
        assert "explain.py" not in done.stderr


@pytest.mark.parametrize("words", [["nowhere.py"], ["-c", "x ="]], ids=" ".join)
def test_what_can_not_be_run(run: Run, words: list[str]) -> None:
    done = run("explain", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("lazytensor: ")
    assert "Traceback" not in done.stderr


def test_the_program_s_arguments(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "here" / "program.py"
    program.write_text("import sys; print(sys.argv[1:], __name__)")
    assert "['a', 'b'] __main__" in run("explain", program.name, "a", "b").stdout
    assert (
        "['--source', '3'] __main__" in run("explain", program.name, "--", "--source", "3").stdout
    )
