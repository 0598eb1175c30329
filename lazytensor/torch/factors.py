"""Factors of matrices: Cholesky, LU, LDL, QR, Householder's reflections; what is solved by them.

What enters: tensors. What leaves: tensors, recorded under PyTorch's names; PyTorch's errors, those
that data cause too. It must not know how a factorisation is computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import factor as nodes
from ..ops import g
from . import _dtypes, return_types
from ._dispatch import broadcast, need_tensor, op
from ._dtypes import TITLES
from ._host import placed
from .convert import array
from .create import filled
from .matrices import (
    LinAlgError,
    argument,
    at_least_2d,
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
    without_derivative,
    without_gradient,
)
from .tensor import Tensor

__all__ = ["check_system", "same_dtypes_of_b"]


def _picked(node: Node, count: int) -> tuple[Node, ...]:
    return tuple([g.pick(node, i) for i in range(count)])


# --- Cholesky -------------------------------------------------------------------------------------


def _not_positive(name: str) -> Callable[[str, int], Exception]:
    return lambda batch, i: LinAlgError(
        f"{name}: {batch}The factorization could not be completed because the input is not "
        f"positive-definite (the leading minor of order {i} is not positive-definite)."
    )


def _cholesky(title: str, x: Tensor, upper: bool) -> tuple[Tensor, ...]:
    f = lambda n: _picked(g.cholesky_ex(n, upper), 2)  # noqa: E731
    return several(title, f, (x,), (0,))


def _checked_cholesky(name: str, x: Tensor) -> Tensor:
    return computed("cholesky_cpu", floating(name, square(name, x)))


@linalg("cholesky", "same")
def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """L with L Lᴴ = A, or U with Uᴴ U = A. Raises LinAlgError unless positive definite."""
    x = _checked_cholesky("linalg.cholesky", argument("cholesky", input, "input"))
    low, info = _cholesky("LinalgCholeskyEx", x, bool(upper))
    refuse(info, _not_positive("linalg.cholesky"))
    return low


@linalg("cholesky_ex", "same")
def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """`cholesky`, and the order of the first minor that isn't positive (0: none)."""
    x = _checked_cholesky("linalg.cholesky", argument("cholesky_ex", input, "input"))
    low, info = _cholesky("LinalgCholeskyEx", x, bool(upper))
    if check_errors:
        refuse(info, _not_positive("linalg.cholesky_ex"))
    return return_types.linalg_cholesky_ex((low, info))


@op("cholesky", out=True)
def old_cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """`torch.linalg.cholesky` by its old name. Raises as it."""
    x = computed("cholesky_cpu", square("cholesky", need_tensor("cholesky", input)))
    low, info = _cholesky("Cholesky", x, bool(upper))
    refuse(info, _not_positive("cholesky"))
    return low


