"""Sorting and what is found by it, distinct elements, searching, membership.

What enters: tensors, axes, Python numbers. What leaves: tensors, or named tuples of them. It must
not know how anything is computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import indices, order, sorting
from ..ops import g
from . import return_types
from ._calls import refuse
from ._dispatch import need_tensor, number, op, result_type
from ._dtypes import TITLES, dtype, int64, result, scalar_dtype
from ._host import placed, value
from ._record import cast, noted, run, run_many
from ._strides import dense
from .tensor import Tensor, wrap
from .views import axis

Pair = tuple[Node, Node]

# --- sorted ---------------------------------------------------------------------------------------


def _real(x: Tensor, what: str) -> None:
    if x.dtype._rank == 3:
        raise RuntimeError(f" {what} does not support complex dtypes on CPU")


@op(out=True)
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> Any:
    """`(values, indices)` sorted along an axis, NaN greatest, equal elements in order. Raises
    RuntimeError for complex numbers.
    """
    x = need_tensor("sort", input)
    a = axis(dim, x.ndim)
    _real(x, "Sort")
    found = run_many("Sort", lambda n: order.sort(n, a, descending), (x,))
    for t in found:
        t._strides = dense(x)
    return return_types.sort(noted(found, dim=a, kept=True))


@op(out=True)
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """The places that sort along an axis."""
    x = need_tensor("argsort", input)
    a = axis(dim, x.ndim)
    _real(x, "Sort")
    return wrap(order.sort(x._read(), a, descending)[1], None, dense(x))


@op(out=True)
def msort(input: Tensor) -> Tensor:
    """Sorted along the first axis."""
    _real(need_tensor("msort", input), "Sort")
    out = run("Sort", order.msort, (input,))
    out._strides = dense(input)
    return out


@op(out=True)
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Any:
    """`(values, indices)` of the k largest, or smallest, along an axis. Raises RuntimeError for k
    out of range, for bool and complex numbers.
    """
    x = need_tensor("topk", input)
    a = axis(dim, x.ndim)
    if not 0 <= k <= (x._node.shape[a] if x.ndim else 1):
        raise RuntimeError("selected index k out of range")
    _real(x, "topk")
    if x.dtype._rank == 0:
        raise RuntimeError("topk does not support bool dtypes on CPU")
    count = k if x.ndim else 1
    found = run_many("Topk", lambda n: order.topk(n, count, a, largest, sorted), (x,))
    return return_types.topk(found)


# --- one element of each line ---------------------------------------------------------------------


def _selecting(
    name: str, title: str, kernel: str, f: Callable[..., Pair], x: Tensor, a: int, *rest: Any,
    refused: str,
) -> Any:  # fmt: skip
    """`(values, indices)` of one element of each line. Raises IndexError where there is none."""
    shape = x._node.shape
    if x.ndim and not shape[a]:
        raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size.")
    refuse(x, kernel, refused)
    return run_many(title, lambda n: f(n, *rest), (x,))


@op(out="apart")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """`(values, indices)` of the k-th smallest along an axis, from 1 on. Raises RuntimeError for k
    out of range, IndexError where there is nothing.
    """
    x = need_tensor("kthvalue", input)
    a = axis(dim, x.ndim)
    size = x._node.shape[a] if x.ndim else 1
    if not size:
        raise IndexError(f"kthvalue(): Expected reduction dim {a} to have non-zero size.")
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {a}")
    return return_types.kthvalue(
        _selecting("kthvalue", "Kthvalue", "kthvalue_cpu", order.kthvalue, x, a, k, a, keepdim,
                   refused="03")
    )  # fmt: skip


@op(out="apart")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """`(values, indices)` of the commonest along an axis, of several the smallest. Raises
    IndexError where there is nothing.
    """
    x = need_tensor("mode", input)
    a = axis(dim, x.ndim)
    found = _selecting("mode", "Mode", "mode_cpu", order.mode, x, a, a, keepdim, refused="3")
    return return_types.mode(found)


def _median(name: str, f: Callable[..., Pair]) -> None:
    named = getattr(return_types, name)

    def function(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
        x = need_tensor(name, input)
        if dim is None:
            if 0 not in x._node.shape:
                refuse(x, "median_cpu", "03")
            return run(name.title(), lambda n: _middle(f, n), (x,))
        a = axis(dim, x.ndim)
        title, kernel = f"{name.title()}Backward1", "median_out"
        return named(_selecting(name, title, kernel, f, x, a, a, keepdim, refused="03"))

    function.__name__ = name
    function.__doc__ = (
        "The lower median of all; with an axis `(values, indices)` along it"
        f"{', NaNs left out' if name == 'nanmedian' else ''}. Raises IndexError where there is "
        "nothing along the axis."
    )
    op(name, out=True)(function)


def _nothing(of: np.dtype[Any]) -> float:
    """NaN, as PyTorch's processors convert it to integers: the least, 0 in narrow ones."""
    if of.kind not in "iu":
        return float("nan") if of.kind != "b" else True
    return int(np.iinfo(of).min) if of.kind == "i" and of.itemsize > 2 else 0


def _middle(f: Callable[..., Pair], n: Node) -> Node:
    """Of all elements; all that equal it share the gradient. NaN, or the least integer, of none."""
    flat = g.reshape(n, (n.size,))
    if not n.size:
        return g.constant(_nothing(n.dtype), n)
    found = f(flat, 0)[0]
    if n.dtype.kind in "iu":
        return found
    here = g.logical_or(g.equal(flat, found), g.logical_and(g.isnan(flat), g.isnan(found)))
    return g.max(g.where(here, flat, g.constant(float("-inf"), flat)), (0,))


