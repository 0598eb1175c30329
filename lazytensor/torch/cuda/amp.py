"""`torch.cuda.amp`: the old names of what is in `torch.amp`."""

import warnings
from functools import partial
from typing import Any

from .. import amp
from .._dtypes import dtype, float16

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def _warn(name: str, new: str, level: int = 3) -> None:
    warnings.warn(
        f"`torch.cuda.amp.{name}` is deprecated. Please use `torch.amp.{new}` instead.",
        FutureWarning,
        stacklevel=level,
    )


class autocast(amp.autocast):
    """`torch.amp.autocast("cuda", ...)`, by its old name, which warns."""

    def __init__(
        self, enabled: bool = True, dtype: dtype = float16, cache_enabled: bool = True
    ) -> None:
        _warn("autocast(args...)", "autocast('cuda', args...)")
        super().__init__("cuda", dtype, enabled, cache_enabled)


def custom_fwd(fwd: Any = None, *, cast_inputs: dtype | None = None) -> Any:
    """`torch.amp.custom_fwd` for CUDA devices, by its old name, which warns."""
    _warn("custom_fwd(args...)", "custom_fwd(args..., device_type='cuda')")
    made = partial(amp.custom_fwd, device_type="cuda", cast_inputs=cast_inputs)
    return made if fwd is None else made(fwd)


def custom_bwd(bwd: Any) -> Any:
    """`torch.amp.custom_bwd` for CUDA devices, by its old name, which warns."""
    _warn("custom_bwd(args...)", "custom_bwd(args..., device_type='cuda')")
    return amp.custom_bwd(bwd, device_type="cuda")


class GradScaler(amp.GradScaler):
    """`torch.amp.GradScaler("cuda", ...)`, by its old name, which warns."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        _warn("GradScaler(args...)", "GradScaler('cuda', args...)")
        super().__init__(
            "cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )
