"""`benchmarks/gpu` runs, and is held against NumPy, where a stand-in takes the place of GPUs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cpu import run as cpu_run
from benchmarks.cpu.candidates import Candidate
from benchmarks.gpu import report, requirements, table, worker
from lazytensor._base import config

from .stand_in import standing_in

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
ROWS = {row.name: row for row in table.ROWS}
OURS = ["lazytensor", "lazytensor.jit"]
WORK = {"rounds": 2, "small": 100_000, "clock": "wall"}
ROOT = Path(__file__).parents[2]
SITE = """
from cuda_c.stand_in import StandIn
from lazytensor.runtime import gpus
gpus.use(StandIn(count=1))
"""


@pytest.fixture
def device() -> Iterator[None]:
    with standing_in(count=1), config.context(default_device="cuda:0"):
        yield


@pytest.mark.parametrize(
    "name", ["fma4_64M", "softmax_8192x8192", "sum_cols_16384x4096", "mm_gelu_4096", "mlp_step"]
)
def test_rows(device: None, name: str) -> None:
    found = worker.one(ROWS[name], OURS, WORK)
    assert found["speeds"]["copy"]["median"] > 0 and found["bytes"] > 0
    assert set(found["found"]) == set(OURS)
    for each in found["found"].values():
        assert each["ok"] and len(each["samples"]) == WORK["rounds"]


def test_strides(device: None) -> None:
    """Results are compared at every so many-th place, and wrong ones are found there."""
    contest = worker.DeviceContest(ROWS["layernorm_16384x4096"], {**WORK, "small": 1024})
    assert contest.stride == 1
    contest.work["small"] = 1
    assert contest.stride == 61
    contest = _strided(ROWS["gelu_64M"])
    contest.prepare("lazytensor")
    assert contest.found["lazytensor"]["ok"]
    candidate, inputs, _ = contest.ready["lazytensor"]
    wrong = candidate.call(*inputs[0]) * 1.01
    assert contest.error(wrong, 0) > contest.row.tolerance


def _strided(row: table.Row) -> Any:
    """A contest of small inputs whose results are compared by the row's stride."""

    class Strided(worker.DeviceContest):
        stride = row.stride

    return Strided(row, {**WORK, "small": 1 << 16})


def test_waits_are_in_the_samples(device: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample ends when results are there: calls alone may end before."""
    contest = worker.DeviceContest(ROWS["gelu_64M"], WORK)
    events: list[str] = []
    candidate = Candidate(lambda x: events.append("call"), wait=lambda _: events.append("wait"))
    contest.ready["some"] = candidate, [(None,)] * 3, 4
    contest.sample("some")
    assert events == ["call", "wait", *["call"] * 4, "wait"]


def test_verdicts() -> None:
    def row(kind: str, **seconds: float) -> dict[str, Any]:
        found = {n.replace("_", "."): {"ok": True, "median": s} for n, s in seconds.items()}
        speeds = {"copy": {"median": 3e12}}
        return {"kind": kind, "bytes": 3e9, "flops": 0, "speeds": speeds, "found": found}

    rows = {
        "fma4_64M": row("memory", lazytensor_jit=1.02e-3),
        "gelu_64M": row("memory", lazytensor=1.04e-3),
        "matmul_4096": row("matrix", lazytensor=2.7e-3, torch=2.69e-3, cupy=3e-3),
        "mlp_step_tf32": row("step", lazytensor_jit=4.5e-5, jax_jit=4e-5),
        "gpt_step_tf32": row("step", lazytensor_jit=4e-3, jax_jit=5e-3),
    }
    line = {"row": "mlp_step", "candidate": "lazytensor.jit", "cold": {"cost": 0.8}}
    line["cold"]["compilations"], line["warm"] = 9, {"compilations": 1, "cost": 0.1}  # type: ignore[index]
    found = {"rows": rows, "fresh": [line]}
    lines = requirements.verdicts(found, requirements.figures(found))
    assert [holds for _, _, holds in lines] == [True, False, True, True, False, True, False]


def test_the_command(tmp_path: Path) -> None:
    """The whole of it, in processes of its own: rows, new processes, reports."""
    (tmp_path / "sitecustomize.py").write_text(SITE)
    path = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-m", "benchmarks.gpu", "--small", "100000", "--rounds", "2"]
    command += ["--peers", "none", "--rows", "gelu_64M", "matmul_4096", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "report.json").read_text())
    assert list(found["rows"]) == ["gelu_64M", "matmul_4096"]
    assert not report.failures(found) and "StandIn" in found["versions"]["device"]
    counts = [[f[s]["compilations"] for s in ("cold", "warm")] for f in found["fresh"]]
    assert len(counts) == 2 and all(cold > 0 == warm for cold, warm in counts)
    assert "a second process compiles nothing" in (tmp_path / "report.md").read_text()


def test_peers_are_left_out_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from benchmarks.gpu.run import DeviceRun

    monkeypatch.setattr(cpu_run, "absent", lambda name, package: None)
    run = DeviceRun(SimpleNamespace(peers=["torch"], rows=["mlp*"], budget=0, out=None))
    assert run._left()[0][0] == "mlp_step" and "torch" not in run._left()[0][1]
    assert run.out == {("mlp_step", "torch"): "no time left"}
