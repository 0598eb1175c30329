"""The examples, from the same seed with both libraries: the same curves, and the same text."""

from __future__ import annotations

import ast
import importlib
import math
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.torch.running import ROOT, apart, printed, run

EXAMPLES = ROOT / "examples"
# Programs and steps. Rounding grows in `digits.py`: after 100 steps PyTorch's own code for AVX2 and
# for AVX-512 are 0.3 % apart.
STEPS = {"tutorial.py": 100, "digits.py": 50, "characters.py": 100}
PROGRAMS = tuple(STEPS)
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch to compare with")


OWN = pytest.mark.cpu("a process of its own, where tensors are on the CPU")


@OWN
@needs_torch
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_same_curve_and_text(program: str, seed: int, tmp_path: Path) -> None:
    words = (str(EXAMPLES / program), "--steps", str(STEPS[program]), "--seed", str(seed))
    ours, theirs = (printed(*words, cwd=tmp_path, ours=ours) for ours in (True, False))
    assert len(ours.losses) == STEPS[program]
    assert apart(ours.losses, theirs.losses) <= 1e-4
    assert ours.losses[-1] < 0.8 * ours.losses[0]
    assert ours.rest == theirs.rest


@pytest.mark.parametrize("program", ["tutorial.py", "characters.py"])
def test_wherever_tensors_are(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, on the default device: a curve, and a model that writes few letters."""
    for name in ("torch", "torch.nn", "torch.nn.functional"):
        monkeypatch.setitem(sys.modules, name, importlib.import_module(f"lazytensor.{name}"))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", [program, "--steps", "12"])
    names = runpy.run_path(str(EXAMPLES / program))["main"].__globals__
    if program == "characters.py":
        monkeypatch.setitem(names, "write", lambda *given, f=names["write"]: f(*given[:2], 4))
        names["main"]()
    else:
        names["fit"](12, 0)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    losses = [float(line[3]) for line in lines if line[:1] == ["step"]]
    assert len(losses) == 12 and losses[-1] < 0.9 * losses[0]


@OWN
@pytest.mark.parametrize("program", PROGRAMS)
def test_without_pytorch(program: str, tmp_path: Path) -> None:
    """Nothing of PyTorch is needed, and a picture is made where it was asked for."""
    text = f"""
import runpy, sys
sys.argv[0] = {str(EXAMPLES / program)!r}
sys.path.insert(0, {str(EXAMPLES)!r})
runpy.run_path(sys.argv[0], run_name="__main__")
import torch
assert torch.__name__ == "lazytensor.torch"
files = [str(getattr(module, "__file__", None)) for module in [*sys.modules.values()]]
assert not any("site-packages/torch/" in file for file in files)
"""
    plot = ["--plot", "curve.png"] if find_spec("matplotlib") is not None else []
    done = run("-c", text, "--steps", "3", *plot, cwd=tmp_path, ours=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("step ") == 3
    assert (tmp_path / "curve.png").exists() == bool(plot)


def test_curves_that_differ_would_be_seen() -> None:
    assert apart([1.0, 2.0], [1.0, 2.0]) == 0
    assert apart([1.0, 2.001], [1.0, 2.0]) > 1e-4
    assert apart([1.0], [1.0, 2.0]) == math.inf
    assert apart([1.0, math.nan], [1.0, 2.0]) == math.inf


@pytest.mark.parametrize("program", [*PROGRAMS, "reporting.py"])
def test_an_example_imports_no_more_than_its_readers_have(program: str) -> None:
    tree = ast.parse((EXAMPLES / program).read_text(encoding="utf-8"))
    names = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module)] if isinstance(node, ast.ImportFrom) else node.names)
    }
    assert names - sys.stdlib_module_names <= {"torch", "numpy", "matplotlib", "reporting"}
