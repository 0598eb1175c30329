"""Derivatives as PyTorch writes them: the operations on tensors that a gradient is made by.

The graph gives every derivative; but which operations make one can be seen: where the gradient
lies in memory, what it shares that with, how often it was written to, and with `create_graph` the
records that made it. What enters: records and gradients of their outputs. What leaves: gradients of
what they read. It must not know in which order records are asked.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ...ir.node import Node
from ...ops import elementwise as rows
from ...ops import g
from ...ops.elementwise import cast, where
from ...ops.movement import broadcast_to, permute, reshape
from .._dispatch import FUNCTIONS
from .._graph import MODE, GradFn, grad_fn_class
from .._record import run, to_device, to_dtype
from .._slices import CopySlices
from .._strides import elementwise_strides
from ..tensor import Ints, Tensor, contiguous, normal, wrap
from ..views import replayed
from ._reading import number, other, over, read, result, scaled, shape, times, zeros
from .again import recorded

__all__ = ["by_formula", "fitted", "sum_to"]

Formula = Callable[[Any, Any], Any]


# --- shapes ---------------------------------------------------------------------------------------


def sum_to(x: Tensor, to: Ints) -> Any:
    """A gradient of what was broadcast, summed to its shape."""
    own = x._node.shape
    if not to:
        return Tensor.sum(x) if own else x  # type: ignore[attr-defined]
    lead = len(own) - len(to)
    axes = [a for a, n in enumerate(own) if a < lead or (to[a - lead] == 1 and n != 1)]
    if axes:
        x = Tensor.sum(x, axes, True)  # type: ignore[attr-defined]
    return Tensor.view(x, to) if lead else x  # type: ignore[attr-defined]


def fitted(part: Tensor, like: Node) -> Tensor:
    """A gradient in the shape and dtype, and on the device, of what it is of."""
    if part._node.dtype is not like.dtype and part._node.dtype.kind == "c" != like.dtype.kind:
        part = FUNCTIONS["real"](part)
    if part._node.shape != like.shape:
        part = sum_to(part, like.shape)
    part = to_device(part, like.device)
    return part if part._node.dtype is like.dtype else to_dtype(part, wrap(like).dtype)


def _unsqueezed(x: Tensor, axes: Sequence[int]) -> Tensor:
    for a in axes:
        x = x.unsqueeze(a)
    return x


def _sum(fn: Any, x: Tensor) -> Any:
    if type(fn).__name__[-1] == "1" and shape(fn):
        x = _unsqueezed(x, fn.dims)
    return x.expand(shape(fn))


def _mean(fn: Any, x: Tensor) -> Any:
    count = fn.read()[0].size // max(x._node.size, 1)
    return over(_sum(fn, x), count)


def _reshaped(fn: Any, x: Tensor) -> Any:
    return x.reshape(shape(fn))


def _permuted(fn: Any, x: Tensor) -> Any:
    order = _order(fn)
    return x.permute(sorted(range(len(order)), key=order.__getitem__))


def _order(fn: Any) -> Ints:
    node: Node = fn.outputs[0]
    while node.op is not permute:
        node = node.args[0]
    order: Ints = node.params[0]
    return order


def _transposed(fn: Any, x: Tensor) -> Any:
    return x.transpose(*fn.dims)


def _squeezed_back(fn: Any, x: Tensor) -> Any:
    return _unsqueezed(x, fn.dims)


# --- elementwise ----------------------------------------------------------------------------------


def _power(fn: Any, x: Tensor) -> Any:
    exponent = 2 if fn.outputs[0].op is rows.square else number(fn)
    if exponent == 0:
        return zeros(x)
    return x * times(read(fn, 0).pow(exponent - 1), exponent).conj()


def _divided(fn: Any, x: Tensor) -> Any:
    a, b = read(fn, 0), read(fn, 1)
    return -x * ((a / b) / b).conj()


def _where(i: int) -> Formula:
    """The gradient of what was taken where a condition holds, or where it doesn't."""

    def formula(fn: Any, x: Tensor) -> Any:
        node: Node = fn.outputs[0].args[0]
        holds, none = wrap(node, None, fn.holds), wrap(g.constant(0, x._read()))
        return FUNCTIONS["where"](holds, *((none, x) if i else (x, none)))

    return formula


