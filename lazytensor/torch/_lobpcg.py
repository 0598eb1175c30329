"""Some eigenpairs of a large symmetric matrix, by conjugate gradients that keep a block locally
optimal.

What enters: arrays. What leaves: arrays. It must not know tensors.

Source: Knyazev, Toward the optimal preconditioned eigensolver (2001), algorithm 5.1; the basis of
each step is made orthonormal as a whole, so that directions that have nothing new are left out.
"""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Problem", "solved"]

Array = np.ndarray[Any, Any]


class Problem(NamedTuple):
    """A x = e B x, for the largest or the smallest e; `inverse` is near A's inverse."""

    a: Array
    b: Array | None
    inverse: Array | None
    largest: bool

    def weighted(self, x: Array) -> Array:
        """B x."""
        return x if self.b is None else self.b @ x

    def orthonormal(self, s: Array) -> Array:
        """A basis of what columns span, orthonormal under B."""
        length = np.sqrt(np.maximum((s * self.weighted(s)).sum(0), 0))
        s = s[:, length > 0] / length[length > 0]
        for _ in range(2):
            w, v = np.linalg.eigh(s.T @ self.weighted(s))
            kept = w > w.max() * len(w) * np.finfo(s.dtype).eps
            s = s @ (v[:, kept] / np.sqrt(w[kept]))
        return s

    def best(self, s: Array, count: int) -> tuple[Array, Array]:
        """The best eigenpairs within the span of an orthonormal basis."""
        w, v = np.linalg.eigh(s.T @ (self.a @ s))
        order = np.argsort(-w if self.largest else w)[:count]
        return w[order], s @ v[:, order]


def _error(e: Array, x: Array, residual: Array, scale: tuple[float, float]) -> Array:
    """Residuals, relative to the sizes of what they are differences of."""
    size = np.linalg.norm(x, axis=0) * (scale[0] + np.abs(e) * scale[1])
    found: Array = np.linalg.norm(residual, axis=0) / np.where(size > 0, size, 1)
    return found


def solved(
    problem: Problem, x: Array, count: int, niter: int, tol: float
) -> tuple[Array, Array]:
    """The first eigenvalues and vectors of a block; at most `niter` steps, unless it is below 0."""
    size = x.shape[1]
    length = max(float(np.linalg.norm(x)), np.finfo(x.dtype).tiny)
    scale = (
        float(np.linalg.norm(problem.a @ x)) / length,
        float(np.linalg.norm(problem.weighted(x))) / length,
    )
    e, x = problem.best(problem.orthonormal(x), size)
    directions = x[:, :0]
    step = 0
    while niter < 0 or step < niter:
        residual = problem.a @ x - problem.weighted(x) * e
        if (_error(e, x, residual, scale)[:count] < tol).all():
            break
        gradient = residual if problem.inverse is None else problem.inverse @ residual
        basis = problem.orthonormal(np.concatenate([x, gradient, directions], 1))
        e, new = problem.best(basis, size)
        directions = new - x @ (x.T @ problem.weighted(new))
        x, step = new, step + 1
    return e[:count], x[:, :count]
