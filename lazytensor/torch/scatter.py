"""Reads and writes at places given by tensors: gather, scatter, index_*, masked_*, take, nonzero.

What enters: tensors, axes, index tensors and masks. What leaves: tensors, or PyTorch's errors; an
index outside is refused at once where its value is known, else when the result is computed. It must
not know how anything is computed.
"""

from collections.abc import Callable
from typing import Any

from ..ir.node import Node
from ..lang import indexing
from ..lang import indices as nodes
from ..ops import g
from . import _dtypes
from ._dispatch import FUNCTIONS, broadcast, need_tensor, number, op
from ._dtypes import TITLES, bool_
from ._host import known as known_value
from ._record import cast, run
from ._strides import dense
from .index import key_of, places
from .parts import expand
from .tensor import Tensor, wrap
from .views import axis

__all__ = ["filled", "index_select", "known", "made", "renewed", "titled"]

_LONG = (_dtypes.int32, _dtypes.int64)


def titled(x: Tensor) -> str:
    return TITLES[x.dtype]


def known(
    index: Tensor, n: int, error: type[Exception], text: str, low: int = 0,
    apart: int | None = None,
) -> None:  # fmt: skip
    """Raises an error, its text made with the index, for a known index below low or not below n
    that isn't `apart`.
    """
    found = known_value(index._read())
    if found is None or not found.size:
        return
    if _outside(found, n, low):
        bad = found[(found >= n) | (found < low)]
        bad = bad if apart is None else bad[bad != apart]
        if bad.size:
            raise error(text.format(int(bad.flat[0])))


def _outside(found: Any, n: int, low: int) -> bool:
    """Whether a number is below low or not below n: where nothing may be below 0, numbers that are
    would be large without a sign.
    """
    if low or found.dtype.kind != "i" or not found.flags.c_contiguous:
        return int(found.max()) >= n or int(found.min()) < low
    return int(found.view(f"u{found.itemsize}").max()) >= n


def made(name: str, f: Callable[..., Node], *tensors: Tensor) -> Tensor:
    """`run` with the result lying in memory as the first tensor does."""
    out = run(name, f, tensors)
    out._strides = dense(tensors[0])
    return out


# --- an index for each element --------------------------------------------------------------------


def _sized(x: Tensor, a: int) -> int:
    shape = x._node.shape
    return shape[a] if shape else 1


def _check(name: str, x: Tensor, a: int, index: Tensor, source: Tensor | None = None) -> None:
    if not index._node.size:
        return
    if index.dtype not in _LONG:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if source is not None and source.dtype is not x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if max(len(index._node.shape), 1) != max(len(x._node.shape), 1):
        whom = "input" if name == "gather" else "self"
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {whom} tensor"
        )
    if source is not None:
        _check_source(x, a, index, source)
    if name == "gather":
        _no_larger(x, a, index)
    n = _sized(x, a)
    text = f"index {{}} is out of bounds for dimension {a} with size {n}"
    known(index, n, RuntimeError, text)


def _no_larger(x: Tensor, a: int, index: Tensor) -> None:
    own, at = x._node.shape, index._node.shape
    for b, (n, m) in enumerate(zip(own, at)):
        if b != a and m > n:
            raise RuntimeError(
                f"Size does not match at dimension {b} expected index {list(at)} to be no larger "
                f"than self {list(own)} apart from dimension {a}"
            )


