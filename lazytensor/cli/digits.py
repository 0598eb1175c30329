"""What the tour computes: plain array API code over the digits, for any namespace `xp`.

What enters: a namespace and its arrays. What leaves: arrays of the same namespace. It must not
know whose namespace that is; there is no random number in it.
"""

from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data" / "digits.npz"
TRAINING = 1200
DIGITS = 10


def load() -> tuple[Any, Any]:
    """Pixels, float64 (1797, 64), and labels, int64 (1797,), as NumPy arrays."""
    with np.load(DATA) as file:
        return file["pixels"].astype(np.float64), file["labels"].astype(np.int64)


def standardise(xp: Any, x: Any) -> Any:
    """Each column with mean 0 and standard deviation 1; constant columns become 0."""
    centred = x - xp.mean(x, axis=0)
    deviation = xp.sqrt(xp.mean(centred * centred, axis=0))
    return centred / xp.where(deviation > 0, deviation, xp.ones_like(deviation))


def principal_axes(xp: Any, x: Any, count: int) -> tuple[Any, Any]:
    """The first axes, (columns, count), and the share of the variance along each axis."""
    _, singular, axes = xp.linalg.svd(x, full_matrices=False)
    variance = singular * singular
    return xp.matrix_transpose(axes[:count, :]), variance / xp.sum(variance)


def softmax(xp: Any, z: Any) -> Any:
    """Rows that are positive and add up to 1."""
    e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


def one_hot(xp: Any, labels: Any) -> Any:
    """float64 (n, 10): 1 where the column is the label."""
    return xp.astype(labels[:, None] == xp.arange(DIGITS), xp.float64)


def loss(xp: Any, x: Any, targets: Any, w: Any) -> Any:
    """Mean cross-entropy of the linear classifier w, (columns, 10)."""
    chance = xp.sum(softmax(xp, x @ w) * targets, axis=1)
    return -xp.mean(xp.log(chance))


def descend(xp: Any, x: Any, targets: Any, steps: int, rate: float) -> tuple[Any, list[float]]:
    """Logistic regression by gradient descent: weights, and the loss before each step."""
    w = xp.zeros((x.shape[1], DIGITS))
    losses = []
    for _ in range(steps):
        chances = softmax(xp, x @ w)
        losses.append(float(-xp.mean(xp.log(xp.sum(chances * targets, axis=1)))))
        w = w - rate * (xp.matrix_transpose(x) @ (chances - targets)) / x.shape[0]
    return w, losses


def neighbours(xp: Any, x: Any, targets: Any, new: Any, width: float) -> Any:
    """Labels of new points: training points vote with weights that fall with the distance."""
    squares = xp.sum(new * new, axis=1)[:, None] + xp.sum(x * x, axis=1)[None, :]
    distances = squares - 2 * (new @ xp.matrix_transpose(x))
    votes = softmax(xp, -distances / (2 * width * width)) @ targets
    return xp.argmax(votes, axis=1)


def accuracy(xp: Any, found: Any, labels: Any) -> float:
    """The share that is right."""
    return float(xp.mean(xp.astype(found == labels, xp.float64)))
