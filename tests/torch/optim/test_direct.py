"""Steps that go straight to nodes: the bits and versions of the operations one by one, and only
where nothing sees the difference.
"""

from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor.runtime.counters import counting
from lazytensor.torch import _direct
from lazytensor.torch.optim import _by_tensor

OPTIMIZERS: dict[str, Any] = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adam, decayed": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3, eps=1e-3),
    "adam, a large addend": lambda p: torch.optim.Adam(p, lr=0.1, eps=1e6),
    "adam, far averages": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.25, 0.5)),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01),
    "adamw, no decay": lambda p: torch.optim.AdamW(p, weight_decay=0.0),
    "adam, amsgrad": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd, decayed": lambda p: torch.optim.SGD(p, lr=0, weight_decay=0.3),
    "sgd, momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "sgd, nesterov": lambda p: torch.optim.SGD(p, 0.1, 0.9, nesterov=True, weight_decay=0.3),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1),
    "rmsprop, centered": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.3),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.1, weight_decay=0.3),
    "nadam, apart": lambda p: torch.optim.NAdam(p, weight_decay=0.3, decoupled_weight_decay=True),
    "radam": lambda p: torch.optim.RAdam(p, lr=0.1, betas=(0.5, 0.9)),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.1, weight_decay=0.3),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.1),
}
BEGIN = ("sgd, momentum", "sgd, nesterov")  # whose first step makes what is remembered


def trained(make: Any, dtype: Any, steps: int = 7) -> list[Any]:
    """Values and versions of parameters and of what is remembered, after each step."""
    rng = np.random.default_rng(3)
    shapes = [(3, 5), (7,), ()]
    params = [torch.nn.Parameter(torch.tensor(rng.standard_normal(s), dtype=dtype)) for s in shapes]
    optimizer, seen = make(params), []
    for _ in range(steps):
        for p in params:
            p.grad = torch.tensor(rng.standard_normal(p.shape), dtype=dtype)
        optimizer.step()
        for p in params:
            kept = [t for _, t in sorted(optimizer.state[p].items())]
            seen += [(t.detach().double().cpu().numpy().tobytes(), t._version, t.dtype)
                     for t in (p, *kept)]  # fmt: skip
    return seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bits_and_versions(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def step(tensors: Any, *rest: Any) -> None:
        taken.append(len(tensors))
        _direct.step(tensors, *rest)

    monkeypatch.setattr(_by_tensor, "step", step)
    found = trained(OPTIMIZERS[name], dtype)
    assert len(taken) == 3 * (6 if name in BEGIN else 7)
    monkeypatch.setattr(_by_tensor, "direct", lambda *tensors: False)
    assert trained(OPTIMIZERS[name], dtype) == found
    assert len(taken) == 3 * (6 if name in BEGIN else 7)


class Watched(torch.Tensor):
    """A class that may ask what is done."""


def test_what_is_watched_is_not_written_to_directly() -> None:
    p, x = torch.nn.Parameter(torch.ones(2, 3)), torch.ones(2, 3)
    assert not _direct.direct(p, x)  # gradients are recorded
    with torch.no_grad():
        assert _direct.direct(p, x)
        assert not _direct.direct(p, x.double())
        assert not _direct.direct(p, torch.ones(3))
        assert not _direct.direct(p, torch.ones(3, 2).t())
        assert not _direct.direct(p, torch.ones(4, 3)[:2])
        assert not _direct.direct(p, p.detach())
        assert not _direct.direct(p, torch.ones(2, 3).as_subclass(Watched))
        assert not _direct.direct(x.int(), x.int() + 1)
    with torch.inference_mode():
        assert not _direct.direct(p, x)


def test_parameters_that_are_at_different_steps() -> None:
    params = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimizer = torch.optim.Adam(params, lr=0.1)
    for k in range(4):
        params[0].grad = torch.full((2,), k + 1.0)
        params[1].grad = torch.full((2,), k + 1.0) if k % 2 else None
        optimizer.step()
    one = torch.nn.Parameter(torch.ones(2))
    alone = torch.optim.Adam([one], lr=0.1)
    for k in (1, 3):
        one.grad = torch.full((2,), k + 1.0)
        alone.step()
    assert torch.equal(one, params[1]) and not torch.equal(*params)
    assert [optimizer.state[p]["step"].item() for p in params] == [4.0, 2.0]


def test_a_step_counter_that_is_not_known_yet() -> None:
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([p])
    for k in range(3):
        p.grad = torch.ones(2)
        optimizer.step()
        step = optimizer.state[p]["step"]
        assert step.item() == 2 * k + 1 and step._version == 2 * k + 1
        step += 1


@pytest.mark.parametrize("name", ["adam", "sgd, momentum", "nadam"])
def test_what_is_not_plain_goes_the_other_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any) -> None:
        raise AssertionError("this step is watched")

    monkeypatch.setattr(_by_tensor, "step", refused)
    of_numpy = [np.float64(0.9), np.float64(0.99)]
    for change in (
        {"maximize": True}, {"lr": torch.tensor(0.1)}, {"weight_decay": np.float32(1)},
        {"betas": of_numpy},
    ):  # fmt: skip
        p = torch.nn.Parameter(torch.ones(2))
        optimizer = OPTIMIZERS[name]([p])
        optimizer.param_groups[0].update(change)
        for _ in range(2):
            p.grad = torch.ones(2)
            optimizer.step()
        assert (p.detach() > 1).all() == ("maximize" in change)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_steps_nodes_are_made_of_what_was_written_down_once(name: str) -> None:
    params = [torch.nn.Parameter(torch.ones(k + 1)) for k in range(20)]
    optimizer, written = OPTIMIZERS[name](params), []
    for _ in range(3):
        for p in params:
            p.grad = torch.ones_like(p)
        optimizer.step()
        written.append(len(optimizer._shared.written))
    assert written == ([0, 1, 1] if name in BEGIN else [1, 1, 1])


def test_a_rate_that_changes_compiles_nothing_more() -> None:
    p = torch.nn.Parameter(torch.ones(300, 300))
    optimizer = torch.optim.AdamW([p], lr=0.1)
    with config.context(execution="compile"):
        for k in range(6):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 / (k + 1)
            p.grad = torch.ones(300, 300)
            with counting() as done:
                optimizer.step()
            if k > 2:
                assert (done.plans, done.compilations, done.interpreted) == (0, 0, 0)


def test_what_was_written_down_lasts_as_long_as_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
    optimizer = torch.optim.SGD([p], lr=0.5)
    group, values, made = optimizer.param_groups[0], [], []
    real = _direct._Written

    def written(*given: Any) -> Any:
        made.append(1)
        return real(*given)

    monkeypatch.setattr(_direct, "_Written", written)
    for rate in (0.5, 0.5, 0.25, 0.25, 1, 1.0):
        if rate != group["lr"] or type(rate) is not type(group["lr"]):
            group["lr"] = rate
        p.grad = torch.ones_like(p)
        optimizer.step()
        values.append(p[0].item())
    assert values == [0.5, 0.0, -0.25, -0.5, -1.5, -2.5]
    assert len(made) == 4
    group["maximize"] = True
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert p[0].item() == -1.5
