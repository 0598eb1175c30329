"""The standard's rules, node to node: what is an operand, promotion, the dtypes each function
takes.

What enters: handles, NumPy arrays and scalars, Python scalars. What leaves: nodes, or TypeError,
ValueError and OverflowError that name the function. It must not know class Array: a handle is
whatever keeps a node in `_node`.
"""

import sys
from functools import cache
from typing import Any

import numpy as np

from .._base.devices import Device
from .._base.devices import device as device_of
from .._base.dtypes import INTERNED, DType, bool_, canonical, float64, kind
from .._base.shapes import Shape
from ..ir.graph import COUNTED
from ..ir.node import TRACING, Node, apply, leaf, scalar
from ..ir.op import Op
from ..lang._checks import as_dtype as as_dtype
from ..lang.indexing import coordinates
from ..lang.promote import default_dtype, result_type
from ..ops import elementwise as rows
from ..ops import g
from ..runtime.materialize import value
from ..runtime.pending import new_leaf

PYTHON = (bool, int, float, complex)

# A node over memory that others may write to. It is made by `exposed` alone and is no row: no graph
# ever holds one, because `cut` gives whoever uses the handle a copy of the memory as it is then.
_EXPOSED = Op("exposed", "leaf", 1, doc="Memory that someone else may write to.")


def exposed(buffer: np.ndarray[Any, Any], device: Device) -> Node:
    """A node for a handle over memory of others: every operation reads it as it is at the call."""
    shared = leaf(buffer, device)
    return Node(_EXPOSED, (shared,), (), shared.shape, shared.dtype, device, buffer)


class _Gone:
    """The value of an array that was given away: any use of it is refused."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        raise ValueError(self._text)


def gone(node: Node, text: str) -> Node:
    """A node for a handle whose memory was given away: using it raises ValueError with the text."""
    return Node(_EXPOSED, (scalar(0, bool_),), (), node.shape, node.dtype, node.device, _Gone(text))


# References to the owner of exposed memory when nobody else has it: the view's, a name, the call.
_ALONE = 3


def is_exposed(node: Node) -> bool:
    """Whether the node stands for memory that others may write to."""
    return node.op is _EXPOSED


def cut(handle: Any) -> Node:
    """The node to go on from: once its value is known, a fresh leaf, so that history can go."""
    node: Node = handle._node
    if node.value is None or not node.args:
        return node
    if node.op is _EXPOSED:
        return _unexposed(handle, node)
    if TRACING.depth:
        return node
    handle._node = node = leaf(node.value, node.device)
    return node


def _unexposed(handle: Any, node: Node) -> Node:
    """A private copy of shared memory; the memory itself when its owner has gone meanwhile."""
    buffer = node.value
    owner = buffer.base
    owned = type(owner) is np.ndarray and owner.flags.owndata
    if COUNTED and owned and sys.getrefcount(owner) <= _ALONE:
        handle._node = node.args[0]
        return node.args[0]
    return new_leaf(buffer.copy(), node.device)


def frozen(x: Any, device: Device | None = None) -> Node:
    """A leaf with a copy of a NumPy array or scalar. Raises TypeError for a dtype that isn't
    supported.
    """
    dtype = INTERNED.get(x.dtype) or canonical(x.dtype)
    return new_leaf(np.array(x, dtype, order="C"), device or device_of(None))


def operand(x: Any, device: Device | None = None) -> Any:
    """A node for an array, a Python scalar itself, NotImplemented for anything else."""
    node = getattr(x, "_node", None)
    if type(node) is Node:
        return cut(x) if node.value is not None and node.args else node
    if isinstance(x, np.generic) or (isinstance(x, np.ndarray) and x.__array_priority__ <= 0):
        return frozen(x, device)
    return x if isinstance(x, PYTHON) else NotImplemented


def node_of(x: Any, name: str = "array function", argument: str = "x") -> Node:
    """The node of an array; Python scalars get their default dtype. Raises TypeError for anything
    else.
    """
    node = getattr(x, "_node", None)
    if type(node) is Node and (node.value is None or not node.args):
        return node
    out = operand(x)
    if type(out) is Node:
        return out
    if out is NotImplemented:
        raise TypeError(f"{name}: {argument} must be an array, got {type(x).__name__}: {brief(x)}")
    return scalar(out, default_dtype(out), device_of(None))


def brief(x: Any) -> str:
    """A value's repr, cut short for a message."""
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def operands(name: str, *given: Any) -> list[Any]:
    """Nodes and Python scalars of a function's arguments. Raises TypeError for what is neither."""
    nodes = [n for x in given if type(n := getattr(x, "_node", None)) is Node]
    device = nodes[0].device if nodes else None
    out = [operand(x, device) for x in given]
    for position, found in enumerate(out):
        if found is NotImplemented:
            what = f"{type(given[position]).__name__}: {brief(given[position])}"
            raise TypeError(
                f"{name}: argument {position + 1} must be an array or a Python scalar, got {what}"
            )
    return out


