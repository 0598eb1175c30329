"""`torch.backends`: switches of libraries that aren't used here, accepted and remembered."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]


@contextmanager
def _flags(**given: Any) -> Any:
    yield


def _no() -> bool:
    return False


cudnn = SimpleNamespace(
    enabled=True, benchmark=False, deterministic=False, allow_tf32=True, is_available=_no,
    version=lambda: None, flags=_flags, is_acceptable=lambda tensor: False,
)  # fmt: skip
cuda = SimpleNamespace(
    matmul=SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                           allow_bf16_reduced_precision_reduction=True),
    is_built=_no, flash_sdp_enabled=_no, enable_flash_sdp=lambda on: None,
    enable_math_sdp=lambda on: None, enable_mem_efficient_sdp=lambda on: None,
    math_sdp_enabled=lambda: True, mem_efficient_sdp_enabled=_no, sdp_kernel=_flags,
    cufft_plan_cache=SimpleNamespace(size=0, max_size=0),
)  # fmt: skip
mps = SimpleNamespace(is_available=_no, is_built=_no)
mkl = SimpleNamespace(is_available=_no, verbose=_flags)
mkldnn = SimpleNamespace(is_available=_no, enabled=False, flags=_flags)
openmp = SimpleNamespace(is_available=_no)
opt_einsum = SimpleNamespace(enabled=True, strategy="auto", is_available=lambda: True)
cpu = SimpleNamespace(get_cpu_capability=lambda: "DEFAULT")
