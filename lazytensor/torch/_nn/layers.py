"""Linear maps, normalisation, attention, embeddings, distances, over `lang`."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...ir.node import TRACING, Node
from ...lang import nn as lang
from ...lang import norm
from ...lang.linalg import matmul
from ...ops import g
from ...transform.structures import repeated
from .. import _dtypes
from .._calls import refuse
from .._dispatch import FUNCTIONS, broadcast
from .._graph import MODE
from .._host import placed, still, value
from .._record import to_dtype
from ..scatter import known
from ..tensor import Tensor, wrap
from ..views import axis
from ._base import apply, apply_fixed, nn


@nn("linear")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input weightᵀ + bias. Raises RuntimeError for shapes and dtypes."""
    x, w = input._node, weight._node
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {_dtypes.TITLES[input.dtype]} and "
            f"{_dtypes.TITLES[weight.dtype]}"
        )
    if len(w.shape) == 2 and x.shape and x.shape[-1] != w.shape[1]:
        rows = prod(x.shape[:-1])
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and "
            f"{w.shape[1]}x{w.shape[0]})"
        )
    refuse(input, "addmm_impl_cpu_", "0")
    return apply_fixed(_title(input, w, bias), _linear, (), input, weight, bias)


def _title(x: Tensor, w: Node, bias: Tensor | None) -> str:
    """What PyTorch records last: rows that lie one after another are one matrix."""
    ndim = x._node.ndim
    if w.ndim == 1:
        return "~Add" if bias is not None else ("~Dot", "~Mv", "~UnsafeView")[min(ndim, 3) - 1]
    if ndim == 2:
        return "~Mm" if bias is None else "Addmm"
    if bias is None:
        return "~SqueezeBackward4" if ndim == 1 else "~UnsafeView"
    return "~View" if x.is_contiguous() else "~Add"


def _linear(x: Node, w: Node, b: Node | None) -> Node:
    turned = g.permute(w, (1, 0)) if len(w.shape) == 2 else w
    y = matmul(x, turned)
    return y if b is None else g.add(y, b)


@nn("bilinear", torch=True)
def bilinear(
    input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """input1 weight input2ᵀ + bias, for each output."""

    def f(x: Node, y: Node, w: Node, b: Node | None) -> Node:
        lead, n, m = x.shape[:-1], x.shape[-1], y.shape[-1]
        a = g.reshape(x, (prod(lead), n))
        c = g.reshape(y, (prod(lead), m))
        flat = g.reshape(g.permute(w, (1, 0, 2)), (n, w.shape[0] * m))
        each = g.reshape(matmul(a, flat), (prod(lead), w.shape[0], m))
        out = g.sum(g.multiply(each, g.reshape(c, (prod(lead), 1, m))), (2,))
        out = out if b is None else g.add(out, b)
        return g.reshape(out, (*lead, w.shape[0]))

    return apply("Bilinear", f, input1, input2, weight, bias)


# --- normalisation --------------------------------------------------------------------------------


def _fit_normalized(
    x: Tensor, sizes: Sequence[int], weight: Tensor | None, bias: Tensor | None, comma: str = ", "
) -> None:
    """Raises RuntimeError unless a tensor, weights and biases end in these sizes."""
    shape, own = tuple(sizes), x._node.shape
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            f"element, but got normalized_shape = {list(shape)}"
        )
    for word, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._node.shape != shape:
            raise RuntimeError(
                f"Expected {word} to be of same shape as normalized_shape, but got {word} of shape "
                f"{list(t._node.shape)} and normalized_shape = {list(shape)}"
            )
    if own[len(own) - len(shape) :] != shape or len(own) < len(shape):
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[*{comma}{', '.join(map(str, shape))}], but got input of size{list(own)}"
        )


@nn("layer_norm", torch=True)
def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """Normalised over the last axes. Raises RuntimeError for shapes."""
    shape = tuple(normalized_shape)
    _fit_normalized(input, shape, weight, bias)
    refuse(input, "LayerNormKernelImpl", "013")
    return apply_fixed(
        "NativeLayerNorm", _layer_norm, (len(shape), eps), input, weight, bias
    )  # fmt: skip