@op(out="exact")
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Elements at the places that an index has along one axis, shaped as the index.

    Raises RuntimeError for shapes, dtypes and places.
    """
    x, at = need_tensor("gather", input), need_tensor("gather", index, 3, "index")
    a = axis(dim, len(x._node.shape))
    _check("gather", x, a, at)
    i = at._read()
    return run("Gather", lambda n: nodes.gather(n, a, i), (x,))


def _written(
    name: str, title: str, x: Tensor, dim: int, index: Tensor, src: Any, f: Callable[..., Node]
) -> Tensor:
    a = axis(dim, len(x._node.shape))
    if not isinstance(src, Tensor):
        raise TypeError(
            f"{name}(): argument 'src' (position 4) must be Tensor, not {type(src).__name__}"
        )
    _check("scatter", x, a, index, src)
    i = index._read()
    return made(title, lambda n, u: renewed(n, f(n, a, i, u)), x, src)


def renewed(x: Node, out: Node) -> Node:
    return g.reshape(x, x.shape) if out is x else out


def _check_source(x: Tensor, a: int, index: Tensor, src: Tensor) -> None:
    own, at, given = x._node.shape or (1,), index._node.shape or (1,), src._node.shape or (1,)
    if not index._node.size:
        return
    if len(given) != len(at):
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as src tensor"
        )
    wide = any(m > n for b, (n, m) in enumerate(zip(own, at)) if b != a)
    if wide or any(m > n for n, m in zip(given, at)):
        raise RuntimeError(
            f"Expected index {list(index._node.shape)} to be no larger than self "
            f"{list(x._node.shape)} apart from dimension {a} and to be no larger size than src "
            f"{list(src._node.shape)}"
        )


_OLD = {"add": "sum", "multiply": "prod"}


@op(inplace=True, out=True)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, value: Any = None, *,
    reduce: str | None = None,
) -> Tensor:  # fmt: skip
    """The tensor with values written, or by `reduce` added or multiplied, at the places that an
    index has along one axis. Raises RuntimeError for shapes, dtypes and places.
    """
    x, at = need_tensor("scatter", input), need_tensor("scatter", index, 3, "index")
    given = value if src is None else src
    if reduce is not None and reduce not in _OLD:
        raise RuntimeError("reduce argument must be either add or multiply.")
    title = "Scatter"
    if not isinstance(given, Tensor):
        filling = number(given, x.dtype, x._read())
        title = "ScatterBackward1"
        given = wrap(g.broadcast_to(filling, at._node.shape), x.dtype)
    if reduce is None:
        return _written("scatter", title, x, dim, at, given, nodes.scatter)

    def combined(n: Node, a: int, i: Node, u: Node) -> Node:
        return nodes.scatter_reduce(n, a, i, u, _OLD[reduce])

    return _written("scatter", title, x, dim, at, given, combined)


@op(inplace=True, out=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """The tensor with values added at the places that an index has along one axis."""
    return _written("scatter_add", "ScatterAdd", input, dim, index, src, nodes.scatter_add)


@op(inplace=True, out=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The tensor with values reduced into the places that an index has along one axis, by "sum",
    "prod", "mean", "amax" or "amin". Raises RuntimeError.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )

    def combined(n: Node, a: int, i: Node, u: Node) -> Node:
        return nodes.scatter_reduce(n, a, i, u, reduce, include_self)

    return _written("scatter_reduce", "ScatterReduce", input, dim, index, src, combined)


@op(out=True)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Elements at an index for each place of an axis, the other axes broadcast; of the flattened
    tensor without one. Raises RuntimeError.
    """
    if indices.dtype is not _dtypes.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {titled(indices)}"
        )
    i = indices._read()
    if dim is None:
        return run("Gather", lambda n: nodes.take_along_dim(n, i, None), (input,))
    ndim = len(input._node.shape)
    if ndim != i.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {ndim} dimensions for input, and {i.ndim} dimensions for indices"
        )
    a = axis(dim, ndim)
    own, at = input._node.shape, i.shape
    rest = broadcast((*own[:a], *own[a + 1 :]), (*at[:a], *at[a + 1 :]))
    x = expand(input, (*rest[:a], *own[a : a + 1], *rest[a:]))
    return gather(x, a, expand(indices, (*rest[:a], *at[a : a + 1], *rest[a:])))


# --- an index for each slice along an axis --------------------------------------------------------


