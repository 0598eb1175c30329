"""All first or second derivatives of functions of tensors.

What enters: functions. What leaves: functions that return, for each result and argument, a tensor
of the derivatives of every element by every other. It must not know how one derivative is made.
"""

from collections.abc import Iterator, Sequence
from functools import wraps
from typing import Any

from .. import _api as torch
from .._tree import flatten, mapped, unflatten
from ..tensor import Tensor
from ._arguments import Argnums, real_only, selected
from ._derivatives import Function, along, pulled
from ._mapping import vmap

__all__ = ["hessian", "jacfwd", "jacrev"]


def _basis(tensors: Sequence[Tensor], begin: int, end: int) -> list[Tensor]:
    """Batches of tensors like these, of which example i is 1 at element begin + i of all."""
    out, offset = [], 0
    rows = torch.arange(begin, end)
    for t in tensors:
        places = torch.arange(offset, offset + t.numel())
        ones = (rows.unsqueeze(1) == places).to(t)
        out.append(ones.view(end - begin, *t.shape))
        offset += t.numel()
    return out


def _chunks(total: int, chunk: int | None) -> Iterator[tuple[int, int]]:
    step = chunk or max(total, 1)
    for begin in range(0, max(total, 1), step):
        yield begin, min(begin + step, total)


def jacrev(
    func: Function, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:  # fmt: skip
    """A function that returns the derivatives of results by arguments, computed backward.

    For a result of shape S and an argument of shape A a tensor of shape S + A. At most `chunk_size`
    rows are computed at once. Raises ValueError for no such size; RuntimeError when called, for
    complex tensors and as `vjp`.
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def wrapper(*args: Any) -> Any:
        real_only("jacrev", args, "inputs")
        result, pull, *aux = pulled(func, args, argnums, has_aux)
        outputs, structure = flatten(result)
        real_only("jacrev", outputs, "outputs")
        leaves, spec = flatten(selected(args, argnums))
        rows = _rows(pull, outputs, structure, chunk_size, len(leaves))
        split = [torch.split(r, [t.numel() for t in outputs]) for r in rows]
        blocks = []
        for place, t in enumerate(outputs):
            each = [s[place].view(*t.shape, *x.shape) for s, x in zip(split, leaves, strict=True)]
            blocks.append(unflatten(each, spec))
        tree = unflatten(blocks, structure)
        return (tree, aux[0]) if has_aux else tree

    return wrapper


def _rows(
    pull: Function, outputs: Sequence[Tensor], structure: Any, chunk: int | None, count: int
) -> list[Tensor]:
    """For each argument the cotangents of all rows, along axis 0."""
    found: list[list[Tensor]] = []
    for begin, end in _chunks(sum(t.numel() for t in outputs), chunk):
        basis = _basis(outputs, begin, end)
        if chunk == 1:
            one = pull(unflatten([t.squeeze(0) for t in basis], structure))
            found.append([t.unsqueeze(0) for t in flatten(one)[0]])
        else:
            found.append(flatten(vmap(pull)(unflatten(basis, structure)))[0])
    if len(found) == 1:
        return found[0]
    return [torch.cat([rows[i] for rows in found]) for i in range(count)]


def jacfwd(
    func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """A function that returns the derivatives of results by arguments, computed forward.

    As `jacrev` otherwise; `randomness` is that of `vmap`. Raises RuntimeError when called, for
    complex tensors and as `jvp`.
    """

    @wraps(func)
    def wrapper(*args: Any) -> Any:
        real_only("jacfwd", args, "inputs")
        leaves, spec = flatten(selected(args, argnums))
        sizes = [x.numel() for x in leaves]
        basis = unflatten(_basis(leaves, 0, sum(sizes)), spec)

        def push(tangents: Any) -> Any:
            primal, *found = along(func, args, tangents, argnums, False, has_aux)
            real_only("jacfwd", primal, "outputs")
            return tuple(found) if has_aux else found[0]

        found = vmap(push, randomness=randomness)(basis)
        found, aux = found if has_aux else (found, None)
        columns, structure = flatten(found)
        blocks = []
        for c in columns:
            split = torch.split(c.movedim(0, -1), sizes, -1)
            each = [s.reshape(*c.shape[1:], *x.shape) for s, x in zip(split, leaves, strict=True)]
            blocks.append(unflatten(each, spec))
        tree = unflatten(blocks, structure)
        return (tree, mapped(lambda t: t[0], aux)) if has_aux else tree

    return wrapper


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the second derivatives: forward over backward."""
    return jacfwd(jacrev(func, argnums), argnums)
