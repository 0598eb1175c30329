"""Some singular values, or eigenvalues, of large matrices, with their vectors, from random starts.

What enters: tensors. What leaves: tensors, drawn from as PyTorch draws. It must not know how a
decomposition is computed.

Source: Halko, Martinsson, Tropp, Finding structure with randomness (2009), algorithms 4.4 and 5.1.
"""

from typing import Any

import numpy as np

from . import _dtypes
from ._dispatch import FUNCTIONS, op
from ._dtypes import default
from ._lobpcg import Problem, solved
from .convert import array
from .create import from_array
from .matrices import C_TYPES, LINALG
from .tensor import Tensor

__all__: list[str] = []


def _basis(a: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns that span nearly what the largest singular vectors span."""
    of = a.dtype if a.dtype._rank > 1 else default()
    start = FUNCTIONS["randn"](a.shape[-1], q, dtype=of, device=a.device)
    found: Tensor = LINALG["qr"](FUNCTIONS["matmul"](a, start))[0]
    for _ in range(niter):
        back = LINALG["qr"](FUNCTIONS["matmul"](a.mH, found))[0]
        found = LINALG["qr"](FUNCTIONS["matmul"](a, back))[0]
    return found


def _projected(a: Tensor, q: int, niter: int) -> tuple[Tensor, Tensor, Tensor]:
    m, n = a.shape[-2:]
    tall = a.mH if m < n else a
    basis = _basis(tall, q, niter)
    u, s, vh = LINALG["svd"](FUNCTIONS["matmul"](basis.mH, tall), full_matrices=False)
    u, v = FUNCTIONS["matmul"](basis, u), vh.mH
    return (v, s, u) if m < n else (u, s, v)


@op(method=False)
def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    """About the q largest singular values of A - M, with their vectors: U, S, V. Raises
    RuntimeError.
    """
    less = A if M is None else A - M.broadcast_to(A.size())
    return _projected(less, 6 if q is None else q, 2 if niter is None else niter)


@op(method=False)
def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """About the q largest principal components of rows: U, S, V. Raises ValueError for q, niter."""
    m, n = A.shape[-2:]
    most = min(m, n)
    if q is None:
        q = min(6, most)
    elif not 0 <= q <= most:
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return _projected(A - A.mean(dim=(-2,), keepdim=True) if center else A, q, niter)


# --- eigenvalues ----------------------------------------------------------------------------------


def _check(A: Tensor, B: Any, n: int) -> None:
    if A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape!r}")
    if B is not None and A.shape != B.shape:
        raise AssertionError(f"A and B must have same shape, got {A.shape!r} vs {B.shape!r}")
    if A.dtype not in (_dtypes.float32, _dtypes.float64):
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got: "
            f"{C_TYPES[A.dtype]} != {C_TYPES[default()]}"
        )
    if A.shape[-1] < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={A.shape[-1]}) is "
            f"smaller than 3 x the number of requested eigenpairs (={n})"
        )


def _refuse_options(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"lobpcg: {name} is not supported")


def _pairs(
    tensors: tuple[Any, ...], k: int, n: int, niter: int, tol: float, largest: bool
) -> tuple[Tensor, Tensor]:
    """Eigenpairs of each matrix of a batch, without gradients."""
    a, b, start, inverse = tensors
    *lead, m, _ = a._node.shape
    whole = [None if t is None else array(t) for t in (a, b, start)]
    near = None if inverse is None else array(inverse)
    values = np.empty((*lead, min(k, n)), a.dtype.numpy)
    vectors = np.empty((*lead, m, min(k, n)), a.dtype.numpy)
    for i in np.ndindex(*lead):
        own = [None if t is None else t[i] for t in whole]
        x = own[2] if own[2] is not None else array(
            FUNCTIONS["randn"](m, n, dtype=a.dtype, device=a.device)
        )
        if x.shape != (m, n):
            raise AssertionError(
                f"X shape mismatch: got torch.Size({list(x.shape)}), expected {(m, n)}"
            )
        assert own[0] is not None
        problem = Problem(own[0], own[1], near, largest)
        values[i], vectors[i] = solved(problem, x, k, niter, tol)
    return from_array(values, None, a.device), from_array(vectors, None, a.device)


def _differentiable(
    a: Tensor, b: Any, found: tuple[Tensor, Tensor], largest: bool
) -> tuple[Tensor, Tensor]:
    """The same eigenpairs from whole decompositions, which have derivatives."""
    a = (a + a.mT) / 2
    if b is None:
        w, v = LINALG["eigh"](a)
        weighted = found[1]
    else:
        b = (b + b.mT) / 2
        low = LINALG["cholesky"](b)
        half = LINALG["solve_triangular"](low, a, upper=False)
        turned = LINALG["solve_triangular"](low, half.mT, upper=False)
        w, v = LINALG["eigh"]((turned + turned.mT) / 2)
        v = LINALG["solve_triangular"](low.mT, v, upper=True)
        weighted = FUNCTIONS["matmul"](b, found[1])
    k = found[0].shape[-1]
    first = w.shape[-1] - k if largest else 0
    w, v = w.narrow(-1, first, k), v.narrow(-1, first, k)
    if largest:
        w, v = w.flip(-1), v.flip(-1)
    signs = (v * weighted).sum(-2, keepdim=True).detach().sign()
    return w, v * signs


@op(method=False)
def lobpcg(
    A: Tensor, k: int | None = None, B: Any = None, X: Any = None, n: int | None = None,
    iK: Any = None, niter: int | None = None, tol: float | None = None,
    largest: bool | None = None, method: str | None = None, tracker: Any = None,
    ortho_iparams: Any = None, ortho_fparams: Any = None, ortho_bparams: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The k largest eigenvalues of A x = e B x, or the smallest, and their vectors.

    Both methods are one here. With gradients they are taken from whole decompositions. Raises
    ValueError, AssertionError for shapes, NotImplementedError for what only PyTorch's steps have.
    """
    _refuse_options(tracker=tracker, ortho_iparams=ortho_iparams, ortho_fparams=ortho_fparams,
                    ortho_bparams=ortho_bparams)  # fmt: skip
    count = (1 if X is None else X.shape[-1]) if k is None else k
    block = X.shape[-1] if X is not None else count if n is None else n
    _check(A, B, block)
    limit = _dtypes.finfo(A.dtype).eps ** 0.5 if tol is None else tol
    high = True if largest is None else largest
    steps = 1000 if niter is None else niter
    found = _pairs((A, B, X, iK), count, block, steps, limit, high)
    needs = A.requires_grad or (B is not None and B.requires_grad)
    return _differentiable(A, B, found, high) if needs else found
