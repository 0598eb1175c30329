"""Inverses and solutions: of square, triangular and other systems, of tensors as matrices.

What enters: tensors. What leaves: tensors, recorded under PyTorch's names; PyTorch's errors, those
that data cause too. It must not know how a system is solved.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from ..ir.node import Node, scalar
from ..lang import factor as nodes
from ..ops import g
from . import _dtypes, return_types
from ._dispatch import broadcast, need_tensor, op
from ._dtypes import TITLES
from ._record import record, to_dtype
from .convert import array
from .create import filled
from .factors import check_system, same_dtypes_of_b
from .matrices import (
    LinAlgError,
    argument,
    computed,
    floating,
    linalg,
    one,
    refuse,
    same_dtypes,
    several,
    singular,
    square,
    with_out,
)
from .tensor import Ints, Tensor, contiguous, normal, wrap
from .views import strides_for

__all__ = ["inverse_ex", "limits"]

# --- inverses -------------------------------------------------------------------------------------


def inverse_ex(x: Tensor) -> tuple[Tensor, ...]:
    """Inverses, and where a pivot is 0. Raises RuntimeError for what are no square matrices."""
    floating("linalg.inv", square("linalg.inv", x), low=False)
    f = lambda n: (g.pick(y := g.inv_ex(n), 0), g.pick(y, 1))  # noqa: E731
    return several("LinalgInvEx", f, (x,), (0,))


def inverse(x: Tensor, name: str = "linalg.inv") -> Tensor:
    """The inverses. Raises LinAlgError for singular matrices."""
    made, info = inverse_ex(x)
    refuse(info, singular(name))
    return made


@linalg("inv", "same")
def inv(A: Tensor) -> Tensor:
    """The inverse of each matrix. Raises LinAlgError for singular ones."""
    return inverse(argument("inv", A))


def _old_inverse(input: Tensor) -> Tensor:
    """`torch.linalg.inv` by its old name. Raises as it."""
    return inverse(need_tensor("inverse", input))


op("inverse")(with_out(_old_inverse, "inverse", "same"))


@linalg("inv_ex", "same")
def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """`inv`, and the place of the first pivot that is 0 (0: none)."""
    found = inverse_ex(argument("inv_ex", A))
    if check_errors:
        refuse(found[1], singular("linalg.inv_ex"))
    return return_types.linalg_inv_ex(found)


# --- square systems -------------------------------------------------------------------------------


def _is_vector(a: Tensor, b: Tensor) -> bool:
    """Whether the right-hand sides are vectors, one for each matrix or one for all."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b._node.shape == a._node.shape[:-1])


def _check_solve(a: Tensor, b: Tensor, left: bool) -> bool:
    name = "linalg.solve"
    floating(name, square(name, a))
    same_dtypes(name, a, b)
    vector = _is_vector(a, b)
    if vector and not left:
        m, n = a._node.shape[-2:]
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation XA = B "
            f"({m}x{n} and {b.shape[-1]}x1)"
        )
    if not vector:
        check_system(name, a, b, left)
        broadcast(b._node.shape[:-2], a._node.shape[:-2])
    elif b.shape[-1] != a.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation AX = B "
            f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-1]}x1)"
        )
    computed("lu_cpu", a)
    return vector


def _solve_ex(a: Tensor, b: Tensor, left: bool) -> tuple[Tensor, ...]:
    vector = _check_solve(a, b, left)

    def f(n: Node, m: Node) -> tuple[Node, ...]:
        batch = n.shape[:-2]
        m = g.reshape(m, (*m.shape, 1)) if vector else m
        n, m = nodes.together(n, m) if left else nodes.together(_swapped(n), _swapped(m))
        y = g.solve_ex(n, m)
        x = g.pick(y, 0) if left else _swapped(g.pick(y, 0))
        info = g.pick(y, 1)
        if info.shape != batch:
            info = _first_of(info, batch)
        return (g.reshape(x, x.shape[:-1]) if vector else x), info

    return several("LinalgSolveEx", f, (a, b), (0,) if left else ())


