"""Losses as PyTorch defines them, with its reductions.

What enters: nodes of one floating-point dtype, targets among them; classes are integers. What
leaves: nodes over the rows of `ops/`; half precision is computed in single. Shapes that don't fit
are refused with PyTorch's texts; a class out of range raises IndexError with the value. It must not
know faces.
"""

from math import inf, pi, prod
from math import log as ln

from .._base.dtypes import int64, kind
from ..ir.node import Node
from ..ops import g
from ..ops.scan import along, take_along
from . import nn
from ._checks import as_dtype, full, part, with_gradient_of
from .activation import in_single
from .norm import clamp_min, pairwise_distance

COSINE_EPS = 1e-12
NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
    "int64": "Long", "float16": "Half", "bfloat16": "BFloat16", "float32": "Float",
    "float64": "Double",
}  # fmt: skip
"""PyTorch's names of dtypes in texts."""


def reduced(loss: Node, reduction: str) -> Node:
    """The loss, or its mean or sum over everything. Raises ValueError for another word."""
    if reduction == "none":
        return loss
    total = g.sum(loss, tuple(range(loss.ndim)))
    if reduction == "sum":
        return total
    if reduction != "mean":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return total / float(loss.size)


def _zero(x: Node) -> Node:
    return g.constant(0, x)


# --- of differences -------------------------------------------------------------------------------


@in_single
def mse(x: Node, target: Node, reduction: str = "mean") -> Node:
    """(x - target)²."""
    return reduced(g.square(x - target), reduction)


@in_single
def l1(x: Node, target: Node, reduction: str = "mean") -> Node:
    """|x - target|."""
    return reduced(g.abs(x - target), reduction)


@in_single
def smooth_l1(x: Node, target: Node, reduction: str = "mean", beta: float = 1.0) -> Node:
    """Half the square over beta nearer than beta, else the distance less half of beta."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    z = g.abs(x - target)
    if beta == 0:
        return reduced(z, reduction)
    near = g.less(z, g.constant(beta, z))
    return reduced(g.where(near, 0.5 * z * z / beta, z - 0.5 * beta), reduction)


@in_single
def huber(x: Node, target: Node, reduction: str = "mean", delta: float = 1.0) -> Node:
    """Half the square up to delta, then linear. Raises RuntimeError unless delta is positive."""
    if not delta > 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    z = g.abs(x - target)
    near = g.less_equal(z, g.constant(delta, z))
    return reduced(g.where(near, 0.5 * z * z, delta * (z - 0.5 * delta)), reduction)


# --- of probabilities and rates -------------------------------------------------------------------


def _weighted(loss: Node, weight: Node | None) -> Node:
    return loss if weight is None else loss * weight


@in_single
def binary_cross_entropy(
    x: Node, target: Node, weight: Node | None = None, reduction: str = "mean"
) -> Node:
    """-(t log x + (1 - t) log(1 - x)), logarithms not below -100; x is not checked to be in
    [0, 1].
    """
    return reduced(_weighted(g.bce(x, target), weight), reduction)


def _log_sigmoid(x: Node) -> Node:
    return g.minimum(x, 0.0) - g.log1p(g.exp(-g.abs(x)))


@in_single
def binary_cross_entropy_with_logits(
    x: Node,
    target: Node,
    weight: Node | None = None,
    reduction: str = "mean",
    pos_weight: Node | None = None,
) -> Node:
    """`binary_cross_entropy` of sigmoid(x), positives weighted by `pos_weight`."""
    of_log = _log_sigmoid(x)
    if pos_weight is not None:
        of_log = ((pos_weight - g.constant(1, x)) * target + 1.0) * of_log
    return reduced(_weighted((1.0 - target) * x - of_log, weight), reduction)


def xlogx(t: Node) -> Node:
    """t log t, 0 at 0."""
    zero = g.equal(t, 0.0)
    safe = g.where(zero, g.constant(1, t), t)
    return g.where(zero, _zero(t), t * g.log(safe))


@in_single
def kl_div(x: Node, target: Node, reduction: str = "mean", log_target: bool = False) -> Node:
    """t (log t - x) for x a logarithm of probabilities; "batchmean" divides by the examples."""
    loss = g.exp(target) * (target - x) if log_target else xlogx(target) - target * x
    if reduction == "batchmean":
        total = reduced(loss, "sum")
        return total / float(x.shape[0]) if x.ndim else total
    return reduced(loss, reduction)


@in_single
def poisson_nll(
    x: Node,
    target: Node,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Node:
    """exp(x) - t x, or x - t log(x + eps); `full` adds Stirling's term where t > 1."""
    loss = g.exp(x) - target * x if log_input else x - target * g.log(x + eps)
    if full:
        small = g.less_equal(target, 1.0)
        t = g.where(small, g.constant(2, target), target)
        term = t * g.log(t) - t + 0.5 * g.log(2 * pi * t)
        loss = loss + g.where(small, _zero(t), term)
    return reduced(loss, reduction)


