"""Rows: products of matrices and what is done with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .normalized import softmax_numpy
from .row import Row, floats, normal


def matmul(xp: Any, a: Any, b: Any) -> Any:
    """a b."""
    return a @ b


def bias_relu(xp: Any, x: Any, w: Any, b: Any) -> Any:
    """A layer: relu(x w + b)."""
    return xp.maximum(x @ w + b, 0.0)


def bias_relu_torch(torch: Any, x: Any, w: Any, b: Any) -> Any:
    """PyTorch's way: the product and the bias in one."""
    return torch.relu(torch.addmm(b, x, w))


def bias_gelu(xp: Any, x: Any, w: Any, b: Any) -> Any:
    """A layer: gelu(x w + b)."""
    y = x @ w + b
    return 0.5 * y * (1 + xp.tanh(0.7978845608028654 * (y + 0.044715 * y * y * y)))


def bias_gelu_torch(torch: Any, x: Any, w: Any, b: Any) -> Any:
    """PyTorch's way."""
    return torch.nn.functional.gelu(torch.addmm(b, x, w), approximate="tanh")


def layer(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Inputs, weights, bias."""
    return normal(rng, n, n), normal(rng, n, n) / np.float32(math.sqrt(n)), normal(rng, n)


def batched(rng: np.random.Generator, batch: int, n: int) -> tuple[np.ndarray, ...]:
    """Two batches of small matrices."""
    return normal(rng, batch, n, n), normal(rng, batch, n, n)


def batched_numba(njit: Any) -> Any:
    """The loops by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        out = np.zeros(a.shape, a.dtype)
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                for k in range(a.shape[2]):
                    x = a[i, j, k]
                    for m in range(b.shape[2]):
                        out[i, j, m] += x * b[i, k, m]
        return out

    return run


def heads(rng: np.random.Generator, *sizes: int) -> tuple[np.ndarray, ...]:
    """Queries, keys, values."""
    return tuple(normal(rng, *sizes) for _ in range(3))


def attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
    """softmax(q kᵀ / √d) v."""
    scores = q @ xp.matrix_transpose(k) / math.sqrt(q.shape[-1])
    return xp.softmax(scores, axis=-1) @ v


def attention_numpy(np_: Any, q: Any, k: Any, v: Any) -> Any:
    """With softmax by hand."""
    scores = q @ np_.matrix_transpose(k) / math.sqrt(q.shape[-1])
    return softmax_numpy(np_, scores) @ v


def attention_torch(torch: Any, q: Any, k: Any, v: Any) -> Any:
    """PyTorch has it as one function."""
    return torch.nn.functional.scaled_dot_product_attention(q, k, v)


def samples(rng: np.random.Generator, n: int, m: int) -> tuple[np.ndarray, ...]:
    """Features, answers, weights."""
    answers = rng.integers(0, 2, n).astype(np.float32)
    return normal(rng, n, m), answers, normal(rng, m) / np.float32(math.sqrt(m))


def logreg_grad(xp: Any, x: Any, y: Any, w: Any) -> Any:
    """The gradient of a logistic regression."""
    p = 1 / (1 + xp.exp(-(x @ w)))
    return x.T @ (p - y) / x.shape[0]


def logreg_grad_numba(njit: Any) -> Any:
    """The loops by hand, one pass over the rows."""

    @njit
    def run(x, y, w):  # type: ignore[no-untyped-def]
        kind = x.dtype.type
        out = np.zeros_like(w)
        for i in range(x.shape[0]):
            z = kind(0)
            for j in range(x.shape[1]):
                z += x[i, j] * w[j]
            d = kind(1) / (kind(1) + np.exp(-z)) - y[i]
            for j in range(x.shape[1]):
                out[j] += d * x[i, j]
        return out / kind(x.shape[0])

    return run


# --- LSTM -----------------------------------------------------------------------------------------

STEPS = 50


def sequence(rng: np.random.Generator, batch: int, n: int) -> tuple[np.ndarray, ...]:
    """Inputs of all steps, weights of inputs and of the hidden state, bias."""
    scale = np.float32(1 / math.sqrt(n))
    weights = (normal(rng, n, 4 * n) * scale for _ in range(2))
    return normal(rng, STEPS, batch, n), *weights, normal(rng, 4 * n)


def lstm(xp: Any, x: Any, wx: Any, wh: Any, b: Any) -> Any:
    """The last hidden state of an LSTM, unrolled."""
    n = wh.shape[0]
    h = c = xp.zeros_like(x[0])
    for t in range(STEPS):
        z = x[t] @ wx + h @ wh + b
        i, f, o = (1 / (1 + xp.exp(-z[:, k * n : (k + 1) * n])) for k in range(3))
        c = f * c + i * xp.tanh(z[:, 3 * n :])
        h = o * xp.tanh(c)
    return h


def lstm_torch(torch: Any, x: Any, wx: Any, wh: Any, b: Any) -> Any:
    """With PyTorch's sigmoid and chunks."""
    h = c = torch.zeros_like(x[0])
    for t in range(STEPS):
        i, f, o, g = torch.chunk(torch.addmm(b, x[t], wx) + h @ wh, 4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return h


def lstm_flops(batch: int, n: int) -> float:
    """Of the products."""
    return STEPS * batch * 2 * n * 4 * n * 2


def cube(n: int) -> float:
    """Flops of one product."""
    return 2.0 * n**3


B = "blas"

# fmt: off
ROWS = [
    Row("sgemm_1024", matmul, lambda rng, n: (normal(rng, n, n), normal(rng, n, n)), (1024,), B,
        cube, tolerance=1e-4),
    Row("dgemm_768", matmul, floats(2, -1, 1, np.float64), (768, 768), B, lambda n, m: 2 * n**3),
    Row("mm_bias_relu_1024", bias_relu, layer, (1024,), B, cube, torch=bias_relu_torch,
        tolerance=1e-4),
    Row("mm_gelu_1024", bias_gelu, layer, (1024,), B, cube, torch=bias_gelu_torch,
        tolerance=1e-4),
    Row("bmm_4096x16x16", matmul, batched, (4096, 16), B, lambda b, n: 2 * b * n**3,
        numba=batched_numba),
    Row("attention_4x8x256x64", attention, heads, (4, 8, 256, 64), B,
        lambda b, h, t, d: 4 * b * h * t * t * d, numpy=attention_numpy, torch=attention_torch),
    Row("logreg_grad_65536x64", logreg_grad, samples, (65536, 64), B, lambda n, m: 4 * n * m,
        numba=logreg_grad_numba, tolerance=1e-4),
    Row("lstm50_32x128", lstm, sequence, (32, 128), B, lstm_flops, torch=lstm_torch,
        tolerance=1e-4),
]
# fmt: on
