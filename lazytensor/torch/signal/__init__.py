"""`torch.signal`: windows.

What enters: lengths and shapes of windows. What leaves: tensors. It must not know how anything is
computed.
"""

from . import windows

__all__ = ["windows"]
