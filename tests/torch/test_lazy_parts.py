"""Parts of the package that are loaded when first named: whole however they are reached."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAMS = {
    "saved": """
        import io, lazytensor.torch as torch
        file = io.BytesIO()
        torch.save({"a": torch.ones(3), "b": torch.nn.Linear(2, 2).state_dict()}, file)
        file.seek(0)
        assert torch.load(file)["a"].tolist() == [1, 1, 1]
    """,
    "the module of files itself": """
        import io
        import lazytensor.torch.serialization as files
        import lazytensor.torch as torch
        file = io.BytesIO()
        files.save(torch.ones(3), file)
        file.seek(0)
        assert files.load(file).tolist() == [1, 1, 1]
    """,
    "pickled": """
        import pickle, lazytensor.torch as torch
        assert pickle.loads(pickle.dumps(torch.ones(2))).tolist() == [1, 1]
    """,
    "named from the package": """
        from lazytensor.torch import nn, optim, jit, testing, utils, save, load
        import lazytensor.torch as torch
        assert torch.nn is nn and torch.optim is optim and torch.save is save
    """,
    "all names": """
        from lazytensor.torch import *
        nn.Linear, optim.SGD, save, load
    """,
    "not loaded before": """
        import sys, lazytensor.torch as torch
        parts = ("nn.modules", "optim", "serialization", "utils.data")
        assert not [p for p in parts if f"lazytensor.torch.{p}" in sys.modules]
        assert {"nn", "optim", "save", "load"} <= set(dir(torch))
    """,
    "CuPy is not asked without a driver": """
        import ctypes, sys, lazytensor.torch as torch
        def refuse(*args, **options): raise OSError(args)
        ctypes.CDLL = refuse
        w = torch.nn.Parameter(torch.ones(3))
        step = torch.optim.SGD([w], lr=0.5).step
        w.sum().backward(), step()
        assert w.tolist() == [0.5] * 3 and torch.cuda.device_count() == 0
        assert sys.platform != "linux" or "cupy" not in sys.modules
    """,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_parts_are_there_when_they_are_named(program: str) -> None:
    lines = [line.strip() for line in PROGRAMS[program].strip().splitlines()]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