def pair(name: str, x: Any, y: Any) -> list[Any]:
    """The operands of a function of two: nodes, of which one may be a Python scalar. Raises
    TypeError.
    """
    if type(getattr(x, "_node", None)) is Node is type(getattr(y, "_node", None)):
        return [cut(x), cut(y)]
    found = operands(name, x, y)
    if Node not in map(type, found):
        found[0] = scalar(x, default_dtype(x))
    return found


def promoted(name: str, *given: Any) -> list[Node]:
    """The arguments as nodes of their common dtype, Python scalars included. Raises TypeError,
    OverflowError.
    """
    found = operands(name, *given)
    return unified(name, found, common_dtype(name, found))


def promoted_nodes(name: str, *nodes: Node) -> list[Node]:
    """Nodes in their common dtype. Raises TypeError."""
    return unified(name, list(nodes), common_dtype(name, list(nodes)))


def common_dtype(name: str, found: list[Any]) -> DType:
    """What nodes and Python scalars are promoted to. Raises TypeError naming the dtypes."""
    nodes = [x for x in found if type(x) is Node]
    try:
        return result_type((x.dtype for x in nodes), (x for x in found if type(x) is not Node))
    except TypeError:
        names = ", ".join(str(x.dtype) for x in nodes)
        raise TypeError(f"{name}: no dtype holds all of {names}: cast first") from None


def unified(name: str, found: list[Any], dtype: DType) -> list[Node]:
    """Nodes and Python scalars in one dtype, on the device of the first array."""
    device = next((x.device for x in found if type(x) is Node), None) or device_of(None)
    out = []
    for x in found:
        node = as_dtype(x, dtype) if type(x) is Node else scalar(x, dtype, device)
        if node.device is not device:
            raise ValueError(f"{name}: arrays are on different devices: {device} and {node.device}")
        out.append(node)
    return out


_WORDS = {
    "b": "boolean",
    "biu": "integer or boolean",
    "iu": "integer",
    "f": "real floating-point",
    "fc": "floating-point",
    "iuf": "real numeric",
    "biuf": "real",
    "iufc": "numeric",
    "biufc": "numeric or boolean",
}


@cache
def dtypes_of(kinds: str) -> frozenset[DType]:
    """The dtypes of some kinds, for a quick look-up; bfloat16 is not among them."""
    return frozenset(canonical(t) for t in "?bhilqBHILQefdFD" if kind(canonical(t)) in kinds)


# The dtypes that a Python scalar of a type adapts to without raising their kind.
ADAPTS = {int: dtypes_of("iufc"), float: dtypes_of("fc")}


class Rule:
    """What a function takes: `kinds` go to the row as they are, `lifted` ones are cast to `target`
    first.
    """

    __slots__ = ("kinds", "lifted", "name", "native", "op", "target")

    def __init__(
        self, name: str, op: Op, kinds: str, lifted: str = "", target: DType = float64
    ) -> None:
        self.name = name
        self.op = op
        self.kinds = kinds
        self.lifted = lifted
        self.target = target
        self.native = dtypes_of(kinds)

    def admitted(self, dtype: DType) -> DType:
        """The dtype that the row is given. Raises TypeError for what the function refuses."""
        k = kind(dtype)
        if k in self.kinds:
            return dtype
        if k in self.lifted:
            return self.target
        raise TypeError(f"{self.name}: expected {self.taken()} arrays, got dtype {dtype}")

    def taken(self) -> str:
        """The dtypes that the function takes, in the standard's words."""
        kinds = self.kinds + self.lifted
        return _WORDS["".join(k for k in "biufc" if k in kinds)]


