"""The node, and `apply`, which makes one.

What enters: an op, argument nodes of one device, parameters. What leaves: an immutable node (but
for its cached value), with shape and dtype inferred, or the error raised at once. It must not know
promotion, faces, or how values are computed.
"""

import itertools
import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from .._base.devices import CPU, Device, is_gpu
from .._base.dtypes import INTERNED, DType, bool_, canonical, complex128, float64
from .._base.shapes import Shape
from .op import ROWS, Op, register

SERIALS = itertools.count(1)


class Node:
    """One operation of the lazy graph. `value` is a cache: None, or the computed buffer(s).

    `serial` grows with every node made, so that arguments have smaller ones; `where` is set for ops
    that can fail on data: the user's line. `kept` counts the histories that go through the node:
    while there is none, a value that the user has seen cuts it off from its arguments.
    """

    __slots__ = (
        "args", "device", "dtype", "kept", "op", "params", "serial", "shape", "value", "where",
    )  # fmt: skip

    op: Op
    args: tuple["Node", ...]
    params: tuple[Any, ...]
    shape: Any
    dtype: Any
    device: Device
    value: Any
    kept: int
    serial: int
    where: Any
    __add__: Callable[..., "Node"]  # the operators are bound by ops/
    __radd__: Callable[..., "Node"]
    __sub__: Callable[..., "Node"]
    __rsub__: Callable[..., "Node"]
    __mul__: Callable[..., "Node"]
    __rmul__: Callable[..., "Node"]
    __truediv__: Callable[..., "Node"]
    __rtruediv__: Callable[..., "Node"]
    __neg__: Callable[..., "Node"]

    def __init__(
        self,
        op: Op,
        args: tuple["Node", ...],
        params: tuple[Any, ...],
        shape: Any,
        dtype: Any,
        device: Device,
        value: Any = None,
    ) -> None:
        self.op = op
        self.args = args
        self.params = params
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.value = value
        self.kept = 0
        self.serial = next(SERIALS)

    def __repr__(self) -> str:
        return f"<{self.op.name} {self.dtype} {self.shape}>"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        n = 1
        for k in self.shape:
            n *= k
        return n


LEAF = register(Op("leaf", "leaf", 0, doc="A buffer: the value of a node made from data."))
SCALAR = register(Op("scalar", "leaf", 0, doc="A Python scalar of a given dtype, as a 0-d buffer."))
PLACEHOLDER = register(
    Op(
        "placeholder",
        "leaf",
        0,
        params=("index",),
        doc="An argument of a transformed function: it has no value.",
    )
)
PICK = register(
    Op(
        "pick",
        "movement",
        1,
        params=("index",),
        infer=lambda x, i: (x.shape[i], x.dtype[i]),
        value=lambda np, x, i: x[i],
        vjp=lambda g, ct, y, x, i: (tuple(ct if k == i else None for k in range(len(x.shape))),),
        jvp=lambda g, tangents, y, x, i: None if tangents[0] is None else tangents[0][i],
        batch=lambda g, batched, x, i: g.pick(x, i),
        doc="One output of an op that has several.",
    )
)


class _Tracing(threading.local):
    """How many transformed functions this thread is running: handles keep their history
    meanwhile.
    """

    depth = 0


TRACING = _Tracing()


class _Watch:
    """When `apply` has to look at what is pending; `look` is set by the runtime."""

    __slots__ = ("look", "next_look", "uncounted")

    def __init__(self) -> None:
        self.uncounted = 0
        self.next_look: float = float("inf")
        self.look: Callable[[Node], None] | None = None


WATCH = _Watch()
# What native code did without Python: leaves of results, kernels, bytes of results; bytes of leaves
# that the runtime was not told of.
TALLY = np.zeros(4, np.int64)


def serials() -> int:
    """The last serial given out."""
    return int(repr(SERIALS)[6:-1]) - 1


def nodes_made() -> int:
    """How many nodes operations made in this process: leaves and passes over graphs make others."""
    return serials() - WATCH.uncounted - int(TALLY[0])


def make(op: Op, args: tuple[Node, ...], params: tuple[Any, ...] = ()) -> Node:
    """A node for `op`, uncounted and unwatched: for passes, which rebuild graphs."""
    WATCH.uncounted += 1
    shape, dtype = op.infer(*args, *params)
    device = args[0].device if args and op.kind != "transfer" else params[-1]
    return Node(op, args, params, shape, dtype, device)


class Apart(ValueError):
    """Arguments are on different devices, of which these are the first two."""

    def __init__(self, op: Op, first: Device, second: Device) -> None:
        super().__init__(f"{op.name}: arrays are on different devices: {first} and {second}")
        self.devices = first, second


def apply(op: Op, args: tuple[Node, ...], params: tuple[Any, ...] = ()) -> Node:
    """A node for `op`; strict: no promotion, one device. Raises what the row's `infer` raises."""
    node: Node = _new(Node)
    node.shape, node.dtype = op.infer(*args, *params) if params else op.infer(*args)
    device = args[0].device if args else params[-1]
    if len(args) > 1:
        for arg in args[1:]:
            if arg.device is not device:
                raise Apart(op, device, arg.device)
    node.op = op
    node.args = args
    node.params = params
    node.device = device if op.kind != "transfer" else params[-1]
    node.value = None
    node.kept = 0
    node.serial = serial = next(SERIALS)
    if op.fails:
        node.where = user_line()
    if serial >= WATCH.next_look and WATCH.look is not None:
        WATCH.look(node)
    return node