def _between(fn: Any, x: Tensor) -> Any:
    """The gradient of what lies between bounds, of which one may be missing."""
    a, (low, high) = read(fn, 0).detach(), fn.bounds
    holds = a <= high if low is None else a >= low
    if low is not None and high is not None:
        holds = holds.logical_and_(a <= high)
    return FUNCTIONS["where"](holds, x, wrap(g.constant(0, x._read())))


def _quotient(fn: Any, rounding: str) -> Any:
    return read(fn, 0).div(read(fn, 1), rounding_mode=rounding)


def _largest(smaller: str) -> Formula:
    def formula(fn: Any, x: Tensor) -> Any:
        a, b = read(fn, 0).detach(), read(fn, 1).detach()
        half = FUNCTIONS["where"](a == b, over(x, 2), x)
        return half.masked_fill_(FUNCTIONS[smaller](a, b), 0)

    return formula


def _spread_evenly(fn: Any, x: Tensor) -> Any:
    a, top = read(fn, 0).detach(), result(fn).detach()
    mask = a == top
    return zeros(a).contiguous().masked_fill_(mask, x / mask.sum())


def _shared_by_largest(fn: Any, x: Tensor) -> Any:
    a, top = read(fn, 0).detach(), result(fn).detach()
    if not fn.kept and a._node.shape:
        to = tuple(1 if i in fn.dims else n for i, n in enumerate(a._node.shape))
        x, top = x.view(to), top.view(to)
    mask = a == top
    return x / mask.sum(fn.dims, True) * mask


def _chosen(fn: Any, parts: Sequence[Tensor | None]) -> Any:
    """The gradient of what was chosen along an axis, put where it came from."""
    x, index = parts[0], wrap(fn.outputs[1])
    if x is None:
        return None
    if not fn.kept and shape(fn):
        x, index = x.unsqueeze(fn.dim), index.unsqueeze(fn.dim)
    out = wrap(g.broadcast_to(g.constant(0, x._read()), shape(fn)))
    out._counter = [1]
    return out.scatter_(fn.dim, index, x)


def _sigmoid(fn: Any, x: Tensor) -> Any:
    title = "SigmoidBackwardBackward0"
    y = result(fn).conj()
    out = run(title, lambda c, y: c * (1 - y) * y, (x, y))
    out._strides = elementwise_strides(out._node.shape, (x, y))
    return out


def _softmax(fn: Any, x: Tensor) -> Any:
    def f(c: Node, y: Node) -> Node:
        product = c * y
        return product - y * _total(product, fn.dim)

    return run("SoftmaxBackwardDataBackward0", f, (x, result(fn)))


def _log_softmax(fn: Any, x: Tensor) -> Any:
    def f(c: Node, y: Node) -> Node:
        return c - g.exp(y) * _total(c, fn.dim)

    return run("LogSoftmaxBackwardDataBackward0", f, (x, result(fn)))


def _total(x: Node, a: int) -> Node:
    """The sum along an axis, which stays."""
    if not x.ndim:
        return x
    return g.reshape(g.sum(x, (a,)), (*x.shape[:a], 1, *x.shape[a + 1 :]))


def _cumulated(fn: Any, x: Tensor) -> Any:
    if x._node.size <= 1 or x._node.shape[fn.dim] == 1:
        return x
    return x.flip(fn.dim).cumsum(fn.dim).flip(fn.dim)


# --- products -------------------------------------------------------------------------------------


