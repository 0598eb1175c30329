"""Recurrent networks of several layers and directions: `torch.lstm`, `gru`, `rnn_tanh`, `rnn_relu`.

What enters: inputs as a batch or packed, states, weights in PyTorch's order. What leaves: outputs
and last states. It must not know modules.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...ir.node import Node
from ...lang import recurrent
from ...ops import g
from .._dispatch import FUNCTIONS
from ..tensor import Tensor
from ._base import apply, apply_many_fixed, nn

__all__: list[str] = []


class _Network(NamedTuple):
    """What a call asks for."""

    kind: str
    has_biases: bool
    num_layers: int
    dropout: float
    train: bool
    bidirectional: bool


def _network(kind: str) -> None:
    """Make a kind of network public: with a batch, and with packed sequences."""

    def network(
        input: Tensor, hx: Any, params: Any, has_biases: Any, num_layers: Any, dropout: Any,
        train: Any, bidirectional: Any, batch_first: Any,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        if not isinstance(has_biases, bool):  # (data, batch_sizes, hx, params, has_biases, ...)
            given = _Network(kind, num_layers, dropout, train, bidirectional, batch_first)
            return _run(given, input, hx.tolist(), _states(kind, params), has_biases)
        given = _Network(kind, has_biases, num_layers, dropout, train, bidirectional)
        return _batch(given, input, _states(kind, hx), params, batch_first)

    network.__doc__ = f"A network of the kind {kind!r}: outputs, and last states."
    nn(kind, torch=True)(network)


def _states(kind: str, hx: Any) -> tuple[Tensor, ...]:
    if kind != "lstm":
        return (hx,)
    if len(hx) != 2:
        raise RuntimeError("lstm expects two hidden states")
    return tuple(hx)


def _batch(
    given: _Network, input: Tensor, hx: tuple[Tensor, ...], params: Sequence[Tensor], first: bool
) -> tuple[Tensor, ...]:
    """The network over sequences of one length."""
    x: Any = input.transpose(0, 1) if first else input
    steps, count = x.shape[:2]
    if steps == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    if count == 0:
        return (x.new_empty(_empty(x, hx, given, first)), *hx)
    out, *last = _run(given, x, [count] * steps, hx, params)
    return (out.transpose(0, 1) if first else out, *last)


def _empty(x: Any, hx: tuple[Any, ...], given: _Network, first: bool) -> tuple[int, ...]:
    """The shape of the outputs for no sequences."""
    rows = (0, x.shape[0]) if first else (x.shape[0], 0)
    return (*rows, hx[0].shape[-1] * (2 if given.bidirectional else 1))


def _run(
    given: _Network, x: Any, sizes: list[int], hx: tuple[Any, ...], params: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """All layers over (steps, sequences, ...) or rows: the outputs alike, and the last states."""
    directions = 2 if given.bidirectional else 1
    each = len(params) // (given.num_layers * directions)
    last: list[Sequence[Tensor]] = []
    for place in range(0, given.num_layers * directions, directions):
        if place and given.train and given.dropout > 0:
            x = FUNCTIONS["dropout"](x, given.dropout, True)
        found = []
        for i in range(place, place + directions):
            weights = params[i * each : (i + 1) * each]
            output, *state = _layer(given, x, sizes, [h[i] for h in hx], weights, i > place)
            found.append(output)
            last.append(state)
        x = FUNCTIONS["cat"](found, -1) if directions > 1 else found[0]
    return (x, *(FUNCTIONS["stack"](states, 0) for states in zip(*last, strict=True)))


def _layer(
    given: _Network, x: Tensor, sizes: list[int], state: list[Tensor], weights: Sequence[Tensor],
    backwards: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """One layer in one direction: one operation for the gradient."""
    params = given.kind, given.has_biases, len(state), sizes, backwards
    whole = given.kind == "lstm" and weights[0]._node.shape[0] == 4 * weights[1]._node.shape[1]
    title = "~Cat" if x._node.ndim == 2 else "MkldnnRnnLayer" if whole else "~Stack"
    return apply_many_fixed(title, _laid_out, params, x, *state, *weights)


def _laid_out(x: Node, *others: Any) -> Sequence[Node]:
    """A layer's outputs and last states, of its input, states and weights, and how it is made."""
    *nodes, kind, has_biases, parts, sizes, backwards = others
    own = _weights(has_biases, nodes[parts:])
    flat = g.reshape(x, (sum(sizes), x.shape[-1]))
    rows, last = recurrent.layer(kind, flat, tuple(nodes[:parts]), own, sizes, backwards)
    return g.reshape(rows, (*x.shape[:-1], rows.shape[1])), *last


def _weights(biases: bool, given: Sequence[Node]) -> recurrent.Weights:
    """Weights in PyTorch's order, of which biases and the projection may be missing."""
    if biases:
        return recurrent.Weights(*given)
    return recurrent.Weights(given[0], given[1], None, None, *given[2:3])


_KINDS: tuple[str, ...] = tuple(recurrent.CELLS)
for _kind in _KINDS:
    _network(_kind)


@nn("_pack_padded_sequence")
def _pack_padded_sequence(
    input: Tensor, lengths: Tensor, batch_first: bool
) -> tuple[Tensor, Tensor]:
    """Sequences without what fills them up, step by step, and how many there are in each step.

    Raises RuntimeError for lengths that don't fall, or don't fit.
    """
    x: Any = input.transpose(0, 1) if batch_first else input
    counts = lengths.tolist()
    _check_lengths(counts, x.shape[1])
    sizes = [sum(n > t for n in counts) for t in range(counts[0])]
    data = apply("PackPaddedSequence", lambda node: recurrent.pack(node, sizes), x)
    return data, FUNCTIONS["tensor"](sizes, dtype=lengths.dtype, device="cpu")


def _check_lengths(counts: list[int], batch: int) -> None:
    if len(counts) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} "
            f"(batch_size={batch})"
        )
    if any(n <= 0 for n in counts):
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if sorted(counts, reverse=True) != counts:
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )


@nn("_pad_packed_sequence")
def _pad_packed_sequence(
    data: Tensor, batch_sizes: Tensor, batch_first: bool, padding_value: float, total_length: int
) -> tuple[Any, Tensor]:
    """Packed sequences filled up with a value, and their lengths."""
    sizes = batch_sizes.tolist()
    steps = max(total_length, len(sizes))
    out: Any = apply(
        "PadPackedSequence", lambda x: recurrent.pad(x, sizes, steps, padding_value), data
    )
    counts = [sum(n > i for n in sizes) for i in range(sizes[0])]
    lengths = FUNCTIONS["tensor"](counts, dtype=batch_sizes.dtype, device="cpu")
    return out.transpose(0, 1) if batch_first else out, lengths