def _layer_norm(x: Node, w: Node | None, b: Node | None, ndim: int, eps: float) -> Node:
    return norm.layer_norm(x, ndim, w, b, eps)


@nn("rms_norm", torch=True)
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:  # fmt: skip
    """Divided by the root of the mean square over the last axes. Raises RuntimeError for shapes."""
    _fit_normalized(input, normalized_shape, weight, None, "")
    ndim = len(tuple(normalized_shape))
    return apply_fixed("FusedRmsNorm", _rms_norm, (ndim, eps), input, weight)


def _rms_norm(x: Node, w: Node | None, ndim: int, eps: float | None) -> Node:
    return norm.rms_norm(x, ndim, w, eps)


@nn("group_norm", torch=True)
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """Normalised over the channels of each group. Raises RuntimeError for shapes."""
    shape = tuple(input._node.shape)
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and x._node.shape != shape[1:2]:
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in "
                f"input, but got {name} of shape {list(x._node.shape)} and input of shape "
                f"{list(shape)}"
            )
    return apply_fixed(
        "NativeGroupNorm", _group_norm, (num_groups, eps), input, weight, bias
    )  # fmt: skip


def _group_norm(x: Node, w: Node | None, b: Node | None, groups: int, eps: float) -> Node:
    return norm.group_norm(x, groups, w, b, eps)


def _update(old: Tensor | None, new: Node, momentum: float) -> None:
    """One step of what is remembered; the step before is computed, so that none is held long."""
    if old is not None:
        for transform in reversed(MODE.transforms):
            transform.writes(old, "batch_norm", (wrap(new),))
        value(old._read())
        old._write(norm.running(old._read(), new, momentum))


def _nothing(x: Any, weight: Any, bias: Any) -> Tensor:
    """A copy of an empty tensor, through which gradients go."""
    out = x.clone()
    out = out if weight is None else out * weight[0]
    return out if bias is None else out + bias[0]  # type: ignore[no-any-return]


def _fit_channels(input: Tensor, *given: Tensor | None) -> None:
    """Raises RuntimeError for what has another length than the input has channels."""
    channels = input._node.shape[1]
    for name, x in zip(("running_mean", "running_var", "weight", "bias"), given):
        if x is not None and x._node.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x._node.size}")


@nn("batch_norm", torch=True)
def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """Normalised by the statistics of the batch, which are remembered, or by those remembered."""
    if not input._node.size:
        return _nothing(input, weight, bias)
    _fit_channels(input, running_mean, running_var, weight, bias)
    if not training:
        return apply_fixed(
            "NativeBatchNorm", norm.batch_norm, (eps,),
            input, running_mean, running_var, weight, bias,
        )  # fmt: skip
    if running_mean is not None or running_var is not None:
        x = input._read()
        center, variance = repeated(norm.batch_stats, (), [x])
        _update(running_mean, center, momentum)
        _update(running_var, norm.unbiased(variance, x), momentum)
    return apply_fixed("NativeBatchNorm", _batch_norm, (eps,), input, weight, bias)


def _batch_norm(x: Node, w: Node | None, b: Node | None, eps: float) -> Node:
    """Normalised by the batch's own statistics; those that are remembered are the same nodes once a
    graph is put in order.
    """
    return norm.batch_norm(x, *norm.batch_stats(x), w, b, eps)


@nn("instance_norm", torch=True)
def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """Normalised by the statistics of each example and channel, or by those remembered."""
    if not use_input_stats:
        return batch_norm(input, weight, bias, running_mean, running_var, False, momentum, eps)

    if running_mean is not None:
        _remember(input._read(), running_mean, running_var, momentum)
    return apply_fixed("NativeBatchNorm", norm.instance_norm, (eps,), input, weight, bias)


def _remember(x: Node, center: Tensor, variance: Tensor | None, momentum: float) -> None:
    """Means over the batch of the statistics of each example."""
    n, c, *rest = x.shape
    flat = g.permute(g.reshape(x, (n * c, prod(rest))), (1, 0))
    mean, var = norm.batch_stats(flat)
    each = prod(rest)
    var = g.multiply(var, each / (each - 1)) if each > 1 else var
    for old, new in ((center, mean), (variance, var)):
        _update(old, g.divide(g.sum(g.reshape(new, (n, c)), (0,)), float(n)), momentum)


