"""Rows: what calls cost when the arrays are small."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import Row

OPS = 1000
ARRAYS = 40
SIZES = (10, 100, 1000, 4096)
EAGER = ("lazytensor", "numpy", "torch")
FACE = ("lazytensor.torch", "torch")
COMPILED = ("lazytensor", "lazytensor.jit", "torch.compile", "jax.jit")


def scalars(xp: Any, x: Any) -> Any:
    """x * 1.001 + 0.001, 500 times."""
    for _ in range(OPS // 2):
        x = x * 1.001 + 0.001
    return x


def tensors(xp: Any, x: Any, y: Any) -> Any:
    """x * y + y, 500 times."""
    for _ in range(OPS // 2):
        x = x * y + y
    return x


def numbers(count: int) -> Any:
    """A maker of `count` arrays a little below 1."""

    def make(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        return tuple(np.float32(0.9) + rng.random(n, dtype=np.float32) / 20 for _ in range(count))

    return make


def face(program: Any) -> Any:
    """A factory of the program in PyTorch's interface."""
    return lambda torch, compile_: lambda *inputs: program(torch, *inputs)


def face_backward(torch: Any, compile_: Any) -> Any:
    """The chain with scalars, and its gradient."""

    def call(x: Any) -> Any:
        x = x.detach().requires_grad_()
        scalars(torch, x).sum().backward()
        return x.grad

    return call


def gradient_numpy(np_: Any, x: Any) -> Any:
    """1.001 to the power of 500."""
    return np_.full_like(x, 1.001 ** (OPS // 2))


# --- compiled functions ---------------------------------------------------------------------------


def tiny(xp: Any, x: Any) -> Any:
    """Two operations."""
    return x * 2 + 1


def tiny_list(xp: Any, arrays: Any) -> Any:
    """Two operations on each of a list."""
    return [x * 2 + 1 for x in arrays]


def list_of_arrays(rng: np.random.Generator, n: int) -> tuple[Any]:
    """One argument: a list."""
    return ([rng.random(n, dtype=np.float32) for _ in range(ARRAYS)],)


def two_hundred(xp: Any, x: Any, y: Any) -> Any:
    """200 operations."""
    for _ in range(100):
        x = x * 0.9 + y
    return x


def two_hundred_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x, y):  # type: ignore[no-untyped-def]
        out = x.copy()
        factor = x.dtype.type(0.9)
        for _ in range(100):
            for i in range(out.size):
                out[i] = out[i] * factor + y[i]
        return out

    return run


# --- many sizes -----------------------------------------------------------------------------------

BATCHES = 50


def batches(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    """Batches of 50 sizes and the weights of a layer."""
    inputs = [rng.random((1 + 7 * i, n), dtype=np.float32) for i in range(BATCHES)]
    return inputs, rng.random((n, n), dtype=np.float32) / np.float32(n)


def layer(xp: Any, x: Any, w: Any) -> Any:
    """A layer and its normalisation."""
    y = xp.tanh(x @ w)
    return y / xp.sum(y * y, axis=1)[:, None]


def each(call: Any) -> Any:
    """One call for each batch."""
    return lambda inputs, w: [call(x, w) for x in inputs]


# fmt: off
ROWS = [
    *(Row(f"chain_scalars_{n}", scalars, numbers(1), (n,), "call", peers=EAGER, warm=20,
          tolerance=1e-4) for n in SIZES),
    *(Row(f"chain_tensors_{n}", tensors, numbers(2), (n,), "call", peers=EAGER, warm=20,
          tolerance=1e-4) for n in SIZES),
    Row("chain_face_scalars_10", None, numbers(1), (10,), "call", peers=FACE, warm=20, face=True,
        reference=scalars, factory=face(scalars), tolerance=1e-4),
    Row("chain_face_tensors_10", None, numbers(2), (10,), "call", peers=FACE, warm=20, face=True,
        reference=tensors, factory=face(tensors), tolerance=1e-4),
    Row("chain_face_backward_10", None, numbers(1), (10,), "call", peers=FACE, warm=20, face=True,
        reference=gradient_numpy, factory=face_backward, tolerance=1e-4),
    Row("jit_one_10", tiny, numbers(1), (10,), "call", peers=COMPILED, warm=50),
    Row("jit_list40_10", tiny_list, list_of_arrays, (10,), "call", peers=COMPILED, warm=50),
    Row("tiny_200ops_1k", two_hundred, numbers(2), (1000,), "", numba=two_hundred_numba, warm=50),
    Row("batch_sizes_50", layer, batches, (64,), "call", drive=each, warm=10, tolerance=1e-4),
]
# fmt: on
