"""Scalar instructions as statements of CUDA C: what each does is in `device/scalar.cuh`,
`device/complex.cuh` and `device/functions.cuh`.

What enters: names of values. What leaves: statements. It must not know rows, nor loops.
"""

from typing import Any, NamedTuple

from ..._base.dtypes import DType
from ...ir.scalar import Interpreter
from .types import c_type, constant


class Unsupported(Exception):
    """This target has no code for a kind of kernel."""


class Name(NamedTuple):
    """A value: its dtype, and the expression that it is read by."""

    dtype: DType
    text: str


class Text(Interpreter):
    """Writes the instructions of scalar bodies as statements, one a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0

    def emit(self, name: str, dtype: DType, *operands: Any) -> Name:
        """One instruction."""
        arguments = ", ".join(o.text for o in operands)
        return self._named(dtype, f"{name.rstrip('_')}_({arguments})")

    def const(self, value: Any, dtype: DType) -> Name:
        """A number."""
        return Name(dtype, constant(value, dtype))

    def cast(self, value: Any, dtype: DType) -> Name:
        """As `ops/_eager.convert`."""
        if value.dtype is dtype:
            return value  # type: ignore[no-any-return]
        return self._named(dtype, f"cast_<{c_type(dtype)}>({value.text})")

    def _named(self, dtype: DType, expression: str) -> Name:
        name = f"t{self._count}"
        self._count += 1
        self.lines.append(f"const {c_type(dtype)} {name} = {expression};")
        return Name(dtype, name)
