"""`torch.linalg`: the functions that other modules made its, and products of vectors and matrices.

What enters: tensors. What leaves: tensors. It must not know how anything is computed.
"""

from collections.abc import Sequence

from ..ir.node import Node
from ..lang import linalg as nodes
from ..lang._checks import full
from ..ops import g
from . import contraction, factors, linear, spectra, systems
from ._dispatch import FUNCTIONS, broadcast, op
from ._dtypes import TITLES, bool_, int64
from ._missing import missing
from ._record import run, to_dtype
from .matrices import LINALG, LinAlgError, argument, floating, linalg, same_dtypes
from .tensor import Tensor
from .views import axis

# --- products -------------------------------------------------------------------------------------


@linalg("cross", "same")
def _cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Cross products along an axis. Raises RuntimeError for other sizes than 3."""
    x, y = argument("cross", input, "input"), argument("cross", other, "other", 2)
    return linear.crossed("linalg.cross", x, y, dim)


@linalg("diagonal")
def _diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of matrices. Raises RuntimeError, IndexError for axes."""
    x = argument("diagonal", A)
    return FUNCTIONS["diagonal"](x, offset, dim1, dim2)  # type: ignore[no-any-return]


@linalg("matmul", "same")
def _matmul(input: Tensor, other: Tensor) -> Tensor:
    """`torch.matmul`. Raises as it."""
    return FUNCTIONS["matmul"](input, other)  # type: ignore[no-any-return]


@linalg("multi_dot", "multi_dot(): expected out tensor to have dtype {c_want} but got {c_got}")
def _multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of a chain of matrices, in the cheapest order. Raises RuntimeError."""
    if not isinstance(tensors, tuple | list):
        raise TypeError(
            "linalg_multi_dot(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}"
            )
    return contraction.chained(tensors)


@linalg("vecdot", "linalg.vecdot: Expected out of dtype{want} but found {got}")
def _vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Sums of conj(x) y along an axis, the others broadcast. Raises RuntimeError."""
    a, b = argument("vecdot", x, "x"), argument("vecdot", y, "y", 2)
    floating("linalg.vecdot", a)
    same_dtypes("linalg.vecdot", a, b, ("x", "y"))
    if a.ndim == b.ndim == 1:
        linear.check_dot("vdot", a, b)
        return run("Vdot", lambda n, m: nodes.vecdot(n, m), (a, b))
    shape = broadcast(a._node.shape, b._node.shape)
    place = axis(dim, len(shape))

    def f(n: Node, m: Node) -> Node:
        return g.sum((g.conj(n) if n.dtype.kind == "c" else n) * m, (place,))

    return run("~SumBackward1", f, (a, b))


# --- Vandermonde's matrices -----------------------------------------------------------------------


def _powers(x: Node, count: int) -> Node:
    """1, x, x², … along a new last axis."""
    x = x if x.shape else g.reshape(x, (1,))
    one = full(1, (*x.shape, min(count, 1)), x)
    if count < 2:
        return one
    repeated = g.broadcast_to(g.reshape(x, (*x.shape, 1)), (*x.shape, count - 1))
    return g.concat([one, g.cumprod(repeated, x.ndim)], x.ndim)


@linalg("vander")
def _vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers of each element from the 0th on, as many as elements by default.

    Raises RuntimeError.
    """
    a = argument("vander", x, "x")
    if a.dtype is bool_:
        raise RuntimeError(
            "linalg.vander supports floating point, complex, and integer tensors, but got "
            f"{TITLES[a.dtype]}"
        )
    count = (a.shape[-1] if a.ndim else 1) if N is None else int(N)
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    to = a if a.dtype._rank > 1 else to_dtype(a, int64)  # as running products are
    return run("~Cat", lambda n: _powers(n, count), (to,))


@op("vander", method=False)
def old_vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of the elements of a vector, highest first. Raises RuntimeError."""
    a = argument("vander", x, "x")
    if a.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = a.shape[0] if N is None else int(N)
    if count < 0:
        raise RuntimeError("N must be non-negative.")

    def f(n: Node) -> Node:
        found = _powers(n, count)
        if increasing or count < 2:
            return found
        return g.slice(found, (0, count - 1), found.shape, (1, -1))

    return run("~Cat" if increasing else "~Flip", f, (a,))


MODULES = (factors, systems, spectra)
globals().update(LINALG)
__all__ = ["LinAlgError"]
__all__ += list(LINALG)


__getattr__ = missing("torch.linalg")
