"""Optimizers' steps that write new weights over the old ones: whoever looks sees what PyTorch's
semantics say, and the same bits as step by step.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor import config
from lazytensor.runtime import cache, replayed

LEARNT = replayed.AFTER + 4
RNG = np.random.default_rng(1)
X, Y = RNG.standard_normal((2, 32, 128)).astype(np.float32)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with config.context(num_threads=1):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=1e-3),
}


class Training:
    """A small network, and what a script may do beside its steps."""

    def __init__(self, name: str) -> None:
        torch.manual_seed(0)
        layers = torch.nn.Linear(128, 128), torch.nn.Tanh(), torch.nn.Linear(128, 128)
        self.model = torch.nn.Sequential(*layers)
        self.optimizer = OPTIMIZERS[name](self.model.parameters())
        self.x, self.y = torch.from_numpy(X).clone(), torch.from_numpy(Y).clone()
        self.seen: list[Any] = []
        self.average = [p.detach().clone() for p in self.model.parameters()]
        self.kept: Any = None

    def step(self, retain: bool = False) -> Any:
        loss = torch.nn.functional.mse_loss(self.model(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward(retain_graph=retain)
        self.optimizer.step()
        return loss

    def places(self) -> set[int]:
        """Where the first layer's weights are, and what is remembered of them."""
        weight = self.model[0].weight
        known = [weight, *self.optimizer.state[weight].values()]
        return {x._read().value.ctypes.data for x in known if x is not None and x.dim()}


def plainly(training: Training) -> None:
    training.seen.append(training.step().item())


def averaged(training: Training) -> None:
    """A moving average, which is computed at some time."""
    training.seen.append(training.step().item())
    with torch.no_grad():
        for mean, p in zip(training.average, training.model.parameters()):
            mean.mul_(0.5).add_(p, alpha=0.5)


def cloned(training: Training) -> None:
    """Copies from before the step, looked at after it."""
    before = [p.detach().clone() for p in training.model.parameters()]
    training.step()
    training.seen += [p.numpy().tobytes() for p in before]


def shown(training: Training) -> None:
    """An alias from before the step shows what comes after it."""
    alias, flat = training.model[0].weight.detach(), training.model[2].weight.data.view(-1)
    training.step()
    training.seen += [alias.numpy().tobytes(), flat.numpy().tobytes()]


def lent(training: Training) -> None:
    """So does NumPy's array of its memory."""
    array = training.model[0].weight.detach().numpy()
    training.step()
    training.seen.append(array.tobytes())


def computed(training: Training) -> None:
    """What was computed of weights before the step stays as it was."""
    half = training.model[0].weight.detach() * 0.5
    training.step()
    training.seen.append(half.numpy().tobytes())


def retained(training: Training) -> None:
    """A history that goes through the old weights is refused afterwards, as these are gone."""
    loss = training.step(retain=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    training.seen.append(loss.item())


WATCHING = [plainly, averaged, cloned, shown, lent, computed, retained]


@pytest.mark.parametrize(
    ("watch", "name"),
    [(watch, "momentum") for watch in WATCHING] + [(plainly, "SGD"), (plainly, "AdamW")],
)
def test_what_is_seen_is_the_same(watch: Callable[[Training], None], name: str) -> None:
    found = []
    for execution in ("compile", "interpret"):
        with config.context(execution=execution):
            training = Training(name)
            for _ in range(LEARNT):
                plainly(training)
            for _ in range(3):
                watch(training)
            plainly(training)
            for _ in range(LEARNT):
                watch(training)
            plainly(training)
            weights = [p.detach().numpy().tobytes() for p in training.model.parameters()]
            means = [mean.numpy().tobytes() for mean in training.average]
            found.append((training.seen, weights, means))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_stay_where_they_are(name: str) -> None:
    with config.context(execution="compile"):
        _stay(Training(name))


def _stay(training: Training) -> None:
    for _ in range(LEARNT):
        plainly(training)
    before = training.places()
    for _ in range(4):
        plainly(training)
        assert training.places() == before
