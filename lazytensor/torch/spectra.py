"""Eigenvalues, singular values, determinants, powers and exponentials of matrices, and the norms,
conditions and ranks that follow from them.

What enters: tensors. What leaves: tensors, recorded under PyTorch's names; PyTorch's errors, those
that data cause too. It must not know how anything is computed.
"""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import factor as nodes
from ..lang._checks import as_dtype
from ..ops import g
from . import _dtypes, gauges, norms, return_types
from ._dispatch import FUNCTIONS, need_tensor, op
from ._dtypes import TITLES, dtype
from ._record import run, to_dtype
from .convert import array
from .create import filled
from .matrices import (
    LinAlgError,
    argument,
    at_least_2d,
    computed,
    floating,
    in_columns,
    linalg,
    refuse,
    several,
    square,
    with_out,
)
from .systems import inverse, inverse_ex, limits
from .tensor import Ints, Tensor
from .views import axis

__all__: list[str] = []


def _picked(node: Node, count: int) -> tuple[Node, ...]:
    return tuple([g.pick(node, i) for i in range(count)])


def _not_finite(x: Tensor) -> Any:
    """1 for each matrix with an infinity or NaN."""
    return np.asarray(~np.isfinite(array(x)).all((-2, -1)), np.int64)


# --- determinants ---------------------------------------------------------------------------------


def _det(name: str, x: Tensor) -> Tensor:
    computed("lu_cpu", floating(name, square(name, x)))
    return run("LinalgDet", g.det, (x,))


@linalg("det", "same")
def det(A: Tensor) -> Tensor:
    """The determinant of each matrix. Raises RuntimeError."""
    return _det("linalg.det", argument("det", A))


@op("det")
def old_det(input: Tensor) -> Tensor:
    """`torch.linalg.det`. Raises as it."""
    return _det("linalg.det", need_tensor("det", input))


def _slogdet(x: Tensor) -> tuple[Tensor, ...]:
    computed("lu_cpu", floating("linalg.slogdet", square("linalg.slogdet", x)))
    return several("LinalgSlogdet", lambda n: _picked(g.slogdet(n), 2), (x,))


@linalg("slogdet", "same")
def slogdet(A: Tensor) -> Any:
    """Sign, and logarithm of the absolute value, of the determinant. Raises RuntimeError."""
    return return_types.linalg_slogdet(_slogdet(argument("slogdet", A)))


def _old_slogdet(input: Tensor) -> Any:
    """`torch.linalg.slogdet` by its old name. Raises as it."""
    return return_types.slogdet(_slogdet(need_tensor("slogdet", input)))


op("slogdet")(with_out(_old_slogdet, "slogdet", "same"))


@op()
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant, NaN of one below 0. Raises RuntimeError."""
    x = need_tensor("logdet", input)
    computed("lu_cpu", floating("logdet", square("logdet", x)))

    def f(n: Node) -> Node:
        sign, size = _picked(g.slogdet(n), 2)
        if sign.dtype.kind == "c":
            return g.log(sign) + g.cast(size, sign.dtype)
        return g.where(g.equal(sign, -1.0), g.constant(float("nan"), size), size)

    return run("~AddBackward0" if x.dtype._rank == 3 else "WhereBackward0", f, (x,))


# --- eigenvalues ----------------------------------------------------------------------------------


def _upper(uplo: Any) -> bool:
    letter = str(uplo)
    if letter.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    return letter.upper() == "U"


def _half_read(n: Node, upper: bool) -> Node:
    """A matrix whose lower half is the half to be read."""
    if not upper:
        return n
    turned = g.permute(n, (*range(n.ndim - 2), n.ndim - 1, n.ndim - 2))
    return g.conj(turned) if n.dtype.kind == "c" else turned


def _check_eigh(x: Tensor, uplo: Any) -> bool:
    square("linalg.eigh", x)
    upper = _upper(uplo)
    computed("linalg_eigh_cpu", x)
    return upper


@linalg("eigh", "same")
def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices. Raises RuntimeError."""
    x = argument("eigh", A)
    upper = _check_eigh(x, UPLO)
    f = lambda n: _picked(g.eigh(_half_read(n, upper)), 2)  # noqa: E731
    found = several("LinalgEigh", f, (x,), (1,))
    gauges.eigenvectors(found, "linalg_eigh")
    return return_types.linalg_eigh(found)


