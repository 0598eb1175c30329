"""Inspection: what the namespace can do, which devices and dtypes there are. A chapter of the
standard.

What enters: names. What leaves: dictionaries of plain facts. It must not know arrays.
"""

from typing import Any

from .._base import devices as _devices
from .._base import dtypes as _dtypes
from .._base.devices import Device
from .._base.dtypes import DType
from .._base.errors import publish

__all__ = ["__array_namespace_info__"]

_DEFAULTS = {
    "real floating": _dtypes.float64,
    "complex floating": _dtypes.complex128,
    "integral": _dtypes.int64,
    "indexing": _dtypes.int64,
}


class Info:
    """The standard's inspection functions."""

    def capabilities(self) -> dict[str, Any]:
        """Masks and data-dependent shapes are supported; arrays have at most 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """The device that arrays are made on when none is named."""
        return _devices.device(None)

    def devices(self) -> tuple[Device, ...]:
        """Every device that arrays may be placed on."""
        return _devices.devices()

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes that results have when none is named. Raises ValueError for a device."""
        _devices.device(device)
        return dict(_DEFAULTS)

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """The dtypes by name, of one kind or of any of several. Raises ValueError."""
        _devices.device(device)
        found = _dtypes.STANDARD
        return {d.name: d for d in found if kind is None or _dtypes.isdtype(d, kind)}


def __array_namespace_info__() -> Info:
    """The inspection functions: capabilities, default_device, devices, default_dtypes, dtypes.

    Standard: inspection.
    """
    return Info()


publish(globals())