class Unary(Rule):
    """A function of one array; arrays of the kinds in `kept` are their own result."""

    __slots__ = ("kept",)

    def __init__(self, name: str, op: Op, kinds: str, lifted: str = "", kept: str = "") -> None:
        super().__init__(name, op, kinds, lifted)
        self.kept = kept

    def taken(self) -> str:
        """The dtypes that the function takes, in the standard's words."""
        kinds = self.kinds + self.lifted + self.kept
        return _WORDS["".join(k for k in "biufc" if k in kinds)]

    def __call__(self, x: Node) -> Node:
        """The result's node. Raises TypeError."""
        if x.dtype in self.native:
            return apply(self.op, (x,))
        if kind(x.dtype) in self.kept:
            return x
        return apply(self.op, (as_dtype(x, self.admitted(x.dtype)),))


class Binary(Rule):
    """A function of two arrays, or of an array and a Python scalar."""

    __slots__ = ()

    def __call__(self, x: Any, y: Any) -> Node:
        """The result's node. Raises TypeError, ValueError for shapes or devices, OverflowError for
        scalars.
        """
        if type(x) is Node and x.dtype in self.native:
            if type(y) is Node and x.dtype is y.dtype:
                return self._row(x, y)
            if x.dtype in ADAPTS.get(type(y), ()):
                return self._row(x, scalar(y, x.dtype, x.device))
        dtype = self._joint(x, y)
        return self._row(*unified(self.name, [x, y], dtype))

    def _joint(self, x: Any, y: Any) -> DType:
        """The dtype that both are cast to. Raises TypeError naming those of a mixed pair."""
        dtype = common_dtype(self.name, [x, y])
        try:
            return self.admitted(dtype)
        except TypeError as error:
            if not (type(x) is type(y) is Node) or x.dtype is y.dtype:
                raise
            raise TypeError(f"{error} of {x.dtype} and {y.dtype}") from None

    def _row(self, x: Node, y: Node) -> Node:
        try:
            return apply(self.op, (x, y))
        except ValueError:
            raise self.mismatch(x, y) from None

    def mismatch(self, x: Node, y: Node) -> Exception:
        """What is wrong with two operands of one dtype: devices, or shapes."""
        if x.device is not y.device:
            return ValueError(
                f"{self.name}: arrays are on different devices: {x.device} and {y.device}"
            )
        return ValueError(f"{self.name}: shapes {x.shape} and {y.shape} can't be broadcast")


class Comparison(Binary):
    """As Binary; a Python integer that the array's dtype can't hold is greater, or less, than all
    it can.
    """

    __slots__ = ()

    def __call__(self, x: Any, y: Any) -> Node:
        try:
            return super().__call__(x, y)
        except OverflowError:
            like = x if type(x) is Node else y
            a, b = (0 if type(v) is Node else (v > 0) - (v < 0) for v in (x, y))
            truth = bool(self.value(np.asarray(a), np.asarray(b)))
            return g.broadcast_to(scalar(truth, bool_, like.device), like.shape)

    def value(self, a: Any, b: Any) -> Any:
        """The comparison of two NumPy arrays."""
        return self.op.value(np, a, b)


class Swapped(Comparison):
    """A comparison whose row is that of the one the other way round."""

    __slots__ = ()

    def _row(self, x: Node, y: Node) -> Node:
        try:
            return apply(self.op, (y, x))
        except ValueError:
            raise self.mismatch(x, y) from None

    def value(self, a: Any, b: Any) -> Any:
        """The comparison of two NumPy arrays."""
        return self.op.value(np, b, a)


