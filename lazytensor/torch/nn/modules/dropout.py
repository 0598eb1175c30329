"""Dropout: elements or channels that are zero at random while a module is trained.

What enters: tensors. What leaves: the same with some zeros, scaled so that the mean stays. It must
not know how draws are made.
"""

from typing import Any

from .. import functional as F
from .module import Module

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class _DropoutNd(Module):
    """A dropout with probability p, in place or not."""

    _function: Any

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        """p, inplace."""
        return f"p={self.p}, inplace={self.inplace}"

    def forward(self, input: Any) -> Any:
        """The input with zeros while training, the input itself else."""
        return type(self)._function(input, self.p, self.training, self.inplace)


class Dropout(_DropoutNd):
    """Elements are zero with probability p, others divided by 1 - p."""

    _function = staticmethod(F.dropout)


class Dropout1d(_DropoutNd):
    """Channels of sequences are zero with probability p, others divided by 1 - p."""

    _function = staticmethod(F.dropout1d)


class Dropout2d(_DropoutNd):
    """Channels of images are zero with probability p, others divided by 1 - p."""

    _function = staticmethod(F.dropout2d)


class Dropout3d(_DropoutNd):
    """Channels of volumes are zero with probability p, others divided by 1 - p."""

    _function = staticmethod(F.dropout3d)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean and variance behind SELU."""

    def forward(self, input: Any) -> Any:
        """F.alpha_dropout."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """Alpha dropout of whole channels."""

    def forward(self, input: Any) -> Any:
        """F.feature_alpha_dropout."""
        return F.feature_alpha_dropout(input, self.p, self.training)
