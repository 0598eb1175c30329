"""What a training step costs, counted: a steady step makes, plans and computes always the same, and
nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor.ops import ROWS
from lazytensor.runtime.buffers import POOL
from lazytensor.runtime.counters import Counters, counting
from lazytensor.runtime.replayed import AFTER

# Steps that may be unlike those that come after: more on a GPU, where a plan becomes a graph.
WARM = 4 if torch.get_default_device().type == "cpu" else 12
READS = ("never", "before backward", "between backward and step", "after the step")


@pytest.fixture(autouse=True)
def automatic() -> Any:
    """Counts hold for these settings."""
    with config.context(execution="auto", target="numpy", fuse=True, num_threads=1):
        yield


def trainer(read: str, method: str = "SGD", **settings: Any) -> Callable[[], Any]:
    """A training step of a 64-128-10 network that reads its loss at some point, or never."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)]
    model = torch.nn.Sequential(*layers)
    optimizer = getattr(torch.optim, method)(model.parameters(), lr=0.1, **settings)
    loss_of = torch.nn.CrossEntropyLoss()
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal((600, 64), dtype=np.float32))
    y = torch.tensor(rng.integers(0, 10, 600))

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        found = loss.item() if read == READS[1] else None
        loss.backward()
        found = loss.item() if read == READS[2] else found
        optimizer.step()
        return loss.item() if read == READS[3] else found

    return step


def steady(step: Callable[[], Any], warm: int = WARM) -> Counters:
    """What one step does after some."""
    for _ in range(warm):
        step()
    with counting() as done:
        step()
    return done


@pytest.mark.parametrize("read", READS)
def test_a_steady_step_plans_and_compiles_nothing(read: str) -> None:
    done = steady(trainer(read))
    assert (done.plans, done.compilations, done.interpreted) == (0, 0, 0)
    assert done.graphs == (1 if read in (READS[0], READS[3]) else 2)


@pytest.mark.parametrize("read", READS)
def test_steady_steps_are_all_alike(read: str) -> None:
    step = trainer(read)
    assert steady(step) == steady(step, warm=3)


@pytest.mark.cpu("kernels and calls of the host")
def test_a_step_exactly() -> None:
    """The products: two forward, three backward. The other calls: a gather of the scores, one that
    checks the targets, two sums over the batch; the numbers of rows are a constant once the plan is
    written out. Two of the large results are written over a product.
    """
    done = steady(trainer("after the step"), warm=AFTER + 8)
    assert done == Counters(nodes=70, graphs=1, kernels=10, calls=9, bytes=857_488)


@pytest.mark.cpu("what NumPy is asked for")
@pytest.mark.parametrize("read", READS)
def test_nothing_runs_twice_wherever_the_loss_is_read(read: str, monkeypatch: Any) -> None:
    runs: list[Any] = []
    column = ROWS["matmul"].value
    monkeypatch.setattr(
        ROWS["matmul"], "value", lambda np, a, b: runs.append(a.shape) or column(np, a, b)
    )
    step = trainer(read)
    for _ in range(4):
        step()
    runs.clear()
    step()
    assert len(runs) == 5


@pytest.mark.cpu("buffers of the host")
@pytest.mark.parametrize("read", READS)
def test_buffers_are_as_many_after_many_steps(read: str) -> None:
    step = trainer(read)
    used = []
    for _ in range(12):
        step()
        used.append(POOL.held() - POOL.free())
    assert max(used[4:]) == min(used[4:])


@pytest.mark.parametrize(
    ("method", "settings"), [("SGD", {"momentum": 0.9}), ("Adam", {}), ("AdamW", {})]
)
def test_steps_of_optimizers_with_a_memory(method: str, settings: dict[str, Any]) -> None:
    step = trainer("after the step", method, **settings)
    done = steady(step, warm=12)
    assert (done.plans, done.compilations) == (0, 0)
    assert done == steady(step, warm=3)


OPS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "x * 2.0": (1, lambda x, y: x * 2.0),
    "x + y": (1, lambda x, y: x + y),
    "x - y": (1, lambda x, y: x - y),
    "x / y": (1, lambda x, y: x / y),
    "-x": (1, lambda x, y: -x),
    "exp": (1, lambda x, y: x.exp()),
    "relu": (1, lambda x, y: x.relu()),
    "x @ y": (1, lambda x, y: x @ y),
    "sum": (1, lambda x, y: x.sum()),
    "reshape": (1, lambda x, y: x.reshape(9)),
    "transpose": (1, lambda x, y: x.t()),
    "x[1]": (2, lambda x, y: x[1]),
    "in place": (1, lambda x, y: x.mul_(2.0)),
    "linear": (2, lambda x, y: torch.nn.functional.linear(x, y)),
    "norm": (3, lambda x, y: x.norm()),
    "cdist": (6, lambda x, y: torch.cdist(x, y)),
    "cosine_similarity": (16, lambda x, y: torch.cosine_similarity(x, y)),
}


@pytest.mark.parametrize("name", OPS)
def test_nodes_that_an_operation_makes(name: str) -> None:
    count, f = OPS[name]
    x, y = torch.ones(3, 3), torch.full((3, 3), 2.0)
    with counting() as done:
        f(x, y)
    assert done == Counters(nodes=count)


LOSSES: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "nll_loss": (13, torch.nn.functional.nll_loss),
    "cross_entropy": (22, torch.nn.functional.cross_entropy),
    "embedding": (4, lambda x, labels: torch.nn.functional.embedding(labels, x)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_nodes_that_a_loss_of_classes_makes(name: str) -> None:
    count, f = LOSSES[name]
    x, labels = torch.ones(8, 5), torch.arange(8) % 5
    with counting() as done:
        f(x, labels)
    assert done == Counters(nodes=count)


def test_a_chain_of_tiny_operations() -> None:
    """Two nodes a line, and one graph for all of them; twice that and a few with the way back."""
    x = torch.ones(10, requires_grad=True)
    with counting() as done:
        y = x
        for _ in range(100):
            y = y * 1.001 + 0.001
    assert done == Counters(nodes=200)
    with counting() as back:
        y.sum().backward()
        assert x.grad is not None
        x.grad.tolist()
    assert back.graphs == 1
    assert back.nodes == 103
