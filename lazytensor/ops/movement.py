"""Movement of elements without arithmetic: views where the buffer allows, and concat.

Shapes, starts, sizes and steps are tuples of ints, axes are not negative: strict forms; faces
normalise.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

from .._base.shapes import Shape
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from ._families import Infer

Ints = tuple[int, ...]


def _infer_reshape(x: Node, shape: Shape) -> Infer:
    if prod(shape) != prod(x.shape):
        raise ValueError(
            f"can't reshape {x.shape} ({prod(x.shape)} elements) to {shape} ({prod(shape)})"
        )
    return shape, x.dtype


def _infer_permute(x: Node, axes: Ints) -> Infer:
    if sorted(axes) != list(range(len(x.shape))):
        raise ValueError(
            f"axes {axes} are no permutation of the {len(x.shape)} axes of shape {x.shape}"
        )
    return tuple(x.shape[a] for a in axes), x.dtype


def _infer_broadcast(x: Node, shape: Shape) -> Infer:
    if not x.shape:
        return shape, x.dtype
    tail = shape[len(shape) - len(x.shape) :] if len(shape) >= len(x.shape) else None
    if tail is None or any(n not in (1, m) for n, m in zip(x.shape, tail, strict=True)):
        raise ValueError(f"can't broadcast shape {x.shape} to {shape}")
    return shape, x.dtype


def _infer_slice(x: Node, starts: Ints, sizes: Ints, steps: Ints) -> Infer:
    for axis, (n, start, size, step) in enumerate(zip(x.shape, starts, sizes, steps, strict=True)):
        if size and not (0 <= start < n and 0 <= start + (size - 1) * step < n):
            raise ValueError(
                f"slice of {size} from {start} by {step} leaves axis {axis} of shape {x.shape}"
            )
    return sizes, x.dtype


@lru_cache(4096)
def slices(starts: Ints, sizes: Ints, steps: Ints) -> tuple[slice, ...]:
    """Python slices for starts, sizes and steps."""
    out = []
    for start, size, step in zip(starts, sizes, steps, strict=True):
        stop = start + size * step
        out.append(slice(start, None if stop < 0 else stop, step) if size else slice(0, 0))
    return tuple(out)


def _slice_view(np: Any, x: Any, starts: Ints, sizes: Ints, steps: Ints) -> Any:
    return x[slices(starts, sizes, steps)]


# Bytes from which on a copy in row-major order is worth a function of the target's own.
_LARGE = 1 << 18


def _reshape_value(np: Any, x: Any, shape: Shape) -> Any:
    """A view where there can be one."""
    if x.nbytes < _LARGE or x.flags.c_contiguous:
        return x.reshape(shape)
    try:
        return np.reshape(x, shape, copy=False)
    except ValueError:
        return np.ascontiguousarray(x).reshape(shape)


# How NumPy goes over an array that it only shows.
_SHOWN = ("multi_index", "refs_ok", "zerosize_ok"), (("readonly",),)


def _broadcast_value(np: Any, x: Any, shape: Shape) -> Any:
    """A view, made as NumPy's function makes it, in a third of the time; of one element, which
    comes most often, in a tenth.
    """
    if x.ndim or x.dtype.kind == "V":
        with np.nditer((x,), *_SHOWN, itershape=shape, order="C") as shown:
            return shown.itviews[0]
    view = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    view.flags.writeable = False
    return view


def _slice_value(np: Any, x: Any, starts: Ints, sizes: Ints, steps: Ints) -> Any:
    """A view; a copy where it runs backwards, for NumPy's loops give other bits on negative
    strides.
    """
    view = _slice_view(np, x, starts, sizes, steps)
    return view.copy() if _backwards(steps) else view


def _backwards(steps: Ints) -> bool:
    return min(steps, default=0) < 0


def _slice_index(starts: Ints, sizes: Ints, steps: Ints) -> tuple[slice, ...] | None:
    return None if _backwards(steps) else slices(starts, sizes, steps)


def unbroadcast(g: Any, ct: Node, shape: Shape) -> Node:
    """A cotangent summed over the axes along which `shape` was broadcast."""
    extra = len(ct.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, n in enumerate(shape) if n == 1 and ct.shape[i + extra] != 1
    )
    if axes:
        ct = g.sum(ct, axes)
    return ct if ct.shape == shape else g.reshape(ct, shape)


def _embed_value(np: Any, x: Any, shape: Shape, starts: Ints, steps: Ints) -> Any:
    out = np.zeros(shape, x.dtype)
    out[slices(starts, x.shape, steps)] = x
    return out


def _update_value(np: Any, x: Any, u: Any, starts: Ints, steps: Ints) -> Any:
    return _update_into(np, x.copy(), u, starts, steps)


def _update_into(np: Any, x: Any, u: Any, starts: Ints, steps: Ints) -> Any:
    x[slices(starts, u.shape, steps)] = u
    return x


def _infer_update(x: Node, u: Node, starts: Ints, steps: Ints) -> Infer:
    if u.dtype is not x.dtype:
        raise TypeError(f"dtypes {x.dtype} and {u.dtype} differ: cast first")
    _infer_slice(x, starts, u.shape, steps)
    return x.shape, x.dtype


def _update_vjp(
    g: Any, ct: Node, y: Node, x: Node, u: Node, starts: Ints, steps: Ints
) -> tuple[Node, Node]:
    zeros = g.broadcast_to(g.constant(0, ct), u.shape)
    return g.update_slice(ct, zeros, starts, steps), g.slice(ct, starts, u.shape, steps)


def _update_jvp(
    g: Any, tangents: Any, y: Node, x: Node, u: Node, starts: Ints, steps: Ints
) -> Node | None:
    tx, tu = tangents
    if tx is None and tu is None:
        return None
    zero = g.constant(0, tx if tx is not None else tu)
    tx = g.broadcast_to(zero, x.shape) if tx is None else tx
    return g.update_slice(tx, g.broadcast_to(zero, u.shape) if tu is None else tu, starts, steps)  # type: ignore[no-any-return]


def _update_batch(
    g: Any, batched: Sequence[bool], x: Node, u: Node, starts: Ints, steps: Ints
) -> Node:
    n = x.shape[0] if batched[0] else u.shape[0]
    x, u = (
        v if b else g.broadcast_to(v, (n, *v.shape)) for v, b in zip((x, u), batched, strict=True)
    )
    return g.update_slice(x, u, (0, *starts), (1, *steps))  # type: ignore[no-any-return]


def _infer_concat(*rest: Any) -> Infer:
    args, axis = rest[:-1], rest[-1]
    first = args[0]
    for x in args[1:]:
        if x.dtype is not first.dtype:
            raise TypeError(f"dtypes {first.dtype} and {x.dtype} differ: cast first")
        if x.shape[:axis] != first.shape[:axis] or x.shape[axis + 1 :] != first.shape[axis + 1 :]:
            raise ValueError(
                f"can't concatenate shapes {first.shape} and {x.shape} along axis {axis}"
            )
    total = sum(x.shape[axis] for x in args)
    return (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype


def _concat_transpose(g: Any, ct: Node, *rest: Any) -> tuple[Node, ...]:
    args, axis = rest[:-1], rest[-1]
    out, start = [], 0
    ones = (1,) * len(ct.shape)
    for x in args:
        starts = tuple(start if a == axis else 0 for a in range(len(ct.shape)))
        out.append(g.slice(ct, starts, x.shape, ones))
        start += x.shape[axis]
    return tuple(out)


def _concat_batch(g: Any, batched: Sequence[bool], *rest: Any) -> Node:
    args, axis = rest[:-1], rest[-1]
    n = next(x.shape[0] for x, b in zip(args, batched, strict=True) if b)
    full = [
        x if b else g.broadcast_to(x, (n, *x.shape)) for x, b in zip(args, batched, strict=True)
    ]
    return g.concat(full, axis + 1)  # type: ignore[no-any-return]


def _row(name: str, params: tuple[str, ...], arity: int | None = 1, **columns: Any) -> Op:
    return register(Op(name, "movement", arity, params=params, **columns))


def _broadcast_batch(g: Any, batched: Sequence[bool], x: Node, shape: Shape) -> Node:
    ones = (1,) * (len(shape) + 1 - len(x.shape))
    return g.broadcast_to(g.reshape(x, (x.shape[0], *ones, *x.shape[1:])), (x.shape[0], *shape))  # type: ignore[no-any-return]


reshape = _row(
    "reshape",
    ("shape",),
    infer=_infer_reshape,
    value=_reshape_value,
    transpose=lambda g, ct, x, shape: (g.reshape(ct, x.shape),),
    batch=lambda g, b, x, shape: g.reshape(x, (x.shape[0], *shape)),
    doc="The same elements, in order, in another shape.",
)
permute = _row(
    "permute",
    ("axes",),
    infer=_infer_permute,
    value=lambda np, x, axes: x.transpose(axes),
    transpose=lambda g, ct, x, axes: (
        g.permute(ct, tuple(sorted(range(len(axes)), key=axes.__getitem__))),
    ),
    batch=lambda g, b, x, axes: g.permute(x, (0, *(a + 1 for a in axes))),
    doc="Axes in another order.",
)
broadcast_to = _row(
    "broadcast_to",
    ("shape",),
    infer=_infer_broadcast,
    value=_broadcast_value,
    transpose=lambda g, ct, x, shape: (unbroadcast(g, ct, x.shape),),
    batch=_broadcast_batch,
    doc="Repeated along axes of size 1 and new leading axes.",
)
fixed = _row(
    "fixed",
    (),
    infer=lambda x: (x.shape, x.dtype),
    value=lambda np, x: x.view(),
    partials=NONDIFF,
    batch=lambda g, b, x: g.fixed(x),
    doc="x, as a constant: for what a result doesn't depend on, though it is computed with it.",
)
slice_ = _row(
    "slice",
    ("starts", "sizes", "steps"),
    picks=True,
    index=_slice_index,
    infer=_infer_slice,
    value=_slice_value,
    view=_slice_view,
    transpose=lambda g, ct, x, starts, sizes, steps: (g.embed(ct, x.shape, starts, steps),),
    batch=lambda g, b, x, starts, sizes, steps: g.slice(
        x, (0, *starts), (x.shape[0], *sizes), (1, *steps)
    ),
    doc="Along each axis `size` elements from `start` on by `step`, which may be negative.",
)
embed = _row(
    "embed",
    ("shape", "starts", "steps"),
    copies=True,
    infer=lambda x, shape, starts, steps: (shape, x.dtype),
    value=_embed_value,
    transpose=lambda g, ct, x, shape, starts, steps: (g.slice(ct, starts, x.shape, steps),),
    batch=lambda g, b, x, shape, starts, steps: g.embed(
        x, (x.shape[0], *shape), (0, *starts), (1, *steps)
    ),
    doc="Zeros of a shape with x written into a slice: the transpose of `slice`.",
)
update_slice = _row(
    "update_slice",
    ("starts", "steps"),
    2,
    copies=True,
    infer=_infer_update,
    value=_update_value,
    into=_update_into,
    vjp=_update_vjp,
    jvp=_update_jvp,
    batch=_update_batch,
    doc="x with u written into a slice.",
)
concat = _row(
    "concat",
    ("axis",),
    None,
    copies=True,
    infer=_infer_concat,
    value=lambda np, *rest: np.concatenate(rest[:-1], rest[-1]),
    transpose=_concat_transpose,
    batch=_concat_batch,
    doc="Arrays one after another along an axis.",
)
