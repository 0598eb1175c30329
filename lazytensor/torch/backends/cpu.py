"""`torch.backends.cpu`: what the processor is used for."""

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The kind of vector instructions that are asked for: none in particular."""
    return "DEFAULT"
