"""Rows: optimisers and a small network's step. Programs of the array face are functional,
`(state, batch)` → (state, loss); those of PyTorch are plain scripts.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from .row import Row, normal, tree_map

RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def adam(xp: Any, state: Any, gradients: Any, rate: float = RATE, decay: float = 0.0) -> Any:
    """The state after a step of Adam, of parameters in a dictionary; with decay, of AdamW."""
    t = state["t"] + 1
    step = rate * xp.sqrt(1 - BETA2**t) / (1 - BETA1**t)
    epsilon = EPSILON * xp.sqrt(1 - BETA2**t)
    new: Any = {"t": t, "p": {}, "m": {}, "v": {}}
    for name, p in state["p"].items():
        g = gradients[name]
        m = BETA1 * state["m"][name] + (1 - BETA1) * g
        v = BETA2 * state["v"][name] + (1 - BETA2) * (g * g)
        kept = p * (1 - rate * decay) if decay else p
        new["p"][name] = kept - step * m / (xp.sqrt(v) + epsilon)
        new["m"][name], new["v"][name] = m, v
    return new


def adam_state(parameters: dict[str, np.ndarray]) -> Any:
    """The state before the first step."""
    zeros = {name: np.zeros_like(p) for name, p in parameters.items()}
    again = {name: np.zeros_like(p) for name, p in parameters.items()}
    return {"t": np.zeros((), np.float32), "p": parameters, "m": zeros, "v": again}


# --- Adam over 40 tensors -------------------------------------------------------------------------

TENSORS = 40


def tensors(rng: np.random.Generator, *sizes: int) -> dict[str, np.ndarray]:
    """40 arrays, named."""
    return {f"p{i}": normal(rng, *sizes) for i in range(TENSORS)}


def adam40(xp: Any, state: Any, gradients: Any) -> Any:
    """A step, and one of the parameters to look at."""
    new = adam(xp, state, gradients)
    return new, new["p"]["p7"]


def adam40_numba(njit: Any) -> Any:
    """The loop by hand, in place."""

    @njit
    def update(p, m, v, g, step, epsilon):  # type: ignore[no-untyped-def]
        kind = p.dtype.type
        a, b, step, epsilon = kind(BETA1), kind(BETA2), kind(step), kind(epsilon)
        for i in range(p.size):
            m[i] = a * m[i] + (kind(1) - a) * g[i]
            v[i] = b * v[i] + (kind(1) - b) * g[i] * g[i]
            p[i] -= step * m[i] / (np.sqrt(v[i]) + epsilon)

    def run(state, gradients):  # type: ignore[no-untyped-def]
        t = float(state["t"]) + 1
        state["t"] = np.float32(t)
        root = math.sqrt(1 - BETA2**t)
        for name, g in gradients.items():
            arrays = (state[k][name].reshape(-1) for k in "pmv")
            step = RATE * root / (1 - BETA1**t)
            update(*arrays, g.reshape(-1), step, EPSILON * root)
        return state, state["p"]["p7"]

    return run


def adam40_factory(torch: Any, compile_: Any, state: Any) -> Any:
    """PyTorch's own optimiser: its fused kernel, or the loop over tensors compiled."""
    eager = compile_(abs) is abs
    parameters = {name: torch.nn.Parameter(p) for name, p in state["p"].items()}
    how = {"fused": True} if eager else {"foreach": True, "capturable": True}
    rate = RATE if eager else torch.tensor(RATE)
    optimizer = torch.optim.Adam(list(parameters.values()), lr=rate, **how)
    step = compile_(lambda: optimizer.step())

    def call(gradients: Any) -> Any:
        for name, p in parameters.items():
            p.grad = gradients[name]
        step()
        return parameters["p7"]

    return call


# --- MLP ------------------------------------------------------------------------------------------

MLP_RATE = 0.1


def mlp_batch(rng: np.random.Generator, batch: int, *widths: int) -> tuple[np.ndarray, ...]:
    """Inputs and labels."""
    return normal(rng, batch, widths[0]), rng.integers(0, widths[-1], batch, dtype=np.int64)


