"""Contraction: matrix products with equal batch axes; everything else (tensordot, einsum, vecdot)
is composed of it.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from ..ir.node import Node
from ..ir.op import Op, register
from ._families import Infer, is_complex
from .movement import permute


def _infer(x: Node, y: Node) -> Infer:
    a, b = x.shape, y.shape
    if x.dtype is not y.dtype:
        raise TypeError(f"dtypes {x.dtype} and {y.dtype} differ: cast first")
    if len(a) < 2 or len(a) != len(b) or a[:-2] != b[:-2] or a[-1] != b[-2]:
        raise ValueError(f"matmul: shapes {a} and {b} don't match")
    return (*a[:-1], b[-1]), x.dtype


def swapped(g: Any, x: Node) -> Node:
    """The last two axes exchanged."""
    n = len(x.shape)
    return g.permute(x, (*range(n - 2), n - 1, n - 2))  # type: ignore[no-any-return]


def adjoint(g: Any, x: Node) -> Node:
    """The conjugate transpose of each matrix."""
    return _conj(g, swapped(g, x))


def _conj(g: Any, x: Node) -> Node:
    return g.conj(x) if is_complex(x) else x


def _value(np: Any, x: Any, y: Any) -> Any:
    """Half precision is multiplied and summed in single.

    For a matrix times its own transpose NumPy takes another routine of the BLAS, with other bits,
    if it sees that both are one memory: a copy keeps it from seeing that.
    """
    if x.shape[-2:] == y.shape[:-3:-1] and np.may_share_memory(x, y):
        y = y.copy()
    if x.dtype.itemsize == 2 and x.dtype.kind not in "iu":
        return np.matmul(x.astype(np.float32), y.astype(np.float32)).astype(x.dtype)
    return np.matmul(x, y)


def _vjp(g: Any, ct: Node, z: Node, x: Node, y: Node) -> tuple[Node, Node]:
    """Of an operand that was transposed, the gradient is made as the transpose of what goes on to
    the operand as it was: nothing need be transposed in memory.
    """
    if _is_swapped(x):
        of_x = swapped(g, g.matmul(_conj(g, y), swapped(g, ct)))
    else:
        of_x = g.matmul(ct, adjoint(g, y))
    if _is_swapped(y):
        return of_x, swapped(g, g.matmul(swapped(g, ct), _conj(g, x)))
    return of_x, g.matmul(adjoint(g, x), ct)


def _is_swapped(x: Node) -> bool:
    n = len(x.shape)
    return x.op is permute and x.params[0] == (*range(n - 2), n - 1, n - 2)


def _jvp(g: Any, tangents: Sequence[Node | None], z: Node, x: Node, y: Node) -> Node | None:
    tx, ty = tangents
    parts = [g.matmul(tx, y)] if tx is not None else []
    if ty is not None:
        parts.append(g.matmul(x, ty))
    return None if not parts else parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _batch(g: Any, batched: Sequence[bool], x: Node, y: Node) -> Node:
    n = x.shape[0] if batched[0] else y.shape[0]
    x, y = (
        v if b else g.broadcast_to(v, (n, *v.shape)) for v, b in zip((x, y), batched, strict=True)
    )
    return g.matmul(x, y)  # type: ignore[no-any-return]


matmul = register(
    Op(
        "matmul",
        "contract",
        2,
        domain="iufc",
        infer=_infer,
        value=_value,
        vjp=_vjp,
        jvp=_jvp,
        batch=_batch,
        work=lambda y, a, b: 2 * prod(y.shape) * a.shape[-1],
        doc="Products of matrices (…, m, k) and (…, k, n) of equal batch axes.",
    )
)
