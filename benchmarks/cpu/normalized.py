"""Rows: softmax, its loss and layernorm, forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import TRANSCENDENTAL, Row, floats, normal, per

EPSILON = 1e-5


def softmax(xp: Any, x: Any) -> Any:
    """Softmax of each row."""
    return xp.softmax(x, axis=-1)


def softmax_numpy(np_: Any, x: Any) -> Any:
    """By hand: NumPy has no function for it."""
    e = np_.exp(x - np_.max(x, axis=-1, keepdims=True))
    return e / np_.sum(e, axis=-1, keepdims=True)


def softmax_torch(torch: Any, x: Any) -> Any:
    """PyTorch's name of the axis."""
    return torch.softmax(x, dim=-1)


def softmax_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        for i in range(x.shape[0]):
            top, total = x[i, 0], x.dtype.type(0)
            for j in range(x.shape[1]):
                top = max(top, x[i, j])
            for j in range(x.shape[1]):
                out[i, j] = np.exp(x[i, j] - top)
                total += out[i, j]
            scale = x.dtype.type(1) / total
            for j in range(x.shape[1]):
                out[i, j] *= scale
        return out

    return run


def softmax_grad(xp: Any, x: Any, upstream: Any) -> Any:
    """The gradient of softmax, forward included."""
    _, pull = xp.vjp(lambda x: softmax(xp, x), x)
    return pull(upstream)[0]


def softmax_grad_numpy(np_: Any, x: Any, upstream: Any) -> Any:
    """By hand."""
    y = softmax_numpy(np_, x)
    return y * (upstream - np_.sum(upstream * y, axis=-1, keepdims=True))


def softmax_grad_numba(njit: Any) -> Any:
    """The loops by hand."""
    forward = softmax_numba(njit)

    @njit
    def run(x, upstream):  # type: ignore[no-untyped-def]
        y = forward(x)
        for i in range(x.shape[0]):
            total = x.dtype.type(0)
            for j in range(x.shape[1]):
                total += upstream[i, j] * y[i, j]
            for j in range(x.shape[1]):
                y[i, j] *= upstream[i, j] - total
        return y

    return run


def backward(forward: Any, differentiated: int = 1) -> Any:
    """A factory of PyTorch programs: gradients by the first few inputs of `forward`."""

    def factory(torch: Any, compile_: Any) -> Any:
        compiled = compile_(lambda *inputs: forward(torch, *inputs))

        def call(*inputs: Any) -> Any:
            leaves = [x.detach().requires_grad_() for x in inputs[:differentiated]]
            result = compiled(*leaves, *inputs[differentiated:-1])
            found = torch.autograd.grad(result, leaves, inputs[-1])
            return found if differentiated > 1 else found[0]

        return call

    return factory


# --- log-softmax with its loss --------------------------------------------------------------------


def labelled(rng: np.random.Generator, rows: int, columns: int) -> tuple[np.ndarray, ...]:
    """Scores and the classes that are right."""
    return normal(rng, rows, columns), rng.integers(0, columns, rows, dtype=np.int64)


def cross_entropy(xp: Any, x: Any, labels: Any) -> Any:
    """The mean of −log softmax at the labels."""
    logs = xp.log_softmax(x, axis=-1)
    return -xp.mean(xp.take_along_axis(logs, labels[:, None], axis=1))


def log_softmax_numpy(x: np.ndarray) -> np.ndarray:
    """By hand."""
    shifted = x - np.max(x, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def cross_entropy_numpy(np_: Any, x: Any, labels: Any) -> Any:
    """By hand."""
    return -np_.mean(log_softmax_numpy(x)[np_.arange(labels.size), labels])


def cross_entropy_torch(torch: Any, x: Any, labels: Any) -> Any:
    """PyTorch has it as one function."""
    return torch.nn.functional.cross_entropy(x, labels)


def cross_entropy_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x, labels):  # type: ignore[no-untyped-def]
        loss = 0.0
        for i in range(x.shape[0]):
            top, total = x[i, 0], x.dtype.type(0)
            for j in range(x.shape[1]):
                top = max(top, x[i, j])
            for j in range(x.shape[1]):
                total += np.exp(x[i, j] - top)
            loss += np.log(total) + top - x[i, labels[i]]
        return x.dtype.type(loss / x.shape[0])

    return run


def cross_entropy_grad(xp: Any, x: Any, labels: Any) -> Any:
    """The loss and its gradient."""
    return xp.value_and_grad(lambda x: cross_entropy(xp, x, labels))(x)


def cross_entropy_grad_numpy(np_: Any, x: Any, labels: Any) -> Any:
    """By hand."""
    logs, rows = log_softmax_numpy(x), np_.arange(labels.size)
    gradient = np_.exp(logs)
    gradient[rows, labels] -= 1
    gradient /= x.dtype.type(labels.size)
    return -np_.mean(logs[rows, labels]), gradient


def cross_entropy_grad_factory(torch: Any, compile_: Any) -> Any:
    """The loss compiled, the gradient by autograd."""
    compiled = compile_(lambda x, labels: cross_entropy_torch(torch, x, labels))

    def call(x: Any, labels: Any) -> Any:
        x = x.detach().requires_grad_()
        loss = compiled(x, labels)
        return loss.detach(), torch.autograd.grad(loss, x)[0]

    return call


# --- layernorm ------------------------------------------------------------------------------------


