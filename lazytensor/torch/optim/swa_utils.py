"""Averages of weights: models that are the mean of others, and the learning rates for them.

What enters: models as they are trained. What leaves: averaged models. It must not know how models
are trained.
"""

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from .. import _api as torch
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module
from ._scheduler import LRScheduler, by_group

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Any, Any, Any], Any]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """A function that moves lists of tensors towards others, in place, by 1 - decay."""
    _check_decay(decay)

    def update(averaged: Any, current: Any, _: Any) -> None:
        with torch.no_grad():
            for mean, value in zip(averaged, current, strict=True):
                if mean.is_floating_point() or mean.is_complex():
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(mean * decay + value * (1 - decay))

    return update


def get_swa_multi_avg_fn() -> Average:
    """A function that takes lists of tensors into running means, in place."""

    def update(averaged: Any, current: Any, num_averaged: Any) -> None:
        with torch.no_grad():
            for mean, value in zip(averaged, current, strict=True):
                if mean.is_floating_point() or mean.is_complex():
                    mean.lerp_(value, 1 / (float(num_averaged) + 1))
                else:
                    mean.copy_(mean + (value - mean) / (num_averaged + 1))

    return update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function that gives the mean of a tensor and another by decay and 1 - decay."""
    _check_decay(decay)

    def update(averaged: Any, current: Any, num_averaged: Any) -> Any:
        with torch.no_grad():
            return decay * averaged + (1 - decay) * current

    return update


def get_swa_avg_fn() -> Average:
    """A function that gives the running mean with one tensor more."""

    def update(averaged: Any, current: Any, num_averaged: Any) -> Any:
        with torch.no_grad():
            return averaged + (current - averaged) / (num_averaged + 1)

    return update


class AveragedModel(Module):
    """The mean of a model's weights over time (Izmailov et al. 2018)."""

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Average | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's output."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Any) -> list[Any]:
        """What is averaged, detached."""
        named = [model.parameters()] + ([model.buffers()] if self.use_buffers else [])
        return [tensor.detach() for tensor in chain(*named)]

    def update_parameters(self, model: Any) -> None:
        """Take a model's weights into the mean; the first are copied."""
        means = self._averaged(self.module)
        current = [v.to(m.device) for v, m in zip(self._averaged(model), means)]
        if self.n_averaged == 0:
            for mean, value in zip(means, current):
                mean.copy_(value)
        elif self.multi_avg_fn is not None:
            self.multi_avg_fn(means, current, self.n_averaged)
        else:
            average = self.avg_fn or get_swa_avg_fn()
            for mean, value in zip(means, current):
                mean.copy_(average(mean, value, self.n_averaged))
        if not self.use_buffers:
            for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
                own.detach().copy_(other.detach().to(own.device))
        self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of all batch normalisations anew, from batches."""
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None
    with torch.no_grad():
        for batch in loader:
            input: Any = batch[0] if isinstance(batch, list | tuple) else batch
            model(input if device is None else input.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the last learning rate to swa_lr in anneal_epochs steps, then constant."""

    def __init__(
        self,
        optimizer: Any,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(by_group("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How far the way to swa_lr is gone at a step."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        """The learning rates of this step, from those of the last."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            first = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + first * (1 - now))
        return rates
