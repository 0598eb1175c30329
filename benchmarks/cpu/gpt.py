"""Row: a training step of a small GPT, with AdamW: functional, by hand in NumPy, and as a script of
PyTorch. Parameters have the names and shapes of the script's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .row import normal
from .training import adam, adam_state, loss_of, scores_grad

BATCH, HEADS, LAYERS = 4, 8, 2
RATE, DECAY, EPSILON = 1e-3, 0.01, 1e-5
Back = Callable[[Any], Any]
Pair = tuple[np.ndarray, Back]


def batch(
    rng: np.random.Generator, length: int, width: int, words: int, count: int = BATCH
) -> tuple[np.ndarray, ...]:
    """Words and those that follow."""
    text = rng.integers(0, words, (count, length + 1), dtype=np.int64)
    return text[:, :-1].copy(), text[:, 1:].copy()


def state(
    rng: np.random.Generator, length: int, width: int, words: int, layers: int = LAYERS
) -> Any:
    """Parameters and what AdamW remembers of them."""
    shapes = {"token.weight": (words, width), "place.weight": (length, width)}
    for i in range(layers):
        parts = {"qkv": 3 * width, "out": width, "up": 4 * width}
        shapes |= {f"blocks.{i}.{n}.weight": (m, width) for n, m in parts.items()}
        shapes[f"blocks.{i}.down.weight"] = (width, 4 * width)
    shapes["head.weight"] = (words, width)
    p = {n: normal(rng, *s) / np.float32(math.sqrt(s[1])) for n, s in shapes.items()}
    for name in [n for n in p if n.startswith("blocks")]:
        p[name.replace("weight", "bias")] = np.zeros(p[name].shape[0], np.float32)
    for name in ("norm", *(f"blocks.{i}.norm{k}" for i in range(layers) for k in (1, 2))):
        p[f"{name}.weight"], p[f"{name}.bias"] = (
            np.ones(width, np.float32),
            np.zeros(width, np.float32),
        )
    return adam_state(p)


def layers_of(p: Any) -> int:
    """How many layers the parameters are for."""
    return sum(name.endswith(".qkv.weight") for name in p)


# --- functional -----------------------------------------------------------------------------------


def linear(p: Any, name: str, x: Any) -> Any:
    """x wᵀ + b."""
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def norm(xp: Any, p: Any, name: str, x: Any) -> Any:
    """Layernorm."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return centred / xp.sqrt(variance + EPSILON) * p[f"{name}.weight"] + p[f"{name}.bias"]


def attention(xp: Any, p: Any, name: str, x: Any, length: int) -> Any:
    """Causal self-attention."""
    width = x.shape[-1]
    parts = linear(p, f"{name}.qkv", x).reshape((-1, length, 3, HEADS, width // HEADS))
    q, k, v = (xp.permute_dims(parts[:, :, i], (0, 2, 1, 3)) for i in range(3))
    scores = q @ xp.permute_dims(k, (0, 1, 3, 2)) / math.sqrt(width // HEADS)
    places = xp.arange(length)
    scores = xp.where(places[:, None] >= places[None, :], scores, -xp.inf)
    mixed = xp.permute_dims(xp.softmax(scores, axis=-1) @ v, (0, 2, 1, 3))
    return linear(p, f"{name}.out", mixed.reshape(x.shape))


def gelu(xp: Any, x: Any) -> Any:
    """The tanh form."""
    return 0.5 * x * (1 + xp.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def loss(xp: Any, p: Any, text: Any, following: Any) -> Any:
    """Cross-entropy of what follows."""
    length = text.shape[1]
    words = xp.take(p["token.weight"], text.reshape((-1,)), axis=0)
    x = words.reshape((-1, length, words.shape[-1])) + p["place.weight"]
    x = x.reshape((-1, words.shape[-1]))
    for name in (f"blocks.{i}" for i in range(layers_of(p))):
        x = x + attention(xp, p, name, norm(xp, p, f"{name}.norm1", x), length)
        h = gelu(xp, linear(p, f"{name}.up", norm(xp, p, f"{name}.norm2", x)))
        x = x + linear(p, f"{name}.down", h)
    scores = norm(xp, p, "norm", x) @ p["head.weight"].T
    return loss_of(xp, scores, following.reshape((-1,)))


def step(xp: Any, state: Any, text: Any, following: Any) -> Any:
    """A step of AdamW."""
    value, gradient = xp.value_and_grad(lambda p: loss(xp, p, text, following))(state["p"])
    return adam(xp, state, gradient, RATE, DECAY), value


# --- by hand --------------------------------------------------------------------------------------


class Hand:
    """Forward and backward in NumPy: a part gives its result and what takes a gradient back."""

    def __init__(self, p: dict[str, np.ndarray], length: int) -> None:
        self.p, self.length = p, length
        self.gradient: dict[str, np.ndarray] = {}

    def linear(self, name: str, x: np.ndarray) -> Pair:
        """x wᵀ + b."""
        w = self.p[f"{name}.weight"]

        def back(g: np.ndarray) -> np.ndarray:
            self.gradient[f"{name}.weight"] = g.T @ x
            self.gradient[f"{name}.bias"] = g.sum(axis=0)
            return g @ w

        return x @ w.T + self.p[f"{name}.bias"], back

    def norm(self, name: str, x: np.ndarray) -> Pair:
        """Layernorm."""
        w = self.p[f"{name}.weight"]
        centred = x - x.mean(axis=-1, keepdims=True)
        inverse = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
        y = centred * inverse

        def back(g: np.ndarray) -> np.ndarray:
            self.gradient[f"{name}.weight"] = (g * y).sum(axis=0)
            self.gradient[f"{name}.bias"] = g.sum(axis=0)
            g = g * w
            mean = g.mean(axis=-1, keepdims=True)
            return inverse * (g - mean - y * (g * y).mean(axis=-1, keepdims=True))

        return y * w + self.p[f"{name}.bias"], back

    def mix(self, parts: np.ndarray) -> Pair:
        """Causal attention of queries, keys and values that lie side by side."""
        tokens, width = parts.shape[0], parts.shape[1] // 3
        shape = (-1, self.length, 3, HEADS, width // HEADS)
        q, k, v = parts.reshape(shape).transpose(2, 0, 3, 1, 4)
        scale = parts.dtype.type(1 / math.sqrt(width // HEADS))
        hidden = np.triu(np.ones((self.length, self.length), bool), 1)
        scores = np.where(hidden, parts.dtype.type(-np.inf), q @ k.swapaxes(-1, -2) * scale)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        a = e / e.sum(axis=-1, keepdims=True)

        def back(g: np.ndarray) -> np.ndarray:
            g = g.reshape((-1, self.length, HEADS, width // HEADS)).transpose(0, 2, 1, 3)
            by_a = g @ v.swapaxes(-1, -2)
            s = a * (by_a - (by_a * a).sum(axis=-1, keepdims=True)) * scale
            found = np.stack([s @ k, s.swapaxes(-1, -2) @ q, a.swapaxes(-1, -2) @ g])
            return found.transpose(1, 3, 0, 2, 4).reshape((tokens, 3 * width))

        return (a @ v).transpose(0, 2, 1, 3).reshape((tokens, width)), back

    def gelu(self, x: np.ndarray) -> Pair:
        """The tanh form."""
        t = np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))

        def back(g: np.ndarray) -> np.ndarray:
            inner = 0.7978845608028654 * (1 + 3 * 0.044715 * x * x)
            return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)

        return 0.5 * x * (1 + t), back

    def chain(self, x: np.ndarray, *parts: Callable[[np.ndarray], Pair]) -> Pair:
        """Parts after one another, around which the input is added."""
        y, backs = x, []
        for part in parts:
            y, back = part(y)
            backs.append(back)

        def back_all(g: np.ndarray) -> np.ndarray:
            around = g
            for back in reversed(backs):
                g = back(g)
            return g + around

        return x + y, back_all

    def block(self, name: str, x: np.ndarray) -> Pair:
        """One layer."""

        def of(part: Callable[[str, np.ndarray], Pair], last: str) -> Callable[[np.ndarray], Pair]:
            return lambda x: part(f"{name}.{last}", x)

        first = (of(self.norm, "norm1"), of(self.linear, "qkv"), self.mix, of(self.linear, "out"))
        rest = (of(self.norm, "norm2"), of(self.linear, "up"), self.gelu, of(self.linear, "down"))
        x, back_first = self.chain(x, *first)
        x, back_rest = self.chain(x, *rest)
        return x, lambda g: back_first(back_rest(g))

    def run(self, text: np.ndarray, following: np.ndarray) -> Any:
        """The loss; gradients are kept."""
        table, words = self.p["token.weight"], text.reshape(-1)
        x = (table[text] + self.p["place.weight"]).reshape((-1, table.shape[1]))
        backs = []
        for i in range(layers_of(self.p)):
            x, back = self.block(f"blocks.{i}", x)
            backs.append(back)
        x, back = self.norm("norm", x)
        value, g = scores_grad(x @ self.p["head.weight"].T, following.reshape(-1))
        self.gradient["head.weight"] = g.T @ x
        g = back(g @ self.p["head.weight"])
        for back in reversed(backs):
            g = back(g)
        self.gradient["place.weight"] = g.reshape((-1, self.length, g.shape[1])).sum(axis=0)
        by_word = self.gradient["token.weight"] = np.zeros_like(table)
        np.add.at(by_word, words, g)
        return value


def step_numpy(np_: Any, state: Any, text: Any, following: Any) -> Any:
    """A step of AdamW by hand."""
    hand = Hand(state["p"], text.shape[1])
    value = hand.run(text, following)
    return adam(np_, state, hand.gradient, RATE, DECAY), value


def flops(
    length: int, width: int, words: int, count: int = BATCH, layers: int = LAYERS
) -> float:
    """Of the products, backward twice as dear as forward."""
    tokens = count * length
    inner = layers * (2 * tokens * 12 * width**2 + 4 * tokens * length * width)
    return 3.0 * (inner + 2 * tokens * width * words)
