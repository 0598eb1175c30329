"""`torch.utils.dlpack`: DLPack's exchange of memory."""

from .._dispatch import FUNCTIONS

from_dlpack = FUNCTIONS["from_dlpack"]
to_dlpack = FUNCTIONS["to_dlpack"]
__all__ = ["from_dlpack", "to_dlpack"]
