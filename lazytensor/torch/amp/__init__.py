"""`torch.amp`: scaling of losses whose gradients are computed in short floating-point numbers."""

from .grad_scaler import GradScaler

__all__ = ["GradScaler"]
