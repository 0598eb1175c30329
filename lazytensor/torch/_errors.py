"""PyTorch's own classes of exceptions, for programs that catch them."""

__all__ = ["AcceleratorError", "FatalError", "OutOfMemoryError"]


class OutOfMemoryError(RuntimeError):
    """A device had no memory left."""


class AcceleratorError(RuntimeError):
    """An accelerator failed."""


class FatalError(Exception):
    """Something failed that can't be recovered from."""


for _kind in (OutOfMemoryError, AcceleratorError, FatalError):
    _kind.__module__ = "torch"