def _cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of the matrix that a Cholesky factor is of. Raises LinAlgError for a singular
    one.
    """
    x = square("cholesky_inverse", need_tensor("cholesky_inverse", input))
    computed("cholesky_inverse_out_cpu", x)
    zeros = np.diagonal(array(x), axis1=-2, axis2=-1) == 0
    if zeros.shape[-1]:
        info = np.where(zeros.any(-1), zeros.argmax(-1) + 1, 0)
        refuse(np.asarray(info), singular("cholesky_inverse"))
    still = placed(array(x), x._node.device)
    f = lambda n: nodes.cholesky_inverse(_whole(n, still, upper), bool(upper))  # noqa: E731
    return one("CholeskyInverse", f, (x,))


def _whole(n: Node, still: Node, upper: bool) -> Node:
    """One triangle of a factor, the other 0 but not flat: PyTorch's derivatives are of the whole
    matrix.
    """
    read = nodes.triangle_of(n, upper)
    return read + (n - still) - nodes.triangle_of(n - still, upper)


op("cholesky_inverse")(with_out(_cholesky_inverse, "cholesky_inverse", "safe"))


def _check_solve(name: str, b: Tensor, a: Tensor) -> None:
    """What old functions of a right-hand side and a matrix refuse."""
    m, n = a._node.shape[-2:]
    if m != n:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {m} by {n} matrices"
        )
    if n != b._node.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix "
            f"is {b._node.shape[-2]} by {b._node.shape[-1]}"
        )
    same_dtypes_of_b(b, a)


def same_dtypes_of_b(b: Tensor, a: Tensor) -> None:
    """Raises RuntimeError where a matrix and a right-hand side are of two dtypes."""
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {TITLES[b.dtype]} and A "
            f"of type {TITLES[a.dtype]} instead."
        )


@op(out=True)
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """x with A x = input, for A of the Cholesky factor input2. Raises RuntimeError."""
    b, a = need_tensor("cholesky_solve", input), need_tensor("cholesky_solve", input2, 2, "input2")
    for name, t in (("b", b), ("u", a)):
        if t.ndim < 2:
            raise RuntimeError(
                f"{name} should have at least 2 dimensions, but has {t.ndim} dimensions instead"
            )
    _check_solve("cholesky_solve", b, a)
    computed("cholesky_solve_cpu", a)
    broadcast(b._node.shape[:-2], a._node.shape[:-2])
    still = placed(array(a), a._node.device)
    f = lambda n, m: nodes.cholesky_solve(n, _whole(m, still, upper), bool(upper))  # noqa: E731
    return one("CholeskySolve", f, (b, a))


# --- LU -------------------------------------------------------------------------------------------


def _zero_pivot(name: str) -> Callable[[str, int], Exception]:
    return lambda batch, i: RuntimeError(
        f"torch.linalg.{name}: {batch}U[{i},{i}] is zero and using it on lu_solve would result in "
        "a division by zero. If you still want to perform the factorization, consider calling "
        "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )


def _check_lu(name: str, x: Tensor, pivot: bool) -> None:
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(x.shape)} instead"
        )
    computed("lu_cpu", x)
    if not pivot:
        raise RuntimeError(
            "linalg.lu_factor: LU without pivoting is not implemented on the CPU"
        )


def _lu_factor(x: Tensor, pivot: bool) -> tuple[Tensor, ...]:
    """Factors, pivots and info."""
    _check_lu("torch.lu_factor", x, pivot)
    return several("LinalgLuFactorEx", lambda n: _picked(g.lu_factor(n), 3), (x,), (0,))


@linalg("lu_factor", "same")
def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """L and U in one matrix, and pivots. Raises RuntimeError for singular matrices."""
    packed, pivots, info = _lu_factor(argument("lu_factor", A), pivot)
    refuse(info, _zero_pivot("lu_factor"))
    return return_types.linalg_lu_factor((packed, pivots))


@linalg("lu_factor_ex", "same")
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """`lu_factor`, and the place of the first 0 on the diagonal of U (0: none)."""
    found = _lu_factor(argument("lu_factor_ex", A), pivot)
    if check_errors:
        refuse(found[2], _zero_pivot("lu_factor_ex"))
    return return_types.linalg_lu_factor_ex(found)


@linalg("lu", "same")
def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """P, L and U with A = P L U. Raises RuntimeError."""
    x = argument("lu", A)
    _check_lu("linalg.lu", x, pivot)

    def f(n: Node) -> tuple[Node, ...]:
        packed, pivots, _ = _picked(g.lu_factor(n), 3)
        p = nodes.permutation(pivots, n.shape[-2], n)
        return p, nodes.lower_of(packed), nodes.upper_of(packed)

    return return_types.linalg_lu(several("LinalgLu", f, (x,), free=(0,)))


@op("lu")
def old_lu(
    input: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None
) -> Any:
    """Factors in one matrix and pivots, with info if asked for. Raises RuntimeError."""
    found: Any = _lu_factor(need_tensor("lu", input), pivot)
    found = return_types._lu_with_info(found) if get_infos else found[:2]
    if out is None:
        return found
    return with_out(lambda: found, "lu", "safe")(out=out)


def _check_pivots(pivots: Tensor, packed: Tensor) -> None:
    if pivots.dtype is not _dtypes.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
            "dtype.\nNote: this function is intended to be used with the output produced by "
            "torch.linalg.lu_factor"
        )
    m, n = packed._node.shape[-2:]
    found = array(pivots)
    bad = found.shape != (*packed._node.shape[:-2], min(m, n))
    if bad or (found.size and (found.min() < 1 or found.max() > m)):
        raise RuntimeError(
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you "
            "properly pass the result of lu_factor?"
        )


def _nothing(like: Tensor) -> Tensor:
    return filled((0,), 0, like.dtype, like.device)


def _lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    """P, L and U of the factors that `lu_factor` gives, empty what isn't asked for.

    Raises RuntimeError.
    """
    x = need_tensor("lu_unpack", LU_data, 1, "LU_data")
    pivots = need_tensor("lu_unpack", LU_pivots, 2, "LU_pivots")
    if x.ndim < 2:
        raise RuntimeError(
            "torch.lu_unpack: Expected tensor with 2 or more dimensions. Got size: "
            f"{list(x.shape)} instead"
        )
    p = low = high = _nothing(x)
    if unpack_pivots:
        _check_pivots(pivots, x)
        f = lambda n, k: (nodes.permutation(k, n.shape[-2], n),)  # noqa: E731
        (p,) = several("", f, (x, pivots), free=(0,))
    if unpack_data:
        both = lambda n: (nodes.lower_of(n), nodes.upper_of(n))  # noqa: E731
        low, high = several("LuUnpack", both, (x,))
    return return_types.lu_unpack((p, low, high))


op("lu_unpack", method=False)(with_out(_lu_unpack, "lu_unpack", "safe"))


def _check_lu_solve(a: Tensor, pivots: Tensor, b: Tensor, left: bool) -> None:
    floating("torch.linalg.lu_solve", square("torch.linalg.lu_solve", a))
    same_dtypes("linalg.lu_solve", a, b, ("LU", "B"))
    if pivots.dtype is not _dtypes.int32:
        raise RuntimeError(
            "linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32"
        )
    check_system("linalg.lu_solve", a, b, left)
    if not pivots.ndim or pivots.shape[-1] != a.shape[-1]:
        raise RuntimeError(
            "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the "
            "matrix"
        )
    if tuple(a._node.shape[:-1]) != tuple(pivots._node.shape):
        raise RuntimeError(
            "linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the same, but got "
            f"pivots with shape {list(pivots.shape)} instead"
        )
    broadcast(b._node.shape[:-2], a._node.shape[:-2])
    found = array(pivots)
    if found.size and found.min() < 1:
        raise RuntimeError(
            "Pivots given to lu_solve must all be greater or equal to 1. Did you properly pass the "
            "result of lu_factor?"
        )
    if found.size and found.max() > a.shape[-1]:
        raise RuntimeError(
            "Pivots given to lu_solve must all be smaller or equal to LU.size(-2). Did you "
            "properly pass the result of lu_factor?"
        )


def check_system(name: str, a: Tensor, b: Tensor, left: bool) -> None:
    """Raises RuntimeError where a matrix and a right-hand side don't fit."""
    at_least_2d(name, b, "B")
    n, (m, k) = a._node.shape[-1], b._node.shape[-2:]
    if n != (m if left else k):
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} "
            f"({a.shape[-2]}x{n} and {m}x{k})"
        )