def _swapped(x: Node) -> Node:
    return g.permute(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _first_of(x: Node, shape: Ints) -> Node:
    """The batch of a before it was broadcast: the first of what is alike."""
    drop = x.ndim - len(shape)
    sizes = (*(1,) * drop, *shape)
    return g.reshape(g.slice(x, (0,) * x.ndim, sizes, (1,) * x.ndim), shape)


def _singular_system(name: str) -> Callable[[str, int], Exception]:
    return lambda batch, i: LinAlgError(
        f"torch.linalg.{name}: {batch}The solver failed because the input matrix is singular."
    )


@linalg("solve", "same")
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """x with A x = B, or x A = B. Raises LinAlgError for singular matrices."""
    made, info = _solve_ex(argument("solve", A), argument("solve", B, "B", 2), left)
    refuse(info, _singular_system("solve"))
    return made


@linalg("solve_ex", "same")
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """`solve`, and the place of the first pivot that is 0 (0: none)."""
    found = _solve_ex(argument("solve_ex", A), argument("solve_ex", B, "B", 2), left)
    if check_errors:
        refuse(found[1], _singular_system("solve_ex"))
    return return_types.linalg_solve_ex(found)


# --- triangular systems ---------------------------------------------------------------------------


@linalg("solve_triangular", "expected scalar type {want} but found {got}")
def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """x with A x = B, or x A = B, of one triangle of A. Raises RuntimeError."""
    a = argument("solve_triangular", input, "input")
    b = argument("solve_triangular", B, "B", 2)
    name = "linalg.solve_triangular"
    check_system(name, square(name, a), b, left)
    broadcast(b._node.shape[:-2], a._node.shape[:-2])
    computed("triangular_solve_cpu", a)
    f = lambda n, m: nodes.solve_triangular(n, m, upper, left, unitriangular)  # noqa: E731
    return one("LinalgSolveTriangular", f, (a, to_dtype(b, a.dtype)))


def _check_old(b: Tensor, a: Tensor) -> None:
    for name, t in (("b", b), ("A", a)):
        if t.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it "
                f"has {t.ndim} dimensions instead"
            )
    m, n = a._node.shape[-2:]
    if m != n:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {m} by {n} matrices"
        )
    if n != b.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {n} by {n} but each "
            f"b matrix is {b.shape[-2]} by {b.shape[-1]}"
        )
    same_dtypes_of_b(b, a)
    computed("triangular_solve_cpu", a)


def _triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
    unitriangular: bool = False,
) -> Any:  # fmt: skip
    """x with A x = input, or Aᵀ x = input, of one triangle of A; and A. Raises RuntimeError."""
    b, a = need_tensor("triangular_solve", input), need_tensor("triangular_solve", A, 2, "A")
    _check_old(b, a)
    broadcast(b._node.shape[:-2], a._node.shape[:-2])

    def f(m: Node, n: Node) -> tuple[Node, ...]:
        n, m = nodes.together(n, m)
        turned = _swapped(n) if transpose else n
        x = nodes.solve_triangular(turned, m, upper != transpose, True, unitriangular)
        return x, g.reshape(n, n.shape)

    return return_types.triangular_solve(several("TriangularSolve", f, (b, a), (0, 1)))


op("triangular_solve")(with_out(_triangular_solve, "triangular_solve", "same"))

# --- tensors as matrices --------------------------------------------------------------------------


def _requirement(left: str, right: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[{left}:]) == "
            f"prod(self.shape[:{right}]), but got {found} != {wanted}"
        )