# --- attention, embeddings ------------------------------------------------------------------------


@nn("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query keyᵀ / √d + mask) value."""
    title, options = "ScaledDotProductFlashAttentionForCpu", (is_causal, scale, enable_gqa)
    if not dropout_p:
        return apply_fixed(title, lang.attention, options, query, key, value, attn_mask)
    drop = _dropper(dropout_p)

    def f(q: Node, k: Node, v: Node, m: Node | None) -> Node:
        return lang.attention(q, k, v, m, *options, drop)

    return apply(title, f, query, key, value, attn_mask)


def _dropper(p: float) -> Any:
    def drop(weights: Node) -> Node:
        kept = FUNCTIONS["dropout"](wrap(g.broadcast_to(g.constant(1, weights), weights.shape)), p,
                                    True)  # fmt: skip
        return g.multiply(weights, kept._read())

    return drop


@nn("embedding", torch=True)
def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows (*, features) at indices (*); that at `padding_idx` gets no gradient. Raises
    RuntimeError for a table of other than two axes, and IndexError.
    """
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if indices.dtype not in (_dtypes.int64, _dtypes.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{_dtypes.TITLES[indices.dtype]}Tensor instead (while "
            "checking arguments for embedding)"
        )
    known(indices, weight._node.shape[0], IndexError, "index out of range in self")
    ids = indices._read()
    scales = _frequencies(ids) if scale_grad_by_freq else None

    def f(w: Node) -> Node:
        rows = lang.embedding(w, ids)
        return _silenced(rows, ids, padding_idx, scales) if MODE.grad else rows

    return apply("Embedding", f, weight)


def _frequencies(ids: Node) -> Node:
    found = value(ids)
    _, inverse, counts = np.unique(found, return_inverse=True, return_counts=True)
    return placed((1.0 / counts)[inverse].reshape(found.shape), ids.device)


def _silenced(rows: Node, ids: Node, padding_idx: int, scales: Node | None) -> Node:
    """The rows as they are, whose gradient is zero at the padding, and scaled."""
    if padding_idx < 0 and scales is None:
        return rows
    shape = (*ids.shape, 1)
    if padding_idx >= 0:
        other = g.reshape(g.not_equal(ids, padding_idx), shape)
        rows = g.where(other, rows, _stopped(rows))
    if scales is not None:
        by = g.cast(g.reshape(scales, shape), rows.dtype)
        rows = g.add(g.multiply(rows, by), g.multiply(_stopped(rows), g.subtract(1, by)))
    return rows


def _stopped(x: Node) -> Node:
    """The same values, through which no gradient goes."""
    return still(x)


@nn("embedding_renorm_", torch=True)
def embedding_renorm_(
    input: Tensor, indices: Tensor, max_norm: float, norm_type: float
) -> Tensor:
    """Rows at indices whose norm is larger made that long, in place. Raises RuntimeError."""
    if input.ndim != 2:
        raise RuntimeError(
            f"Expected 2-dimensional tensor, but got {input.ndim}-dimensional tensor for argument "
            "#1 'self' (while checking arguments for embedding_renorm_)"
        )
    table = np.array(value(input._read()))
    for i in np.unique(value(indices._read())):
        length = np.linalg.norm(table[i].astype(np.float64), norm_type)
        if length > max_norm:
            table[i] *= max_norm / (length + 1e-7)
    input._write(placed(table, input._node.device))
    return input


@nn("embedding_bag", torch=True)
def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor | None, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """Sums (0), means (1) or maxima (2) of the rows of each bag; the rest of the tuple is None."""
    kind = ("sum", "mean", "max")[mode]
    longest = _longest(indices, offsets, include_last_offset) if kind == "max" else None
    options = kind, include_last_offset, padding_idx, longest
    inputs = weight, indices, offsets, per_sample_weights
    return apply_fixed("EmbeddingBag", _embedding_bag, options, *inputs), None, None, None


def _embedding_bag(
    w: Node, ids: Node, starts: Node | None, s: Node | None, kind: str, last: bool,
    padding: int | None, longest: int | None,
) -> Node:  # fmt: skip
    return lang.embedding_bag(w, ids, starts, kind, s, last, padding, longest)


def _longest(ids: Tensor, starts: Tensor | None, include_last: bool) -> int | None:
    """The most ids that a bag has, where that can be known before it is computed."""
    if starts is None or TRACING.depth:
        return None
    begins = value(starts._read())
    ends = begins[: len(begins) - bool(include_last)]
    return int(np.diff(ends, append=ids._node.size).max(initial=0))


@nn("one_hot")
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at each index along a new last axis, else 0."""
    if tensor.dtype is not _dtypes.int64:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor."
        )
    found = value(tensor._read())
    if num_classes == -1 and not found.size:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if found.size and found.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(found.max()) + 1
    elif found.size and found.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap(lang.one_hot(tensor._read(), num_classes))


