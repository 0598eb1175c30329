"""Dask and Cubed with our arrays as chunks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

Job = Callable[[Any], Any]
ROOT = Path(__file__).resolve().parent.parent.parent

JOBS: dict[str, Job] = {
    "elementwise": lambda a: (a + 1) * a - 2,
    "numpy ufunc of blocks": lambda a: abs(-a) ** 2,
    "comparison": lambda a: a > 5,
    "sum": lambda a: a.sum(axis=0),
    "mean": lambda a: a.mean(),
    "std": lambda a: a.std(axis=1),
    "min and max": lambda a: a.max(axis=0) - a.min(axis=0),
    "argmax": lambda a: a.argmax(axis=1),
    "any and all": lambda a: (a > 3).any(axis=1) & (a < 90).all(),
    "cumsum": lambda a: a.cumsum(axis=0),
    "transpose": lambda a: a.T,
    "reshape": lambda a: a.reshape((48,)),
    "slice": lambda a: a[1:5, ::2],
    "reversed": lambda a: a[::-1],
    "one row": lambda a: a[2],
    "integer array": lambda a: a[[5, 0, 3]],
    "matmul": lambda a: a @ a.T,
    "astype": lambda a: a.astype("float32"),
    "rechunk": lambda a: a.rechunk((3, 4)) + 1,
    "map_blocks": lambda a: a.map_blocks(lambda block: block * 3, dtype=a.dtype),
    "reduction of a chain": lambda a: ((a - a.mean(axis=0)) / (a.std(axis=0) + 1)).sum(),
}


def table(xp: Any) -> Any:
    return xp.reshape(xp.arange(48.0), (6, 8)) % 7


@pytest.mark.parametrize("name", list(JOBS))
def test_dask_with_our_blocks(name: str, xp: ModuleType, same: Same) -> None:
    dask = pytest.importorskip("dask.array")
    ours = JOBS[name](dask.from_array(table(xp), chunks=(2, 4), asarray=False))
    numpys = JOBS[name](dask.from_array(table(np), chunks=(2, 4)))
    assert ours.dtype == numpys.dtype
    # Dask itself joins blocks of a type it doesn't know into an array of NumPy's.
    wanted = numpys.compute(scheduler="synchronous")
    same(ours.compute(scheduler="synchronous"), wanted, ours=False)


def test_dask_computes_blocks_as_ours(xp: ModuleType) -> None:
    dask = pytest.importorskip("dask.array")
    a = dask.from_array(table(xp), chunks=(2, 4), asarray=False)
    block = (abs(a * 2 - 1) > 3).T[1:, :].blocks[0, 0].compute(scheduler="synchronous")
    assert type(block) is type(xp.asarray(0.0))


def test_dask_threads(xp: ModuleType, same: Same) -> None:
    dask = pytest.importorskip("dask.array")
    a = dask.from_array(table(xp), chunks=(1, 2), asarray=False)
    total = ((a * 2).sum(axis=1) + a.mean()).compute(scheduler="threads", num_workers=4)
    same(total, (table(np) * 2).sum(axis=1) + table(np).mean(), ours=False)


CUBED_JOB = """
import json, sys
import numpy as np, cubed, cubed.array_api as xp
from cubed.backend_array_api import namespace
spec = cubed.Spec(work_dir=sys.argv[1], allowed_mem="200MB")
data = np.arange(48.0).reshape(6, 8) % 7
a = xp.asarray(data, chunks=(2, 4), spec=spec)
results = {
    "elementwise": xp.exp(-a) * 2 + a,
    "sum": xp.sum(a, axis=0),
    "mean": xp.mean(a),
    "max": xp.max(a, axis=1),
    "argmax": xp.argmax(a, axis=1),
    "where": xp.where(a > 3, a, xp.negative(a)),
    "matmul": a @ a.T,
    "transpose": xp.permute_dims(a, (1, 0)),
    "concat": xp.concat([a, a], axis=0),
    "slice": a[1:5, 2:7],
    "standardised": (a - xp.mean(a, axis=0)) / (xp.max(a, axis=0) + 1),
    "int8": xp.sum(xp.astype(a, xp.int8)),
}
blocks = cubed.map_blocks(lambda block: block if isinstance(block, type(namespace.asarray(0.0)))
                          else 1 / 0, a, dtype=a.dtype)
results["blocks are the backend's"] = blocks
print(json.dumps({name: np.asarray(r.compute()).tolist() for name, r in results.items()}))
"""


def cubed_results(backend: str, folder: Path) -> dict[str, Any]:
    """Cubed reads its backend from the environment when it is imported: a process for each."""
    environment = {**os.environ, "CUBED_BACKEND_ARRAY_API_MODULE": backend}
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    command = [sys.executable, "-c", CUBED_JOB, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_cubed(xp: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("cubed")
    ours, numpys = cubed_results(xp.__name__, tmp_path), cubed_results("numpy", tmp_path)
    assert list(ours) == list(numpys)
    for name, wanted in numpys.items():
        np.testing.assert_allclose(ours[name], wanted, rtol=1e-12, err_msg=name)