def layernorm(xp: Any, x: Any, scale: Any, shift: Any) -> Any:
    """Rows of mean 0 and variance 1, scaled and shifted."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return centred / xp.sqrt(variance + EPSILON) * scale + shift


def layernorm_torch(torch: Any, x: Any, scale: Any, shift: Any) -> Any:
    """PyTorch has it as one function."""
    return torch.nn.functional.layer_norm(x, scale.shape, scale, shift, EPSILON)


def layernorm_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(x, scale, shift):  # type: ignore[no-untyped-def]
        rows, columns = x.shape
        kind = x.dtype.type
        out = np.empty_like(x)
        for i in range(rows):
            mean, variance = kind(0), kind(0)
            for j in range(columns):
                mean += x[i, j]
            mean /= kind(columns)
            for j in range(columns):
                d = x[i, j] - mean
                variance += d * d
            inverse = kind(1) / np.sqrt(variance / kind(columns) + kind(EPSILON))
            for j in range(columns):
                out[i, j] = (x[i, j] - mean) * inverse * scale[j] + shift[j]
        return out

    return run


def layernorm_grad(xp: Any, x: Any, scale: Any, shift: Any, upstream: Any) -> Any:
    """Gradients by all three, forward included."""
    _, pull = xp.vjp(lambda *inputs: layernorm(xp, *inputs), x, scale, shift)
    return pull(upstream)


def layernorm_grad_numpy(np_: Any, x: Any, scale: Any, shift: Any, upstream: Any) -> Any:
    """By hand."""
    centred = x - np_.mean(x, axis=-1, keepdims=True)
    variance = np_.mean(centred * centred, axis=-1, keepdims=True)
    inverse = 1 / np_.sqrt(variance + EPSILON)
    y, g = centred * inverse, upstream * scale
    mean = np_.mean(g, axis=-1, keepdims=True)
    by_x = inverse * (g - mean - y * np_.mean(g * y, axis=-1, keepdims=True))
    return by_x, np_.sum(upstream * y, axis=0), np_.sum(upstream, axis=0)


def layernorm_grad_numba(njit: Any) -> Any:
    """The loops by hand, one pass over the rows."""

    @njit
    def run(x, scale, shift, upstream):  # type: ignore[no-untyped-def]
        rows, columns = x.shape
        kind = x.dtype.type
        n = kind(columns)
        out, by_scale, by_shift = np.empty_like(x), np.zeros_like(scale), np.zeros_like(shift)
        for i in range(rows):
            mean, variance, first, second = kind(0), kind(0), kind(0), kind(0)
            for j in range(columns):
                mean += x[i, j]
            mean /= n
            for j in range(columns):
                d = x[i, j] - mean
                variance += d * d
            inverse = kind(1) / np.sqrt(variance / n + kind(EPSILON))
            for j in range(columns):
                y, g = (x[i, j] - mean) * inverse, upstream[i, j] * scale[j]
                first += g
                second += g * y
                by_scale[j] += upstream[i, j] * y
                by_shift[j] += upstream[i, j]
            for j in range(columns):
                y, g = (x[i, j] - mean) * inverse, upstream[i, j] * scale[j]
                out[i, j] = inverse * (g - first / n - y * second / n)
        return out, by_scale, by_shift

    return run


def normed(rng: np.random.Generator, rows: int, columns: int) -> tuple[np.ndarray, ...]:
    """What layernorm takes."""
    return normal(rng, rows, columns), normal(rng, columns), normal(rng, columns)


def normed_grad(rng: np.random.Generator, rows: int, columns: int) -> tuple[np.ndarray, ...]:
    """What its gradient takes."""
    return *normed(rng, rows, columns), normal(rng, rows, columns)


TABLE = (4096, 1024)
T, G = "transcendental", "gradient"
FLOPS = per(TRANSCENDENTAL + 4)
SOFTMAX = {"numpy": softmax_numpy, "torch": softmax_torch, "numba": softmax_numba, "flops": FLOPS}

# fmt: off
ROWS = [
    Row("softmax_4096x1024", softmax, floats(1, -5, 5), TABLE, T, **SOFTMAX),
    Row("softmax_f64_4096x1024", softmax, floats(1, -5, 5, np.float64), TABLE, T, **SOFTMAX),
    Row("softmax_grad_4096x1024", softmax_grad, floats(2, -1, 1), TABLE, G, FLOPS,
        numpy=softmax_grad_numpy, factory=backward(softmax_torch), numba=softmax_grad_numba),
    Row("cross_entropy_4096x1024", cross_entropy, labelled, TABLE, T, FLOPS,
        numpy=cross_entropy_numpy, torch=cross_entropy_torch, numba=cross_entropy_numba),
    Row("cross_entropy_grad_4096x1024", cross_entropy_grad, labelled, TABLE, G, FLOPS,
        numpy=cross_entropy_grad_numpy, factory=cross_entropy_grad_factory),
    Row("layernorm_4096x1024", layernorm, normed, TABLE, T, per(8), torch=layernorm_torch,
        numba=layernorm_numba, tolerance=1e-4),
    Row("layernorm_grad_4096x1024", layernorm_grad, normed_grad, TABLE, G, per(18),
        numpy=layernorm_grad_numpy, factory=backward(layernorm_torch, 3),
        numba=layernorm_grad_numba, tolerance=1e-3),
]
# fmt: on
