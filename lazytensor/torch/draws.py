"""Random numbers: those of PyTorch's generators. The CPU's are drawn at the call, those of CUDA
devices are nodes, whose place in the stream is taken at the call.

What enters: sizes, tensors, parameters, generators. What leaves: tensors, or those written to in
the order of their memory. It must not know how numbers are drawn.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._base.dtypes import bool_ as boolean
from .._base.dtypes import float32 as single
from .._base.dtypes import float64 as double
from ..ir.node import Node, scalar
from ..ops import g
from . import _types
from ._device_draws import Draws
from ._dispatch import (
    FUNCTIONS,
    assign,
    broadcast,
    in_place,
    need_tensor,
    op,
    refuse_leaf,
    same_device,
)
from ._dtypes import TITLES, bool_, default, dtype, int64
from ._generator import engine
from ._host import is_cuda, placed_new, value
from ._random import Engine, memory_order
from ._record import for_writing, record
from ._strides import dense, gapless
from .create import assign_out, new, place
from .tensor import Ints, Tensor, wrap
from .views import formatted, sized, sizes_of

__all__ = ["drawn", "noise"]

Array = np.ndarray[Any, Any]
Found = Array | Node
Draw = Callable[[Ints], Found]
Source = Engine | Draws

# --- places in memory -----------------------------------------------------------------------------


def drawn(shape: Ints, strides: Ints | None, draw: Draw) -> Found:
    """Numbers drawn in the order in which an output lies in memory, in the shape asked for."""
    if strides is None:
        return draw(shape)
    axes = memory_order(shape, strides)
    found = draw(tuple(shape[a] for a in axes))
    back = tuple(axes.index(a) for a in range(len(axes)))
    return g.permute(found, back) if isinstance(found, Node) else found.transpose(back)


def _node(found: Found, device: Any) -> Node:
    if isinstance(found, Node):
        return found
    return placed_new(np.ascontiguousarray(found).reshape(found.shape), device)


def _given(e: Source, x: Tensor) -> Any:
    """Elements for what draws: their value where the host does."""
    return x._read() if isinstance(e, Draws) else value(x._read())


def _varied(x: Tensor, node: Node, found: Node) -> Node:
    """The numbers, of which the tensor's gradient is zero and not missing."""
    if not x.requires_grad or found.dtype is not node.dtype:
        return found
    return g.where(scalar(False, boolean, node.device), node, found)


def _random(name: str, x: Tensor, found: Found, of: dtype | None = None) -> Tensor:
    """A new tensor of drawn numbers, recorded as made from one whose gradient is zero."""
    node = x._read()
    out = wrap(_varied(x, node, _node(found, node.device)), of)
    return record(out, name, (x,), (node,))


def _fill(name: str, x: Tensor, draw: Draw) -> Tensor:
    """Write drawn numbers to a tensor."""
    refuse_leaf(x)
    shape, strides = x._node.shape, x._strides
    return assign(x, for_writing(x, _random, name, x, drawn(shape, strides, draw), x.dtype))


# --- new tensors ----------------------------------------------------------------------------------


def _made(found: Found, of: dtype, device: Any, out: Tensor | None, needs: bool) -> Tensor:
    made = new(_node(found, place(device)), of, needs)
    return made if out is None else FUNCTIONS["_assign_out"](out, made)


def _asked(of: dtype | None, out: Tensor | None, otherwise: dtype) -> dtype:
    return of or (out.dtype if out is not None else otherwise)


def _refuse_negative(sizes: Ints) -> None:
    for n in sizes:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(sizes)}"
            )