@linalg("eigvalsh", "same")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of `eigh` alone. Raises RuntimeError."""
    x = argument("eigvalsh", A)
    upper = _check_eigh(x, UPLO)
    return run("LinalgEigh", lambda n: g.eigvalsh(_half_read(n, upper)), (x,))


def _check_eig(name: str, x: Tensor) -> None:
    square(f"linalg.{name}", x)
    if x.dtype._rank < 2:
        raise RuntimeError(f"Unknown Complex ScalarType for {TITLES[x.dtype]}")
    computed("linalg_eig_out_cpu", x)
    refuse(
        np.asarray(_not_finite(x).any(), np.int64),
        lambda *_: RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs."),
    )


@linalg("eig", "safe")
def eig(A: Tensor) -> Any:
    """Eigenvalues and eigenvectors of length 1, complex. Raises RuntimeError."""
    x = argument("eig", A, "input")
    _check_eig("eig", x)
    found = several("LinalgEig", lambda n: _picked(g.eig(n), 2), (x,), (1,))
    gauges.eigenvectors(found, "linalg_eig")
    return return_types.linalg_eig(found)


@linalg("eigvals", "safe")
def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of `eig` alone. Raises RuntimeError."""
    x = argument("eigvals", A, "input")
    _check_eig("eigvals", x)
    return run("LinalgEig", g.eigvals, (x,))


# --- singular values ------------------------------------------------------------------------------


def _check_svd(x: Tensor, driver: Any) -> None:
    floating("linalg.svd", at_least_2d("linalg.svd", x))
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend."
        )
    computed("linalg_svd_cpu", x)
    refuse(_not_finite(x), lambda batch, _: LinAlgError(
        f"linalg.svd: {batch}The algorithm failed to converge because the input matrix contained "
        "non-finite values."
    ))  # fmt: skip


def _svd(x: Tensor, full: bool) -> tuple[Tensor, ...]:
    found = several("LinalgSvd", lambda n: _picked(g.svd(n, bool(full)), 3), (x,), (0, 2))
    gauges.singular_vectors(found)
    return found


@linalg("svd", "same")
def svd(A: Tensor, full_matrices: bool = True, *, driver: Any = None) -> Any:
    """U, singular values descending, and Vᴴ. Raises RuntimeError, LinAlgError."""
    x = argument("svd", A)
    _check_svd(x, driver)
    return return_types.linalg_svd(_svd(x, full_matrices))


@linalg("svdvals", "same")
def svdvals(A: Tensor, *, driver: Any = None) -> Tensor:
    """The singular values alone. Raises RuntimeError, LinAlgError."""
    x = argument("svdvals", A)
    _check_svd(x, driver)
    return run("LinalgSvd", g.svdvals, (x,))


def _old_svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """U, singular values and V; U and V are 0 unless `compute_uv`. Raises RuntimeError."""
    x = need_tensor("svd", input)
    if x.ndim < 2:
        raise RuntimeError(
            f"linalg.svd: input should have at least 2 dimensions, but has {x.ndim} dimensions "
            "instead"
        )
    _check_svd(x, None)
    if compute_uv:
        u, s, vh = _svd(x, not some)
        return return_types.svd((u, s, vh.mH))
    *lead, m, n = x._node.shape
    u, v = (filled((*lead, k, k), 0, x.dtype, x.device) for k in (m, n))
    v._strides = in_columns(v._node.shape)
    return return_types.svd((u, run("LinalgSvd", g.svdvals, (x,)), v))


op("svd")(with_out(_old_svd, "svd", "safe"))

# --- powers, exponentials -------------------------------------------------------------------------


def _matrix_exp(input: Tensor) -> Tensor:
    """The exponential of each matrix. Raises RuntimeError."""
    x = argument("matrix_exp", input)
    floating("linalg.matrix_exp", square("linalg.matrix_exp", x))
    if x.dtype.itemsize > 2:
        return run("LinalgMatrixExp", g.matrix_exp, (x,))
    single, own = _dtypes.float32.numpy, x.dtype.numpy
    return run("LinalgMatrixExp", lambda n: g.cast(g.matrix_exp(g.cast(n, single)), own), (x,))


linalg("matrix_exp")(_matrix_exp)
op("matrix_exp")(_matrix_exp)


def _identity(n: Node) -> Node:
    rows = g.iota(n.shape[-1], _dtypes.int64.numpy, n.device)
    same = g.equal(g.reshape(rows, (n.shape[-1], 1)), rows)
    return g.broadcast_to(g.cast(same, n.dtype), n.shape)


def _power(x: Tensor, n: int) -> Tensor:
    square("linalg.matrix_power", x)
    if n == 0:
        return run("torch::autograd::CopyBackwards", _identity, (x,))
    if n == 1:
        return FUNCTIONS["clone"](x)  # type: ignore[no-any-return]
    base, count = (inverse(x), -n) if n < 0 else (x, n)
    out = base
    for bit in bin(count)[3:]:
        out = FUNCTIONS["matmul"](out, out)
        out = FUNCTIONS["matmul"](out, base) if bit == "1" else out
    return out


