"""Rows: convolutions of images as ResNets have them, forward, and forward with both gradients. They
are PyTorch's: the array face has none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .row import Row, Sizes, normal

PEERS = ("torch", "torch.compile", "jax.jit", "lazytensor.torch", "lazytensor.torch.compile")


@dataclass(frozen=True)
class Conv:
    """Windows and strides, alike along both axes; `alone`: each channel for itself."""

    window: int
    stride: int = 1
    alone: bool = False

    @property
    def pad(self) -> int:
        """Zeros around an image."""
        return self.window // 2

    def count(self, size: int) -> int:
        """Windows along an axis."""
        return (size + 2 * self.pad - self.window) // self.stride + 1

    def made(self, batch: int, channels: int, size: int, outer: int) -> Sizes:
        """The shape of the result."""
        return batch, outer, self.count(size), self.count(size)

    def flops(self, batch: int, channels: int, size: int, outer: int) -> float:
        """Of the forward pass."""
        read = self.window**2 * (1 if self.alone else channels)
        return 2.0 * math.prod(self.made(batch, channels, size, outer)) * read

    def inputs(self, rng: np.random.Generator, *sizes: int) -> tuple[np.ndarray, ...]:
        """Images and weights."""
        batch, channels, size, outer = sizes
        read = 1 if self.alone else channels
        scale = np.float32(1 / math.sqrt(read * self.window**2))
        weights = normal(rng, outer, read, self.window, self.window) * scale
        return normal(rng, batch, channels, size, size), weights

    def upstream(self, rng: np.random.Generator, *sizes: int) -> tuple[np.ndarray, ...]:
        """Images, weights, and the gradient of what is made of them."""
        return *self.inputs(rng, *sizes), normal(rng, *self.made(*sizes))

    # --- the programs ----------------------------------------------------------------------------

    def torch(self, torch: Any, x: Any, w: Any) -> Any:
        """PyTorch's function."""
        groups = x.shape[1] if self.alone else 1
        return torch.nn.functional.conv2d(x, w, stride=self.stride, padding=self.pad, groups=groups)

    def jax(self, jax: Any, x: Any, w: Any) -> Any:
        """JAX's function."""
        groups = x.shape[1] if self.alone else 1
        strides, pads = (self.stride,) * 2, ((self.pad, self.pad),) * 2
        return jax.lax.conv_general_dilated(x, w, strides, pads, feature_group_count=groups)

    def jax_grads(self, jax: Any, x: Any, w: Any, upstream: Any) -> Any:
        """The result and both gradients."""
        y, pull = jax.vjp(lambda x, w: self.jax(jax, x, w), x, w)
        return (y, *pull(upstream))

    def torch_grads(self, torch: Any, compile_: Any) -> Any:
        """The same, as PyTorch programs have it."""
        forward = compile_(lambda x, w: self.torch(torch, x, w))

        def call(x: Any, w: Any, upstream: Any) -> Any:
            leaves = [t.detach().requires_grad_() for t in (x, w)]
            y = forward(*leaves)
            return (y, *torch.autograd.grad(y, leaves, upstream))

        return call

    def _taps(self, np_: Any, x: Any) -> Any:
        """For each place in a window: where it is, and the elements of all windows there."""
        pad, step = self.pad, self.stride
        x = np_.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        reach = step * (self.count(x.shape[2] - 2 * pad) - 1) + 1
        for i in range(self.window):
            for j in range(self.window):
                yield i, j, (..., slice(i, i + reach, step), slice(j, j + reach, step)), x

    def numpy(self, np_: Any, x: Any, w: Any) -> Any:
        """Place after place in a window."""
        out: Any = 0
        for i, j, at, padded in self._taps(np_, x):
            out = out + self._times(np_, w[:, :, i, j], padded[at])
        return out

    def _times(self, np_: Any, w: Any, x: Any) -> Any:
        if self.alone:
            return w[:, :, None] * x
        return np_.matmul(w, x.reshape(*x.shape[:2], -1)).reshape(len(x), len(w), *x.shape[2:])

    def numpy_grads(self, np_: Any, x: Any, w: Any, upstream: Any) -> Any:
        """The result and both gradients."""
        of_w, pad = np_.zeros_like(w), self.pad
        of_x = np_.pad(np_.zeros_like(x), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        lines = upstream.reshape(*upstream.shape[:2], -1)
        for i, j, at, padded in self._taps(np_, x):
            seen, tap = padded[at].reshape(*x.shape[:2], -1), w[:, :, i, j]
            if self.alone:
                of_w[:, 0, i, j] = (lines * seen).sum((0, 2))
                of_x[at] += tap[:, :, None] * upstream
            else:
                of_w[:, :, i, j] = np_.matmul(lines, seen.swapaxes(1, 2)).sum(0)
                of_x[at] += np_.matmul(tap.T, lines).reshape(padded[at].shape)
        inside = slice(pad, pad + x.shape[2])
        return self.numpy(np_, x, w), of_x[..., inside, inside], of_w


def forward(name: str, conv: Conv, *sizes: int) -> Row:
    """A row of sizes (batch, channels, size of images, channels out)."""
    return Row(
        f"conv_{name}", conv.jax, conv.inputs, sizes, "blas", conv.flops, torch=conv.torch,
        reference=conv.numpy, peers=PEERS, face=True, tolerance=1e-4,
    )  # fmt: skip


def grads(name: str, conv: Conv, *sizes: int) -> Row:
    """The same with both gradients."""
    return Row(
        f"conv_{name}_grad", conv.jax_grads, conv.upstream, sizes, "blas",
        lambda *sizes: 3 * conv.flops(*sizes), factory=conv.torch_grads,
        reference=conv.numpy_grads, peers=PEERS, face=True, tolerance=1e-4,
    )  # fmt: skip


ROWS = [
    forward("stem_1x224", Conv(7, 2), 1, 3, 224, 64),
    forward("1x1_1x64x56", Conv(1), 1, 64, 56, 256),
    forward("3x3_1x256x14", Conv(3), 1, 256, 14, 256),
    forward("3x3_32x64x56", Conv(3), 32, 64, 56, 64),
    forward("alone_1x96x56", Conv(3, alone=True), 1, 96, 56, 96),
    grads("1x1_1x256x56", Conv(1), 1, 256, 56, 64),
    grads("3x3s2_32x128x56", Conv(3, 2), 32, 128, 56, 128),
    grads("3x3_32x512x7", Conv(3), 32, 512, 7, 512),
    grads("alone_32x96x56", Conv(3, 2, alone=True), 32, 96, 56, 96),
]
