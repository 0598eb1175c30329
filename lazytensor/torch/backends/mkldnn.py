"""`torch.backends.mkldnn`: switches of oneDNN, which isn't used here."""

from .._missing import missing
from ._switches import flags as _flags
from ._switches import no as is_available

enabled = True
deterministic = False
allow_tf32 = False
fp32_precision = "none"
flags = _flags(__name__)

__all__ = ["flags", "is_available"]
__getattr__ = missing("torch.backends.mkldnn")
