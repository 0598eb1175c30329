"""`torch.backends.cuda`: switches of CUDA's libraries, which aren't used here."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from .._missing import missing
from ._switches import no as is_built
from ._switches import switch

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_accumulation=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    fp32_precision="none",
)
cufft_plan_cache = SimpleNamespace(size=0, max_size=0, clear=lambda: None)
flash_sdp_enabled, enable_flash_sdp = switch(True)
math_sdp_enabled, enable_math_sdp = switch(True)
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = switch(True)
cudnn_sdp_enabled, enable_cudnn_sdp = switch(True)
is_flash_attention_available = is_built


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
