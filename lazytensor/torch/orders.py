"""Views with the axes in another order: permuted, transposed, moved.

What enters: tensors and axes. What leaves: tensors with PyTorch's sizes, strides and offsets, or
its errors. It must not know how anything is computed.
"""

from typing import Any

from ..ops.movement import permute as permute_row
from ._dispatch import alias, op
from .tensor import Ints, Tensor
from .views import alias_of, axis, in_place_form, shown, sizes_of

__all__ = ["permute", "t", "transpose"]



def _permuted(name: str, x: Tensor, order: Ints, **facts: Any) -> Tensor:
    strides = tuple([x._stride()[a] for a in order])
    return shown(name, x, ((permute_row, (order,)),), strides, **facts)


@op()
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The axes in another order."""
    ndim = len(input._node.shape)
    given = sizes_of(dims, "permute")
    if len(given) != ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal "
            f"to len(dims) = {len(given)}"
        )
    order = tuple(axis(d, ndim) for d in given)
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return _permuted("Permute", input, order)


@op()
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    ndim = len(input._node.shape)
    a, b = axis(dim0, ndim), axis(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = b, a
    return _permuted("Transpose", input, tuple(order), dims=(a, b))


for _name in ("swapaxes", "swapdims"):
    alias(_name, "transpose")


@op()
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors as they are."""
    ndim = len(input._node.shape)
    if ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D"
        )
    return _permuted("T", input, tuple(range(ndim))[::-1])


@op()
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places, the rest in order."""
    ndim = len(input._node.shape)
    sources = _moved("source", source, ndim)
    targets = _moved("destination", destination, ndim)
    if len(sources) != len(targets):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(_as_list(source))} dims) should contain the same number of dims as "
            f"destination ({list(_as_list(destination))} dims)"
        )
    if not ndim:
        return alias_of(input)
    order = [a for a in range(ndim) if a not in sources]
    for target, a in sorted(zip(targets, sources)):
        order.insert(target, a)
    return _permuted("Permute", input, tuple(order))


def _moved(word: str, dims: Any, ndim: int) -> tuple[int, ...]:
    found = tuple([axis(d, ndim) for d in _as_list(dims)])
    if len(set(found)) < len(found):
        raise RuntimeError(f"movedim: repeated dim in `{word}` ({_as_list(dims)})")
    return found


def _as_list(x: Any) -> list[Any]:
    return [x] if isinstance(x, int) else list(x)


alias("moveaxis", "movedim")


@op()
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of each matrix."""
    out = transpose(input, -2, -1)
    return Tensor.conj(out) if out.dtype._rank == 3 else out  # type: ignore[attr-defined]


for _name in ("transpose", "t", "swapaxes", "swapdims"):
    in_place_form(_name)
setattr(Tensor, "T", property(lambda x: permute(x, tuple(range(x.ndim))[::-1])))  # noqa: B010


def _matrices(name: str, x: Tensor, only: bool = False) -> Tensor:
    """Raises RuntimeError for a tensor that is no matrix, nor a batch of them unless `only`."""
    ndim = len(x._node.shape)
    if ndim in (0, 2) or (ndim > 2 and not only):
        return x
    what = "matrices (2-D tensors)" if only else "matrices or batches of matrices"
    more = " For batches of matrices, consider using tensor.mH" if ndim > 2 else ""
    raise RuntimeError(
        f"tensor.{name} is only supported on {what}. Got {ndim}-D tensor.{more}"
    )


def _transposed(name: str, conjugate: bool, only: bool = False) -> Any:
    def attribute(x: Tensor) -> Tensor:
        if not _matrices(name, x, only)._node.shape:
            return x
        return adjoint(x) if conjugate else transpose(x, -2, -1)

    return property(attribute)


setattr(Tensor, "mT", _transposed("mT", False))  # noqa: B010
setattr(Tensor, "H", _transposed("H", True, only=True))  # noqa: B010
setattr(Tensor, "mH", _transposed("mH", True))  # noqa: B010