def _columns(fn: Any, i: int) -> bool:
    """Whether a matrix that was read lies in memory column by column."""
    if fn.strides is None or fn.strides[i] is None:
        own = contiguous(shape(fn, i))
        return bool(own[0] == 1 and own[1] == shape(fn, i)[0])
    return bool(fn.strides[i][0] == 1 and fn.strides[i][1] == shape(fn, i)[0])


def _first_factor(fn: Any, x: Tensor) -> Any:
    b = read(fn, 1)
    if _columns(fn, 0):
        return b.conj().mm(x.t()).t()
    return x.mm(b.t().conj())


def _second_factor(fn: Any, x: Tensor) -> Any:
    a = read(fn, 0)
    if _columns(fn, 1):
        return x.t().mm(a.conj()).t()
    return a.t().conj().mm(x)


# --- several outputs ------------------------------------------------------------------------------


def _missing(fn: Any, parts: Any) -> list[Tensor]:
    """Gradients of all outputs, zeros for those that have none."""
    if isinstance(parts, Tensor):
        return [parts]
    return [
        wrap(g.broadcast_to(g.constant(0, out), out.shape)) if part is None else part
        for part, out in zip(parts, fn.outputs, strict=True)
    ]


def _cut(fn: Any, x: Tensor) -> list[Tensor]:
    """The parts of a gradient of tensors that were put one after another."""
    out, start = [], 0
    for node in fn.read():
        size = node.shape[fn.dim] if node.shape != (0,) else 0
        out.append(x.narrow(fn.dim, start, size))
        start += size
    return out


def _stacked(fn: Any, parts: Sequence[Tensor | None]) -> Any:
    return FUNCTIONS["stack"](_missing(fn, parts), fn.dim)


def _joined(fn: Any, parts: Sequence[Tensor | None]) -> Any:
    return FUNCTIONS["cat"](_missing(fn, parts), fn.dim)


# --- writes ---------------------------------------------------------------------------------------


def _sliced(fn: CopySlices, x: Tensor) -> list[Tensor | None]:
    """The gradient of the base with the part of the view replaced, and of what was written."""
    sizes, strides, offset = fn.place.view
    base = fn.place.base or contiguous(x._node.shape)
    whole = wrap(zeros(x)._read(), x.dtype, normal(x._node.shape, base))
    whole.copy_(x)
    if fn.place.links is None:
        part = whole.as_strided(sizes, strides, offset)
    else:
        part = replayed(whole, fn.place.links)
    given = part.clone()
    found = fn.fn.custom([given], MODE.grad) if fn.fn.custom_rule else by_formula(fn.fn, [given])
    first = None
    if found[0] is not None:
        part.copy_(found[0])
        first = whole
    return [first, *found[1:]]


def _extent(sizes: Ints, strides: Ints) -> int:
    """How many elements of memory a tensor spans."""
    if 0 in sizes:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(sizes, strides))


def _overlapping(sizes: Ints, strides: Ints) -> bool:
    """Whether an element of memory may be shown more than once."""
    reach = 1
    for step, n in sorted((s, n) for n, s in zip(sizes, strides) if n > 1):
        if step < reach:
            return True
        reach = 1 + (n - 1) * step + reach - 1
    return False


def _strided(fn: Any, x: Tensor) -> Any:
    """The gradient of memory shown by strides: put where it was shown, read where it was kept."""
    own, own_offset, sizes, strides, offset = fn.place
    if not x._node.size:
        return zeros(x).new_zeros(shape(fn)).zero_()
    whole, first = shape(fn), min(own_offset, offset)
    count = max(own_offset - first + _extent(whole, own), offset - first + _extent(sizes, strides))
    memory = zeros(x).new_zeros((count,))
    if _overlapping(sizes, strides):
        every = FUNCTIONS["arange"](count, device=x.device)
        places = every.as_strided(sizes, strides, offset - first)
        memory.index_add_(0, places.reshape(-1), x.reshape(-1))
    else:
        memory.as_strided(sizes, strides, offset - first).copy_(x)
    if _overlapping(whole, own):
        every = FUNCTIONS["arange"](count, device=x.device)
        places = every.as_strided(whole, own, own_offset - first)
        times = memory.new_zeros((count,)).index_add_(
            0, places.reshape(-1), memory.new_ones(1).expand(places._node.size)
        )
        memory.div_(times)
    return memory.as_strided(whole, own, own_offset - first)