@linalg("tensorinv", "safe")
def tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """The inverse of a tensor as a matrix: the first `ind` axes are its rows. Raises as `inv`."""
    x = argument("tensorinv", input, "input")
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    shape = x._node.shape
    rows, columns = prod(shape[:ind]), prod(shape[ind:])
    _requirement("ind", "ind", columns, rows)
    flat = wrap(g.reshape(x._read(), (rows, columns)))
    floating("linalg.inv", flat, low=False)
    new = shape[ind:] + shape[:ind]

    def f(n: Node) -> tuple[Node, ...]:
        y = g.inv_ex(g.reshape(n, (rows, columns)))
        return g.reshape(g.pick(y, 0), new), g.pick(y, 1)

    made, info = several("~ReshapeAliasBackward0", f, (x,))
    made._strides = normal(new, strides_for((columns, rows), (1, columns), new) or contiguous(new))
    refuse(info, singular("inv"))
    return made


@linalg("tensorsolve", "safe")
def tensorsolve(input: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """x with input x = other summed over the last axes of input. Raises as `solve`."""
    a, b = argument("tensorsolve", input, "input"), argument("tensorsolve", other, "other", 2)
    order = list(range(a.ndim))
    if dims is not None:
        moved = [d % a.ndim for d in dims]
        order = [i for i in order if i not in moved] + moved
    shape = tuple(a._node.shape[i] for i in order)
    rest = shape[b.ndim :]
    rows, columns = b._node.size, prod(rest)
    _requirement("other.ndim", "other.ndim", columns, rows)
    floating("linalg.solve", a)
    same_dtypes("linalg.solve", a, b)

    def f(n: Node, m: Node) -> tuple[Node, ...]:
        n = g.reshape(g.permute(n, tuple(order)), (rows, columns))
        y = g.solve_ex(n, g.reshape(m, (rows, 1)))
        return g.reshape(g.pick(y, 0), rest), g.pick(y, 1)

    made, info = several("~ViewBackward0", f, (a, b))
    refuse(info, _singular_system("solve"))
    return made


# --- pseudo-inverses, least squares ---------------------------------------------------------------


def _limit(value: Any, like: Tensor, name: str, called: str) -> Node:
    """A limit given as a number or as a tensor for the batch."""
    real = like.dtype.to_real()
    if not isinstance(value, Tensor):
        return scalar(float(value), real.numpy, like._node.device)
    if value.dtype._rank == 3:
        raise RuntimeError(
            f"torch.linalg.{name}: {called} tensor of complex type is not supported. Got "
            f"{TITLES[value.dtype]}"
        )
    return to_dtype(value, real)._read()


def limits(name: str, x: Tensor, absolute: Any, relative: Any) -> tuple[Node, Node]:
    """Below what singular values count as 0: at all, and relative to the largest."""
    default = max(x._node.shape[-2:]) * _dtypes.finfo(x.dtype).eps
    low = _limit(0.0 if absolute is None else absolute, x, name, "atol")
    if relative is not None:
        return low, _limit(relative, x, name, "rtol")
    if not isinstance(absolute, Tensor):
        used = 0.0 if absolute is not None and absolute > 0 else default
        return low, _limit(used, x, name, "rtol")
    return low, g.where(g.less(0.0, low), g.constant(0, low), g.constant(default, low))


def _pinv(x: Tensor, absolute: Any, relative: Any, hermitian: bool) -> Tensor:
    supported = x.dtype._rank > 1 and x.dtype not in (_dtypes.float16, _dtypes.bfloat16)
    if x.ndim < 2 or not supported:
        raise RuntimeError(
            f"linalg.pinv({TITLES[x.dtype]}{{{list(x.shape)}}}): expected a tensor with 2 or more "
            "dimensions of float, double, cfloat or cdouble types"
        )
    if hermitian:
        square("linalg.eigh", x)
    both = limits("pinv", x, absolute, relative)
    node = x._read()
    made = g.pinv(node, nodes.limits(node, *both), bool(hermitian))
    return record(wrap(made), "LinalgPinv", (x,), (node,))


@linalg("pinv", "safe")
def pinv(
    input: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None,
    rtol: Any = None,
) -> Tensor:  # fmt: skip
    """Moore–Penrose inverses by singular values above limits. Raises RuntimeError."""
    x = argument("pinv", input, "input")
    return _pinv(x, atol, rtol if rcond is None else rcond, hermitian)


@op()
def pinverse(input: Tensor, rcond: Any = 1e-15) -> Tensor:
    """`torch.linalg.pinv` by its old name. Raises as it."""
    return _pinv(need_tensor("pinverse", input), None, rcond, False)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _check_lstsq(a: Tensor, b: Tensor, driver: str) -> bool:
    """Whether the right-hand sides are vectors. Raises RuntimeError for what doesn't fit."""
    name = "torch.linalg.lstsq"
    if a.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype "
            f"{TITLES[a.dtype]} and other's dtype {TITLES[b.dtype]}"
        )
    if not 0 <= a.ndim - b.ndim <= 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
            "other.dim()) <= 1"
        )
    vector = a.ndim - b.ndim == 1
    lead = b._node.shape[: -1 if vector else -2]
    broadcast(a._node.shape[:-2], lead)
    side = -1 if vector else -2
    if a.shape[-2] != b.shape[side]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size({side})")
    if a.dtype._rank < 2 or a.dtype.itemsize < 4:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if driver not in _DRIVERS:
        raise RuntimeError(f"{name}: parameter `driver` should be one of ({', '.join(_DRIVERS)})")
    return vector


