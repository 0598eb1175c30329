"""PyTorch's own classes of exceptions, for programs that catch them."""

from .._base.devices import OUT_OF_MEMORY

__all__ = ["AcceleratorError", "FatalError", "OutOfMemoryError"]


class OutOfMemoryError(RuntimeError, MemoryError):
    """A device had no memory left."""


class AcceleratorError(RuntimeError):
    """An accelerator failed."""


class FatalError(Exception):
    """Something failed that can't be recovered from."""


OUT_OF_MEMORY.append(OutOfMemoryError)
for _kind in (OutOfMemoryError, AcceleratorError, FatalError):
    _kind.__module__ = "torch"
