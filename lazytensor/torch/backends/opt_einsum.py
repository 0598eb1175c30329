"""`torch.backends.opt_einsum`: the order of the products of `einsum` is opt_einsum's."""

from .._missing import missing
from ._switches import flags as _flags

enabled = True
strategy = "auto"
flags = _flags(__name__)


def is_available() -> bool:
    """True: it is one of the package's own requirements."""
    return True


__all__ = ["flags", "is_available"]
__getattr__ = missing("torch.backends.opt_einsum")
