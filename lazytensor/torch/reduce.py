"""Reductions, with PyTorch's axes, dtypes and several results.

What enters: tensors, axes. What leaves: tensors, or named tuples of them. It must not know how
anything is computed.
"""

from collections.abc import Callable
from typing import Any

from ..ir.node import Node
from ..lang import nn, reductions
from ..ops import g
from ..ops.scan import take_along
from . import return_types
from ._calls import no_such_call, refuse
from ._dispatch import FUNCTIONS, need_tensor, op
from ._dtypes import TITLES, bool_, dtype, int64, uint8
from ._record import cast, noted, run, run_many, to_dtype
from .pointwise import floated
from .tensor import Tensor, wrap
from .views import axes_of, axis

__all__ = ["along", "dims", "over"]

Reduction = Callable[[Node, tuple[int, ...]], Node]


# --- axes -----------------------------------------------------------------------------------------


def dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """The axes to reduce, in order: all for None and for none named."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(ndim))
    return tuple(sorted(axes_of(dim, ndim)))


def over(f: Reduction, x: Node, axes: tuple[int, ...], keepdim: bool = False) -> Node:
    """A reduction over axes; an array without axes is reduced as one of one element."""
    if not x.ndim:
        return f(g.reshape(x, (1,)), (0,))
    y = f(x, axes)
    if not keepdim:
        return y
    return g.reshape(y, tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


def along(f: Callable[[Node, int], Any], x: Node, a: int) -> Any:
    """A function along one axis that keeps it; an array without axes has one for the time being."""
    if x.ndim:
        return f(x, a)
    out = f(g.reshape(x, (1,)), 0)
    return tuple(g.reshape(y, ()) for y in out) if isinstance(out, tuple) else g.reshape(out, ())


_HINT = " Specify the reduction dim with the 'dim' argument."


def refuse_empty(
    name: str, x: Tensor, dim: Any, *, kind: type[Exception] = RuntimeError, hint: str = _HINT
) -> None:
    """Raises IndexError, or `kind` where no axis is named, where there is nothing to choose."""
    shape = x._node.shape
    if 0 not in shape:
        return
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        raise kind(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{hint}"
        )
    for a in dims(dim, x.ndim):
        if shape[a] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size.")


# --- sums, products -------------------------------------------------------------------------------


def accumulated(x: Tensor, to: dtype | None) -> Tensor:
    """In the dtype of sums: integers and bool in int64."""
    return to_dtype(x, to or (int64 if x.dtype._rank < 2 else x.dtype))


def _numbered(title: str, whole: bool) -> str:
    return title if whole else title + "Backward1"


@op(out=True)
def sum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The sum over axes, all by default."""
    x = accumulated(need_tensor("sum", input), dtype)
    axes = dims(dim, x.ndim)
    title = _numbered("Sum", dim is None and not keepdim)
    gone = () if keepdim else axes
    return noted(run(title, lambda n: over(g.sum, n, axes, keepdim), (x,)), dims=gone)  # type: ignore[no-any-return]


@op(out=True)
def nansum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The sum over axes of what is not NaN. Raises RuntimeError for complex numbers."""
    if need_tensor("nansum", input).dtype._rank == 3:
        raise RuntimeError("nansum on CPU does not support complex inputs")
    x = accumulated(input, dtype)
    axes = dims(dim, x.ndim)

    def total(n: Node, axes: tuple[int, ...]) -> Node:
        return g.sum(g.where(g.isnan(n), g.constant(0, n), n), axes)

    return run("Nansum", lambda n: over(total, n, axes, keepdim), (x,))


@op(out=True)
def mean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The mean over axes, all by default. Raises RuntimeError for integers."""
    x = need_tensor("mean", input)
    if dtype is not None:
        x = to_dtype(x, dtype)
    if x.dtype._rank < 2:
        what = "Input dtype" if dtype is None else "Optional dtype"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {what} must be either a floating point or "
            f"complex dtype. Got: {TITLES[x.dtype]}"
        )
    axes = dims(dim, x.ndim)
    title = _numbered("Mean", dim is None and not keepdim)
    gone = () if keepdim else axes
    return noted(run(title, lambda n: over(reductions.mean, n, axes, keepdim), (x,)), dims=gone)  # type: ignore[no-any-return]


