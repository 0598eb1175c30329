"""What is pending stays within a step: loaders hand out computed batches, optimizers compute what
they have changed. Each step is then the graph that the step before was.
"""

from __future__ import annotations

from typing import Any

import pytest

import lazytensor.torch as torch
from lazytensor.runtime.counters import COUNTERS
from lazytensor.torch.utils.data import DataLoader, Dataset, RandomSampler


class Words(Dataset):  # type: ignore[type-arg]
    """Samples on the CPU, written to tensors at places that differ from one to the next."""

    def __len__(self) -> int:
        return 64

    def __getitem__(self, i: int) -> Any:
        x = torch.zeros(8, device="cpu")
        x[i % 5 : i % 5 + 1 + i % 3] = 1.0 + i
        return {"x": x, "y": x.sum()}


METHODS = {
    "SGD": {"momentum": 0.9},
    "Adam": {},
    "RMSprop": {"centered": True},
    "LBFGS": {"max_iter": 2},
}


@pytest.mark.parametrize("method", METHODS)
def test_a_step_leaves_nothing_pending(method: str) -> None:
    layer = torch.nn.Linear(8, 1)
    optimizer = getattr(torch.optim, method)(layer.parameters(), lr=0.1, **METHODS[method])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = layer(torch.ones(3, 8)).pow(2).sum()
        loss.backward()
        return loss

    closure()
    optimizer.step(closure if method == "LBFGS" else None)
    state = [x for of in optimizer.state.values() for x in of.values()]
    left = [x for x in [*layer.parameters(), *state] if isinstance(x, torch.Tensor)]
    assert len(left) > 2
    assert all(x._read().value is not None for x in left)


def test_batches_are_computed_when_they_are_handed_out() -> None:
    for batch in DataLoader(Words(), batch_size=4):
        assert all(x._read().value is not None for x in batch.values())


def test_steps_share_a_plan_though_their_data_are_made_differently() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Linear(8, 6000), torch.nn.Tanh(), torch.nn.Linear(6000, 1))
    optimizer = torch.optim.Adam(layer.parameters())
    before = 0
    there = torch.get_default_device()
    order = torch.Generator(there).manual_seed(0)
    for step, batch in enumerate(DataLoader(Words(), 4, shuffle=True, generator=order)):
        if step == 10:
            before = COUNTERS.plans
        x, y = batch["x"].to(there), batch["y"].to(there)
        loss = (layer(x).squeeze(-1) - y).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert COUNTERS.plans == before


def test_a_sampler_of_very_many_draws_begins_at_once() -> None:
    order = torch.Generator(torch.get_default_device())
    sampler = RandomSampler(range(5), replacement=True, num_samples=10**15, generator=order)
    assert next(iter(sampler)) in range(5)
