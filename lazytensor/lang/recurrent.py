"""Recurrent layers: a step after another over rows that belong together, forwards or backwards.

What enters: nodes of rows (all sequences' first elements, then all their second ones, and so on),
how many there are in each step, states, weights. What leaves: the rows of outputs, and the last
state of each sequence. It must not know faces or how layers are put on one another.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..ir.node import Node
from ..ops import g
from ._checks import full, part
from .linalg import matmul
from .movement import concat

__all__ = ["CELLS", "Weights", "layer", "pack", "pad"]

State = tuple[Node, ...]


class Weights(NamedTuple):
    """Of one layer in one direction: for inputs and for the state, and what projects the state."""

    inputs: Node
    state: Node
    input_bias: Node | None = None
    state_bias: Node | None = None
    projection: Node | None = None


def _times(x: Node, w: Node, b: Node | None = None) -> Node:
    """x wᵀ + b."""
    y = matmul(x, g.permute(w, (1, 0)))
    return y if b is None else g.add(y, b)


def _rows(x: Node, start: int, count: int) -> Node:
    return x if count == x.shape[0] else part(x, 0, start, count)


def _cut(x: Node, pieces: int) -> list[Node]:
    size = x.shape[1] // pieces
    return [part(x, 1, i * size, size) for i in range(pieces)]


def _lstm(x: Node, state: State, w: Weights) -> State:
    h, c = state
    i, f, n, o = _cut(g.add(_times(h, w.state, w.state_bias), x), 4)
    new = g.add(g.multiply(g.sigmoid(f), c), g.multiply(g.sigmoid(i), g.tanh(n)))
    out = g.multiply(g.sigmoid(o), g.tanh(new))
    return out if w.projection is None else _times(out, w.projection), new


def _gru(x: Node, state: State, w: Weights) -> State:
    (h,) = state
    r_x, z_x, n_x = _cut(x, 3)
    r_h, z_h, n_h = _cut(_times(h, w.state, w.state_bias), 3)
    n = g.tanh(g.add(n_x, g.multiply(n_h, g.sigmoid(g.add(r_h, r_x)))))
    return (g.add(g.multiply(g.subtract(h, n), g.sigmoid(g.add(z_h, z_x))), n),)


def _plain(squash: Callable[[Node], Node]) -> Callable[[Node, State, Weights], State]:
    return lambda x, state, w: (squash(g.add(_times(state[0], w.state, w.state_bias), x)),)


# A step by the name of the network: the inputs' share of the gates, a state, weights -> a state,
# of which the first part is the output.
CELLS: dict[str, Callable[[Node, State, Weights], State]] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn_tanh": _plain(lambda x: g.tanh(x)),
    "rnn_relu": _plain(lambda x: g.relu(x)),
}


def layer(
    kind: str, x: Node, state: State, weights: Weights, sizes: Sequence[int], backwards: bool
) -> tuple[Node, State]:
    """All steps: the rows of outputs, and the last state of each sequence.

    `sizes` are the rows of each step, which do not grow; sequences that have ended leave their
    state behind, and going backwards each begins with its own of `state`.
    """
    gates, steps, start = _times(x, weights.inputs, weights.input_bias), [], 0
    for size in sizes:
        steps.append(_rows(gates, start, size))
        start += size
    walk = _backwards if backwards else _forwards
    outputs, last = walk(CELLS[kind], steps, state, weights)
    return concat(outputs, 0), last


def pack(x: Node, sizes: Sequence[int]) -> Node:
    """The first sizes[t] rows of each step t of (steps, sequences, ...), one after another."""
    steps = (g.reshape(part(x, 0, t, 1), x.shape[1:]) for t in range(len(sizes)))
    return concat([_rows(step, 0, n) for step, n in zip(steps, sizes, strict=True)], 0)


def pad(x: Node, sizes: Sequence[int], steps: int, value: float) -> Node:
    """What `pack` had packed, (steps, sequences, ...), filled up with a value."""
    most, start, rows = sizes[0], 0, []
    for size in sizes:
        rows += [part(x, 0, start, size)]
        if size < most:
            rows += [full(value, (most - size, *x.shape[1:]), x)]
        start += size
    if steps > len(sizes):
        rows += [full(value, ((steps - len(sizes)) * most, *x.shape[1:]), x)]
    return g.reshape(concat(rows, 0), (steps, most, *x.shape[1:]))


def _forwards(
    cell: Callable[[Node, State, Weights], State], steps: list[Node], state: State, w: Weights
) -> tuple[list[Node], State]:
    outputs, ended = [], []
    for x in steps:
        count, before = x.shape[0], state[0].shape[0]
        if count < before:
            ended.append([_rows(s, count, before - count) for s in state])
            state = tuple(_rows(s, 0, count) for s in state)
        state = cell(x, state, w)
        outputs.append(state[0])
    ends = zip(state, *reversed(ended), strict=True)
    return outputs, tuple(concat(list(pieces), 0) for pieces in ends)


def _backwards(
    cell: Callable[[Node, State, Weights], State], steps: list[Node], first: State, w: Weights
) -> tuple[list[Node], State]:
    outputs, state = [], tuple(_rows(s, 0, steps[-1].shape[0]) for s in first)
    for x in reversed(steps):
        count, before = x.shape[0], state[0].shape[0]
        if count > before:
            begun = [_rows(s, before, count - before) for s in first]
            state = tuple(concat([s, new], 0) for s, new in zip(state, begun, strict=True))
        state = cell(x, state, w)
        outputs.append(state[0])
    return outputs[::-1], state