def mlp_state(rng: np.random.Generator, batch: int, *widths: int) -> dict[str, np.ndarray]:
    """Weights, out × in as PyTorch has them, and biases."""
    out = {}
    for i, (n, m) in enumerate(pairwise(widths)):
        out[f"{2 * i}.weight"] = normal(rng, m, n) / np.float32(math.sqrt(n))
        out[f"{2 * i}.bias"] = np.zeros(m, np.float32)
    return out


def loss_of(xp: Any, scores: Any, labels: Any) -> Any:
    """Cross-entropy."""
    logs = xp.log_softmax(scores, axis=-1)
    return -xp.mean(xp.take_along_axis(logs, labels[:, None], axis=1))


def mlp_step(xp: Any, state: Any, x: Any, labels: Any) -> Any:
    """A step of SGD."""

    def loss(p: Any) -> Any:
        h = x
        for i in (0, 2):
            h = xp.maximum(h @ p[f"{i}.weight"].T + p[f"{i}.bias"], 0.0)
        return loss_of(xp, h @ p["4.weight"].T + p["4.bias"], labels)

    value, gradient = xp.value_and_grad(loss)(state)
    return {name: p - MLP_RATE * gradient[name] for name, p in state.items()}, value


def scores_grad(scores: np.ndarray, labels: np.ndarray) -> tuple[Any, np.ndarray]:
    """Cross-entropy and its gradient, by hand."""
    rows = np.arange(labels.size)
    shifted = scores - scores.max(axis=-1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=-1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - shifted[rows, labels])
    gradient = e / total
    gradient[rows, labels] -= 1
    return loss, gradient / scores.dtype.type(labels.size)


def mlp_step_numpy(np_: Any, state: Any, x: Any, labels: Any) -> Any:
    """Forward and backward by hand."""
    hidden = [x]
    for i in (0, 2):
        z = hidden[-1] @ state[f"{i}.weight"].T + state[f"{i}.bias"]
        hidden.append(np_.maximum(z, 0))
    loss, g = scores_grad(hidden[-1] @ state["4.weight"].T + state["4.bias"], labels)
    new = {}
    for i in (4, 2, 0):
        w, h = state[f"{i}.weight"], hidden[i // 2]
        new[f"{i}.weight"] = w - MLP_RATE * (g.T @ h)
        new[f"{i}.bias"] = state[f"{i}.bias"] - MLP_RATE * g.sum(axis=0)
        g = (g @ w) * (h > 0) if i else g
    return new, loss


def mlp_factory(torch: Any, compile_: Any, state: Any) -> Any:
    """The script as anybody writes it."""
    nn = torch.nn
    sizes = [tuple(state[f"{i}.weight"].shape) for i in (0, 2, 4)]
    layers = [nn.Linear(n, m) for m, n in sizes]
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    model.load_state_dict(state)
    model.to(state["0.weight"].device)
    optimizer = torch.optim.SGD(model.parameters(), lr=MLP_RATE)

    def step(x: Any, labels: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return compile_(step)


def mlp_flops(batch: int, *widths: int) -> float:
    """Of the products: forward, and backward but for the gradient of the inputs."""
    pairs = [n * m for n, m in pairwise(widths)]
    return 2 * batch * (3 * sum(pairs) - pairs[0])


def _gradients(rng: np.random.Generator, *sizes: int) -> tuple[Any]:
    return (tensors(rng, *sizes),)


def _adam40_state(rng: np.random.Generator, *sizes: int) -> Any:
    return tree_map(np.copy, adam_state(tensors(rng, *sizes)))


# fmt: off
ROWS = [
    Row("adam40", adam40, _gradients, (128, 200), "", bytes=lambda n, m: 28 * TENSORS * n * m,
        state=_adam40_state, factory=adam40_factory, numba=adam40_numba),
    Row("mlp_step", mlp_step, mlp_batch, (128, 784, 512, 512, 10), "step", mlp_flops,
        state=mlp_state, numpy=mlp_step_numpy, factory=mlp_factory, face=True, tolerance=1e-4),
]
# fmt: on