ADD = Binary("add", rows.add, "biufc")
SUBTRACT = Binary("subtract", rows.subtract, "iufc")
MULTIPLY = Binary("multiply", rows.multiply, "biufc")
DIVIDE = Binary("divide", rows.divide, "fc", "biu")
FLOOR_DIVIDE = Binary("floor_divide", rows.floor_divide, "iuf")
REMAINDER = Binary("remainder", rows.remainder, "iuf")
class Power(Binary):
    """As Binary; to the power of the number 2 is a square, as in NumPy."""

    __slots__ = ()

    def __call__(self, x: Any, y: Any) -> Node:
        if type(y) in (int, float) and y == 2 and type(x) is Node and kind(x.dtype) in "fc":
            return apply(rows.square, (x,))
        return super().__call__(x, y)


POW = Power("pow", rows.pow_, "iufc")
BITWISE_AND = Binary("bitwise_and", rows.bitwise_and, "biu")
BITWISE_OR = Binary("bitwise_or", rows.bitwise_or, "biu")
BITWISE_XOR = Binary("bitwise_xor", rows.bitwise_xor, "biu")
LEFT_SHIFT = Binary("bitwise_left_shift", rows.left_shift, "iu")
RIGHT_SHIFT = Binary("bitwise_right_shift", rows.right_shift, "iu")
EQUAL = Comparison("equal", rows.equal, "biufc")
NOT_EQUAL = Comparison("not_equal", rows.not_equal, "biufc")
LESS = Comparison("less", rows.less, "biuf")
LESS_EQUAL = Comparison("less_equal", rows.less_equal, "biuf")
GREATER = Swapped("greater", rows.less, "biuf")
GREATER_EQUAL = Swapped("greater_equal", rows.less_equal, "biuf")
ATAN2 = Binary("atan2", rows.atan2, "f", "iu")
COPYSIGN = Binary("copysign", rows.copysign, "f", "iu")
HYPOT = Binary("hypot", rows.hypot, "f", "iu")
LOGADDEXP = Binary("logaddexp", rows.logaddexp, "f", "iu")
NEXTAFTER = Binary("nextafter", rows.nextafter, "f", "iu")
MAXIMUM = Binary("maximum", rows.maximum, "biuf")
MINIMUM = Binary("minimum", rows.minimum, "biuf")
CLIP = Binary("clip", rows.maximum, "biuf")
LOGICAL_AND = Binary("logical_and", rows.logical_and, "b", "iufc", bool_)
LOGICAL_OR = Binary("logical_or", rows.logical_or, "b", "iufc", bool_)
LOGICAL_XOR = Binary("logical_xor", rows.logical_xor, "b", "iufc", bool_)

ABS = Unary("abs", rows.abs_, "iufc", kept="b")
NEGATIVE = Unary("negative", rows.negative, "iufc")
INVERT = Unary("bitwise_invert", rows.invert, "biu")
REAL = Unary("real", rows.real, "c", kept="biuf")
CONJ = Unary("conj", rows.conj, "fc", kept="iu")
ROUND = Unary("round", rows.round_, "fc", kept="iu")


ACOS = Unary("acos", rows.acos, "fc", "iu")
ACOSH = Unary("acosh", rows.acosh, "fc", "iu")
ASIN = Unary("asin", rows.asin, "fc", "iu")
ASINH = Unary("asinh", rows.asinh, "fc", "iu")
ATAN = Unary("atan", rows.atan, "fc", "iu")
ATANH = Unary("atanh", rows.atanh, "fc", "iu")
COS = Unary("cos", rows.cos, "fc", "iu")
COSH = Unary("cosh", rows.cosh, "fc", "iu")
EXP = Unary("exp", rows.exp, "fc", "iu")
EXPM1 = Unary("expm1", rows.expm1, "fc", "iu")
LOG = Unary("log", rows.log, "fc", "iu")
LOG1P = Unary("log1p", rows.log1p, "fc", "iu")
LOG2 = Unary("log2", rows.log2, "fc", "iu")
LOG10 = Unary("log10", rows.log10, "fc", "iu")
RECIPROCAL = Unary("reciprocal", rows.reciprocal, "fc", "iu")
SIN = Unary("sin", rows.sin, "fc", "iu")
SINH = Unary("sinh", rows.sinh, "fc", "iu")
SQRT = Unary("sqrt", rows.sqrt_, "fc", "iu")
TAN = Unary("tan", rows.tan, "fc", "iu")
TANH = Unary("tanh", rows.tanh, "fc", "iu")
CEIL = Unary("ceil", rows.ceil, "f", kept="iu")
FLOOR = Unary("floor", rows.floor, "f", kept="iu")
TRUNC = Unary("trunc", rows.trunc, "f", kept="iu")
SIGN = Unary("sign", rows.sign, "iufc")
SIGNBIT = Unary("signbit", rows.signbit, "iuf")
SQUARE = Unary("square", rows.square, "iufc")
ISFINITE = Unary("isfinite", rows.isfinite, "biufc")
ISINF = Unary("isinf", rows.isinf, "biufc")
ISNAN = Unary("isnan", rows.isnan, "biufc")