def _scattered(fn: Any, x: Tensor) -> Any:
    """PyTorch's gradient of what a part of was replaced: it keeps that part."""
    out = x.new_zeros(shape(fn))
    out.as_strided(*fn.part).copy_(x.contiguous().as_strided(*fn.part))
    return out


def _copied(fn: Any, x: Tensor) -> Any:
    """The gradient of what was written, in its dtype."""
    to = wrap(fn.read()[1]).dtype
    return to_dtype(FUNCTIONS["real"](x) if x.dtype._rank == 3 > to._rank else x, to)


# --- the table ------------------------------------------------------------------------------------

_pass: Formula = lambda fn, x: x  # noqa: E731
_zeros: Formula = lambda fn, x: zeros(x)  # noqa: E731
_sum_to: Formula = lambda fn, x: sum_to(x, shape(fn))  # noqa: E731

# By derivative, a formula for each thing that was read. The first table's parts share memory with
# the gradient, or are written to after they are made; those of the second are new.
SHARING: dict[str, Any] = {
    "AddBackward0": (_pass, lambda fn, x: scaled(x, fn)),
    "SubBackward0": (_pass, lambda fn, x: scaled(-x, fn)),
    "RsubBackward0": (lambda fn, x: scaled(-x, fn), _pass),
    **dict.fromkeys(
        ("CloneBackward0", "AliasBackward0", "ToCopyBackward0", "FracBackward0"), (_pass,)
    ),
    "FmodBackward0": (_pass, lambda fn, x: -x * _quotient(fn, "trunc")),
    "RemainderBackward0": (_pass, lambda fn, x: -x * _quotient(fn, "floor")),
    **dict.fromkeys(
        ("ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0"), (_reshaped,)
    ),
    **dict.fromkeys(("PermuteBackward0",), (_permuted,)),
    **dict.fromkeys(("TransposeBackward0", "TransposeBackward1"), (_transposed,)),
    **dict.fromkeys(("TBackward0", "TBackward1"), (lambda fn, x: x.t(),)),
    **dict.fromkeys(
        ("UnsqueezeBackward0", "UnsqueezeBackward1"), (lambda fn, x: x.squeeze(fn.dim),)
    ),
    **dict.fromkeys([f"SqueezeBackward{i}" for i in range(6)], (_squeezed_back,)),
    "ExpandBackward0": (_sum_to,),
    "ConjBackward0": (lambda fn, x: x.conj(),),
    "NegViewBackward0": (lambda fn, x: x.neg(),),
    "ViewAsRealBackward0": (lambda fn, x: FUNCTIONS["view_as_complex"](x.contiguous()),),
    "ViewAsComplexBackward0": (
        lambda fn, x: FUNCTIONS["view_as_real"](x.contiguous().resolve_conj()),
    ),
    **dict.fromkeys(("SumBackward0", "SumBackward1"), (_sum,)),
    "WhereBackward0": (_where(0), _where(1)),
    "ClampBackward1": (_between,),
    "MaximumBackward0": (_largest("lt"), _largest("gt")),
    "MinimumBackward0": (_largest("gt"), _largest("lt")),
    **dict.fromkeys(("MaxBackward1", "MinBackward1"), (_spread_evenly,)),
    **dict.fromkeys(("MaxBackward0", "MinBackward0", "SortBackward0"), (_chosen,)),
    "CumsumBackward0": (_cumulated,),
    "FlipBackward0": (lambda fn, x: x.flip(fn.dims),),
    "StackBackward0": lambda fn, x: [x.select(fn.dim, i) for i in range(len(fn.edges))],
    "CatBackward0": _cut,
    "IndexAddBackward0": (_pass, None),
    "IndexPutBackward0": (None, lambda fn, x: run("Index", fn.part, (x,))),
    "CopyBackwards": (_zeros, _copied),
    **dict.fromkeys(("AsStridedBackward0", "AsStridedBackward1"), (_strided,)),
    "MmBackward0": (_first_factor, _second_factor),
    "MvBackward0": (lambda fn, x: x.ger(read(fn, 1).conj()),
                    lambda fn, x: read(fn, 0).conj().t().mv(x)),
    "UnbindBackward0": (_stacked,),
    **dict.fromkeys(
        ("SplitBackward0", "SplitWithSizesBackward0", "UnsafeSplitBackward0",
         "UnsafeSplitWithSizesBackward0"), (_joined,)
    ),
    "AsStridedScatterBackward0": (_scattered, lambda fn, x: x.contiguous().as_strided(*fn.part)),
    **dict.fromkeys(
        ("FillBackward0", "FillBackward2", "ZeroBackward0", "SignBackward0"), (_zeros,)
    ),
    "FillBackward3": (_zeros, lambda fn, x: x.sum()),
}  # fmt: skip
NEW: dict[str, tuple[Formula, ...]] = {
    "MulBackward0": (lambda fn, x: x * _conjugate(other(fn, 0)),
                     lambda fn, x: x * _conjugate(other(fn, 1))),
    "DivBackward0": (lambda fn, x: x / _conjugate(other(fn, 0)), _divided),
    "RsubBackward1": (lambda fn, x: scaled(-x, fn),),
    "NegBackward0": (lambda fn, x: -x,),
    "AbsBackward0": (lambda fn, x: x * read(fn, 0).sgn(),),
    "ExpBackward0": (lambda fn, x: x * result(fn).conj(),),
    "SinBackward0": (lambda fn, x: x * read(fn, 0).cos().conj(),),
    "CosBackward0": (lambda fn, x: x * -read(fn, 0).sin().conj(),),
    "LogBackward0": (lambda fn, x: x.div(read(fn, 0).conj()),),
    "SqrtBackward0": (lambda fn, x: x / times(result(fn).conj(), 2),),
    "ReciprocalBackward0": (lambda fn, x: -x * (result(fn) * result(fn)).conj(),),
    "PowBackward0": (_power,),
    **dict.fromkeys(("AmaxBackward0", "AminBackward0"), (_shared_by_largest,)),
    "SigmoidBackward0": (_sigmoid,),
    "SoftmaxBackward0": (_softmax,),
    "LogSoftmaxBackward0": (_log_softmax,),
    "MeanBackward0": (_mean,),
    "MeanBackward1": (_mean,),
    "DotBackward0": (lambda fn, x: x * _conjugate(other(fn, 0)),
                     lambda fn, x: x * _conjugate(other(fn, 1))),
}  # fmt: skip


