"""`torch.backends.mps`: Apple's GPUs, which aren't used here."""

from .._missing import missing
from ._switches import no as is_available
from ._switches import no as is_built

__all__ = ["is_available", "is_built"]
__getattr__ = missing("torch.backends.mps")
