"""`vmap`: a function of one example, for all at once.

What enters: functions, batches along any axis. What leaves: batches of results. It must not know
how what a function made is replayed.
"""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

from .. import _api as torch
from .._tree import Spec, flatten, spread, unflatten
from ..autograd.batches import Batch
from ..tensor import Tensor

__all__ = ["vmap"]

Function = Callable[..., Any]


def _name(func: Any) -> str:
    if hasattr(func, "__name__"):
        return str(func.__name__)
    if isinstance(func, partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)


def vmap(
    func: Function, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Function:  # fmt: skip
    """A function that maps `func` over axes of its arguments.

    `in_dims` says which axis of each argument (None: the same for all examples), `out_dims` where
    results carry it, `randomness` whether random numbers are refused ("error"), the "same" or
    "different" for examples; at most `chunk_size` examples are computed at once. Raises ValueError
    when called, where these don't fit, and RuntimeError where `func` asks for a value.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(
            f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})"
        )

    @wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(func, out_dims)
        dims, leaves, spec = _given(func, in_dims, args)
        sizes = [x.size(d) for x, d in zip(leaves, dims, strict=True) if d is not None]
        size = _one_size(sizes)
        call = partial(_mapped, func, dims, spec, out_dims, randomness, kwargs)
        if chunk_size is None:
            return call(leaves, size)
        return _chunked(call, leaves, dims, out_dims, size, chunk_size)

    return wrapped


def _check_out_dims(func: Function, out_dims: Any) -> None:
    for x in flatten(out_dims)[0]:
        if not (isinstance(x, int) or x is None):
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None "
                "or a python collection of ints representing where in the outputs the vmapped "
                "dimension should appear."
            )


def _one_size(sizes: list[int]) -> int:
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(n != sizes[0] for n in sizes):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


def _given(
    func: Function, in_dims: Any, args: tuple[Any, ...]
) -> tuple[list[int | None], list[Any], Spec]:
    """The axis of each leaf of the arguments, the leaves, and what they stand in."""
    begin = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>):"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{begin} expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you "
            "are trying to vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = flatten(args)
    dims = spread(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{begin} in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    return [_axis(begin, x, d) for x, d in zip(leaves, dims, strict=True)], leaves, spec


def _axis(begin: str, x: Any, dim: Any) -> int | None:
    """A checked axis of an argument."""
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{begin} Got in_dim={dim} for an input but in_dim must be either an integer dimension "
            "or None."
        )
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{begin} Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot "
            "vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    rank = x.ndim
    if not -rank <= dim < rank:
        raise ValueError(
            f"{begin} Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {rank} so expected in_dim to satisfy -{rank} <= in_dim < {rank}."
        )
    return dim % rank


def _mapped(
    func: Function, dims: Sequence[int | None], spec: Spec, out_dims: Any, randomness: str,
    kwargs: dict[str, Any], leaves: Sequence[Any], size: int,
) -> Any:  # fmt: skip
    """The function of all examples at once."""
    with Batch(size, randomness) as batch:
        batch.owns(*leaves)
        call = []
        for x, dim in zip(leaves, dims, strict=True):
            with batch.outside():
                front = x if dim is None or dim == 0 else torch.movedim(x, dim, 0)
            call.append(front if dim is None else batch.example(front))
        output = func(*unflatten(call, spec), **kwargs)
        outputs, structure = flatten(output)
        places = _out_dims(func, out_dims, output, structure)
        with batch.outside():
            for inner, outer in batch.written():
                outer.copy_(batch.whole(inner))
            found = [_placed(batch, func, t, d) for t, d in zip(outputs, places, strict=True)]
    return unflatten(found, structure)


def _out_dims(func: Function, out_dims: Any, output: Any, structure: Spec) -> list[Any]:
    """The axis of each result."""
    if isinstance(output, Tensor):
        if isinstance(out_dims, int) or out_dims is None:
            return [out_dims]
        places = list(out_dims) if isinstance(out_dims, tuple) and len(out_dims) == 1 else None
    else:
        places = spread(out_dims, structure)
    if places is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible "
            f"with the structure of `outputs`. out_dims has structure {flatten(out_dims)[1]} but "
            f"outputs has structure {structure}."
        )
    return places


def _placed(batch: Batch, func: Function, t: Any, dim: int | None) -> Any:
    """The batch of a result, its axis where it was asked for."""
    if dim is None:
        if isinstance(t, Tensor) and batch.varies(t._read()):
            raise ValueError(
                f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor when "
                "out_dim is None"
            )
        return t
    if not isinstance(t, Tensor):
        raise ValueError(
            f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type "
            f"{type(t)}. Did you mean to set out_dims= to None for output?"
        )
    whole = batch.whole(t)
    rank = whole.ndim
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
            f"{dim})"
        )
    return whole if dim % rank == 0 else torch.movedim(whole, 0, dim)


def _chunked(
    call: Callable[..., Any], leaves: Sequence[Any], dims: Sequence[int | None], out_dims: Any,
    size: int, chunk: int,
) -> Any:  # fmt: skip
    """The function of some examples at once, the results joined."""
    found: list[list[Any]] = []
    structure = None
    for begin in range(0, size, chunk):
        count = min(chunk, size - begin)
        part = [x if d is None else x.narrow(d, begin, count)
                for x, d in zip(leaves, dims, strict=True)]  # fmt: skip
        outputs, structure = flatten(call(part, count))
        found.append(outputs)
    assert structure is not None
    places = spread(out_dims, structure)
    assert places is not None
    columns = zip(*found, strict=True)
    return unflatten([torch.cat(c, d) for c, d in zip(columns, places, strict=True)], structure)