@in_single
def gaussian_nll(
    x: Node,
    target: Node,
    variance: Node,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Node:
    """½ (log v + (x - t)² / v), the variance not below eps; `full` adds ½ log 2π."""
    v = clamp_min(variance, eps)
    loss = 0.5 * (g.log(v) + g.square(x - target) / v)
    return reduced(loss + 0.5 * ln(2 * pi) if full else loss, reduction)


# --- of classes -----------------------------------------------------------------------------------


def _check_classes(x: Node, target: Node) -> None:
    """Raises ValueError or RuntimeError where a target isn't shaped as x without its classes."""
    if not x.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if x.ndim == 1:
        if target.shape not in ((), (1,)):
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]}"
            )
    elif target.ndim and target.shape[0] != x.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
            f"({target.shape[0]})."
        )
    elif target.shape != x.shape[:1] + x.shape[2:]:
        raise RuntimeError(_misfit(x, target))


def _misfit(x: Node, target: Node) -> str:
    """PyTorch's text for a target of another shape, which depends on the number of axes."""
    if x.ndim == 2:
        return "0D or 1D target tensor expected, multi-target not supported"
    if x.ndim == 4 and target.ndim != 3:
        return (
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
            f"{target.ndim}"
        )
    if x.ndim == 4:
        return f"size mismatch (got input: {list(x.shape)} , target: {list(target.shape)}"
    return f"Expected target size {[x.shape[0], *x.shape[2:]]}, got {list(target.shape)}"


def _check_weight(x: Node, weight: Node | None, who: str = "") -> None:
    c = x.shape[1 if x.ndim > 1 else 0]
    if weight is not None and weight.shape != (c,):
        raise RuntimeError(
            f"{who}weight tensor should be defined either for all {c} classes or no classes but "
            f"got weight tensor of shape: {list(weight.shape)}"
        )


def _of_class(x: Node, places: Node) -> Node:
    """x at a class for each place, the class axis dropped."""
    axis = 1 if x.ndim > 1 else 0
    indices = [along(g, places.shape, a, x.device) for a in range(places.ndim)]
    return g.gather([x, *indices[:axis], places, *indices[axis:]])


def _places(target: Node, ignore_index: int, classes: int) -> tuple[Node, Node]:
    """Which targets count, and classes to read: 0 where ignored, out of range where negative."""
    t = as_dtype(target, int64)
    counted = g.not_equal(t, g.constant(ignore_index, t))
    below = g.where(g.less(t, 0), t - classes, t)
    return counted, g.where(counted, below, _zero(t))


@in_single
def nll(
    x: Node,
    target: Node,
    weight: Node | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Node:
    """-x at the target's class (axis 1), weighted by class; the mean is over weights that count.

    Raises ValueError, RuntimeError for shapes, IndexError with the value for a class out of range.
    """
    _check_classes(x, target)
    _check_weight(x, weight)
    if kind(target.dtype) == "f":
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {NAMES[target.dtype.name]}"
        )
    target = g.reshape(target, ()) if x.ndim == 1 else target
    counted, places = _places(target, ignore_index, x.shape[1 if x.ndim > 1 else 0])
    weights = _class_weights(x, counted, places, weight)
    each = -_of_class(x, places)
    loss = g.where(counted, each if weight is None else each * weights, _zero(x))
    return loss if reduction == "none" else _averaged(loss, weights, reduction)


def _class_weights(x: Node, counted: Node, places: Node, weight: Node | None) -> Node:
    """The weight of each target, 0 where it doesn't count."""
    if weight is None:
        return g.cast(counted, x.dtype)
    return g.where(counted, g.gather([weight, places]), _zero(x))