@op(out="apart")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Slices at the places of a vector along one axis. Raises IndexError, RuntimeError."""
    x, at = need_tensor("index_select", input), need_tensor("index_select", index, 3, "index")
    a = axis(dim, len(x._node.shape))
    if len(at._node.shape) > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if at.dtype not in _LONG:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if not x._node.shape and at._node.size != 1:
        raise RuntimeError(
            "index_select(): Index to scalar can have only 1 value, got "
            f"{at._node.size} value(s)"
        )
    n = _sized(x, a)
    if x.ndim > 1 and not x._node.size:
        if not n and at._node.size:
            raise RuntimeError("index_select(): self indexing axis dim should be positive")
        known(at, n, RuntimeError,
              f"INDICES element is out of DATA bounds, id={{}} axis_dim={n}")  # fmt: skip
    known(at, n, IndexError, "index out of range in self")
    i = at._read()
    return run("IndexSelect", lambda n: nodes.index_select(n, a, i), (x,))


def _vector(name: str, x: Tensor, a: int, index: Tensor, source: Tensor) -> None:
    """Checks of index_add and index_reduce. Raises IndexError, RuntimeError."""
    if len(index._node.shape) > 1:
        raise IndexError(
            f"{name}_(): Index is supposed to be a vector, but got dim: {len(index._node.shape)} "
            f"with type: {titled(index)} and size: {list(index._node.shape)}"
        )
    if index.dtype not in _LONG:
        raise RuntimeError(
            f"{name}_(): Expected dtype int32/int64 for index but got: {titled(index)}"
        )
    if source.dtype is not x.dtype:
        raise RuntimeError(
            f"{name}_(): self ({titled(x)}) and source ({titled(source)}) must have the same "
            "scalar type"
        )
    count, own, given = index._node.size, x._node.shape, source._node.shape
    if a >= max(len(given), 1) or (not given and own):
        raise IndexError(f"Dimension specified as {a} but tensor has no dimensions")
    if count != (given[a] if given else 1):
        raise RuntimeError(
            f"{name}_(): Number of indices ({count}) should be equal to source.size(dim): "
            f"({given[a] if given else 1}), for dim: {a}"
        )
    if (*own[:a], *own[a + 1 :]) != (*given[:a], *given[a + 1 :]):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(own)} source.shape = {list(given)}"
        )
    n = _sized(x, a)
    known(index, n, RuntimeError, f"index {{}} is out of bounds for dimension {a} with size {n}")


@op(inplace=True, out=True)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """The tensor with slices of `source`, times alpha, added at a vector's places. RuntimeError."""
    a = axis(dim, len(input._node.shape))
    _vector("index_add", input, a, index, source)
    i, times = index._read(), alpha != 1

    def added(x: Node, u: Node) -> Node:
        scaled = g.multiply(u, number(alpha, input.dtype, u)) if times else u
        return renewed(x, nodes.index_add(x, a, i, scaled))

    return made("IndexAdd", added, input, source)


@op(inplace=True, out=True)
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    """The tensor with slices of `source` reduced into those at the places of a vector, by "prod",
    "mean", "amax" or "amin". Raises IndexError, RuntimeError.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    a = axis(dim, len(input._node.shape))
    _vector("index_reduce", input, a, index, source)
    i = index._read()

    def reduced(x: Node, u: Node) -> Node:
        return renewed(x, nodes.index_reduce(x, a, i, u, reduce, include_self))

    return made("IndexReduce", reduced, input, source)


@op(inplace=True, out=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The tensor with slices of `source` for those at the places of a vector.

    Raises IndexError, RuntimeError.
    """
    a = axis(dim, len(input._node.shape))
    _check_copy(input, a, index, source)
    i = index._read()
    return made("IndexCopy", lambda x, u: renewed(x, nodes.index_copy(x, a, i, u)), input, source)


def _check_copy(x: Tensor, a: int, index: Tensor, source: Tensor) -> None:
    count, own, given = index._node.size, x._node.shape, source._node.shape
    if len(index._node.shape) > 1:
        raise IndexError(
            f"index_copy_(): Index should have dimension 1 or 0 (got {len(index._node.shape)})"
        )
    if not given and count != 1:
        raise IndexError(
            f"index_copy_(): When source is scalar, index should have one element (got {count})"
        )
    if own and given and len(own) != len(given):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must "
            f"match. Source dimensionality ({len(given)}), destination dimensionality ({len(own)})"
        )
    if index.dtype is not _dtypes.int64:
        raise RuntimeError(
            f"index_copy_(): Expected a long tensor for index, but got {titled(index)}"
        )
    if x.dtype is not source.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{titled(x)} and (source) {titled(source)}"
        )
    mine, theirs = (*own[:a], *own[a + 1 :]), (*given[:a], *given[a + 1 :])
    if own and given and mine != theirs:
        shapes = [" ".join(map(str, s)) for s in (mine, theirs)]
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            f"slice shape: {shapes[0]} at dimension {a} and source slice shape: {shapes[1]} at "
            "dimension 0."
        )
    if given and given[a] != count:
        raise IndexError(
            f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) "
            f"({given[a]})"
        )
    n = _sized(x, a)
    text = f"index_copy_(): index {{}} is out of bounds for dimension {a} with size {n}"
    known(index, n, IndexError, text)