def apply_alike(op: Op, args: tuple[Node, Node], like: Node, dtype: DType) -> Node:
    """`apply` for an elementwise op whose result is shaped as `like`: the short way for operators.

    `like` is one of the arguments; the other has its dtype and device, and its shape or none; the
    caller has seen to that.
    """
    node: Node = _new(Node)
    node.op = op
    node.args = args
    node.params = ()
    node.shape = like.shape
    node.dtype = dtype
    node.device = like.device
    node.value = None
    node.kept = 0
    node.serial = serial = next(SERIALS)
    if serial >= WATCH.next_look and WATCH.look is not None:
        WATCH.look(node)
    return node


def apply_shaped(op: Op, x: Node, params: tuple[Any, ...], shape: Shape) -> Node:
    """`apply` for an op of one argument that moves elements, whose parameters fit: the caller has
    seen to that, and knows the result's shape.
    """
    node: Node = _new(Node)
    node.op = op
    node.args = (x,)
    node.params = params
    node.shape = shape
    node.dtype = x.dtype
    node.device = x.device
    node.value = None
    node.kept = 0
    node.serial = serial = next(SERIALS)
    if serial >= WATCH.next_look and WATCH.look is not None:
        WATCH.look(node)
    return node


_new = object.__new__


def leaf(value: np.ndarray[Any, Any], device: Device = CPU) -> Node:
    """A node for a buffer, which must not be written to any more. What is in memory of the host
    is copied to a GPU when it is first read there.
    """
    if device is not CPU and type(value) is np.ndarray and is_gpu(device):
        return apply(ROWS["transfer"], (leaf(value),), (device,))
    return known(value, INTERNED.get(value.dtype) or canonical(value.dtype), device)


def known(value: np.ndarray[Any, Any], dtype: DType, device: Device) -> Node:
    """`leaf` for a buffer whose dtype is at hand as the one object that stands for it."""
    WATCH.uncounted += 1
    node: Node = _new(Node)
    node.op, node.args, node.params = LEAF, (), ()
    node.shape = value.shape
    node.dtype = dtype
    node.device = device
    node.value = value
    node.kept = 0
    node.serial = next(SERIALS)
    return node


def cut(nodes: Iterable[Node]) -> None:
    """Make leaves of nodes that have values, but for those that a history goes through: what they
    were computed from may go.
    """
    for node in nodes:
        if not node.kept:
            node.op, node.args, node.params = LEAF, (), ()


def placeholder(shape: Shape, dtype: DType, device: Device, index: Any) -> Node:
    """A node without a value, for tracing."""
    WATCH.uncounted += 1
    return Node(PLACEHOLDER, (), (index,), shape, dtype, device)


class Weak:
    """A Python scalar that is not known yet: an input of a traced function, or computed from some.

    `kind` is bool, int, float or complex, whose instances it passes for; `node(dtype, device)` is
    the scalar as an array of a dtype. Its operators are bound by `extra/_weak`. It has no `_node`,
    for it adapts to arrays as Python scalars do.
    """

    __slots__ = ("kind", "node")

    def __init__(self, kind: type, node: Callable[[DType, Device], Node]) -> None:
        self.kind = kind
        self.node = node

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self.kind


def is_weak(x: Any) -> bool:
    """Whether something that passes for a Python scalar is not known yet."""
    return type(x) is Weak


_scalars: dict[Any, Node] = {}
_NUMBERS = int, float, complex, np.generic


def scalar(value: Any, dtype: DType, device: Device = CPU) -> Node:
    """A 0-d node for a Python scalar, or for what has one as its `item()`, as it is now. Raises
    OverflowError when an integer does not fit the dtype.
    """
    if type(value) is Weak:
        return value.node(dtype, device)
    # zeros have a sign, also as parts of complex numbers; that of NaN is not in its text
    exact = value and type(value) is not complex
    key = (value if exact else str(value), dtype, device, type(value))
    node = _scalars.get(key)
    if node is None:
        if not isinstance(value, _NUMBERS):  # and so may be another one the next time
            return scalar(value.item(), dtype, device)
        WATCH.uncounted += 1
        node = Node(SCALAR, (), (), (), dtype, device, _buffer(value, dtype))
        if value == value:
            if len(_scalars) >= 1024:
                _scalars.clear()
            _scalars[key] = node
    return node


def _buffer(value: Any, dtype: DType) -> np.ndarray[Any, Any]:
    if dtype is _AS_IT_IS.get(type(value)):
        out = np.array(value, dtype)
    else:
        out = _converted(value, dtype)
    out.flags.writeable = False
    return out


# Python numbers that a dtype holds all of.
_AS_IT_IS = {bool: bool_, float: float64, complex: complex128}


def _converted(value: Any, dtype: DType) -> np.ndarray[Any, Any]:
    if isinstance(value, int) and dtype.kind in "iu":
        low, high = _limits(dtype)
        if not low <= value <= high:
            raise OverflowError(f"Python integer {value} is out of bounds for {dtype}")
        return np.array(value, dtype)
    with np.errstate(all="ignore"):
        return np.asarray(value).astype(dtype)


@cache
def _limits(dtype: DType) -> tuple[int, int]:
    """The least and the greatest integer of a dtype."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def user_line() -> tuple[Any, int]:
    """(code, last instruction) of the first frame outside the package: no frame is kept alive."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(
        "lazytensor."
    ):
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def describe_line(where: tuple[Any, int]) -> str:
    """`file.py:12` for what `user_line` gave."""
    code, instruction = where
    for start, stop, line in code.co_lines():
        if start <= instruction < stop:
            return f"{code.co_filename}:{line}"
    return str(code.co_filename)
