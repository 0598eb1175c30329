"""`torch.types`: names for annotations."""

from collections.abc import Sequence
from typing import Any

from ._dtypes import dtype
from ._types import Size as _Size
from ._types import device, layout
from ._untyped import UntypedStorage as Storage
from .tensor import Tensor

__all__ = ["Device", "FileLike", "Number", "Size", "Storage", "Tensor"]

Number = int | float | bool
Device = device | str | int | None
Size = _Size | list[int] | tuple[int, ...]
FileLike = Any
_int, _float, _bool, _complex = int, float, bool, complex
_dtype, _device, _layout, _size = dtype, device, layout, Size
_TensorOrTensors = Tensor | Sequence[Tensor]
