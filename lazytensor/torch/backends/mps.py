"""`torch.backends.mps`: there is no such GPU."""

from ._switches import no

__all__ = ["is_available", "is_built"]

is_available = is_built = no
