"""`torch.types`: names for annotations."""

from collections.abc import Sequence
from typing import Any

from . import _api
from .tensor import Tensor

__all__ = ["Device", "FileLike", "Number", "Size", "Storage", "Tensor"]

device, dtype, layout = _api.device, _api.dtype, _api.layout
Storage = _api.UntypedStorage
Number = int | float | bool
Device = _api.device | str | int | None
Size = _api.Size | list[int] | tuple[int, ...]
FileLike = Any
_int, _float, _bool, _complex = int, float, bool, complex
_dtype, _device, _layout, _size = dtype, device, layout, Size
_TensorOrTensors = Tensor | Sequence[Tensor]
