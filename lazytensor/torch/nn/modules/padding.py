"""Padding as modules.

What enters: tensors with channels in front of one to three spatial dimensions. What leaves: the
same with more around them. It must not know how values are found.
"""

from typing import Any

from .. import functional as F
from .module import Module
from .utils import _ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _PadNd(Module):
    """Padding by a fixed amount at the ends of the last `_rank` dimensions."""

    _rank: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._rank)(padding)

    def forward(self, input: Any) -> Any:
        """The padded tensor."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    """Padding by what stands at the other end."""

    _mode = "circular"

    def _check_input_dim(self, input: Any) -> None:
        """Refuse tensors of other ranks with ValueError."""
        low = self._rank + 1
        if input.dim() not in (low, low + 1):
            raise ValueError(f"expected {low}D or {low + 1}D input (got {input.dim()}D input)")

    def forward(self, input: Any) -> Any:
        """The padded tensor."""
        self._check_input_dim(input)
        return super().forward(input)


class _ReflectionPadNd(_PadNd):
    """Padding by what stands inside, mirrored at the edge."""

    _mode = "reflect"


class _ReplicationPadNd(_PadNd):
    """Padding by the value at the edge."""

    _mode = "replicate"


class _ConstantPadNd(_PadNd):
    """Padding by one value."""

    _mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """The padded tensor."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The amounts and the value."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    """Padding by zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class CircularPad1d(_CircularPadNd):
    """Padding of a sequence by what stands at the other end."""

    _rank = 1


class CircularPad2d(_CircularPadNd):
    """Padding of an image by what stands at the other end."""

    _rank = 2


class CircularPad3d(_CircularPadNd):
    """Padding of a volume by what stands at the other end."""

    _rank = 3


class ConstantPad1d(_ConstantPadNd):
    """Padding of a sequence by one value."""

    _rank = 1


class ConstantPad2d(_ConstantPadNd):
    """Padding of an image by one value."""

    _rank = 2


class ConstantPad3d(_ConstantPadNd):
    """Padding of a volume by one value."""

    _rank = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Padding of a sequence by what stands inside, mirrored."""

    _rank = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Padding of an image by what stands inside, mirrored."""

    _rank = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Padding of a volume by what stands inside, mirrored."""

    _rank = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Padding of a sequence by the value at the edge."""

    _rank = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Padding of an image by the value at the edge."""

    _rank = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Padding of a volume by the value at the edge."""

    _rank = 3


class ZeroPad1d(_ZeroPadNd, ConstantPad1d):
    """Padding of a sequence by zeros."""


class ZeroPad2d(_ZeroPadNd, ConstantPad2d):
    """Padding of an image by zeros."""


class ZeroPad3d(_ZeroPadNd, ConstantPad3d):
    """Padding of a volume by zeros."""