def _conjugate(x: Any) -> Any:
    return x.conjugate() if isinstance(x, complex) else x.conj() if isinstance(x, Tensor) else x


for _table, _shares in ((SHARING, True), (NEW, False)):
    for _name, _formula in _table.items():
        _cls = grad_fn_class(_name)
        _cls.shares = _shares
        _cls.formula = staticmethod(_formula) if callable(_formula) else _formula
for _name in ("AddBackward0", "CloneBackward0", "AliasBackward0"):
    grad_fn_class(_name).passes = True


# --- whose formula it is --------------------------------------------------------------------------
# Operations that are computed in one step are recorded under the name of the last one that PyTorch
# would do: of these no formula holds, which is seen by what was noted, or by what was computed.

_NOTED = {
    "dim": ("Unsqueeze", "Unbind", "Split", "SplitWithSizes", "UnsafeSplit",
            "UnsafeSplitWithSizes", "Stack", "Cat", "Cumsum", "Softmax",
            "LogSoftmax"),
    "dims": ("Sum", "Mean", "Squeeze", "Transpose", "Flip"),
    "kept": ("Max0", "Min0", "Sort", "Amax", "Amin"),
    "place": ("AsStrided",),
    "bounds": ("Clamp1",),
    "holds": ("Where",),
    "part": ("IndexPut", "AsStridedScatter"),
}  # fmt: skip
_ROWS = {
    "Add": rows.add, "Sub": rows.subtract, "Rsub": rows.subtract, "Mul": rows.multiply,
    "Div": rows.divide, "Maximum": rows.maximum, "Minimum": rows.minimum, "Neg": rows.negative,
    "Abs": rows.abs_, "Exp": rows.exp, "Sin": rows.sin, "Cos": rows.cos, "Log": rows.log,
    "Sqrt": rows.sqrt_, "Reciprocal": rows.reciprocal, "View": reshape, "UnsafeView": reshape,
    "ReshapeAlias": reshape, "Permute": permute, "T": permute, "Expand": broadcast_to,
}  # fmt: skip
_NDIMS = {"Dot": (1, 1, 0), "Mv": (2, 1, 1), "Mm": (2, 2, 2)}