def positive(x: Node) -> Node:
    """The array itself. Raises TypeError for booleans."""
    if kind(x.dtype) == "b":
        raise TypeError(f"positive: expected numeric arrays, got dtype {x.dtype}")
    return x


def logical_not(x: Node) -> Node:
    """Whether elements are false, or zero."""
    return apply(rows.invert, (as_dtype(x, bool_),))


def imag(x: Node) -> Node:
    """Imaginary parts: zeros of a real array."""
    if kind(x.dtype) == "c":
        return apply(rows.imag, (x,))
    return g.broadcast_to(g.constant(0, x), x.shape)


def places(mask: Node) -> tuple[Node, ...]:
    """The indices, one array an axis, where a mask holds: asks for the mask's value."""
    found = coordinates(np.atleast_1d(value(mask)))
    return tuple(new_leaf(i, mask.device) for i in found)


def filled(shape: Shape, fill: Any, dtype: DType, device: Device) -> Node:
    """One value everywhere; no memory until it is asked for."""
    return g.broadcast_to(scalar(fill, dtype, device), shape)


def converted(x: Node, dtype: DType) -> Node:
    """`astype`. Raises TypeError for complex to real: the imaginary part would be lost."""
    if kind(x.dtype) == "c" and kind(dtype) not in "cb":
        raise TypeError(f"astype: {x.dtype} can't become {dtype}: take the real part first")
    return as_dtype(x, dtype)


def rounded(x: Node, decimals: int) -> Node:
    """Rounded to decimals, by way of a power of ten as NumPy does it."""
    if not decimals or kind(x.dtype) not in "fc":
        return ROUND(x) if decimals >= 0 else _rounded_integers(x, 10**-decimals)
    scale = float(10 ** abs(decimals))
    if decimals > 0:
        return DIVIDE(ROUND(MULTIPLY(x, scale)), scale)
    return MULTIPLY(ROUND(DIVIDE(x, scale)), scale)


def _rounded_integers(x: Node, scale: int) -> Node:
    """Integers to a multiple of a power of ten, halves to even."""
    ROUND.admitted(x.dtype) if kind(x.dtype) == "b" else None
    return as_dtype(MULTIPLY(ROUND(DIVIDE(x, scale)), float(scale)), x.dtype)


def clip(x: Node, low: Any, high: Any) -> Node:
    """x, not below `low` nor above `high`, either of which may be None, in the dtype of x.

    NaN in any of them stays. Raises TypeError for dtypes of another kind and complex numbers.
    """
    CLIP.admitted(x.dtype)
    for limit, rule in ((low, MAXIMUM), (high, MINIMUM)):
        if limit is not None:
            x = _limited(x, limit, rule)
    return x


def _limited(x: Node, limit: Any, rule: Binary) -> Node:
    (y,) = operands("clip", limit)
    try:
        return rule(x, y)
    except OverflowError:  # an integer that the dtype can't hold: no limit, or one that all exceed
        return x if (y < 0) == (rule is MAXIMUM) else _beyond(x, rule)


def _beyond(x: Node, rule: Binary) -> Node:
    info = np.iinfo(x.dtype)
    return filled(x.shape, int(info.max if rule is MAXIMUM else info.min), x.dtype, x.device)
