"""`torch.backends.mkl`: Intel's library, which isn't used here."""

from contextlib import nullcontext

from .._missing import missing
from ._switches import no as is_available

VERBOSE_OFF, VERBOSE_ON = 0, 1


class verbose(nullcontext[None]):
    """A context in which nothing is told: there is no such library."""

    def __init__(self, enable: int) -> None:
        super().__init__()


__all__ = ["is_available", "verbose"]
__getattr__ = missing("torch.backends.mkl")
