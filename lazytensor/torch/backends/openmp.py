"""`torch.backends.openmp`: a library that isn't used."""

from ._switches import no

__all__ = ["is_available"]

is_available = no
