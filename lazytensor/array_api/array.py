"""Class Array: a handle on a node of the lazy graph, with the methods and operators of the
standard.

What enters: nodes, and operands of every kind that NumPy users have. What leaves: arrays; values
where Python asks for them. It must not know the chapters' functions: methods are over `_rules` and
`lang`. In-place operators and assignment make the handle mean a new node.
"""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .._base.devices import Device
from .._base.devices import device as device_of
from .._base.dtypes import DType, bool_, int64, kind
from .._base.errors import REFUSALS, publish, publish_methods, shortened
from .._base.shapes import Shape
from ..ir.node import Node, Weak, apply, apply_alike, scalar
from ..lang import indexing, linalg
from ..ops import g
from ..runtime.materialize import asked
from ..runtime.materialize import materialize as compute
from . import _at_once, _print, exchange
from . import _rules as rules
from . import _views as views
from ._methods import Methods
from ._rules import ADAPTS, Binary, cut, operand

__all__ = ["Array", "materialize"]

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
_NOTHING: frozenset[DType] = frozenset()


@final
class Array(Methods):
    """An array of the standard, computed when a value is asked for.

    Made by the creation functions, never directly. In-place operators and assignment change what
    this handle means, and what its views show: arrays made from it by slices, reshape, transposes
    and other movements, or that it was itself made from so.
    """

    __slots__ = ("__weakref__", "_link", "_node")

    _node: Node
    _link: Any
    __array_priority__ = 100
    __hash__ = object.__hash__

    def __init__(self, node: Node) -> None:
        self._node = node
        self._link = None

    # --- attributes -------------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """The data type: a NumPy dtype."""
        return self._node.dtype  # type: ignore[no-any-return]

    @property
    def device(self) -> Device:
        """Where the array is: a Device, equal to its name."""
        return self._node.device

    @property
    def shape(self) -> Shape:
        """The size of every axis."""
        return self._node.shape  # type: ignore[no-any-return]

    # --- indexing ---------------------------------------------------------------------------------

    def __getitem__(self, key: Any, /) -> "Array":
        """Elements by ints, slices, None, ..., integer arrays and boolean masks, as NumPy has them.

        Masks are computed. Raises IndexError, ValueError for a step of 0. Standard: indexing.
        """
        x = cut(self)
        if found := _at_once.element(x, key if type(key) is tuple else (key,)):
            return Array(found)
        try:
            items = _items(key, x.device)
            if Node in map(type, items) and (found := _at_once.getitem(x, items)):
                return Array(found)
            out = Array(indexing.getitem(x, items, rules.places))
        except REFUSALS as error:
            raise shortened(error) from error.__cause__
        return views.link(self, x, out) if out._node.shape or ... in items else out

    def __setitem__(self, key: Any, value: Any, /) -> None:
        """Make this handle mean the array with other elements at the places of `key`.

        The value is broadcast to them and cast to the dtype, which it must not raise to complex.
        Raises IndexError, TypeError, ValueError for shapes and NaN into integers, OverflowError.
        """
        x = cut(self)
        try:
            items = _items(key, x.device)
            if type(value) is Array and views.shows(self, x, value, items):
                return
            u = _assigned(x, value)
            new = _at_once.setitem(x, items, u)
            views.written(self, new or indexing.setitem(x, items, u, rules.places))
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    def __len__(self) -> int:
        if not self._node.shape:
            raise TypeError("len() of an array without axes")
        return int(self._node.shape[0])

    def __iter__(self) -> Iterator["Array"]:
        if not self._node.shape:
            raise TypeError("iteration over an array without axes")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    # --- conversions to Python --------------------------------------------------------------------

    def __bool__(self, /) -> bool:
        node = self._node
        if node.size != 1:
            what = "with more than one element" if node.size else "without elements"
            raise ValueError(
                f"the truth value of an array {what} is ambiguous (shape {node.shape}): "
                "use x.any() or x.all()"
            )
        return bool(asked(node).item())

    def _python(self, function: str) -> Any:
        if self._node.shape:
            raise TypeError(
                f"{function}() needs an array without axes, got shape {self._node.shape}"
            )
        return asked(self._node).item()

    def __float__(self, /) -> float:
        return float(self._python("float"))

    def __int__(self, /) -> int:
        return int(self._python("int"))

    def __complex__(self, /) -> complex:
        return complex(self._python("complex"))

    def __index__(self, /) -> int:
        if kind(self._node.dtype) not in "iu":
            raise TypeError(f"only integer arrays can be an index, got {self._node.dtype}")
        return int(self._python("operator.index"))

    def __repr__(self) -> str:
        return _print.array_repr(self._node)

    def __str__(self) -> str:
        return _print.array_str(self._node)

    def __format__(self, spec: str) -> str:
        if spec and self.shape:
            raise TypeError(f"format {spec!r} needs an array without axes, got shape {self.shape}")
        return format(self.item(), spec) if spec else str(self)

    def _repr_html_(self) -> str:
        return _print.array_html(self._node)

    # --- interchange ------------------------------------------------------------------------------

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        """The module `lazytensor`. Raises ValueError for an unknown version of the standard."""
        if api_version is not None and api_version not in VERSIONS:
            raise ValueError(f"api_version must be one of {VERSIONS}, got {api_version!r}")
        return sys.modules["lazytensor"]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """A NumPy array: a read-only view, or with `copy=True` or another dtype a copy.

        SciPy's own calls get the memory itself: its compiled functions want it writable, and write
        to it where they are given `output=x`.
        """
        if copy is None and dtype is None and exchange.asked_by("scipy."):
            return views.lend(self)
        return exchange.to_numpy(self._node, dtype, copy)

    def __dlpack__(
        self,
        /,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule: read-only, without a copy where the consumer knows read-only memory.

        Raises BufferError for another device, ValueError for a stream. Standard: interchange.
        """
        return exchange.to_dlpack(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self, /) -> tuple[Any, int]:
        """DLPack's number for the CPU, and 0; for a GPU, and its number."""
        return exchange.dlpack_device(self._node.device)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Memory on a GPU, not to be written to. Raises AttributeError for arrays elsewhere."""
        return exchange.cuda_interface(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return exchange.rebuild, (Array, exchange.to_numpy(self._node, None, None), self.device)

    def __copy__(self) -> "Array":
        return Array(cut(self))

    def __deepcopy__(self, memo: Any) -> "Array":
        asked(self._node)
        return Array(cut(self))

    def to_device(self, device: Device, /, *, stream: Any = None) -> "Array":
        """The array on another device. Raises ValueError for an unknown one, and for a stream:
        GPUs go on in the order of CuPy's current one.
        """
        if stream is not None:
            where = "CPU devices have no streams, and GPUs go on in CuPy's current one"
            raise ValueError(f"to_device: {where}, got stream={stream!r}")
        x, target = cut(self), device_of(device)
        return self if x.device is target else Array(g.transfer(x, target))

    # --- operators of one array -------------------------------------------------------------------

    def __abs__(self, /) -> "Array":
        return Array(rules.ABS(cut(self)))

    def __neg__(self, /) -> "Array":
        return Array(rules.NEGATIVE(cut(self)))

    def __pos__(self, /) -> "Array":
        return Array(rules.positive(cut(self)))

    def __invert__(self, /) -> "Array":
        return Array(rules.INVERT(cut(self)))

    # --- operators of two operands, for type checkers: `_bind_all` makes them ---------------------

    if TYPE_CHECKING:

        def __add__(self, other: Any, /) -> "Array": ...
        def __radd__(self, other: Any, /) -> "Array": ...
        def __iadd__(self, other: Any, /) -> "Array": ...
        def __sub__(self, other: Any, /) -> "Array": ...
        def __rsub__(self, other: Any, /) -> "Array": ...
        def __isub__(self, other: Any, /) -> "Array": ...
        def __mul__(self, other: Any, /) -> "Array": ...
        def __rmul__(self, other: Any, /) -> "Array": ...
        def __imul__(self, other: Any, /) -> "Array": ...
        def __truediv__(self, other: Any, /) -> "Array": ...
        def __rtruediv__(self, other: Any, /) -> "Array": ...
        def __itruediv__(self, other: Any, /) -> "Array": ...
        def __floordiv__(self, other: Any, /) -> "Array": ...
        def __rfloordiv__(self, other: Any, /) -> "Array": ...
        def __ifloordiv__(self, other: Any, /) -> "Array": ...
        def __mod__(self, other: Any, /) -> "Array": ...
        def __rmod__(self, other: Any, /) -> "Array": ...
        def __imod__(self, other: Any, /) -> "Array": ...
        def __pow__(self, other: Any, /) -> "Array": ...
        def __rpow__(self, other: Any, /) -> "Array": ...
        def __ipow__(self, other: Any, /) -> "Array": ...
        def __and__(self, other: Any, /) -> "Array": ...
        def __rand__(self, other: Any, /) -> "Array": ...
        def __iand__(self, other: Any, /) -> "Array": ...
        def __or__(self, other: Any, /) -> "Array": ...
        def __ror__(self, other: Any, /) -> "Array": ...
        def __ior__(self, other: Any, /) -> "Array": ...
        def __xor__(self, other: Any, /) -> "Array": ...
        def __rxor__(self, other: Any, /) -> "Array": ...
        def __ixor__(self, other: Any, /) -> "Array": ...
        def __lshift__(self, other: Any, /) -> "Array": ...
        def __rlshift__(self, other: Any, /) -> "Array": ...
        def __ilshift__(self, other: Any, /) -> "Array": ...
        def __rshift__(self, other: Any, /) -> "Array": ...
        def __rrshift__(self, other: Any, /) -> "Array": ...
        def __irshift__(self, other: Any, /) -> "Array": ...
        def __matmul__(self, other: Any, /) -> "Array": ...
        def __rmatmul__(self, other: Any, /) -> "Array": ...
        def __imatmul__(self, other: Any, /) -> "Array": ...
        def __lt__(self, other: Any, /) -> "Array": ...
        def __le__(self, other: Any, /) -> "Array": ...
        def __gt__(self, other: Any, /) -> "Array": ...
        def __ge__(self, other: Any, /) -> "Array": ...
        def __eq__(self, other: Any, /) -> "Array": ...  # type: ignore[override]
        def __ne__(self, other: Any, /) -> "Array": ...  # type: ignore[override]


def _items(key: Any, device: Device) -> tuple[Any, ...]:
    """A key as a tuple of ints, slices, None, Ellipsis and nodes. Raises IndexError."""
    if type(key) is not tuple:
        key = (key,)
    return tuple([k if type(k) in _BASIC else _item(k, device) for k in key])


_INDICES = rules.dtypes_of("biu")
_BASIC = frozenset(map(type, (0, slice(0), None, ...)))


def _item(item: Any, device: Device) -> Any:
    if type(item) is Weak and item.kind is int:
        return item.node(int64, device)
    if type(item) is Array and (node := cut(item)).dtype in _INDICES:
        return node
    if isinstance(item, bool | np.bool_):
        return scalar(bool(item), bool_, device)
    if isinstance(item, list | tuple):
        found = np.asarray(item)
        item = found.astype(np.int64) if not found.size else found
    node = operand(item, device) if not isinstance(item, int | np.integer) else NotImplemented
    if node is NotImplemented and hasattr(item, "__index__"):
        return item.__index__()
    if type(node) is not Node or kind(node.dtype) not in "biu":
        what = f"an array of {node.dtype}" if type(node) is Node else rules.brief(item)
        raise IndexError(
            "an index must be an int, a slice, an ellipsis (...), None, or an array of integers "
            f"or bools, got {what}"
        )
    return node


def _assigned(x: Node, new: Any) -> Node:
    """What is assigned into x, in its dtype and on its device."""
    u = operand(new, x.device)
    if u is NotImplemented:
        found = np.asarray(new)
        if found.dtype.kind not in "biufcV":
            what = f"{type(new).__name__} {rules.brief(new)}"
            raise TypeError(f"can't assign {what} to elements of {x.dtype}")
        u = rules.frozen(found, x.device)
    target, complex_ = x.dtype, kind(x.dtype) == "c"
    if type(u) is not Node:
        if type(u) is complex and not complex_:
            raise TypeError(f"can't assign the complex number {u} to elements of {target}")
        if isinstance(u, float) and kind(target) in "iu":
            u = int(u)  # refuses NaN and infinities
        return scalar(u, target, x.device)
    if kind(u.dtype) == "c" and not complex_:
        raise TypeError(f"can't assign {u.dtype} to elements of {target}: take the real part")
    if u.device is not x.device:
        raise ValueError(f"can't assign an array on {u.device} to elements of one on {x.device}")
    return rules.as_dtype(u, target)


# --- operators of two operands --------------------------------------------------------------------
# The way of `x * y` and `x * 2.0` with nothing to cast or broadcast is as short as it can be: these
# few lines are most of what an operation on a small array costs.


def _general(rule: Binary, x: Node, other: Any, reflected: bool = False) -> Any:
    y = operand(other, x.device)
    if y is NotImplemented:
        return NotImplemented
    try:
        return Array(rule(y, x) if reflected else rule(x, y))
    except REFUSALS as error:
        raise shortened(error) from error.__cause__


def _direct(rule: Binary, result: DType | None = None) -> Callable[[Array, Any], Any]:
    """The operator of a rule, whose results have the dtype of the operands or that of `result`."""
    op, native = rule.op, rule.native
    swapped = isinstance(rule, rules.Swapped)

    def operator(self: Array, other: Any, /) -> Any:
        x = self._node
        if x.args and x.value is not None:
            x = cut(self)
        dtype = x.dtype
        if dtype in native:
            if type(other) is Array:
                y = other._node
                if y.args and y.value is not None:
                    y = cut(other)
                if y.dtype is not dtype or y.shape != x.shape or y.device is not x.device:
                    return _general(rule, x, other)
            elif dtype in ADAPTS.get(type(other), _NOTHING):
                try:
                    y = scalar(other, dtype, x.device)
                except OverflowError:
                    return _general(rule, x, other)
            else:
                return _general(rule, x, other)
            return Array(apply_alike(op, (y, x) if swapped else (x, y), x, result or dtype))
        return _general(rule, x, other)

    return operator


def _reflected(rule: Binary) -> Callable[[Array, Any], Any]:
    op, native = rule.op, rule.native

    def operator(self: Array, other: Any, /) -> Any:
        x = cut(self)
        dtype = x.dtype
        if dtype in native and dtype in ADAPTS.get(type(other), _NOTHING):
            return Array(apply(op, (scalar(other, dtype, x.device), x)))
        return _general(rule, x, other, True)

    return operator


def _plain(rule: Binary, swapped: bool = False) -> Callable[[Array, Any], Any]:
    def operator(self: Array, other: Any, /) -> Any:
        return _general(rule, cut(self), other, swapped)

    return operator


def _in_place(rule: Binary) -> Callable[[Array, Any], Any]:
    def operator(self: Array, other: Any, /) -> Any:
        x = cut(self)
        y = operand(other, x.device)
        if y is NotImplemented:
            return NotImplemented
        try:
            views.written(self, _held(rule.name, rule(x, y), x))
        except REFUSALS as error:
            raise shortened(error) from error.__cause__
        return self

    return operator


def _held(name: str, result: Node, x: Node) -> Node:
    """A result that x may be replaced by: of its shape, cast back to its dtype."""
    if result.shape != x.shape:
        raise ValueError(
            f"{name} in place: shape {x.shape} can't hold a result of shape {result.shape}"
        )
    if result.dtype is not x.dtype and not np.can_cast(result.dtype, x.dtype, "same_kind"):
        raise TypeError(
            f"{name} in place: an array of {x.dtype} can't hold a result of {result.dtype}"
        )
    return rules.as_dtype(result, x.dtype)


class _Matmul(Binary):
    """The matrix product, for the same three operators."""

    __slots__ = ()

    def __call__(self, x: Any, y: Any) -> Node:
        for operand_ in (x, y):
            if type(operand_) is not Node:
                raise TypeError(f"matmul: expected two arrays, got {rules.brief(operand_)}")
        return linalg.matmul(*rules.promoted_nodes("matmul", x, y))


_MATMUL = _Matmul("matmul", rules.MULTIPLY.op, "iufc")

OPERATORS = {
    "add": rules.ADD,
    "sub": rules.SUBTRACT,
    "mul": rules.MULTIPLY,
    "truediv": rules.DIVIDE,
    "floordiv": rules.FLOOR_DIVIDE,
    "mod": rules.REMAINDER,
    "pow": rules.POW,
    "and": rules.BITWISE_AND,
    "or": rules.BITWISE_OR,
    "xor": rules.BITWISE_XOR,
    "lshift": rules.LEFT_SHIFT,
    "rshift": rules.RIGHT_SHIFT,
}
COMPARISONS = {
    "eq": rules.EQUAL,
    "ne": rules.NOT_EQUAL,
    "lt": rules.LESS,
    "le": rules.LESS_EQUAL,
    "gt": rules.GREATER,
    "ge": rules.GREATER_EQUAL,
}


def _bind(name: str, operator: Any, doc: str) -> None:
    operator.__name__ = f"__{name}__"
    operator.__qualname__ = f"Array.__{name}__"
    operator.__doc__ = doc
    setattr(Array, f"__{name}__", operator)


def _bind_all() -> None:
    for name, rule in OPERATORS.items():
        what = f"`{rule.name}` as an operator"
        direct = (_plain if rule is rules.POW else _direct)(rule)
        _bind(name, direct, f"{what}; Python scalars take the array's dtype.")
        _bind("r" + name, _reflected(rule), f"{what}, this array on the right.")
        _bind("i" + name, _in_place(rule), f"{what}, in place; the dtype stays.")
    for name, rule in COMPARISONS.items():
        _bind(name, _direct(rule, bool_), f"`{name}` of each pair of elements, bool.")
    _bind("matmul", _plain(_MATMUL), "The matrix product; Python scalars are refused.")
    _bind("rmatmul", _plain(_MATMUL, True), "The matrix product, this array on the right.")
    _bind("imatmul", _in_place(_MATMUL), "The matrix product, in place; shape and dtype stay.")


# These see to it themselves, for calling them has to be quick; the operators bound later do too.
_SHORT = ("__init__", "__getitem__", "__setitem__", "__array_namespace__")
publish_methods(Array, _SHORT)
publish_methods(Methods)
_bind_all()


def materialize(*arrays: Any) -> tuple[Any, ...]:
    """Compute arrays in one go, so that work they share is planned together; returns them.

    Raises TypeError for what is no array, and what computing them raises.
    """
    for position, x in enumerate(arrays, 1):
        if type(getattr(x, "_node", None)) is not Node:
            raise TypeError(
                f"materialize: argument {position} must be an array, got {type(x).__name__}"
            )
    compute([x._node for x in arrays], cutting=True)
    return arrays


publish(globals())