def _genuine(fn: GradFn) -> bool:
    """Whether a record is of the operation that the formula is for."""
    return _check(type(fn).__name__)(fn)


@lru_cache
def _check(title: str) -> Callable[[GradFn], bool]:
    """How it is told for records of a name."""
    name, _, form = title.partition("Backward")
    for fact, names in _NOTED.items():
        if name in names or name + form in names:
            is_where = name == "Where"
            return lambda fn: fact in fn.__dict__ and (not is_where or fn.outputs[0].op is where)
    if name in _ROWS:
        return lambda fn: _is_row(fn.outputs[0], _ROWS[name], fn.read())
    if name == "Pow":
        return _is_power
    if name in _NDIMS:
        return lambda fn: tuple(n.ndim for n in (*fn.read(), fn.outputs[0])) == _NDIMS[name]
    if name in ("Clone", "Alias", "ToCopy", "Sigmoid", "Frac"):
        return lambda fn: [n.shape for n in fn.read()] == [fn.outputs[0].shape]
    return lambda fn: True


def _is_power(fn: GradFn) -> bool:
    out, inputs = fn.outputs[0], fn.read()
    return _is_row(out, rows.square, inputs) or _is_row(out, rows.pow_, inputs)


def _is_row(out: Node, row: Any, inputs: Sequence[Node]) -> bool:
    node = out.args[0] if out.op is cast else out
    if node.op is not row:
        return False
    first = node.args[-1] if row is rows.subtract and node.args[0] not in inputs else node.args[0]
    return first in inputs or (first.op is cast and first.args[0] in inputs)


def by_formula(fn: Any, given: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Gradients of what a record read, by its formula, or else by the graph."""
    if all(x is None for x in given):
        return [None] * len(fn.edges)
    if isinstance(fn, CopySlices):
        return _sliced(fn, given[0])  # type: ignore[arg-type]
    if fn.formula is None:
        return by_graph(fn, given)
    fn.restore()
    if not _genuine(fn):
        return by_graph(fn, given)
    wanted = [into is not None for into, _ in fn.edges]
    x = given[0] if fn.count == 1 else given
    found = fn.formula(fn, x) if callable(fn.formula) else None
    out: list[Tensor | None] = []
    for i, (on, like) in enumerate(zip(wanted, fn.read())):
        part: Any = None
        if on and found is not None:
            part = found[i]
        elif on:
            f = fn.formula[i]
            part = f(fn, x) if f is not None else by_graph(fn, given)[i]
        out.append(None if part is None else fitted(part, like))
    return out


def by_graph(fn: GradFn, given: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Gradients as the graph gives them, recorded where that is wanted."""
    if MODE.grad:
        return recorded(fn, given)
    nodes = [None if x is None else x._read() for x in given]
    return [None if n is None else wrap(n) for n in fn.pull(nodes)]
