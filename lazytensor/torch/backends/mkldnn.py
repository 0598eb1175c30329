"""`torch.backends.mkldnn`: switches of a library that isn't used."""

from ._switches import no, remembered

__all__ = ["flags", "is_available"]

enabled = False
deterministic = False
allow_tf32 = True
is_available = no
flags = remembered(globals(), "enabled", "deterministic", "allow_tf32")