def _averaged(loss: Node, weights: Node, reduction: str) -> Node:
    """The sum, or its ratio to the sum of the weights."""
    total = reduced(loss, "sum")
    if reduction == "sum":
        return total
    if reduction != "mean":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return total / g.sum(weights, tuple(range(weights.ndim)))


@in_single
def cross_entropy(
    x: Node,
    target: Node,
    weight: Node | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Node:
    """`nll` of the logarithm of softmax over classes (axis 1; 0 for one example).

    A target of x's shape and a floating-point dtype has probabilities. Raises as `nll`.
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    axis = 1 if x.ndim > 1 else 0
    logs = nn.log_softmax(x, axis)
    if target.shape == x.shape:
        return _of_probabilities(logs, target, weight, reduction, label_smoothing, axis)
    plain = nll(logs, target, weight, ignore_index, reduction)
    target = g.reshape(target, ()) if x.ndim == 1 else target
    if label_smoothing == 0:
        return plain
    counted, places = _places(target, ignore_index, x.shape[axis])
    scaled = logs if weight is None else logs * _line(weight, logs, axis)
    smooth = g.where(counted, -g.sum(scaled, (axis,)), _zero(x))
    if reduction != "none":
        smooth = _averaged(smooth, _class_weights(x, counted, places, weight), reduction)
    share: float = label_smoothing / x.shape[axis]
    return plain * (1 - label_smoothing) + smooth * share


def _line(weight: Node, x: Node, axis: int) -> Node:
    return g.reshape(weight, (weight.shape[0], *(1,) * (x.ndim - axis - 1)))


def _of_probabilities(
    logs: Node, target: Node, weight: Node | None, reduction: str, smoothing: float, axis: int
) -> Node:
    if kind(target.dtype) != "f":
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{NAMES[target.dtype.name]}"
        )
    _check_weight(logs, weight, "cross_entropy: ")
    t = as_dtype(target, logs.dtype)
    if smoothing:
        t = t * (1 - smoothing) + smoothing / logs.shape[axis]
    scaled = logs * t if weight is None else logs * t * _line(weight, logs, axis)
    loss = -g.sum(scaled, (axis,))
    if reduction == "mean":
        return reduced(loss, "sum") / float(prod(loss.shape))
    return reduced(loss, reduction)


# --- margins --------------------------------------------------------------------------------------


def _above(x: Node) -> Node:
    """x where it is positive, else 0, with derivative 0 at 0."""
    return g.relu(x)


@in_single
def hinge_embedding(x: Node, target: Node, margin: float = 1.0, reduction: str = "mean") -> Node:
    """x for targets 1, max(0, margin - x) for -1, both for others."""
    far = g.where(g.equal(target, 1.0), _zero(x), clamp_min(margin - x, 0.0))
    near = g.where(g.equal(target, -1.0), _zero(x), x)
    return reduced(far + near, reduction)


@in_single
def margin_ranking(
    x: Node, y: Node, target: Node, margin: float = 0.0, reduction: str = "mean"
) -> Node:
    """max(0, margin - t (x - y))."""
    return reduced(clamp_min((-target) * (x - y) + margin, 0.0), reduction)


@in_single
def soft_margin(x: Node, target: Node, reduction: str = "mean") -> Node:
    """log(1 + exp(-t x))."""
    return reduced(g.log1p(g.exp(-target * x)), reduction)


def _rows(x: Node) -> Node:
    if x.ndim > 2 or (x.ndim and x.shape[-1] == 0):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(x.shape)}"
        )
    return x if x.ndim == 2 else g.reshape(x, (1, x.size))


def _each_row(loss: Node, x: Node, target: Node) -> Node:
    """A row's loss is a number where neither the input nor the target has rows."""
    return g.reshape(loss, ()) if x.ndim < 2 and not target.ndim else loss


@in_single
def multi_margin(
    x: Node,
    target: Node,
    p: int = 1,
    margin: float = 1.0,
    weight: Node | None = None,
    reduction: str = "mean",
) -> Node:
    """Σ max(0, margin - x[t] + x[i])ᵖ over the other classes, over their number.

    Raises RuntimeError for shapes, ValueError for p, IndexError for classes with the value.
    """
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    rows = _rows(x)
    t = g.reshape(as_dtype(target, int64), (target.size,))
    if t.shape[0] != rows.shape[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{rows.shape[0]}], but got "
            f"{list(target.shape)}. Input has shape {list(x.shape)}."
        )
    if weight is not None and weight.shape != rows.shape[1:]:
        raise RuntimeError(
            f"inconsistent weight size, expected {rows.shape[1]} but got {list(weight.shape)}"
        )
    n, c = rows.shape
    own = g.reshape(_of_class(rows, t), (n, 1))
    z = _above(margin - own + rows)
    z = z if p == 1 else z * z
    if weight is not None:
        z = z * g.reshape(g.gather([weight, t]), (n, 1))
    numbers = g.iota(c, int64, x.device)
    others = g.not_equal(g.reshape(t, (n, 1)), numbers)
    loss = g.sum(g.where(others, z, _zero(z)), (1,)) / float(c)
    return reduced(_each_row(loss, x, target), reduction)


