"""What the tests of the commands share: a way to run them as a user does, in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(*words, **environment)``: the command in an empty folder, with its output."""
    folder = tmp_path / "here"
    folder.mkdir()

    def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {
            k: v for k, v in os.environ.items() if not k.startswith(("LAZYTENSOR_", "ARRAY_API"))
        }
        variables |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
        return subprocess.run(
            [sys.executable, "-m", "lazytensor", *words], cwd=folder, env=variables | environment,
            capture_output=True, text=True, encoding="utf-8", timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return command
