"""Which values of a kernel are never positive: a function of these has less to look at.

What enters: a Kernel. What leaves: numbers of values. A value that may be NaN has a sign too, that
of its other numbers, and a zero has any. It must not know IR.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..._base.dtypes import DType, kind
from ...ir.scalar import Interpreter
from ...lower.kernel import Kernel, Stage
from ...lower.order import combine


@dataclass(frozen=True, slots=True, eq=False)
class _Real:
    """What is known of a value: its sign (0: nothing), whether it is one number, and of which
    value it is the greatest.
    """

    dtype: DType
    sign: int = 0
    constant: bool = False
    greatest_of: "_Real | None" = None


def _difference(x: _Real, y: _Real) -> int:
    return -1 if y.greatest_of is x else _sum(x.sign, -y.sign)


def _sum(x: int, y: int) -> int:
    return x if x == y else 0


_RULES: dict[str, Callable[..., int]] = {
    "neg": lambda x: -x.sign,
    "abs": lambda x: 1,
    "sqrt": lambda x: 1,
    "exp": lambda x: 1,
    "add": lambda x, y: _sum(x.sign, y.sign),
    "sub": _difference,
    "mul": lambda x, y: 1 if x is y else x.sign * y.sign,
    "div": lambda x, y: x.sign * y.sign * y.constant,  # of what is no zero
    "max": lambda x, y: 1 if 1 in (x.sign, y.sign) else _sum(x.sign, y.sign),
    "min": lambda x, y: -1 if -1 in (x.sign, y.sign) else _sum(x.sign, y.sign),
    "select": lambda condition, x, y: _sum(x.sign, y.sign),
}


class _Signs(Interpreter):
    """Goes through bodies."""

    def emit(self, name: str, dtype: DType, *operands: Any) -> _Real:
        """The sign by the instruction's rule, of real floating-point numbers."""
        rule = _RULES.get(name)
        known = rule and kind(dtype) == "f" == kind(operands[-1].dtype)
        return _Real(dtype, rule(*operands) if rule and known else 0)

    def const(self, value: Any, dtype: DType) -> _Real:
        """A number."""
        sign = 0 if kind(dtype) == "c" else int(value > 0) - int(value < 0)
        return _Real(dtype, sign, True)

    def cast(self, value: Any, dtype: DType) -> _Real:
        """Another dtype."""
        same = kind(dtype) == "f" == kind(value.dtype)
        return _Real(dtype, value.sign if same else 0)


@lru_cache(4096)
def never_positive(kernel: Kernel) -> frozenset[int]:
    """Numbers of values that are at most 0, or NaN."""
    signs = _Signs()
    known = [_Real(x.dtype) for x in kernel.inputs]
    known += [signs.const(x.value, x.dtype) for x in kernel.constants]
    for stage in kernel.stages:
        known.append(_of_stage(kernel, signs, stage, [known[a] for a in stage.args]))
    return frozenset(k for k, x in enumerate(known) if x.sign < 0)


def _of_stage(kernel: Kernel, signs: _Signs, stage: Stage, args: list[_Real]) -> _Real:
    if stage.op.kind == "movement":
        return args[0]
    if not stage.reduces:
        found: _Real = stage.op.body(signs, *args, *stage.params)
        return found
    name, (x,) = combine(kernel, stage), args
    step: _Real = signs.emit(name, stage.dtype, x, replace(x))
    sign = x.sign if step.sign == x.sign else 0
    return _Real(stage.dtype, sign, greatest_of=x if name == "max" else None)