def _listed(target: Node) -> tuple[Node, Node]:
    """Which listed classes count (before the first -1), and the classes, 0 elsewhere."""
    t = as_dtype(target, int64)
    open_ = g.cast(g.less_equal(g.constant(0, t), t), int64)
    valid = g.equal(g.cumprod(open_, 1), 1)
    return valid, g.where(valid, t, _zero(t))


@in_single
def multilabel_margin(x: Node, target: Node, reduction: str = "mean") -> Node:
    """Σ max(0, 1 - (x[j] - x[i])) over listed classes j and all others i, over all classes.

    `target` lists classes of each example up to a -1. Raises RuntimeError for shapes.
    """
    rows = _rows(x)
    if target.shape != x.shape and not (target.size == x.size == 1):
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(x.shape)}"
        )
    lists = g.reshape(target, rows.shape)
    n, c = rows.shape
    valid, places = _listed(lists)
    numbers = g.iota(c, int64, x.device)
    hits = g.equal(g.reshape(places, (n, c, 1)), numbers)
    hits = g.logical_and(hits, g.reshape(valid, (n, c, 1)))
    other = g.reshape(g.invert(g.any(hits, (1,))), (n, 1, c))
    own = g.reshape(take_along(g, rows, places, 1), (n, c, 1))
    z = _above(1.0 - own + g.reshape(rows, (n, 1, c)))
    pairs = g.logical_and(other, g.reshape(valid, (n, c, 1)))
    loss = g.sum(g.where(pairs, z, _zero(z)), (1, 2)) / float(c)
    return reduced(loss if x.ndim > 1 else g.reshape(loss, ()), reduction)


@in_single
def multilabel_soft_margin(
    x: Node, target: Node, weight: Node | None = None, reduction: str = "mean"
) -> Node:
    """The mean over classes (last axis) of -(t log σ(x) + (1 - t) log σ(-x))."""
    loss = -(target * _log_sigmoid(x) + (1.0 - target) * _log_sigmoid(-x))
    loss = _weighted(loss, weight)
    return reduced(g.sum(loss, (x.ndim - 1,)) / float(x.shape[-1]), reduction)


@in_single
def triplet_margin(
    anchor: Node,
    positive: Node,
    negative: Node,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Node:
    """max(0, margin + d(a, p) - d(a, n)); `swap` takes d(p, n) where it is smaller."""
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = g.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(clamp_min(margin + near - far, 0.0), reduction)


@in_single
def cosine_embedding(
    x: Node, y: Node, target: Node, margin: float = 0.0, reduction: str = "mean"
) -> Node:
    """1 - cos for targets 1, max(0, cos - margin) for -1. Raises RuntimeError for shapes."""
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if {x.ndim, y.ndim} != {target.ndim + 1}:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            f"inputs with sizes {list(x.shape)} and {list(y.shape)}."
        )
    axis = (target.ndim,)
    inner = g.sum(x * y, axis)
    sizes = [g.sum(v * v, axis) + COSINE_EPS for v in (x, y)]
    cos = inner / g.sqrt(sizes[0] * sizes[1])
    near = g.where(g.equal(target, 1.0), 1.0 - cos, _zero(cos))
    far = g.where(g.equal(target, -1.0), clamp_min(cos - margin, 0.0), _zero(cos))
    return reduced(near + far, reduction)


# --- sequences ------------------------------------------------------------------------------------


def _shifted(x: Node, by: int, first: Node) -> Node:
    """Columns moved to the right, `first` coming in."""
    n, s = x.shape
    head = g.broadcast_to(first, (n, min(by, s)))
    return g.concat([head, part(x, 1, 0, s - by)], 1) if s > by else head


