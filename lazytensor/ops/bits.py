"""The bits of elements read as another dtype.

What enters and leaves: as the columns of `ir/op.py` say. It must not know other rows.
"""

from typing import Any

from ..ir.node import Node
from ..ir.op import Op, register
from ._families import Infer


def _infer(x: Node, dtype: Any) -> Infer:
    have, want = x.dtype.itemsize, dtype.itemsize
    if have == want:
        return x.shape, dtype
    if not x.shape or x.shape[-1] * have % want:
        raise ValueError(f"bitcast: {x.dtype} {x.shape} has no whole number of {dtype} in a row")
    return (*x.shape[:-1], x.shape[-1] * have // want), dtype


def _value(np: Any, x: Any, dtype: Any) -> Any:
    if x.dtype.itemsize != dtype.itemsize and not x.size:
        return np.empty((*x.shape[:-1], x.shape[-1] * x.dtype.itemsize // dtype.itemsize), dtype)
    return np.array(x, order="C").view(dtype)


def _transpose(g: Any, ct: Node, x: Node, dtype: Any) -> tuple[Node | None]:
    """Complex numbers and the pairs of floats that they are have each other's cotangents."""
    kinds = {x.dtype.kind, dtype.kind}
    sizes = {x.dtype.kind: x.dtype.itemsize, dtype.kind: dtype.itemsize}
    linear = kinds == {"c", "f"} and sizes["c"] == 2 * sizes["f"]
    return (g.bitcast(ct, x.dtype) if linear or x.dtype is dtype else None,)


bitcast = register(
    Op(
        "bitcast",
        "gather",
        1,
        params=("dtype",),
        infer=_infer,
        value=_value,
        transpose=_transpose,
        batch=lambda g, b, x, dtype: g.bitcast(x, dtype),
        doc="The bits of elements as another dtype; sizes differ by the last axis.",
    )
)
