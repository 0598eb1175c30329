"""Singular values and vectors of large matrices by random projections.

What enters: tensors. What leaves: tensors, drawn from as PyTorch draws. It must not know how a
decomposition is computed.

Source: Halko, Martinsson, Tropp, Finding structure with randomness (2009), algorithms 4.4 and 5.1.
"""

from typing import Any

from ._dispatch import FUNCTIONS, op
from ._dtypes import default
from .matrices import LINALG
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
    _m, _n = A.shape[-2:]
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
