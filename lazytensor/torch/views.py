"""Views: tensors that show the memory of others, and the copies where there can be none.

What enters: tensors, sizes and axes. What leaves: tensors with PyTorch's sizes, strides and
offsets, or its errors. It must not know how anything is computed.
"""

import functools
import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..ir.op import Op
from ..ops import g
from ..ops.bits import bitcast
from ..ops.elementwise import conj as conj_row
from ..ops.elementwise import negative
from ..ops.movement import reshape as reshape_row
from . import _types
from ._dispatch import FUNCTIONS, need_tensor, op, refuse_leaf
from ._dtypes import TITLES
from ._dtypes import dtype as DType
from ._graph import MODE, GradFn, grad_fn_class
from ._record import for_writing, record, record_many, record_view, run
from ._strides import dense
from ._types import channels_last as CHANNELS_LAST
from ._types import channels_last_3d as CHANNELS_LAST_3D
from ._types import preserve_format as PRESERVE
from .storage import Steps, read
from .tensor import (
    Ints,
    Links,
    Tensor,
    contiguous,
    is_contiguous,
    not_strided,
    refuse_inference,
    view_of,
    wrap,
)

__all__ = ["axes_of", "axis", "shown", "sizes_of"]


def axis(dim: Any, ndim: int) -> int:
    """0 <= axis < ndim. Raises IndexError in PyTorch's words."""
    bound = max(ndim, 1)
    try:
        i = operator.index(dim)
    except TypeError:
        raise TypeError(
            f"argument 'dim' must be int, not {type(dim).__name__}"
        ) from None
    if not -bound <= i < bound:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got "
            f"{i})"
        )
    return i + bound if i < 0 else i


def _is_index(x: Any) -> bool:
    """Whether it is a number of NumPy's, or a tensor without axes, that can stand for an int."""
    return isinstance(x, np.integer) or (isinstance(x, Tensor) and not x._node.shape)


def axes_of(dims: Any, ndim: int) -> Ints:
    """Distinct axes of an int or a sequence. Raises IndexError, RuntimeError for a repeated one."""
    given = (dims,) if isinstance(dims, int) or _is_index(dims) else tuple(dims)
    out: list[int] = []
    for d in given:
        a = axis(d, ndim)
        if a in out:
            raise RuntimeError(f"dim {a} appears multiple times in the list of dims")
        out.append(a)
    return tuple(out)


def sizes_of(sizes: Sequence[Any], name: str = "view") -> Ints:
    """Ints from `f(2, 3)` or `f((2, 3))`. Raises TypeError."""
    given = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], list | tuple) else sizes
    try:
        return tuple(map(operator.index, given))
    except TypeError:
        bad = next(x for x in given if not hasattr(x, "__index__"))
        raise TypeError(
            f"{name}(): argument 'size' must be tuple of ints, but found element of type "
            f"{type(bad).__name__}"
        ) from None


