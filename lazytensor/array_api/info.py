"""Inspection: `__array_namespace_info__`, a chapter of the standard.

What enters: names of devices and kinds. What leaves: what the namespace offers.
"""

from typing import Any

from .._base import devices
from .._base.devices import CPU, Device
from .._base.dtypes import STANDARD, DType, complex128, float64, int64, isdtype

__all__ = ["Info"]


class Info:
    """Answers of `__array_namespace_info__()`. Standard: inspection."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean indexing and data-dependent shapes are offered; arrays have at most 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """The device where arrays are made unless another is asked for."""
        return CPU

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """Dtypes of Python numbers, and of indices. Raises ValueError for an unknown device."""
        devices.device(device)
        return {
            "real floating": float64,
            "complex floating": complex128,
            "integral": int64,
            "indexing": int64,
        }

    def devices(self) -> tuple[Device, ...]:
        """Every device."""
        return devices.devices()

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """Dtypes by name, those of a kind if one is given. Raises ValueError for an unknown one."""
        devices.device(device)
        return {d.name: d for d in STANDARD if kind is None or isdtype(d, kind)}
