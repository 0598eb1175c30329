"""Channels of groups interleaved.

What enters: images with channels. What leaves: the same with channels in another order. It
must not know how that is computed.
"""

from typing import Any

from .. import functional as F
from .module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Channels of groups interleaved."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Any) -> Any:
        """F.channel_shuffle."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """groups."""
        return f"groups={self.groups}"
