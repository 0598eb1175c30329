"""Every scheduler over real tensors: learning rates to the bit, states, texts of errors."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from overtorch import NAME, package  # noqa: E402

optim = package("optim")
BOTH = [optim, torch.optim]


def linear(step: int) -> float:
    return 0.9**step


CASES: dict[str, Any] = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, linear),
    "LambdaLR each": lambda s, o: s.LambdaLR(o, [linear, lambda n: 1 / (n + 1)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, linear),
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], 0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.4, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.8, 6),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 8, 1.7),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 5, 0.01),
    "WarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "WarmRestarts 1": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, 5),
    "CyclicLR 2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], 0.2, 3, mode="triangular2"),
    "CyclicLR exp": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, mode="exp_range", gamma=0.9),
    "CyclicLR own": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, scale_fn=linear, scale_mode="x"),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.3, total_steps=15),
    "OneCycleLR linear": lambda s, o: s.OneCycleLR(
        o, [0.3, 0.4], epochs=3, steps_per_epoch=5, anneal_strategy="linear", three_phase=True
    ),
    "Sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.8), s.StepLR(o, 2)], [4, 8]
    ),
    "Chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.8)]),
    "SWALR": lambda s, o: s.swa(o, [0.05, 0.06], 5),
    "SWALR linear": lambda s, o: s.swa(o, 0.05, 0, "linear"),
}


class Names:
    """The schedulers of a module under one roof."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.swa = module.swa_utils.SWALR

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module.lr_scheduler, name)


def optimizer(module: Any, name: str = "SGD", lr: Any = 0.1) -> Any:
    groups = [{"params": [torch.ones(1, requires_grad=True)], "lr": r} for r in (lr, lr * 2)]
    kwargs = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(module, name)(groups, **kwargs)


def settings(o: Any) -> Any:
    keys = ("lr", "momentum", "betas", "initial_lr", "max_momentum")
    return [[copy.deepcopy(g[k]) for k in keys if k in g] for g in o.param_groups]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", CASES)
def test_rates_are_those_of_torch(name: str, kind: str) -> None:
    seen = []
    for module in BOTH:
        o = optimizer(module, kind)
        scheduler = CASES[name](Names(module), o)
        rates = [settings(o)]
        for _ in range(14):
            o.step()
            scheduler.step()
            rates.append([settings(o), scheduler.get_last_lr()])
        seen.append(rates)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", [n for n in CASES if n != "Chained"])
def test_states_go_on(name: str) -> None:
    theirs = optimizer(torch.optim)
    first = CASES[name](Names(torch.optim), theirs)
    ours = optimizer(optim)
    second = CASES[name](Names(optim), ours)
    for _ in range(4):
        theirs.step()
        first.step()
    ours.step()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    ours.load_state_dict(theirs.state_dict())
    for _ in range(5):
        for o, s in ((theirs, first), (ours, second)):
            o.step()
            s.step()
    assert [g["lr"] for g in ours.param_groups] == [g["lr"] for g in theirs.param_groups]


def test_rates_that_are_tensors() -> None:
    for module in BOTH:
        o = optimizer(module, lr=torch.tensor(0.5))
        own = o.param_groups[0]["lr"]
        scheduler = module.lr_scheduler.ExponentialLR(o, 0.5)
        o.step()
        scheduler.step()
        assert own.item() == 0.25
        assert o.param_groups[0]["lr"] is own


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateaus(mode: str, threshold_mode: str) -> None:
    measures = [3.0, 2.0, 2.1, 2.1, 2.2, 2.0, 2.0, 2.0, 1.0, 1.0, 1.1, 1.1, 1.1, 5.0, 5.0]
    seen = []
    for module in BOTH:
        o = optimizer(module)
        scheduler = module.lr_scheduler.ReduceLROnPlateau(
            o, mode, 0.5, 1, 0.01, threshold_mode, 1, [0.01, 0.05]
        )
        rates = []
        for measure in measures:
            scheduler.step(torch.tensor(measure))
            rates.append((settings(o), scheduler.num_bad_epochs, scheduler.best))
        other = module.lr_scheduler.ReduceLROnPlateau(o, mode)
        other.load_state_dict(scheduler.state_dict())
        rates.append(other.best)
        seen.append(rates)
    assert seen[0] == seen[1]


