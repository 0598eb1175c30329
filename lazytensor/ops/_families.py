"""Families of rows: what the rows of one kind have in common (shape rules, batching, how half
precision is held), so that a row says the rest.

What enters: the columns of a row. What leaves: the registered row. It must not know any particular
row.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .._base.dtypes import DType, bool_, complex_of, kind, real_of
from .._base.shapes import Shape, broadcast
from ..ir.node import Node
from ..ir.op import Op, register

Infer = tuple[Shape, DType]


def _joint(x: Node, y: Node) -> Shape:
    if x.dtype is not y.dtype:
        raise TypeError(f"dtypes {x.dtype} and {y.dtype} differ: cast first")
    a, b = x.shape, y.shape
    if a == b or not b:
        return a  # type: ignore[no-any-return]
    return b if not a else broadcast(a, b)


def _same1(x: Node) -> Infer:
    return x.shape, x.dtype


def _same2(x: Node, y: Node) -> Infer:
    return _joint(x, y), x.dtype


_INFER: dict[tuple[str, int], Callable[..., Infer]] = {
    ("same", 1): _same1,
    ("bool", 1): lambda x: (x.shape, bool_),
    ("real", 1): lambda x: (x.shape, real_of(x.dtype)),
    ("same", 2): _same2,
    ("bool", 2): lambda x, y: (_joint(x, y), bool_),
    ("complex", 2): lambda x, y: (_joint(x, y), complex_of(x.dtype)),
}


def align(g: Any, x: Node, ndim: int, batched: bool) -> Node:
    """A batched argument with 1s put behind the batch axis, so that it has `ndim` axes more than
    the batch.
    """
    if not batched or x.ndim == ndim + 1:
        return x
    return g.reshape(x, (x.shape[0], *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]))  # type: ignore[no-any-return]


def _batch_elementwise(name: str, arity: int) -> Callable[..., Node]:
    def batch(g: Any, batched: Sequence[bool], *rest: Any) -> Node:
        args, params = rest[:arity], rest[arity:]
        ndim = max(x.ndim - b for x, b in zip(args, batched, strict=True))
        aligned = [align(g, x, ndim, b) for x, b in zip(args, batched, strict=True)]
        return getattr(g, name)(*aligned, *params)  # type: ignore[no-any-return]

    return batch


def elementwise(
    name: str, domain: str, result: str | Callable[..., Infer], arity: int = 1, **columns: Any
) -> Op:
    """An elementwise row; `result` is 'same', 'bool', 'real', 'complex' or an infer function."""
    infer = result if callable(result) else _INFER[result, arity]
    batch = _batch_elementwise(name, arity)
    return register(
        Op(name, "elementwise", arity, domain=domain, infer=infer, batch=batch, **columns)
    )


def unary(
    name: str, domain: str, value: Any, body: Any, partial: Any, doc: str, result: str = "same"
) -> Op:
    """An elementwise row of one argument; `partial(g, y, x)` is its derivative."""
    partials = partial if not callable(partial) else lambda g, y, x: (partial(g, y, x),)
    return elementwise(name, domain, result, value=value, body=body, partials=partials, doc=doc)


def binary(
    name: str, domain: str, value: Any, body: Any, partials: Any, doc: str, result: str = "same"
) -> Op:
    """An elementwise row of two arguments; `partials(g, y, a, b)` are its two derivatives."""
    return elementwise(name, domain, result, 2, value=value, body=body, partials=partials, doc=doc)


def is_complex(x: Node) -> bool:
    """Whether the node's dtype is complex."""
    return kind(x.dtype) == "c"


def wide(np: Any, x: Any) -> Any:
    """Half precision, which is multiplied and summed in single; other arrays as they are."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x


def plus_one(axes: Sequence[int]) -> tuple[int, ...]:
    """Axes of an example as axes of a batch."""
    return tuple(a + 1 for a in axes)


def all_batched(g: Any, batched: Sequence[bool], args: Sequence[Node]) -> list[Node]:
    """The arguments, those without the batch axis repeated along it."""
    n = next(x.shape[0] for x, on in zip(args, batched, strict=True) if on)
    return [
        x if on else g.broadcast_to(x, (n, *x.shape)) for x, on in zip(args, batched, strict=True)
    ]
