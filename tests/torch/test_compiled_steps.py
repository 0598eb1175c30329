"""What goes on working under `torch.compile(step)`: the user's Python runs at every call, plans are
replayed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor.runtime.counters import counting

STEPS = 12


def data(k: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(k)
    x = torch.tensor(rng.standard_normal((64, 40)), dtype=torch.float32)
    return x, torch.tensor(rng.integers(0, 5, 64))


class Net(torch.nn.Module):
    """A layer, dropout without chance, a layer; other steps are for evaluation."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = torch.nn.Linear(40, 80), torch.nn.Linear(80, 5)
        self.modes: list[bool] = []

    def forward(self, x: Any) -> Any:
        h = torch.relu(self.one(x))
        self.modes.append(self.training)
        return self.two(h * 2.0 if self.training else h)


def plain(f: Callable[..., Any]) -> Callable[..., Any]:
    return f


def trained(compile_: Callable[..., Any]) -> dict[str, Any]:
    """A script with a schedule, a mode that changes, a counter, and a list that grows."""
    model, calls, losses = Net(), [0], []
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    rates = []

    def step(x: Any, labels: Any) -> Any:
        calls[0] += 1
        if calls[0] % 5 == 0:
            model.eval()
        else:
            model.train()
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        losses.append(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
        return loss.detach()

    run = compile_(step)
    returned = [run(*data(k)).item() for k in range(STEPS)]
    return {
        "calls": calls[0], "modes": model.modes, "rates": rates, "returned": returned,
        "losses": [x.item() for x in losses],
        "parameters": [p.numpy(force=True).tobytes() for p in model.parameters()],
    }  # fmt: skip


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    return trained(torch.compile)


def test_a_schedule(compiled: dict[str, Any]) -> None:
    assert compiled["rates"] == [0.1 * 0.5 ** ((k + 1) // 2) for k in range(STEPS)]
    assert compiled["parameters"] == trained(plain)["parameters"]


def test_training_and_evaluation(compiled: dict[str, Any]) -> None:
    assert compiled["modes"] == [(k + 1) % 5 != 0 for k in range(STEPS)]


def test_a_counter(compiled: dict[str, Any]) -> None:
    assert compiled["calls"] == STEPS


def test_a_list_that_grows(compiled: dict[str, Any]) -> None:
    assert compiled["losses"] == compiled["returned"]
    assert compiled["losses"] == trained(plain)["losses"]


@pytest.mark.parametrize("how", [{}, {"fullgraph": True}, {"mode": "max-autotune"}])
def test_a_rate_that_changes_replays_one_plan(how: dict[str, Any]) -> None:
    model, losses = Net(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    @torch.compile(**how)
    def step(x: Any, labels: Any) -> None:
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())

    for k in range(STEPS):
        with counting() as done:
            step(*data(k))
        schedule.step()
        if k > 8:
            assert (done.plans, done.compilations, done.graphs) == (0, 0, 1)
    assert len({x.item() for x in losses}) == STEPS
