"""The plugin that puts a suite's arrays on a stand-in: from collection on, on both faces."""

import subprocess
import sys
from pathlib import Path

import pytest

from .harness import compiler

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import pytest

import lazytensor as xp
import lazytensor.torch as torch

x, y = xp.ones(2), torch.ones(2)

def test_there():
    assert x.device == str(y.device) == "cuda:0"
    assert (x + 1).tolist() == (y + 1).tolist() == [2.0, 2.0]

@pytest.mark.cpu("why")
def test_here():
    raise AssertionError
"""


def test_a_suite_on_a_stand_in(tmp_path: Path) -> None:
    compiler()
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE, encoding="utf-8")
    plugins = ("tests.conftest", "tests.cuda_c.default_device", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--rootdir", str(tmp_path)]
    command += [word for name in plugins for word in ("-p", name)]
    done = subprocess.run([*command, str(suite)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout and "speaks of the CPU: why" in done.stdout
