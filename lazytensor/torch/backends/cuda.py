"""`torch.backends.cuda`: switches of libraries for GPUs, which aren't used."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ._switches import no

__all__ = ["is_built", "matmul", "sdp_kernel"]

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
)
cufft_plan_cache = SimpleNamespace(size=0, max_size=0)
is_built = flash_sdp_enabled = mem_efficient_sdp_enabled = no


def math_sdp_enabled() -> bool:
    """True: attention is computed as it is written."""
    return True


def enable_flash_sdp(enabled: bool) -> None:
    """Accepted: it isn't used."""


def enable_math_sdp(enabled: bool) -> None:
    """Accepted: there is no other way."""


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Accepted: it isn't used."""


@contextmanager
def sdp_kernel(**switches: bool) -> Any:
    """A context; attention is computed as outside it."""
    yield