@op(inplace=True, out=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """The tensor with one value for the slices at the places of a vector.

    Raises IndexError, RuntimeError.
    """
    x, a = input, axis(dim, len(input._node.shape))
    if index.dtype is not _dtypes.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if len(index._node.shape) > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if isinstance(value, complex) and x.dtype._rank < 3:
        raise RuntimeError(
            "index_fill_(): Converting complex Scalar to non-complex type is not supported"
        )
    n = _sized(x, a)
    text = f"index {{}} is out of bounds for dimension {a} with size {n}"
    known(index, n, IndexError, text, -n)
    i = index._read()
    return filled("IndexFill", "index_fill_", x, value, lambda m, v: nodes.index_fill(m, a, i, v))


def filled(title: str, name: str, x: Tensor, value: Any, f: Callable[..., Node]) -> Tensor:
    """One value, a number or a tensor without axes, written to x by f."""
    if not isinstance(value, Tensor):
        return made(title, lambda m: renewed(m, f(m, number(value, x.dtype, m))), x)
    if value._node.shape:
        raise RuntimeError(
            f"{name} only supports a 0-dimensional value tensor, but got tensor with "
            f"{len(value._node.shape)} dimension(s)."
        )
    if value.dtype._rank == 3 and x.dtype._rank < 3:
        number(value.item(), x.dtype, x._read())
    return made(
        title + "Backward1", lambda m, v: renewed(m, f(m, cast(v, x.dtype))), x, value
    )


# --- several index tensors ------------------------------------------------------------------------


@op(inplace=True)
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """The tensor after `input[indices] = values`, or with `accumulate` after `+=` where repeated
    places count each time. Raises IndexError, RuntimeError.
    """
    x = need_tensor("index_put", input)
    if not isinstance(indices, list | tuple):
        raise TypeError(
            "index_put(): argument 'indices' (position 2) must be tuple of Tensors, not "
            f"{type(indices).__name__}"
        )
    u = need_tensor("index_put", values, 3, "values")
    if u.dtype is not x.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {titled(x)} for the "
            f"destination and {titled(u)} for the source."
        )
    key = key_of(x, _axes_of(x, indices))

    def put(m: Node, v: Node) -> Node:
        try:
            if accumulate:
                return renewed(m, nodes.index_add_at(m, key, v, places))
            return renewed(m, indexing.setitem(m, key, v, places))
        except ValueError:
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(v.shape)} cannot be broadcast to "
                f"indexing result of shape {list(indexing.getitem(m, key, places).shape)}"
            ) from None

    return made("IndexPut", put, x, u)


def _axes_of(x: Tensor, indices: Any) -> dict[int, Tensor]:
    """The index tensors by the axes where they stand. Raises IndexError, TypeError."""
    at, out = 0, {}
    for i, k in enumerate(indices):
        if not isinstance(k, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 1, but got {type(k).__name__}"
            )
        mask = k.dtype in (bool_, _dtypes.uint8)
        if not mask and k.dtype not in _LONG:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        out[at] = wrap(cast(k._read(), bool_)) if k.dtype is _dtypes.uint8 else k
        at += len(k._node.shape) if mask else 1
    ndim = len(x._node.shape)
    if at > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim} (got {at})")
    return out


for _name in ("scatter", "scatter_add", "scatter_reduce", "index_add", "index_reduce",
              "index_copy", "index_fill"):  # fmt: skip
    del FUNCTIONS[_name + "_"]
