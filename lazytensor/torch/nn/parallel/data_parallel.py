"""A module whose batches are split over GPUs; without one it is called as it is.

What enters: a module. What leaves: a module around it. It must not know any particular module.
"""

from typing import Any

from ... import _api as torch
from ..modules.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Calls the module; there is no GPU that it could be copied to."""

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        if torch.accelerator.is_available():
            raise NotImplementedError("lazytensor: DataParallel on an accelerator")
        self.module, self.dim = module, dim
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)
