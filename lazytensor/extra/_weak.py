"""Operators of Python scalars that are not known yet.

What enters: `Weak` scalars and what they meet: one another, Python scalars, NumPy arrays. What
leaves: `Weak` scalars, or arrays where a NumPy array was met; arrays of ours see to themselves.
Between scalars it is Python's arithmetic in int64, float64 and complex128. Where Python wants a
number itself, NoValue is raised. It must not know what traces a function.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._base.devices import Device, device
from .._base.dtypes import DType, int64, kind
from ..array_api import _rules as rules
from ..array_api.array import COMPARISONS, OPERATORS, Array
from ..ir.node import Node, Weak, scalar
from ..lang.promote import default_dtype
from ..ops import g
from ..runtime.materialize import asked

_KINDS = {"b": bool, "i": int, "f": float, "c": complex}
_SCALARS = frozenset({bool, int, float, complex, Weak})


def computed(node: Node) -> Weak:
    """The scalar that a 0-d node stands for."""

    def of(dtype: DType, device: Device) -> Node:
        found = rules.as_dtype(node, dtype)
        return found if found.device is device else g.transfer(found, device)

    return Weak(_KINDS[kind(node.dtype)], of)


def node_of(x: Any) -> Node:
    """A scalar as an array, in the dtype that it has by itself."""
    return scalar(x, default_dtype(x), device(None))


def _number(x: Any) -> Node:
    """As `node_of`; bools are integers, as they are to Python's arithmetic."""
    node = node_of(x)
    return rules.as_dtype(node, int64) if kind(node.dtype) == "b" else node


def _met(rule: rules.Binary, x: Any, y: Any, read: Callable[[Any], Node]) -> Any:
    """The rule of two operands in order, of which one is a NumPy array or both are scalars."""
    for other in (x, y):
        if type(other) not in _SCALARS:
            if not isinstance(other, np.ndarray | np.generic):
                return NotImplemented
            return Array(rule(*[v if type(v) is Weak else rules.operand(v) for v in (x, y)]))
    return computed(rule(*rules.promoted_nodes(rule.name, read(x), read(y))))


def _binary(rule: rules.Binary, read: Callable[[Any], Node], swapped: bool) -> Any:
    if swapped:
        return lambda self, other: _met(rule, other, self, read)
    return lambda self, other: _met(rule, self, other, read)


def _unary(rule: rules.Unary) -> Any:
    return lambda self: computed(rule(_number(self)))


def _value(convert: Callable[..., Any]) -> Any:
    """What Python asks for a number itself by: it has none."""
    return lambda self, *args: convert(asked(node_of(self)).item(), *args)


# What reads the bits of bools; to other operators they are integers.
_BITWISE = ("and", "or", "xor")
_UNARY = {"neg": rules.NEGATIVE, "abs": rules.ABS, "invert": rules.INVERT}
_VALUES: dict[str, Callable[..., Any]] = {
    "bool": bool, "int": int, "float": float, "complex": complex, "index": int, "round": round,
    "trunc": int, "floor": int, "ceil": int, "hash": hash,
}  # fmt: skip


def _bind_all() -> None:
    """Put the operators on `Weak`, which the floor of nodes leaves without."""
    found: dict[str, Any] = {}
    for name, rule in OPERATORS.items():
        read = node_of if name in _BITWISE else _number
        found[name] = _binary(rule, read, False)
        found["r" + name] = _binary(rule, read, True)
    found |= {name: _binary(rule, node_of, False) for name, rule in COMPARISONS.items()}
    found |= {name: _unary(rule) for name, rule in _UNARY.items()}
    found |= {name: _value(convert) for name, convert in _VALUES.items()}
    found["pos"] = lambda self: computed(_number(self))
    found["repr"] = lambda self: f"<traced {self.kind.__name__}>"
    found["format"] = lambda self, spec: repr(self)
    for name, operator in found.items():
        setattr(Weak, f"__{name}__", operator)
    parts: Any = Weak
    parts.real = property(lambda self: computed(rules.REAL(_number(self))))
    parts.imag = property(lambda self: computed(rules.imag(_number(self))))
    parts.conjugate = lambda self: computed(rules.CONJ(_number(self)))
    Weak.__array_ufunc__ = None  # type: ignore[attr-defined]  # NumPy arrays leave it to these


_bind_all()