@in_single
def ctc_each(
    logs: Node, targets: Node, input_lengths: Node, target_lengths: Node, blank: int = 0
) -> Node:
    """-log p of each labelling (Graves et al., 2006), by the forward recursion; inf of none. Of no
    steps only the empty labelling comes.

    `logs` is (time, examples, classes), `targets` (examples, longest) of int64.
    """
    steps, n, _ = logs.shape
    s = 2 * targets.shape[1] + 1
    blanks = full(blank, (n, targets.shape[1], 1), targets)
    pairs = g.concat([blanks, g.reshape(targets, (*targets.shape, 1))], 2)
    labels = g.concat([g.reshape(pairs, (n, s - 1)), full(blank, (n, 1), targets)], 1)
    low, zero = g.constant(-inf, logs), _zero(logs)
    skip = g.logical_and(
        g.not_equal(labels, blank), g.not_equal(labels, _shifted(labels, 2, _zero(labels)))
    )
    numbers = g.broadcast_to(g.iota(s, int64, logs.device), (n, s))
    places = g.broadcast_to(g.reshape(labels, (1, n, s)), (steps, n, s))
    emissions = take_along(g, logs, places, 2)
    later = g.less(0, g.reshape(g.iota(steps, int64, logs.device), (steps, 1, 1)))
    begun = g.where(g.logical_or(later, g.less(numbers, 2)), emissions, low)
    alpha = _last(g.log_walk(begun, g.where(skip, zero, low)), as_dtype(input_lengths, int64))
    of_target = as_dtype(target_lengths, int64)
    each = -_ends(alpha, g.reshape(of_target, (n, 1)), numbers, low)
    nothing = g.where(g.equal(of_target, 0), zero, g.constant(inf, logs))
    return g.where(g.less(0, g.reshape(as_dtype(input_lengths, int64), (n,))), each, nothing)


def _last(alpha: Node, lengths: Node) -> Node:
    """The states of each example at its last step."""
    steps, n, states = alpha.shape
    if not steps:
        return full(0.0, (n, states), alpha)
    last = g.minimum(g.maximum(g.reshape(lengths, (n,)) - 1, 0), steps - 1)
    return g.gather([alpha, last, g.iota(n, int64, alpha.device)])


def _ends(alpha: Node, lengths: Node, numbers: Node, low: Node) -> Node:
    """The logarithm of the sum of the last two states of each example."""
    n, _ = alpha.shape
    last = g.logical_or(g.equal(numbers, lengths * 2), g.equal(numbers, lengths * 2 - 1))
    kept = g.where(last, alpha, low)
    top = g.max(kept, (1,))
    nothing = g.equal(top, low)
    shift = g.where(nothing, _zero(top), top)
    total = g.sum(g.exp(kept - g.reshape(shift, (n, 1))), (1,))
    safe = g.where(nothing, g.constant(1, total), total)
    return g.where(nothing, low, g.log(safe) + shift)


def _of_softmax(logs: Node, input_lengths: Node) -> Node:
    """What brings the gradient of log-probabilities to that of what they are the log-softmax of,
    as PyTorch gives it: the sum of all probabilities at times that count.
    """
    steps, n, _ = logs.shape
    times = g.reshape(g.iota(steps, int64, logs.device), (steps, 1, 1))
    lengths = g.reshape(as_dtype(input_lengths, int64), (1, n, 1))
    return g.sum(g.where(g.less(times, lengths), g.exp(logs), _zero(logs)), (0, 2))


@in_single
def ctc(
    logs: Node,
    targets: Node,
    input_lengths: Node,
    target_lengths: Node,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Node:
    """`ctc_each` reduced; the mean divides each by its target's length first, 1 at least.

    Gradients are PyTorch's: those of the logits that the log-probabilities are made of.
    """
    each = ctc_each(logs, targets, input_lengths, target_lengths, blank)
    each = with_gradient_of(each, each + _of_softmax(logs, input_lengths))
    if zero_infinity:
        each = g.where(g.isinf(each), _zero(each), each)
    if reduction != "mean":
        return reduced(each, reduction)
    lengths = g.maximum(as_dtype(target_lengths, int64), 1)
    return reduced(each / g.cast(lengths, each.dtype), "mean")