def _lu_solve(a: Tensor, pivots: Tensor, b: Tensor, left: bool, adjoint: bool) -> Tensor:
    _check_lu_solve(a, pivots, b, left)
    f = lambda n, k, m: nodes.lu_solve(n, k, m, left, adjoint)  # noqa: E731
    made = one("LinalgLuSolve", f, (a, pivots, b))
    if not left:
        made._strides = None
    return made


@linalg("lu_solve", "same")
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """x with A x = B, x A = B, or with Aᴴ, of what `lu_factor` gives. Raises RuntimeError."""
    a, k = argument("lu_solve", LU, "LU"), argument("lu_solve", pivots, "pivots", 2)
    return _lu_solve(a, k, argument("lu_solve", B, "B", 3), left, adjoint)


def _old_lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """`torch.linalg.lu_solve` by its old name. Raises as it."""
    b, a = need_tensor("lu_solve", input), need_tensor("lu_solve", LU_data, 2, "LU_data")
    return _lu_solve(a, need_tensor("lu_solve", LU_pivots, 3, "LU_pivots"), b, True, False)


op("lu_solve")(with_out(_old_lu_solve, "lu_solve", "same"))


_NO_DERIVATIVE = "torch::autograd::NotImplemented"

# --- LDL ------------------------------------------------------------------------------------------


