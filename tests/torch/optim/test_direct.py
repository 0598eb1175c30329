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
from lazytensor.torch.optim import adam, sgd

OPTIMIZERS: dict[str, Any] = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adam, decayed": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3, eps=1e-3),
    "adam, far averages": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.25, 0.5)),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01),
    "adamw, no decay": lambda p: torch.optim.AdamW(p, weight_decay=0.0),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
}


def trained(make: Any, dtype: Any, steps: int = 4) -> list[Any]:
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
            seen += [(t.detach().double().numpy().tobytes(), t._version, t.dtype)
                     for t in (p, *kept)]  # fmt: skip
    return seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bits_and_versions(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def direct(*tensors: Any) -> bool:
        taken.append(_direct.direct(*tensors))
        return taken[-1]

    for module in (adam, sgd):
        monkeypatch.setattr(module, "direct", direct)
    found = trained(OPTIMIZERS[name], dtype)
    assert taken and all(taken)
    for module in (adam, sgd):
        monkeypatch.setattr(module, "direct", lambda *tensors: False)
    assert trained(OPTIMIZERS[name], dtype) == found


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


def test_a_step_counter_that_is_not_known_yet() -> None:
    with torch.no_grad():
        step = torch.ones(()) * 2
        assert _direct.counted(step) == 3.0 and _direct.counted(step) == 4.0
        assert step.item() == 4.0 and step._version == 2


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