@op(out=True)
def nanmean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The mean over axes of what is not NaN. Raises RuntimeError for integers."""
    if need_tensor("nanmean", input).dtype._rank < 2:
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{TITLES[input.dtype]}"
        )
    total = nansum(input, dim, keepdim, dtype=dtype)
    axes = dims(dim, input.ndim)
    there = over(
        lambda n, axes: g.sum(g.cast(g.invert(g.isnan(n)), int64.numpy), axes),
        input._read(), axes, keepdim,
    )  # fmt: skip
    return FUNCTIONS["div"](total, wrap(there))  # type: ignore[no-any-return]


@op(out=True)
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The product, of all elements by default. Raises TypeError for several axes."""
    x = accumulated(need_tensor("prod", input), dtype)
    axes = dims(None if dim is None else axis(dim, x.ndim), x.ndim)
    title = _numbered("Prod", dim is None)
    f = g.all if x.dtype is bool_ else g.prod
    return run(title, lambda n: over(f, n, axes, keepdim), (x,))


@op(out=True)
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow. Raises TypeError without axes."""
    x = floated(need_tensor("logsumexp", input))
    if dim is None:
        raise TypeError(
            "logsumexp(): argument 'dim' (position 2) must be tuple of ints, not NoneType"
        )
    axes = dims(dim, x.ndim)
    f = _complex_logsumexp if x.dtype._rank == 3 else nn.logsumexp
    return run("Logsumexp", lambda n: over(f, n, axes, keepdim), (x,))


def _complex_logsumexp(x: Node, axes: tuple[int, ...]) -> Node:
    """The shift is the largest real part, 0 where that is infinite."""
    if 0 in x.shape:
        return g.log(g.sum(x, axes))
    top = g.max(g.real(x), axes)
    top = g.where(g.isinf(top), g.constant(0, top), top)
    shift = g.complex(top, g.constant(0, top))
    wide = g.reshape(shift, tuple(1 if a in axes else n for a, n in enumerate(x.shape)))
    return g.log(g.sum(g.exp(x - wide), axes)) + shift


# --- truth ----------------------------------------------------------------------------------------


def _truth(name: str, f: Reduction) -> None:
    def function(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        x = need_tensor(name, input)
        node = cast(x._read(), bool_)
        if not (isinstance(dim, tuple | list) and not dim):
            node = over(f, node, dims(dim, x.ndim), keepdim)
        return wrap(node if x.dtype is not uint8 else cast(node, uint8))

    function.__name__ = name
    function.__doc__ = f"Whether {name} of the elements along axes are not zero; uint8 of uint8."
    op(name, out=True)(function)


_truth("all", g.all)
_truth("any", g.any)


@op()
def count_nonzero(input: Tensor, dim: Any = None, *more: Any) -> Tensor:
    """How many elements are not zero, int64, over axes, all by default."""
    x = need_tensor("count_nonzero", input)
    ones = g.cast(cast(x._read(), bool_), int64.numpy)
    return wrap(over(g.sum, ones, dims((dim, *more) if more else dim, x.ndim)))


# --- extrema --------------------------------------------------------------------------------------


def _extreme_values(name: str, f: Reduction) -> None:
    def function(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
        x = need_tensor(name, input)
        refuse_empty(name, x, dim)
        refuse(x, f"{name[1:]}_values_cpu", "3")
        axes = dims(dim, x.ndim)
        made = run(name.title(), lambda n: over(f, n, axes, keepdim), (x,))
        return noted(made, dims=axes, kept=keepdim)  # type: ignore[no-any-return]

    function.__name__ = name
    function.__doc__ = (
        f"The {name[1:]}imum over axes, all by default; those that attain it share the gradient. "
        "Raises IndexError or RuntimeError where there is nothing."
    )
    op(name, out=True)(function)


_extreme_values("amax", g.max)
_extreme_values("amin", g.min)


@op(out=True)
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest along an axis, or of all. Raises RuntimeError, IndexError."""
    x = need_tensor("aminmax", input)
    if dim is None and 0 in x._node.shape:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            "identity."
        )
    axes = dims(None if dim is None else axis(dim, x.ndim), x.ndim)
    if dim is not None and x.ndim and x._node.shape[axes[0]] == 0:
        raise IndexError(f"aminmax: Expected reduction dim {axes[0]} to have non-zero size.")
    refuse(x, "aminmax_cpu", "3")
    both = lambda n: tuple(over(f, n, axes, keepdim) for f in (g.min, g.max))  # noqa: E731
    return return_types.aminmax(run_many("Aminmax", both, (x,)))