def _ldl(name: str, x: Tensor, hermitian: bool) -> tuple[Tensor, ...]:
    floating("torch.linalg.ldl_factor_ex", square("torch.linalg.ldl_factor_ex", x))
    computed("ldl_factor_kernel_cpu", x)
    f = lambda n: _picked(g.ldl_factor(n, bool(hermitian)), 3)  # noqa: E731
    found = several(_NO_DERIVATIVE, f, (x,), (0,))
    _no_ldl_derivative(found[:1], "ldl_factor_ex")
    return found


def _no_ldl_derivative(outs: tuple[Tensor, ...], name: str) -> None:
    error = RuntimeError(f"derivative for aten::linalg_{name} is not implemented")
    without_derivative(outs, error)


def _ldl_failed(name: str) -> Callable[[str, int], Exception]:
    return lambda batch, i: RuntimeError(
        f"torch.linalg.{name}: {batch}Unknown error code: {i}."
    )


@linalg("ldl_factor", "same")
def ldl_factor(input: Tensor, *, hermitian: bool = False) -> Any:
    """L and D of symmetric matrices in one lower triangle, and pivots. Raises RuntimeError."""
    packed, pivots, info = _ldl("ldl_factor", argument("ldl_factor", input, "input"), hermitian)
    refuse(info, _ldl_failed("ldl_factor"))
    return return_types.linalg_ldl_factor((packed, pivots))


@linalg("ldl_factor_ex", "same")
def ldl_factor_ex(
    input: Tensor, *, hermitian: bool = False, check_errors: bool = False
) -> Any:
    """`ldl_factor`, and the place of the first block of D that is 0 (0: none)."""
    found = _ldl("ldl_factor_ex", argument("ldl_factor_ex", input, "input"), hermitian)
    if check_errors:
        refuse(found[2], _ldl_failed("ldl_factor_ex"))
    return return_types.linalg_ldl_factor_ex(found)


@linalg("ldl_solve", "same")
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """x with A x = B, of what `ldl_factor` gives of A. Raises RuntimeError."""
    a, k = argument("ldl_solve", LD, "LD"), argument("ldl_solve", pivots, "pivots", 2)
    b = argument("ldl_solve", B, "B", 3)
    _check_ldl_solve(a, k, b)
    batch = broadcast(b._node.shape[:-2], a._node.shape[:-2])

    def f(n: Node, p: Node, m: Node) -> Node:
        p = g.cast(p, _dtypes.int32.numpy) if p.dtype is not _dtypes.int32.numpy else p
        p = g.broadcast_to(p, (*batch, p.shape[-1]))
        return g.ldl_solve(nodes.stacked(n, batch), p, nodes.stacked(m, batch), hermitian)

    made = one(_NO_DERIVATIVE, f, (a, k, b))
    _no_ldl_derivative((made,), "ldl_solve")
    return made


def _check_ldl_solve(a: Tensor, pivots: Tensor, b: Tensor) -> None:
    name = "torch.linalg.ldl_solve"
    square(name, a)
    if b.ndim < 2:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-{max(b.ndim, 1)}, "
            f"{max(b.ndim, 1) - 1}], but got -2)"
        )
    _check_solve("linalg.ldl_solve", b, a)
    if pivots.dtype._rank != 1:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {TITLES[pivots.dtype]}")
    if a._node.shape[:-1] != pivots._node.shape:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with "
            f"shape {list(pivots.shape)} instead"
        )


# --- QR -------------------------------------------------------------------------------------------

_NO_Q = (
    "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
    "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
)
_COMPLETE = (
    "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
)


def _qr(x: Tensor, mode: str) -> tuple[Tensor, ...]:
    floating("linalg.qr", at_least_2d("linalg.qr", x))
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            "'r', or 'complete'"
        )
    computed("geqrf_cpu", x)

    def f(n: Node) -> tuple[Node, ...]:
        q, r = _picked(g.qr(n, "complete" if mode == "complete" else "reduced"), 2)
        return (g.broadcast_to(g.constant(0, n), (0,)) if mode == "r" else q), r

    found = several("LinalgQr", f, (x,), (1,) if mode == "r" else (0, 1))
    if mode == "r" or (mode == "complete" and x.shape[-2] > x.shape[-1]):
        error = RuntimeError(_NO_Q if mode == "r" else _COMPLETE)
        without_derivative(found, error)
    return found