REFUSED: dict[str, Any] = {
    "optimizer": lambda s, o: s.StepLR(1, 2),
    "resumed": lambda s, o: s.StepLR(o, 2, last_epoch=3),
    "lambdas": lambda s, o: s.LambdaLR(o, [linear]),
    "no function": lambda s, o: s.MultiplicativeLR(o, 1),
    "constant": lambda s, o: s.ConstantLR(o, 2),
    "linear": lambda s, o: s.LinearLR(o, 0),
    "linear end": lambda s, o: s.LinearLR(o, 0.1, 2),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    "restarts times": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 0.5),
    "restarts low": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 1, "x"),
    "restarts epoch": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2).step(-1),
    "cycle": lambda s, o: s.CyclicLR(o, [0.1], 0.2),
    "cycle mode": lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.1),
    "one cycle steps": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=-1),
    "one cycle epochs": lambda s, o: s.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=2),
    "one cycle start": lambda s, o: s.OneCycleLR(o, 0.1, 10, pct_start=2),
    "one cycle way": lambda s, o: s.OneCycleLR(o, 0.1, 10, anneal_strategy="x"),
    "one cycle over": lambda s, o: [c := s.OneCycleLR(o, 0.1, 2), *(c.step() for _ in range(4))],
    "none in a row": lambda s, o: s.SequentialLR(o, [], []),
    "milestones": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 2)], [1]),
    "no scheduler": lambda s, o: s.SequentialLR(o, [1], []),
    "plateau in a row": lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    "none": lambda s, o: s.ChainedScheduler([]),
    "plateau factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "plateau mode": lambda s, o: s.ReduceLROnPlateau(o, "x"),
    "plateau threshold": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="x"),
    "plateau lows": lambda s, o: s.ReduceLROnPlateau(o, min_lr=[1]),
    "swa": lambda s, o: s.swa(o, 0.1, anneal_strategy="x"),
    "swa epochs": lambda s, o: s.swa(o, 0.1, -1),
    "base": lambda s, o: s.LRScheduler(o),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_those_of_torch(name: str) -> None:
    texts = []
    for module in BOTH:
        with pytest.raises(Exception) as caught:
            REFUSED[name](Names(module), optimizer(module))
        texts.append((type(caught.value), str(caught.value).replace(NAME, "torch")))
    assert texts[0] == texts[1]


def test_warnings() -> None:
    texts = []
    for module in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            o = optimizer(module)
            scheduler = module.lr_scheduler.StepLR(o, 2)
            scheduler.step()
            scheduler.get_lr()
            scheduler.step(4)
            o = optimizer(module)
            scheduler = module.lr_scheduler.StepLR(o, 2)
            o.step = lambda: None
            scheduler.step()
        texts.append([(w.category, str(w.message)) for w in caught])
    assert texts[0] == texts[1]


def test_averages() -> None:
    seen = []
    for module, nn in ((optim, package("nn")), (torch.optim, torch.nn)):
        swa = module.swa_utils
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        averages = [
            swa.AveragedModel(model),
            swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(0.9)),
            swa.AveragedModel(model, avg_fn=swa.get_ema_avg_fn(0.9), use_buffers=True),
            swa.AveragedModel(model, multi_avg_fn=swa.get_swa_multi_avg_fn()),
            swa.AveragedModel(model, avg_fn=swa.get_swa_avg_fn()),
        ]
        for _ in range(4):
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(torch.rand_like(p))
                model(torch.rand(5, 2))
            for average in averages:
                average.update_parameters(model)
        swa.update_bn([(torch.rand(5, 2), 1), (torch.rand(5, 2), 2)], averages[0])
        seen.append([dict(average.state_dict()) for average in averages])
        with pytest.raises(ValueError, match="Invalid decay value 2 provided"):
            swa.get_ema_avg_fn(2)
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-6, atol=1e-7)