_median("median", order.median)
_median("nanmedian", order.nanmedian)

# --- distinct elements ----------------------------------------------------------------------------


def _distinct(
    f: Callable[..., Any], x: Tensor, dim: int | None, inverse: bool, counts: bool
) -> Any:
    if dim is not None and not x.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    a = None if dim is None else axis(dim, x.ndim)
    refuse(x, "unique" if dim is None else "unique_dim", "3")
    if a is not None and x._node.shape[a] and 0 in x._node.shape:
        raise RuntimeError(
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        )
    data = np.asarray(value(x._read()))
    wide = data.astype(np.float32) if x.dtype.is_floating_point and data.itemsize == 2 else data
    found = f(wide, a)
    chosen = [found[0].astype(data.dtype, copy=False)]
    chosen += [part for part, on in ((found[1], inverse), (found[2], counts)) if on]
    out = [wrap(placed(np.array(part, order="C"), x._node.device)) for part in chosen]
    return out[0] if len(out) == 1 else tuple(out)


@op()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Distinct elements, or slices along an axis, sorted; where each went, how many there are."""
    x = need_tensor("unique", input)
    return _distinct(order.unique, x, dim, return_inverse, return_counts)


@op()
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The first of each run of equal elements, or slices along an axis; where each went, lengths of
    runs.
    """
    x = need_tensor("unique_consecutive", input)
    return _distinct(order.unique_consecutive, x, dim, return_inverse, return_counts)


# --- searching ------------------------------------------------------------------------------------


def _operand(x: Any, like: Tensor, of: Any) -> Node:
    return cast(x._read(), of) if isinstance(x, Tensor) else number(x, of, like._read())


def _joint(x: Tensor, other: Any) -> Any:
    """The dtype to compare in: a Python number's kind counts."""
    if isinstance(other, Tensor):
        return result_type(x, other)
    return result([x.dtype], [], [scalar_dtype(other)])


def _comparable(of: dtype) -> None:
    refuse(of, "searchsorted_out_cpu", "03")


def _sides(name: str, side: str | None, right: bool) -> bool:
    if side not in (None, "left", "right"):
        raise RuntimeError(
            f"torch.{name}(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError(
            f"torch.{name}(): side and right can't be set to opposites, got side of left while "
            "right was True"
        )
    return right or side == "right"


def _sorted_by(x: Node, sorter: Any) -> Node:
    if sorter.dtype is not int64:
        raise RuntimeError(
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
            f"{TITLES[sorter.dtype]}"
        )
    index = sorter._read()
    if index.shape != x.shape:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
            f"tensor {list(x.shape)}and got sorter tensor {list(index.shape)}"
        )
    places = np.asarray(value(index))
    if places.size and not (places.min() >= 0 and places.max() < x.shape[-1]):
        raise RuntimeError("torch.searchsorted(): sorter index out of range")
    return indices.gather(x, x.ndim - 1, index)


def _searched(x: Tensor, given: Any) -> None:
    if not x.ndim:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 "
            "dimension"
        )
    if not isinstance(given, Tensor):
        if x.ndim != 1:
            raise RuntimeError(
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor "
                f"dimension is 1, but we got boundaries tensor dim({x.ndim}) and input value's "
                "dim(0) numel(1)"
            )
        return
    shape, theirs = x._node.shape, given._node.shape
    if x.ndim != 1 and shape[:-1] != theirs[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            "dimensions of boundaries tensor and input value tensor must match, but we got "
            f"boundaries tensor {list(shape)} and input value tensor {list(theirs)}"
        )


@op(method=False, out=True)
def searchsorted(
    sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where each of `input` goes into sorted lines, before equals or (`right`) behind them. Raises
    RuntimeError for shapes, sides and sorters that don't fit.
    """
    x = need_tensor("searchsorted", sorted_sequence, 1, "sorted_sequence")
    _searched(x, input)
    right = _sides("searchsorted", side, right)
    of = _joint(x, input)
    _comparable(of)
    lines = cast(x._read(), of)
    if sorter is not None:
        lines = _sorted_by(lines, sorter)
    return wrap(order.searchsorted(lines, _operand(input, x, of), right, out_int32))


@op(method=False, out=True)
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """Into which interval between sorted boundaries each element falls. Raises RuntimeError."""
    edges = need_tensor("bucketize", boundaries, 2, "boundaries")
    if edges.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({edges.ndim})")
    of = _joint(edges, input)
    _comparable(of)
    found = order.bucketize(_operand(input, edges, of), cast(edges._read(), of), right, out_int32)
    return wrap(found)


@op(method=False, out=True)
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is among others. Raises RuntimeError for complex numbers."""
    given = [x for x in (elements, test_elements) if isinstance(x, Tensor)]
    if not given:
        raise TypeError("isin(): argument 'elements' (position 1) must be Tensor, not "
                        f"{type(elements).__name__}")  # fmt: skip
    of = result_type(elements, test_elements)
    if of._rank == 3:
        raise RuntimeError(f"Unsupported input type encountered for isin(): {TITLES[of]}")
    x, v = (_operand(t, given[0], of) for t in (elements, test_elements))
    return wrap(sorting.isin(x, v, invert=invert))


