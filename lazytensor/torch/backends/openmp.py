"""`torch.backends.openmp`: it isn't used here."""

from .._missing import missing
from ._switches import no as is_available

__all__ = ["is_available"]
__getattr__ = missing("torch.backends.openmp")
