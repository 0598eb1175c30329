"""`torch.backends.mha`: the fast path of attention modules, which computes the same here."""

from .._missing import missing
from ._switches import switch

get_fastpath_enabled, set_fastpath_enabled = switch(True)

__all__ = ["get_fastpath_enabled", "set_fastpath_enabled"]
__getattr__ = missing("torch.backends.mha")