def _least(a: Tensor, b: Tensor, vector: bool, rcond: float, residuals: bool) -> Any:
    """Solutions, and sums of squares of what is left over, of each column."""

    def f(n: Node, m: Node) -> tuple[Node, ...]:
        zero = scalar(0.0, a.dtype.to_real().numpy, n.device)
        m = g.reshape(m, (*m.shape, 1)) if vector else m
        n, m = nodes.together(n, m)
        ends = (zero, scalar(rcond, zero.dtype, n.device))
        x = g.matmul(g.pinv(n, nodes.limits(n, *ends), False), m)
        rest = _squares(g.matmul(n, x) - m) if residuals else g.broadcast_to(zero, (0,))
        return (g.reshape(x, x.shape[:-1]) if vector else x), rest

    found = several("LinalgLstsq", f, (a, b))
    if not vector:
        found[0]._strides = _tall(found[0]._node.shape, max(a._node.shape[-2:]))
    return found


def _tall(shape: Ints, rows: int) -> Ints | None:
    """Strides of the first rows of matrices in column-major order."""
    *lead, _, k = shape
    outer = contiguous((*lead, k, rows))
    return normal(shape, (*outer[:-2], 1, rows))


def _squares(x: Node) -> Node:
    size = g.real(x * g.conj(x)) if x.dtype.kind == "c" else x * x
    return g.sum(size, (size.ndim - 2,))


@linalg("lstsq", "safe")
def lstsq(input: Tensor, b: Tensor, rcond: float | None = None, *, driver: Any = None) -> Any:
    """Least squares: solutions, residuals, ranks and singular values, as far as the driver says
    them. Raises RuntimeError.
    """
    a, other = argument("lstsq", input, "input"), argument("lstsq", b, "b", 2)
    used = "gelsy" if driver is None else driver
    vector = _check_lstsq(a, other, used)
    m, n = a._node.shape[-2:]
    limit = max(m, n) * _dtypes.finfo(a.dtype).eps if rcond is None else float(rcond)
    sizes = g.svdvals(a._read())
    device = sizes.device
    zero = scalar(0.0, sizes.dtype, device)
    rank = wrap(nodes.rank(sizes, zero, scalar(limit, sizes.dtype, device)))
    full = used == "gels" or bool((array(rank) == n).all())
    solution, residuals = _least(
        a, other, vector, 0.0 if used == "gels" else limit, m > n and full and used != "gelsy"
    )
    if used == "gels":
        rank = filled((0,), 0, _dtypes.int64, a.device)
    none = filled((0,), 0, a.dtype.to_real(), a.device)
    values = wrap(sizes) if used in ("gelsd", "gelss") else none
    return return_types.linalg_lstsq((solution, residuals, rank, values))