def _matrix_power(input: Tensor, n: int) -> Tensor:
    """Each square matrix to the n-th, its inverse for n < 0. Raises RuntimeError, LinAlgError."""
    x = argument("matrix_power", input, "input")
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(
            "linalg_matrix_power(): argument 'n' (position 2) must be int, not "
            f"{type(n).__name__}"
        )
    return _power(x, int(n))


linalg("matrix_power", "same")(_matrix_power)
op("matrix_power", out=True)(_matrix_power)

# --- norms ----------------------------------------------------------------------------------------


def _spectral(n: Node, p: Any) -> Node:
    """The largest or smallest singular value, or their sum, of the last two axes."""
    s = g.svdvals(n)
    last = (s.ndim - 1,)
    if not s.shape[-1] or p == "nuc":
        return g.sum(s, last)
    return g.max(s, last) if p > 0 else g.min(s, last)


def _extreme(x: Tensor, p: float, a: int, keepdim: bool) -> Tensor:
    """The largest or smallest along an axis, 0 where there is none."""
    if not x._node.shape[a]:
        return FUNCTIONS["sum"](x, a, keepdim)  # type: ignore[no-any-return]
    return FUNCTIONS["amax" if p > 0 else "amin"](x, a, keepdim)  # type: ignore[no-any-return]


def _summed(x: Tensor, p: float, pair: Ints, keepdim: bool) -> Tensor:
    """The extreme of sums of absolute values, along columns for 1 and along rows for infinity."""
    over, rest = pair if abs(p) == 1 else pair[::-1]
    sums = FUNCTIONS["sum"](FUNCTIONS["abs"](x), over, keepdim)
    return _extreme(sums, p, rest - (rest > over and not keepdim), keepdim)


def _pair(dim: Any, x: Tensor) -> Ints:
    given = tuple(dim) if isinstance(dim, tuple | list) else (dim,)
    if len(given) != 2:
        listed = " ".join(map(str, given))
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {listed}")
    pair = tuple(axis(a, x.ndim) for a in given)
    if pair[0] == pair[1]:
        raise RuntimeError(
            f"linalg.matrix_norm: dims must be different. Got ({given[0]}, {given[1]})"
        )
    return pair


def _order(p: Any) -> Any:
    """A number that is an order, or a word. Raises RuntimeError for others."""
    if isinstance(p, str):
        if p not in ("fro", "nuc"):
            raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
        return p
    if abs(p) not in (1, 2, inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {p:g} not supported.")
    return float(p)


def _check_dtype(x: Tensor, of: dtype | None) -> Tensor:
    if of is None:
        return x
    if of._rank < 2:
        raise RuntimeError(
            "linalg.matrix_norm: dtype should be floating point or complex, but got "
            f"{TITLES[of]}"
        )
    if of._rank == 3 and x.dtype._rank < 3:
        raise RuntimeError(
            f"linalg.matrix_norm: dtype should be real for real inputs, but got {TITLES[of]}"
        )
    return to_dtype(x, of)


def matrix_norm(x: Tensor, p: Any, dim: Any, keepdim: bool, of: dtype | None) -> Tensor:
    """A norm of matrices along two axes. Raises RuntimeError for order, axes and dtype."""
    name = "linalg.matrix_norm"
    floating(name, at_least_2d(name, x))
    order = _order(p)
    pair = _pair(dim, x)
    if order == "fro":
        return norms.vector_norm(_check_dtype(x, of), 2.0, pair, keepdim, None)
    if order in ("nuc", 2, -2):
        floating(name, x, low=False)
    x = _check_dtype(x, of)
    if order not in ("nuc", 2, -2):
        return _summed(x, order, pair, keepdim)
    rest = [a for a in range(x.ndim) if a not in pair]
    if order != "nuc" and not keepdim:
        s = run("LinalgSvd", lambda n: g.svdvals(g.permute(n, (*rest, *pair))), (x,))
        return _extreme(s, order, len(rest), False)
    real = x.dtype.to_real().numpy

    def f(n: Node) -> Node:
        found = _spectral(g.permute(n, (*rest, *pair)), order)
        shape = tuple(1 if a in pair else m for a, m in enumerate(n.shape))
        return as_dtype(g.reshape(found, shape) if keepdim else found, real)

    title = "~SumBackward1" if order == "nuc" else "Amax" if order > 0 else "Amin"
    if keepdim and order in ("nuc", 2, -2):
        title = "~Permute"
    return run(title, f, (x,))


@linalg("matrix_norm", "linalg.matrix_norm expected out tensor dtype {want} but got: {got}")
def _matrix_norm(
    input: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
    dtype: dtype | None = None,
) -> Tensor:  # fmt: skip
    """A norm of each matrix: "fro", "nuc", 1, 2, inf, or below 0. Raises RuntimeError."""
    return matrix_norm(argument("matrix_norm", input, "input"), ord, dim, keepdim, dtype)


def _of_matrices(x: Tensor, p: Any, dim: Any) -> bool:
    """Whether `norm` is one of matrices. Raises RuntimeError for axes that are neither."""
    if dim is not None:
        given = list(dim) if isinstance(dim, tuple | list) else [dim]
        if p is not None and len(given) not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {given}"
            )
        return p is not None and (len(given) == 2 or isinstance(p, str))
    if p is None:
        return False
    if x.ndim not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{x.ndim}D."
        )
    return x.ndim == 2 or isinstance(p, str)


