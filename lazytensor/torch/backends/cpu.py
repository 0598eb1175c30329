"""`torch.backends.cpu`: what code is generated for."""

from .._missing import missing


def get_cpu_capability() -> str:
    """What PyTorch says of code for no particular CPU."""
    return "DEFAULT"


__all__ = ["get_cpu_capability"]
__getattr__ = missing("torch.backends.cpu")
