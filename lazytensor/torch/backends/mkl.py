"""`torch.backends.mkl`: a library that isn't used."""

from contextlib import contextmanager
from typing import Any

from ._switches import no

__all__ = ["is_available", "verbose"]

is_available = no


@contextmanager
def verbose(enable: Any) -> Any:
    """A context in which the library would tell what it does."""
    yield