@linalg("norm", "linalg.norm expected out tensor dtype {want} but got: {got}")
def norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *,
    dtype: dtype | None = None,
) -> Tensor:  # fmt: skip
    """A norm of vectors or, with an order and two axes, of matrices. Raises RuntimeError."""
    x = argument("norm", input, "input")
    if _of_matrices(x, ord, dim):
        return matrix_norm(x, ord, (-2, -1) if dim is None else dim, keepdim, dtype)
    return norms.vector_norm(x, 2 if ord is None else ord, dim, keepdim, dtype)


@linalg("vector_norm", "same")
def vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The norm of vectors along axes, of all elements by default. Raises RuntimeError."""
    return norms.vector_norm(argument("vector_norm", x, "x"), ord, dim, keepdim, dtype)


# --- condition, rank ------------------------------------------------------------------------------


def _check_condition(p: Any) -> None:
    words = p in ("fro", "nuc") if isinstance(p, str) else abs(p) in (1, 2, inf)
    if not words:
        shown = p if isinstance(p, str) else f"{p:g}"
        raise RuntimeError(f"linalg.cond got an invalid norm type: {shown}")


def _ratio(x: Tensor, inverted: bool) -> Tensor:
    """The largest singular value over the smallest, or the other way round."""
    _check_svd(x, None)

    def f(n: Node) -> Node:
        s = g.svdvals(n)
        k, axis_ = s.shape[-1], s.ndim - 1
        ends = [
            g.reshape(g.slice(s, (*(0,) * axis_, i), (*s.shape[:-1], 1), (1,) * s.ndim),
                      s.shape[:-1])
            for i in (0, k - 1)
        ]  # fmt: skip
        return ends[1] / ends[0] if inverted else ends[0] / ends[1]

    return run("~SqueezeBackward1", f, (x,))


def _by_inverse(x: Tensor, p: Any) -> Tensor:
    """The norm of a matrix times that of its inverse, infinite for a singular one."""
    made, info = inverse_ex(x)
    both = FUNCTIONS["mul"](
        matrix_norm(x, p, (-2, -1), False, None), matrix_norm(made, p, (-2, -1), False, None)
    )
    filled_ = FUNCTIONS["where"](info > 0, inf, both)
    return FUNCTIONS["nan_to_num"](filled_, inf, inf, -inf)  # type: ignore[no-any-return]


@linalg("cond", "safe")
def cond(input: Tensor, p: Any = None) -> Tensor:
    """The condition of each matrix, by a norm, 2 by default. Raises RuntimeError."""
    x = argument("cond", input, "input")
    if x.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    order = 2 if p is None else p
    _check_condition(order)
    if not x._node.shape[-1] or not x._node.shape[-2]:
        return filled(x._node.shape[:-2], 0, x.dtype.to_real(), x.device)
    if order in (2, -2):
        return _ratio(x, order < 0)
    shown = order if isinstance(order, str) else f"{order:g}"
    square(f"linalg.cond(ord={shown})", x)
    if order != "nuc":
        return _by_inverse(x, order)
    _check_svd(x, None)
    return run("~Mul", _nuclear_condition, (x,))


def _nuclear_condition(n: Node) -> Node:
    s = g.svdvals(n)
    last = (s.ndim - 1,)
    return g.sum(s, last) * g.sum(1 / s, last)


@linalg("matrix_rank", "safe")
def matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """How many singular values of each matrix are above limits. Raises RuntimeError."""
    x = argument("matrix_rank", input, "input")
    at_least_2d("torch.linalg.matrix_rank", x, "input")
    if x.dtype._rank < 2 or x.dtype.itemsize < 4:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if hermitian:
        square("linalg.eigh", x)
    given = (atol, rtol) if tol is None else (tol, 0.0)
    low, high = limits("matrix_rank", x, *given)
    sizes: Callable[[Node], Node] = g.svdvals
    if hermitian:
        sizes = lambda n: g.abs(g.eigvalsh(n))  # noqa: E731
    else:
        _check_svd(x, None)
    return run("", lambda n: nodes.rank(sizes(n), low, high), (x,))
