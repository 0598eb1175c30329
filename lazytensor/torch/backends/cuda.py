"""`torch.backends.cuda`: how CUDA's libraries may compute.

What enters: switches. What leaves: how they stand. It must not know how anything is computed.
"""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ..._base import config
from .. import cuda
from .._missing import missing
from ._switches import switch


def is_built() -> bool:
    """Whether there are CUDA devices: what computes on them is built when it is needed."""
    return bool(cuda.is_available())


class _Matmul:
    """How products of matrices may be computed: `allow_tf32`, as
    `torch.set_float32_matmul_precision` has it; the other switches have no effect here.
    """

    allow_fp16_accumulation = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True

    @property
    def allow_tf32(self) -> bool:
        """Whether products of float32 matrices may be computed with fewer digits."""
        return bool(config.get("tf32"))

    @allow_tf32.setter
    def allow_tf32(self, on: bool) -> None:
        config.set(tf32=bool(on))

    @property
    def fp32_precision(self) -> str:
        """The same in words: "tf32", or "none"."""
        return "tf32" if self.allow_tf32 else "none"

    @fp32_precision.setter
    def fp32_precision(self, precision: str) -> None:
        if precision not in ("none", "ieee", "tf32"):
            raise RuntimeError(f"{precision!r} is not one of ('none', 'ieee', 'tf32')")
        config.set(tf32=precision == "tf32")


matmul = _Matmul()
cufft_plan_cache = SimpleNamespace(size=0, max_size=0, clear=lambda: None)
flash_sdp_enabled, enable_flash_sdp = switch(True)
math_sdp_enabled, enable_math_sdp = switch(True)
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = switch(True)
cudnn_sdp_enabled, enable_cudnn_sdp = switch(True)


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Any:
    """A context in which the switches of attention are as given."""
    switches = (
        (flash_sdp_enabled, enable_flash_sdp, enable_flash),
        (math_sdp_enabled, enable_math_sdp, enable_math),
        (mem_efficient_sdp_enabled, enable_mem_efficient_sdp, enable_mem_efficient),
        (cudnn_sdp_enabled, enable_cudnn_sdp, enable_cudnn),
    )
    before = [enabled() for enabled, _, _ in switches]
    for _, enable, on in switches:
        enable(on)
    try:
        yield {}
    finally:
        for (_, enable, _), was in zip(switches, before, strict=True):
            enable(was)


__all__ = ["cufft_plan_cache", "is_built", "matmul", "sdp_kernel"]
__getattr__ = missing("torch.backends.cuda")