def sized(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `*size` that takes `size=` as well. Raises TypeError for both."""

    @functools.wraps(f)
    def function(*given: Any, **others: Any) -> Any:
        if "size" not in others:
            return f(*given, **others)
        if given:
            raise TypeError(f"{f.__name__}() got multiple values for argument 'size'")
        return f(others.pop("size"), **others)

    return function


def type_name(x: Tensor) -> str:
    """PyTorch's name of the tensor's type."""
    kind = _types.torch_device(x._node.device).type
    return f"torch.{'' if kind == 'cpu' else kind + '.'}{TITLES[x.dtype]}Tensor"


def shown(
    name: str, x: Tensor, steps: Steps, strides: Ints, offset: int | None = None, **facts: Any
) -> Tensor:
    """A view of x by steps, recorded under PyTorch's name of its derivative if there is one, with
    what else formulas ask for.
    """
    source = x._read()
    node = source
    for step in steps:
        node = read(node, step)
    if node is source:
        node = g.reshape(source, source.shape)
    out = view_of(x, node, steps, strides, x._offset if offset is None else offset)
    if not name:
        return out
    seen_by(x, out)
    links = () if out._base is x else x._links
    if links is not None:
        out._links = (*links, (name, steps, strides, out._offset, facts))
    record_view(out, name, x, source)
    if facts and out._fn is not None:
        out._fn.__dict__.update(facts)
    return out


def replayed(base: Tensor, links: Links) -> Tensor:
    """A view of another base, made in the same way; by strides, as PyTorch has it, before and after
    a step that they don't say.
    """
    strided, view, special = FUNCTIONS["as_strided"], base, False
    for i, (name, steps, strides, offset, facts) in enumerate(links):
        odd = not_strided(steps)
        if odd and i and not special:
            view = strided(base, view._node.shape, view._stride(), view._offset)
        plain = shown(name, view, steps, strides, offset, **facts)
        follows = special and not odd
        view = strided(view, plain._node.shape, strides, offset) if follows else plain
        special = special or odd
    return view


setattr(Tensor, "_replayed", staticmethod(replayed))  # noqa: B010
Piece = tuple[Steps, Ints, int]


def shown_many(name: str, x: Tensor, pieces: Sequence[Piece]) -> tuple[Tensor, ...]:
    """Views of x by steps, strides and offset, made by one operation."""
    source = x._read()
    outs = []
    for steps, strides, offset in pieces:
        node = source
        for step in steps:
            node = read(node, step)
        if node is source:
            node = g.reshape(source, source.shape)
        outs.append(view_of(x, node, steps, strides, offset))
        seen_by(x, outs[-1], many=True)
        outs[-1]._links = None
    record_many(outs, name, (x,), (source,))
    return tuple(outs)


def seen_by(x: Tensor, out: Tensor, many: bool = False) -> None:
    """Let `out` be a view of x: of several of its kind made at once if `many`."""
    if x._inference:
        out._inference, out._counter = True, [0]
        return
    out._base = x if x._base is None else x._base
    out._at = out._count()[0]
    if MODE.inference:
        out._origin = "inference"
    elif not MODE.grad:
        out._origin = "no_grad"
    elif many:
        out._origin = "many"
    elif x._origin:
        out._origin = x._origin


# --- other sizes ----------------------------------------------------------------------------------


def inferred(sizes: Ints, numel: int) -> Ints:
    """The sizes with -1 filled in. Raises RuntimeError in PyTorch's words."""
    unknown = [i for i, n in enumerate(sizes) if n == -1]
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for n in sizes:
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n}")
    known = prod(n for n in sizes if n != -1)
    if unknown:
        if known == 0 and numel == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
        if known and numel % known == 0:
            return tuple(numel // known if n == -1 else n for n in sizes)
    if unknown or known != numel:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {numel}")
    return sizes


@functools.lru_cache(4096)
def strides_for(shape: Ints, strides: Ints, new: Ints) -> Ints | None:
    """Strides that show memory in a new shape; None where only a copy can have it."""
    numel = prod(shape)
    if numel == 0:
        return strides if shape == new else contiguous(new)
    out = [0] * len(new)
    at = len(new) - 1
    if not shape:
        return (1,) * len(new)
    base, chunk, seen = strides[-1], 1, 1
    for d in range(len(shape) - 1, -1, -1):
        chunk *= shape[d]
        if d == 0 or (shape[d - 1] != 1 and strides[d - 1] != chunk * base):
            while at >= 0 and (seen < chunk or new[at] == 1):
                out[at] = seen * base
                seen *= new[at]
                at -= 1
            if seen != chunk:
                return None
            if d > 0:
                base, chunk, seen = strides[d - 1], 1, 1
    return tuple(out) if at == -1 else None


def reshaped(name: str, x: Tensor, shape: Ints, strides: Ints, **facts: Any) -> Tensor:
    return shown(name, x, ((reshape_row, (shape,)),), strides, **facts)


@op(function=False)
def view(input: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same memory in another shape, or read as another dtype.

    Raises RuntimeError where strides don't allow it.
    """
    x = need_tensor("view", input)
    if size is not None or dtype is not None:
        shape = (*shape, size if dtype is None else dtype)
    if len(shape) == 1 and isinstance(shape[0], DType):
        return _reinterpreted(x, shape[0])
    sizes = inferred(sizes_of(shape), x._node.size)
    if x._strides is None:
        return reshaped("View", x, sizes, contiguous(sizes))
    strides = strides_for(x._node.shape, x._strides, sizes)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return reshaped("View", x, sizes, strides)


def _reinterpreted(x: Tensor, to: DType) -> Tensor:
    """The same memory read as another dtype. Raises RuntimeError where elements don't fit."""
    have, want = x.dtype.itemsize, to.itemsize
    if to is x.dtype:
        return alias_of(x)
    for bit, what in (("conjugate", conj_row), ("negative", negative)):
        if pending(x, what):
            raise RuntimeError(
                f"torch.Tensor.view is not supported for {bit} view tensors when converting to a "
                "different dtype."
            )
    strides, offset = x._stride(), x._offset
    if have != want:
        _check_bits(x, to)
    if have >= want:
        ratio = have // want
        strides = tuple(s * ratio for s in strides)
        offset *= ratio
    else:
        ratio = want // have
        strides = tuple(s // ratio for s in strides)
        offset //= ratio
    if have != want:
        strides = (*strides[:-1], 1)
    out = shown("", x, ((bitcast, (to.numpy,)),), strides, offset)
    if x._inference:  # whose writes aren't counted
        out._counter = [0]
    return out


def pending(x: Tensor, row: Op) -> bool:
    """Whether a view shows its memory conjugated, or negated, for the row of that."""
    return sum(op is row for op, _ in x._steps) % 2 == 1


def _check_bits(x: Tensor, to: DType) -> None:
    shape, strides, ratio = x._node.shape, x._stride(), to.itemsize // x.dtype.itemsize
    how = f"to view {TITLES[x.dtype]} as {TITLES[to]} (different element sizes)"
    if not shape:
        raise RuntimeError(f"self.dim() cannot be 0 {how}")
    if ratio > 1 and shape[-1] % ratio:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {ratio} {how}, but got {shape[-1]}"
        )
    if strides[-1] != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {how}, but got {strides[-1]}")
    if ratio < 2:
        return
    if x._offset % ratio:
        raise RuntimeError(
            f"self.storage_offset() must be divisible by {ratio} {how}, but got {x._offset}"
        )
    for a, s in enumerate(strides[:-1]):
        if s % ratio:
            raise RuntimeError(f"self.stride({a}) must be divisible by {ratio} {how}, but got {s}")


@op()
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in another shape: a view where strides allow it, else a copy."""
    x = need_tensor("reshape", input)
    sizes = inferred(sizes_of(shape, "reshape"), x._node.size)
    strides = contiguous(sizes) if x._strides is None else strides_for(
        x._node.shape, x._strides, sizes)  # fmt: skip
    if strides is not None:
        plain = x._strides is None or is_contiguous(x._node.shape, x._strides)
        return reshaped("View" if plain else "ReshapeAlias", x, sizes, strides)
    return run("UnsafeView", lambda n: g.reshape(n, sizes), (clone(x, None),))


@op(function=False)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another."""
    return view(input, other._node.shape)


@op(function=False)
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`reshape` in the shape of another."""
    return reshape(input, other._node.shape)


@op()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Axes from `start_dim` to `end_dim` as one."""
    shape = input._node.shape
    first, last = axis(start_dim, len(shape)), axis(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    if first == last:
        return input
    return reshape(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


@op()
def ravel(input: Tensor) -> Tensor:
    """All elements along one axis."""
    return reshape(input, (-1,))


@op()
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One axis as several."""
    shape = input._node.shape
    a = axis(dim, len(shape))
    given = tuple(sizes)
    if not given:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = prod(n for n in given if n != -1)
    if given.count(-1) < 2 and (known != shape[a] if -1 not in given else shape[a] % max(known, 1)):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(given)} don't multiply up to the size of dim {a} "
            f"({shape[a]}) in the input tensor"
        )
    return view(input, (*shape[:a], *inferred(given, shape[a]), *shape[a + 1 :]))


@op()
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without axes of size 1: all of them, or those among `dim`."""
    x, shape = input, input._node.shape
    among = range(len(shape)) if dim is None else axes_of(dim, len(shape))
    keep = [a for a, n in enumerate(shape) if n != 1 or a not in among]
    strides = x._stride()
    new = tuple(shape[a] for a in keep)
    name = "Squeeze" if dim is None else f"SqueezeBackward{1 if isinstance(dim, int) else 2}"
    gone = [a for a in range(len(shape)) if a not in keep]
    return reshaped(name, x, new, tuple(strides[a] for a in keep), dims=gone)


@op()
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of size 1."""
    shape, strides = input._node.shape, input._stride()
    a = axis(dim, len(shape) + 1)
    step = shape[a] * strides[a] if a < len(shape) else 1
    new = (*shape[:a], 1, *shape[a:])
    return reshaped("Unsqueeze", input, new, (*strides[:a], step, *strides[a:]), dim=a)


def in_place_form(name: str) -> None:
    """`x.name_()`: x itself shows its memory another way."""
    f = getattr(Tensor, name)

    def written(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        refuse_leaf(x)
        before = x._fn
        shown_ = for_writing(x, f, x, *args, **kwargs)
        shown_._fn = _as_written(shown_._fn)
        become(x, shown_)
        if x.dtype._rank < 2 and MODE.grad and x.requires_grad:  # too late, as in PyTorch
            x._fn = before
            raise RuntimeError(f"Autograd not support dtype: {TITLES[x.dtype]}")
        if x._inference is True:
            refuse_inference()
        return x

    written.__doc__ = f"`{name}`, of the tensor itself."
    op(name + "_", function=False)(written)


def become(x: Tensor, shown_: Tensor) -> None:
    """Let x be what a view of it is."""
    before = x._node.shape
    x._stor, x._steps, x._seen = shown_._stor, shown_._steps, shown_._seen
    x._node, x._strides, x._offset = shown_._node, shown_._strides, shown_._offset
    x._count()[0] += 1
    x._links = None
    new = shown_._fn
    if new is None and x._base is None and x.requires_grad:
        into = x._edge()[0]
        if into is not None and into.shape is None:
            into.shape = before
    if new is not None:
        old, number = x._fn, x._out
        x._fn, x._out, x._at = new, shown_._out, x._count()[0]
        if old is not None:
            old.pass_on(number, new)


# How many derivatives the forms of a view have that aren't in place.
_FORMS = {"Squeeze": 3}


def _as_written(fn: GradFn | None) -> GradFn | None:
    """The record of a view, as of the form in place."""
    if fn is None or fn.inputs is None:
        return fn
    name, found, number = type(fn).__name__.partition("Backward")
    if not found:
        return fn
    title = f"{name}Backward{int(number) + _FORMS.get(name, 1)}"
    out = grad_fn_class(title)(fn.edges, fn.inputs, fn.outputs)
    out.__dict__.update(fn.__dict__)
    return out


# --- complex parts, aliases, copies ---------------------------------------------------------------


op(name="_is_view", function=False)(lambda x: x._base is not None)


def alias_of(x: Tensor) -> Tensor:
    """A view of all of x."""
    return shown("Alias", x, (), x._stride())


@op()
def detach(input: Tensor) -> Tensor:
    """The same memory without history."""
    x = need_tensor("detach", input)
    out = _stopped(x) if MODE.levels else _same(x)
    out._counter = x._count()
    return _detached(x, out)


def _detached(x: Tensor, out: Tensor) -> Tensor:
    if x._inference:
        out._inference, out._counter = "counted", [0]
    return out


def _same(x: Tensor) -> Tensor:
    x._share()
    return view_of(x, x._read(), (), x._stride(), x._offset)


def _stopped(x: Tensor) -> Tensor:
    """The same memory without tangents."""
    x._share()
    source = x._read()
    for level in MODE.levels:
        source = level.stop(source)
    steps = ((reshape_row, (source.shape,)),)
    return view_of(x, source, steps, x._stride(), x._offset)


def _data(x: Tensor) -> Tensor:
    """`x.data`: the same memory without history, whose writes nobody counts."""
    out = _same(x)
    out._counter = [0]
    return _detached(x, out)


def _set_data(x: Tensor, new: Any) -> None:
    if not isinstance(new, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}")
    x._stor, x._steps, x._seen = new._share(), new._steps, new._seen
    x._node, x._strides, x._offset = new._read(), new._strides, new._offset
    x.dtype = new.dtype


setattr(Tensor, "data", property(_data, _set_data))  # noqa: B010


@op(name="detach_", function=False)
def detach_(input: Tensor) -> Tensor:
    """Let the tensor itself have no history. Raises RuntimeError for a view."""
    if input._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
            "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
            "these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
            "function in torch/optim/optimizer.py as a solution."
        )
    input._fn, input._out, input._needs = None, 0, False
    return input


@op()
def clone(input: Tensor, memory_format: Any = None) -> Tensor:
    """A copy with its own memory, with its history."""
    x = need_tensor("clone", input)
    node = x._read()
    copy = g.reshape(node, node.shape)
    strides = dense(x) if memory_format is None or memory_format is PRESERVE else formatted(
        memory_format, node.shape)  # fmt: skip
    return record(wrap(copy, x.dtype, strides), "Clone", (x,), (node,))


def formatted(form: Any, shape: Ints) -> Ints | None:
    """Strides of a memory format. Raises RuntimeError for another number of axes."""
    if form is CHANNELS_LAST or form is CHANNELS_LAST_3D:
        ndim = 4 if form is CHANNELS_LAST else 5
        if len(shape) != ndim:
            name = "channels_last" if ndim == 4 else "channels_last_3d"
            raise RuntimeError(f"required rank {ndim} tensor to use {name} format")
        out, step = [0] * ndim, 1
        for a in (1, *range(ndim - 1, 1, -1), 0):
            out[a] = step
            step *= shape[a]
        return tuple(out)
    return None


for _name in ("squeeze", "unsqueeze"):
    in_place_form(_name)