def _place(name: str, f: Reduction) -> None:
    def function(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        x = need_tensor(name, input)
        if x.dtype._rank in (0, 3):
            what = "bool" if x.dtype is bool_ else "complex"
            raise RuntimeError(f"{name}(): does not support {what} input")
        refuse_empty(name, x, dim, kind=IndexError, hint="")
        n = x._read()
        if dim is not None:
            return wrap(over(f, n, dims(axis(dim, x.ndim), x.ndim), keepdim))
        found = f(g.reshape(n, (n.size,)), (0,))
        return wrap(g.reshape(found, (1,) * n.ndim) if keepdim else found)

    function.__name__ = name
    function.__doc__ = (
        f"Where the {name[3:]}imum along an axis stands first, or in the flattened tensor; int64. "
        "Raises IndexError where there is nothing, RuntimeError for bool and complex numbers."
    )
    op(name, out=True)(function)


_place("argmax", g.argmax)
_place("argmin", g.argmin)


def _chosen(place: Reduction) -> Callable[..., Any]:
    """Values and places of extrema along an axis: only the place found has a gradient."""

    def f(n: Node, a: int, keepdim: bool) -> tuple[Node, Node]:
        wide, a = (n, a) if n.ndim else (g.reshape(n, (1,)), 0)
        shape = tuple(1 if b == a else m for b, m in enumerate(wide.shape))
        index = g.reshape(place(wide, (a,)), shape)
        out = (take_along(g, wide, index, a), index)
        if keepdim and n.ndim:
            return out
        rest = (*shape[:a], *shape[a + 1 :])
        return g.reshape(out[0], rest), g.reshape(out[1], rest)

    return f


def _extremum(name: str, whole: Reduction, place: Reduction, pair: str) -> None:
    chosen, named = _chosen(place), getattr(return_types, name)

    def function(
        input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None
    ) -> Any:
        if not isinstance(input, Tensor) and dim is not None:
            raise no_such_call(
                name, (input, dim), "Tensor input, *, Tensor out = None",
                "Tensor input, Tensor other, *, Tensor out = None",
                "Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None",
            )  # fmt: skip
        x = need_tensor(name, input)
        if isinstance(dim, Tensor) or other is not None:
            return FUNCTIONS[pair](x, dim if other is None else other)
        refuse_empty(name, x, dim)
        if dim is None:
            refuse(x, f"{name}_all", "3")
            every = tuple(range(x.ndim))
            return run(f"{name.title()}Backward1", lambda n: over(whole, n, every), (x,))
        a = axis(dim, x.ndim)
        if x.dtype._rank == 3:
            raise RuntimeError(f"{name}(): does not support complex input")
        found = run_many(name.title(), lambda n: chosen(n, a, keepdim), (x,))
        return named(noted(found, dim=a, kept=keepdim))

    function.__name__ = name
    function.__doc__ = (
        f"The {name}imum of all; with an axis `(values, indices)` along it; with a tensor the "
        f"`{pair}` of both. Raises as `a{name}`."
    )
    op(name, out=True)(function)


_extremum("max", g.max, g.argmax, "maximum")
_extremum("min", g.min, g.argmin, "minimum")


# --- softmax --------------------------------------------------------------------------------------


def _soft(name: str, title: str, f: Callable[[Node, int], Node], word: str) -> None:
    def function(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
        x = need_tensor(name, input)
        x = x if dtype is None else to_dtype(x, dtype)
        a = axis(dim, x.ndim)
        if 0 in x._node.shape:
            return noted(run(title, lambda n: g.reshape(n, n.shape), (x,)), dim=a)  # type: ignore[no-any-return]
        where = "_lastdim" if a == max(x.ndim - 1, 0) else ""
        refuse(x, f"{word}{where}_kernel_impl", "013")
        return noted(run(title, lambda n: along(f, n, a), (x,)), dim=a)  # type: ignore[no-any-return]

    function.__name__ = name
    function.__doc__ = f"`{name}` along an axis, in another dtype if given."
    op(name, out=True)(function)


_soft("softmax", "Softmax", nn.softmax, "softmax")
_soft("log_softmax", "LogSoftmax", nn.log_softmax, "log_softmax")
