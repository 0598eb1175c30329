"""Scaling of losses, so that small gradients don't vanish in 16 bits.

What enters: losses, optimizers after a backward pass. What leaves: scaled losses; optimizers that
took a step, or did not where a gradient overflowed. It must not know modules.
"""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from .. import _api as torch
from ..tensor import Tensor

__all__ = ["GradScaler", "OptState"]

_FIX = (
    "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the "
    "iteration."
)
_NO_CUDA = "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling."
_NEW_SCALE = (
    "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with "
    "requires_grad=False."
)


class OptState(Enum):
    """What was done with an optimizer since the last update."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _refresh_per_optimizer_state() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


def _demand(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


class GradScaler:
    """Multiplies losses by a scale, and divides gradients by it before an optimizer's step.

    The step is left out where a gradient is infinite or NaN; the scale then shrinks by
    `backoff_factor`. After `growth_interval` steps in a row it grows by `growth_factor`. For the
    device "cuda", where there is none, it is disabled, and says so.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda" and not torch.cuda.is_available():
            warnings.warn(_NO_CUDA, stacklevel=2)
            self._enabled = False
        if not self._enabled:
            return
        _demand(growth_factor > 1.0, "The growth factor must be > 1.0.")
        _demand(backoff_factor < 1.0, "The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._init_growth_tracker = growth_interval, 0
        self._scale: Any = None
        self._growth_tracker: Any = None
        self._per_optimizer_states: Any = defaultdict(_refresh_per_optimizer_state)

    def _check_scale_growth_tracker(self, funcname: str) -> None:
        for name in ("_scale", "_growth_tracker"):
            known = getattr(self, name) is not None
            _demand(known, f"Attempted {funcname} but {name} is None.  {_FIX}")

    def scale(self, outputs: Any) -> Any:
        """The tensor, or those in an iterable, times the scale. Raises ValueError for others."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                where, start = outputs.device, self._init_growth_tracker
                self._scale = torch.full((), self._init_scale, dtype=torch.float32, device=where)
                self._growth_tracker = torch.full((), start, dtype=torch.int32, device=where)
            return outputs * self._scale.to(outputs.device)
        if not isinstance(outputs, Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, list | tuple) else scaled

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale.

        Raises RuntimeError the second time before an update, ValueError for gradients in float16.
        """
        if not self._enabled:
            return
        self._check_scale_growth_tracker("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        with torch.no_grad():
            inverse = self._scale.double().reciprocal().float()
            state["found_inf_per_device"] = _unscaled(list(_gradients(optimizer)), inverse)
        state["stage"] = OptState.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Take a step of the optimizer, unless a gradient is infinite or NaN; what it returns.

        Raises RuntimeError for a closure, and the second time before an update.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale_growth_tracker("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        found = state["found_inf_per_device"].values()
        _demand(bool(found), "No inf checks were recorded for this optimizer.")
        overflowed = any(x.item() for x in found)
        result = None if overflowed else optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale: Any = None) -> None:
        """Let the scale shrink, grow or stay, by what the steps found; or set it."""
        if not self._enabled:
            return
        self._check_scale_growth_tracker("update")
        if new_scale is None:
            states = self._per_optimizer_states.values()
            found = [x for s in states for x in s["found_inf_per_device"].values()]
            _demand(bool(found), "No inf checks were recorded prior to update.")
            self._adapt(any(x.item() for x in found))
        elif isinstance(new_scale, float):
            self._scale.fill_(new_scale)
        else:
            fits = new_scale.numel() == 1 and not new_scale.requires_grad
            _demand(fits and new_scale.device.type == self._device, _NEW_SCALE)
            self._scale.copy_(new_scale)
        self._per_optimizer_states = defaultdict(_refresh_per_optimizer_state)

    def _adapt(self, overflowed: bool) -> None:
        if overflowed:
            self._scale.mul_(self._backoff_factor)
            self._growth_tracker.zero_()
            return
        good = int(self._growth_tracker.item()) + 1
        if good == self._growth_interval:
            grown = self._scale * self._growth_factor
            if torch.isfinite(grown).item():
                self._scale.copy_(grown)
            good = 0
        self._growth_tracker.fill_(good)

    def get_scale(self) -> float:
        """The scale; 1.0 where there is none."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale.item())

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        tracker = self._growth_tracker
        return self._init_growth_tracker if tracker is None else int(tracker.item())

    def get_growth_factor(self) -> float:
        """What the scale grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale grows by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale shrinks by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many steps in a row let the scale grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set how many steps in a row let the scale grow."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale and its settings; empty where it is disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what state_dict gave. Raises RuntimeError for that of a disabled one."""
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        for name in ("growth_factor", "backoff_factor", "growth_interval"):
            setattr(self, f"_{name}", state_dict[name])
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._enabled:
            _demand(
                not self._per_optimizer_states,
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at "
                "the end after scaler.update().",
            )
            state["_init_scale"] = self.get_scale()
            state["_init_growth_tracker"] = self._get_growth_tracker()
            state["_scale"] = state["_growth_tracker"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _gradients(optimizer: Any) -> Iterator[Any]:
    """The gradients of an optimizer's parameters. Raises ValueError for those in float16."""
    for group in optimizer.param_groups:
        for param in group["params"]:
            if param.grad is None:
                continue
            if param.grad.dtype == torch.float16:
                raise ValueError("Attempting to unscale FP16 gradients.")
            yield param.grad


def _unscaled(grads: list[Any], inverse: Any) -> dict[Any, Any]:
    """Multiply gradients by a number; by device, 1.0 where one of them isn't finite, else 0.0."""
    found: dict[Any, Any] = {}
    for grad in grads:
        bad = (~torch.isfinite(grad)).any().float()
        found[grad.device] = torch.maximum(found[grad.device], bad) if grad.device in found else bad
        grad.mul_(inverse.to(grad.device))
    return found