def _floating(name: str, draw: Callable[[Any, Ints, Any, bool], Found]) -> None:
    """`rand` or `randn`, and their `_like`."""

    def function(
        *size: Any, generator: Any = None, names: Any = None, out: Tensor | None = None,
        dtype: dtype | None = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        sizes, of = sizes_of(size, name), _asked(dtype, out, default())
        _refuse_negative(sizes)
        found = draw(engine(generator, place(device)), sizes, of.numpy, True)
        return _made(found, of, device, out, requires_grad)

    def like(
        input: Tensor, *, generator: Any = None, dtype: dtype | None = None, layout: Any = None,
        device: Any = None, requires_grad: bool = False, memory_format: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        x = need_tensor(name + "_like", input)
        of = dtype or x.dtype
        there = x._node.device if device is None else place(device)
        e, whole = engine(generator, there), _places(x, memory_format) is None
        f: Draw = lambda shape: draw(e, shape, of.numpy, whole)  # noqa: E731
        return _like(x, f, of, device, requires_grad, memory_format)

    for f, called in ((sized(function), name), (like, name + "_like")):
        f.__doc__ = f"Random numbers as `{name}` draws them."
        op(called, method=False)(f)


def _places(x: Tensor, memory_format: Any) -> Ints | None:
    """The strides of a tensor like x."""
    keep = memory_format is None or memory_format is _types.preserve_format
    return dense(x) if keep else formatted(memory_format, x._node.shape)


def _like(
    x: Tensor, draw: Draw, of: dtype, device: Any, requires_grad: bool, memory_format: Any
) -> Tensor:
    shape, strides = x._node.shape, _places(x, memory_format)
    where = x.device if device is None else device
    made = new(_node(drawn(shape, strides, draw), place(where)), of, requires_grad)
    made._strides = strides
    return made


_floating("rand", lambda e, shape, number, whole: e.uniform(shape, number))
_floating("randn", lambda e, shape, number, whole: e.normal(shape, number, contiguous=whole))


@op(method=False)
def randint(
    *args: Any, low: int | None = None, high: int | None = None, size: Any = None,
    generator: Any = None, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Integers from low, 0 by default, up to high, which is left out. Raises RuntimeError for
    bounds that are out of order or that the dtype does not hold.
    """
    given = list(args)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None and given:
        low = given.pop()
    if high is None or size is None or given:
        raise TypeError("randint() received an invalid combination of arguments")
    of = _asked(dtype, out, int64)
    found = engine(generator, place(device)).integers(
        sizes_of((size,), "randint"), of.numpy, *_bounds(low or 0, high)
    )
    return _made(found, of, device, out, requires_grad)


def _bounds(low: Any, high: Any) -> tuple[int, int]:
    ends = [int(v.item()) if isinstance(v, Tensor) else int(v) for v in (low, high)]
    return ends[0], ends[1]


@op(method=False)
def randint_like(
    input: Tensor, low: Any = None, high: Any = None, *, generator: Any = None,
    dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Integers of the size of a tensor: `(high)` or `(low, high)`."""
    x, of = need_tensor("randint_like", input), dtype or input.dtype
    first, last = _bounds(*((0, low) if high is None else (low or 0, high)))
    there = x._node.device if device is None else place(device)
    draw: Draw = lambda shape: engine(generator, there).integers(shape, of.numpy, first, last)  # noqa: E731
    return _like(x, draw, of, device, requires_grad, memory_format)


@op(method=False)
def randperm(
    n: int, *, generator: Any = None, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The integers below n in random order. Raises RuntimeError for n below 0."""
    of = _asked(dtype, out, int64)
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    found = engine(generator, place(device)).permutation(n, of.numpy)
    return _made(found, of, device, out, requires_grad)


@op(out=True, method=False)
def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None,
    dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers: of a size, without `device` on the CPU, or one for each mean and
    spread that tensors give.

    Raises RuntimeError for spreads below zero.
    """
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not tensors:
        sizes, of = sizes_of((size,), "normal"), dtype or default()
        where = "cpu" if device is None else device
        found = engine(generator, place(where)).normal(sizes, of.numpy, float(mean), float(std))
        return _made(found, of, where, None, requires_grad)
    if isinstance(std, Tensor):
        _refuse_spread(std)
    of = tensors[0].dtype
    shape = tensors[0]._node.shape
    if len(tensors) == 2:
        shape = broadcast(shape, tensors[1]._node.shape)
    spread = 1.0 if isinstance(std, Tensor) else float(std)
    found = engine(generator, same_device(tensors)).normal(shape, of.numpy, 0.0, spread)
    made = _made(found, of, tensors[0].device, None, False)
    if isinstance(std, Tensor):
        made = FUNCTIONS["mul"](made, std.detach())
    made = FUNCTIONS["add"](made, mean.detach() if isinstance(mean, Tensor) else mean)
    numbers = made._read()
    title = "NormalBackward" + ("3" if len(tensors) == 2 else "1" if tensors[0] is mean else "2")
    fresh = [g.reshape(t._read(), t._node.shape) for t in tensors]
    return record(wrap(_unmoved(numbers, fresh)), title, tensors, fresh)


def _unmoved(numbers: Node, given: Sequence[Node]) -> Node:
    """What was drawn, whose gradient for what it was drawn with is zero."""
    for n in given:
        wide = g.broadcast_to(g.cast(n, numbers.dtype), numbers.shape)
        numbers = g.where(scalar(False, boolean, n.device), wide, numbers)
    return numbers


def _refuse_spread(std: Tensor) -> None:
    if std.dtype._rank == 3:
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if not (value(std._read()) >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")


@op(out=True)
def bernoulli(input: Tensor, p: Any = None, *, generator: Any = None) -> Tensor:
    """Ones with the probabilities that stand in the tensor, or with p, else zeros.

    Raises RuntimeError for what is no probability.
    """
    x = need_tensor("bernoulli", input)
    e, shape, number = engine(generator, x._node.device), x._node.shape, x.dtype.numpy
    if p is None or isinstance(p, Tensor):
        found = e.bernoulli_each(_each(e, x if p is None else p, shape), number)
    else:
        found = e.bernoulli(shape, number, float(p))
    return _random("Bernoulli", x, found)


@op()
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Indices of categories, int64, drawn with the weights of each row. Raises RuntimeError for
    what are no weights.
    """
    x = need_tensor("multinomial", input)
    if out is not None and out.dtype is not int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {TITLES[out.dtype]}")
    e = engine(generator, x._node.device)
    found = e.multinomial(_given(e, x), int(num_samples), bool(replacement))
    made = new(_node(found, x._node.device))
    return made if out is None else assign_out(out, made)


@op(out=True, method=False)
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Poisson numbers of rates. Raises RuntimeError for rates below zero."""
    x = need_tensor("poisson", input)
    e = engine(generator, x._node.device)
    return _random("Poisson", x, e.poisson(_given(e, x)))


@op(out=True, method=False)
def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """Binomial numbers of counts of trials and probabilities. Raises ValueError for integers."""
    x, p = need_tensor("binomial", count, 1, "count"), need_tensor("binomial", prob, 2, "prob")
    e = engine(generator, same_device((x, p)))
    return _random("Binomial", x, e.binomial(_given(e, x), _given(e, p)))


@op("_standard_gamma", method=False)
def _standard_gamma(input: Tensor, generator: Any = None) -> Tensor:
    """Gamma numbers of scale 1 for each shape parameter."""
    e = engine(generator, input._node.device)
    return _random("StandardGamma", input, e.standard_gamma(_given(e, input)))


@op("_sample_dirichlet", method=False)
def _sample_dirichlet(input: Tensor, generator: Any = None) -> Tensor:
    """Points of the simplex for each row of shape parameters."""
    e = engine(generator, input._node.device)
    return _random("SampleDirichlet", input, e.dirichlet(_given(e, input)))


# --- in place -------------------------------------------------------------------------------------


@op(function=False)
def uniform_(input: Tensor, low: float = 0.0, to: float = 1.0, **kwargs: Any) -> Tensor:
    """Numbers in [from, to). Raises RuntimeError for bounds that are out of order."""
    low = kwargs.pop("from", low)
    e = engine(kwargs.pop("generator", None), input._node.device)
    draw: Draw = lambda shape: e.uniform(shape, input.dtype.numpy, float(low), float(to))  # noqa: E731
    return _fill("Uniform", input, draw)


@op(function=False)
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Normal numbers. Raises RuntimeError for std below zero."""
    e, whole = engine(generator, input._node.device), input._strides is None or input._node.size < 2
    draw: Draw = lambda shape: e.normal(shape, input.dtype.numpy, float(mean), float(std), whole)  # noqa: E731
    return _fill("Normal", input, draw)


@op(function=False)
def random_(input: Tensor, *bounds: int, generator: Any = None, **kwargs: Any) -> Tensor:
    """Integers: `()` of the dtype's range, `(to)` from 0, `(from, to)`; `to` is left out.

    Raises RuntimeError for bounds that are out of order or that the dtype does not hold.
    """
    e, number = engine(generator, input._node.device), input.dtype.numpy
    if not bounds and not kwargs:
        return _fill("Random", input, lambda shape: e.random(shape, number))
    named = "to" in kwargs
    first = kwargs.get("from", bounds[0] if len(bounds) > 1 or (named and bounds) else 0)
    last = kwargs.get("to", bounds[-1] if bounds else None)
    return _fill("Random", input, lambda shape: e.integers(shape, number, first, last))


@op(function=False)
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Ones with probability p, a number or one for each element, else zeros."""
    e, number = engine(generator, input._node.device), input.dtype.numpy
    if not isinstance(p, Tensor):
        return _fill("Bernoulli", input, lambda shape: e.bernoulli(shape, number, float(p)))
    refuse_leaf(input)
    shape, strides = input._node.shape, input._strides
    axes = tuple(range(len(shape))) if strides is None else memory_order(shape, strides)
    each = _each(e, p, shape)
    lying: Any = g.permute(each, axes) if isinstance(each, Node) else each.transpose(axes)
    return _fill("Bernoulli", input, lambda _: e.bernoulli_each(lying, number))


def _each(e: Source, p: Tensor, shape: Ints) -> Any:
    """A probability for each element of a shape."""
    given = _given(e, p)
    whole = g.broadcast_to if isinstance(given, Node) else np.broadcast_to
    return whole(given, shape)


def _one_parameter(name: str, title: str, method: str, *defaults: tuple[str, float | None]) -> None:
    """`name_(parameters…, generator=)`, drawn by an engine's method."""

    def function(input: Tensor, *args: float, generator: Any = None, **kwargs: float) -> Tensor:
        given = dict(zip((k for k, _ in defaults), args)) | kwargs
        missing = [k for k, d in defaults if d is None and k not in given]
        if missing or len(args) > len(defaults) or given.keys() - {k for k, _ in defaults}:
            raise TypeError(
                f'{name}_() missing 1 required positional arguments: "{missing[0]}"'
                if missing
                else f"{name}_() received an invalid combination of arguments"
            )
        parameters = [float(given.get(k, d)) for k, d in defaults]  # type: ignore[arg-type]
        draw = getattr(engine(generator, input._node.device), method)
        return _fill(title, input, lambda shape: draw(shape, input.dtype.numpy, *parameters))

    function.__doc__ = f"Numbers of the {name.replace('_', '-')} distribution, in place."
    op(name + "_", function=False)(function)


_one_parameter("exponential", "Exponential", "exponential", ("lambd", 1.0))
_one_parameter("geometric", "Geometric", "geometric", ("p", None))
_one_parameter("cauchy", "Cauchy", "cauchy", ("median", 0.0), ("sigma", 1.0))
_one_parameter("log_normal", "LogNormal", "log_normal", ("mean", 1.0), ("std", 2.0))

# --- dropout --------------------------------------------------------------------------------------


def noise(x: Tensor, shape: Ints, p: float, strides: Ints | None) -> Tensor:
    """What dropout multiplies by: zeros with probability p, else 1 / (1 - p)."""
    e = engine(None, x._node.device)
    found = drawn(shape, strides, lambda s: e.dropout(s, x.dtype.numpy, p))
    out = wrap(_node(found, x._node.device), x.dtype)
    out._strides = strides
    return out


def _checked(p: float) -> float:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    return float(p)


def _channels(x: Tensor) -> Ints:
    """One factor for each sample and channel. Raises RuntimeError for fewer than two axes."""
    if x.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*x._node.shape[:2], *(1,) * (x.ndim - 2))


def _dropped(x: Tensor, p: float, train: bool, feature: bool) -> Tensor:
    p = _checked(p)
    if p == 0 or not train or not x._node.size:
        return x
    mul = FUNCTIONS["mul"]
    if p == 1:
        return mul(x, wrap(scalar(0, x.dtype.numpy, x._node.device), x.dtype))  # type: ignore[no-any-return]
    shape, strides = (_channels(x), None) if feature else (x._node.shape, dense(x))
    return mul(x, noise(x, shape, p, strides))  # type: ignore[no-any-return]


def _dropped_anew(x: Tensor, p: float, train: bool, feature: bool) -> Tensor:
    """Not in place: CUDA devices have an operation of its own for this."""
    if train and 0 < p < 1 and x._node.size and is_cuda(x._node.device):
        return _fused(x, float(p))[0]
    return _dropped(x, p, train, feature)


def _neighbours(x: Tensor) -> int:
    """How many elements next to one another a GPU reads at once: 16 bytes at most, where they fill
    memory, begin at such a place, and nothing is left over.
    """
    size = x.dtype.itemsize
    if not gapless(x):
        return 1
    wide = 16 // size
    while wide > 1 and (x._offset % wide or x._node.size % wide):
        wide //= 2
    return wide


def _fused(x: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """Dropout as CUDA devices have it: what is left, and which elements were kept, bool."""
    node, strides = x._read(), dense(x)
    e, run, number = engine(None, node.device), _neighbours(x), x.dtype.numpy
    assert isinstance(e, Draws)
    scale = []

    def draw(shape: Ints) -> Node:
        kept, factor = e.kept(shape, number, p, run)
        scale.append(factor)
        return kept

    mask = _node(drawn(node.shape, strides, draw), node.device)
    wide = double if node.dtype is double else single
    factors = g.where(mask, scalar(scale[0], wide, node.device), 0.0)
    left = wrap(g.cast(g.cast(node, wide) * factors, node.dtype), x.dtype)
    outs = record(left, "NativeDropout", (x,), (node,)), wrap(mask, bool_)
    for out in outs:
        out._strides = strides
    return outs


# The value that SELU tends to far below zero, negated.
_ALPHA = 1.7580993408473766


def _alpha_dropped(x: Tensor, p: float, train: bool, feature: bool) -> Tensor:
    p = _checked(p)
    if p == 0 or not train or not x._node.size:
        return x
    if p == 1:
        return FUNCTIONS["mul"](x, wrap(scalar(0, x.dtype.numpy, x._node.device), x.dtype))  # type: ignore[no-any-return]
    shape, strides = (_channels(x), None) if feature else (x._node.shape, dense(x))
    e, number = engine(None, x._node.device), x.dtype.numpy
    kept = drawn(shape, strides, lambda s: e.bernoulli(s, number, 1 - p))
    a = 1.0 / float(np.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p)))
    mask = wrap(_node(kept, x._node.device), x.dtype)
    add, mul = FUNCTIONS["add"], FUNCTIONS["mul"]
    shift = add(mul(FUNCTIONS["sub"](mask, 1), _ALPHA * a), _ALPHA * a * p)
    return add(mul(x, mul(mask, a)), shift)  # type: ignore[no-any-return]


Dropped = Callable[[Tensor, float, bool, bool], Tensor]


def _dropout(name: str, f: Dropped, feature: bool, anew: Dropped | None = None) -> None:
    def function(input: Tensor, p: float, train: bool) -> Tensor:
        return (anew or f)(need_tensor(name, input), p, train, feature)

    def over(input: Tensor, p: float, train: bool) -> Tensor:
        return f(input, p, train, feature)

    def written(input: Tensor, p: float, train: bool) -> Tensor:
        x = need_tensor(name + "_", input)
        return x if p == 0 or not train else in_place(over, name, x, p, train)

    function.__doc__ = f"`{name}`: with probability p dropped where `train`. Raises RuntimeError."
    written.__doc__ = f"`{name}`, in place."
    op(name, method=False)(function)
    op(name + "_", method=False)(written)


_dropout("dropout", _dropped, False, _dropped_anew)
_dropout("feature_dropout", _dropped, True)
_dropout("alpha_dropout", _alpha_dropped, False)
_dropout("feature_alpha_dropout", _alpha_dropped, True)


@op(method=False)
def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """What is left and which elements were kept, bool."""
    x = need_tensor("native_dropout", input)
    if not x._node.size:
        return x, FUNCTIONS["empty_like"](x, dtype=bool_)
    if train is False:
        return x, FUNCTIONS["ones_like"](x, dtype=bool_)
    if is_cuda(x._node.device) and _checked(p) < 1:
        return _fused(x, float(p))
    factors = noise(x, x._node.shape, _checked(p), dense(x))
    return FUNCTIONS["mul"](x, factors), FUNCTIONS["ne"](factors, 0)