@linalg("qr", "same")
def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and R upper triangular; mode "r": R alone. Raises RuntimeError."""
    return return_types.linalg_qr(_qr(argument("qr", A), mode))


def _old_qr(input: Tensor, some: bool = True) -> Any:
    """`torch.linalg.qr` by its old name. Raises as it."""
    return return_types.qr(_qr(need_tensor("qr", input), "reduced" if some else "complete"))


def _geqrf(input: Tensor) -> Any:
    """R and the reflections below it, and their factors. Raises RuntimeError."""
    x = need_tensor("geqrf", input)
    if x.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    computed("geqrf_cpu", x)
    found = several("Geqrf", lambda n: _picked(g.geqrf(n), 2), (x,), (0,))
    error = NotImplementedError("the derivative for 'geqrf' is not implemented.")
    without_derivative(found, error)
    return return_types.geqrf(found)


op("qr")(with_out(_old_qr, "qr", "safe"))
op("geqrf")(with_out(_geqrf, "geqrf", "safe"))


def _check_axes(name: str, x: Tensor, tau: Tensor) -> None:
    if x.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal "
            f"to {tau.ndim} and input.ndim is equal to {x.ndim}"
        )


def _check_reflections(x: Tensor, tau: Tensor) -> None:
    name = "torch.linalg.householder_product"
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if x.shape[-2] < x.shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if tau.ndim and x.shape[-1] < tau.shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]"
        )
    _check_axes(name, x, tau)
    if tau._node.shape[:-1] != x._node.shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{list(tau.shape[:-1])}"
        )
    if tau.dtype is not x.dtype:
        raise RuntimeError(
            f"{name}: tau dtype {TITLES[tau.dtype]} does not match input dtype {TITLES[x.dtype]}"
        )


@op("orgqr", out=True)
@linalg("householder_product", "safe")
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of a product of reflections, as `geqrf` gives them. Raises RuntimeError."""
    x = argument("householder_product", input, "input")
    t = argument("householder_product", tau, "tau", 2)
    _check_reflections(x, t)
    computed("orgqr_cpu", x)
    out = one("LinalgHouseholderProduct", nodes.householder_product, (x, t))
    return out if x._node.size and t._node.size else without_gradient(out)


def _check_ormqr(x: Tensor, tau: Tensor, c: Tensor, left: bool) -> None:
    name = "torch.ormqr"
    for which, t in (("input", x), ("other", c)):
        if t.ndim < 2:
            raise RuntimeError(f"{name}: {which} must have at least 2 dimensions.")
    side = -2 if left else -1
    size = c.shape[side]
    if size != x.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if (tau.shape[-1] if tau.ndim else 0) != min(size, x.shape[-1]):
        raise RuntimeError(
            f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])"
        )
    _check_axes(name, x, tau)
    if x.ndim != c.ndim:
        raise RuntimeError(
            f"{name}: Expected other to have the same number of dimensions as input, but got "
            f"other.ndim equal to {c.ndim} and input.ndim is equal to {x.ndim}"
        )
    for which, shape in (("tau", tau._node.shape[:-1]), ("other", c._node.shape[:-2])):
        if shape != x._node.shape[:-2]:
            raise RuntimeError(
                f"{name}: Expected batch dimensions of {which} to be equal to input.shape[:-2], "
                f"but got {list(shape)}"
            )
    for which, t in (("tau", tau), ("other", c)):
        if t.dtype is not x.dtype:
            raise RuntimeError(
                f"{name}: Expected input and {which} to have the same dtype, but input has dtype"
                f"{TITLES[x.dtype]} and {which} has dtype {TITLES[t.dtype]}"
            )


def _ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """A matrix times the whole product of reflections, or its adjoint. Raises RuntimeError."""
    x, t = need_tensor("ormqr", input), need_tensor("ormqr", tau, 2, "tau")
    c = need_tensor("ormqr", other, 3, "other")
    _check_ormqr(x, t, c, left)
    computed("ormqr_cpu", x)
    f = lambda n, k, m: nodes.reflected(n, k, m, left, transpose)  # noqa: E731
    if x._node.size and t._node.size:
        return one("Ormqr", f, (x, t, c))
    return one("Ormqr", lambda m: g.reshape(m, m.shape), (c,))


op("ormqr")(with_out(
    _ormqr, "ormqr", "torch.ormqr: Expected input and result to have the same dtype, but input has "
    "dtype{want} and result has dtype {got}",
))  # fmt: skip
