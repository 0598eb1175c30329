"""`torch.cuda.profiler`: when NVIDIA's profilers listen."""

from collections.abc import Iterator
from contextlib import contextmanager

from .._driver import driver
from .._missing import missing

__all__ = ["profile", "start", "stop"]


def start() -> None:
    """From now on. Raises RuntimeError without a device."""
    driver().profile(True)


def stop() -> None:
    """No more."""
    driver().profile(False)


@contextmanager
def profile() -> Iterator[None]:
    """A context in which they do."""
    try:
        start()
        yield
    finally:
        stop()


__getattr__ = missing("torch.cuda.profiler")