# --- distances ------------------------------------------------------------------------------------


@nn("cosine_similarity", torch=True)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1·x2 over the product of norms, along an axis. Raises RuntimeError for shapes, integers."""
    shape = broadcast(x1._node.shape, x2._node.shape)
    of = _dtypes.promote(x1.dtype, x2.dtype)
    if of._rank < 2:
        raise RuntimeError(
            "expected common dtype to be floating point, yet common dtype is "
            f"{_dtypes.TITLES[of]}"
        )
    a = axis(dim, len(shape))
    near = to_dtype(x1, of), to_dtype(x2, of)
    return apply_fixed("~SumBackward1", norm.cosine_similarity, (a, eps), *near)


@nn("pdist", torch=True)
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Distances of all pairs of rows. Raises RuntimeError for integers."""
    if input.dtype._rank != 2:
        raise RuntimeError("pdist only supports floating-point dtypes")
    return apply("PdistForward", lambda x: norm.pdist(x, p), input)


# --- cells ----------------------------------------------------------------------------------------


def _gates(x: Tensor, h: Tensor, w_x: Tensor, w_h: Tensor, b_x: Any, b_h: Any) -> tuple[Any, Any]:
    return linear(x, w_x, b_x), linear(h, w_h, b_h)


@nn("lstm_cell", torch=True)
def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """One step of an LSTM: the new hidden and cell states."""
    h, c = hx
    a, b = _gates(input, h, w_ih, w_hh, b_ih, b_hh)
    i, f, n, o = FUNCTIONS["chunk"](a + b, 4, -1)
    new = f.sigmoid() * c + i.sigmoid() * n.tanh()
    return o.sigmoid() * new.tanh(), new


@nn("gru_cell", torch=True)
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Any:  # fmt: skip
    """One step of a GRU: the new hidden state."""
    a, b = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    r_x, z_x, n_x = FUNCTIONS["chunk"](a, 3, -1)
    r_h, z_h, n_h = FUNCTIONS["chunk"](b, 3, -1)
    r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
    n = (n_x + r * n_h).tanh()
    return (hx - n) * z + n


def _plain_cell(name: str, squash: str) -> None:
    def cell(
        input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
        b_hh: Tensor | None = None,
    ) -> Any:  # fmt: skip
        a, b = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
        return getattr(a + b, squash)()

    cell.__doc__ = f"One step of a recurrent layer with {squash}."
    nn(name, torch=True)(cell)


_plain_cell("rnn_tanh_cell", "tanh")
_plain_cell("rnn_relu_cell", "relu")


@nn("pad_sequence")
def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:  # fmt: skip
    """Sequences of different lengths as one tensor, filled up."""
    longest = max(s._node.shape[0] for s in sequences)
    out = []
    for s in sequences:
        missing = longest - s._node.shape[0]
        fill = s.new_full((missing, *s._node.shape[1:]), padding_value)
        out.append(FUNCTIONS["cat"]([s, fill] if padding_side == "right" else [fill, s], 0))
    return FUNCTIONS["stack"](out, 0 if batch_first else 1)  # type: ignore[no-any-return]
