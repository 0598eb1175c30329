"""What is drawn on a CUDA device: distributions over the words that PyTorch's CUDA generator gives.

What enters: shapes, dtypes, parameters, nodes of probabilities. What leaves: nodes, whose place in
the stream was taken when they were made. Methods and refusals are those of `_random.Engine`, but
that nothing is looked at which a device holds.

Words, uniform numbers, integers and permutations are PyTorch's, bit for bit. So are normal numbers
and those made by a logarithm, an exponential or a tangent, but for the last digits: PyTorch takes a
GPU's approximate functions there, these are the graph's own. Rejection
(`poisson`, `binomial`, gamma) goes through the CPU's methods, seeded from the stream. It must not
know tensors or generators.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._base.devices import Device
from .._base.dtypes import canonical, float32, float64, int64, real_of, uint64
from .._base.shapes import Shape
from ..ir.node import Node, known, leaf
from ..ops import g
from ..ops.philox import EVEN, ODD
from . import _random_checks as check
from ._device_choices import check_weights, chosen, chosen_once, shuffled
from ._driver import CAPTURE
from ._host import placed_new, value
from ._philox import Philox, threads
from ._random import WIDE, Engine
from ._random_math import rounded

__all__ = ["Draws"]

DType = np.dtype[Any]
Taken = tuple[tuple[int, ...], ...]

# What the elements that a counter serves are made of: one word each; one of the first two; the
# first one; the first two; two each, of which the first one is the lower or the upper half; pairs,
# of which an even element is the sine and an odd one the cosine; the first two of four; the last.
ONE: Taken = ((0, 1, 2, 3),)
TWO: Taken = ((0, 1),)
ALONE: Taken = ((0,),)
FIRST: Taken = ((0,), (1,))
LOW_FIRST: Taken = ((0, 2), (1, 3))
HIGH_FIRST: Taken = ((1, 3), (0, 2))
PAIRS: Taken = ((1 | EVEN, 1 | ODD, 3 | EVEN, 3 | ODD), (0, 0, 2, 2))
FIRST_HALF: Taken = ((0, 0), (1, 1))
LAST_HALF: Taken = ((2, 2), (3, 3))

_LOW = 0xFFFFFFFF
# Bytes that PyTorch draws at a time: what 32 bits count. Larger tensors are halved.
MOST_BYTES = (1 << 31) - 1
# Which numbers of the stream a row of rejections is taken to use.
_REJECTED = {"poisson": 5, "binomial": 11, "gamma": 3}
# Threads of a block that choose for one line, and lines for which blocks choose at once.
_SAMPLES, _LINES = 128, 65535
# PyTorch's constants, in single precision: 2π / 2³², and π.
_TURN = float(np.float32(2.0**-32) * np.float32(2 * math.pi))
_PI = float(np.float32(math.pi))


def _uint(words: Node, mask: int) -> Node:
    return g.bitwise_and(words, mask)


def _number(numbers: Node, dtype: DType) -> Node:
    """Uniform in (0, 1] from integers: their middles in single precision, multiples of 2⁻⁵³ and
    half of that in double.
    """
    if dtype == float64:
        return g.cast(numbers, float64) * 2.0**-53 + 2.0**-54
    return g.cast(numbers, float32) * 2.0**-32 + 2.0**-33


@functools.lru_cache
def _first_word(p: float) -> int:
    """The first word of 32 bits whose number in (0, 1], in single precision, is not below p."""
    low, high = 0, 1 << 32
    while low < high:
        middle = (low + high) // 2
        if float(np.float32(middle) * np.float32(2.0**-32) + np.float32(2.0**-33)) < p:
            low = middle + 1
        else:
            high = middle
    return low


def _mixed(words: Node) -> Node:
    """Integers below 2⁵³ of two words, the first one below."""
    return g.bitwise_xor(_uint(words, _LOW), g.left_shift(g.right_shift(words, 32), 21))


def _fma(x: Node, factor: float, summand: float) -> Node:
    """x * factor + summand, rounded once in single precision, as a GPU does it."""
    if x.dtype is float64:
        return x * factor + summand
    return g.cast(g.cast(x, float64) * factor + summand, float32)


def _sine_of_turns(v: Node, quarters: Node) -> Node:
    """sin(π v + π/2 quarters) for 0 <= v < 2, in double precision."""
    nearest = g.round(v * 2.0)
    angle = (v - nearest * 0.5) * math.pi
    m = g.remainder(nearest + quarters, 4.0)
    sine = g.where(g.equal(g.remainder(m, 2.0), 0.0), g.sin(angle), g.cos(angle))
    return g.where(g.less_equal(2.0, m), -sine, sine)


def _parts(count: int, size: int) -> list[int]:
    """How many elements of so many bytes are drawn at a time, in order."""
    if (count - 1) * size < MOST_BYTES:
        return [count]
    return [*_parts(count // 2, size), *_parts(count - count // 2, size)]


class Draws:
    """A generator's stream, drawn from on a device."""

    def __init__(self, philox: Philox, device: Device) -> None:
        self._philox, self._device = philox, device

    # --- words ------------------------------------------------------------------------------------

    def _state(self, counters: int, *bound: int) -> Node:
        """An input that the host fills, as a number is, so that CUDA graphs are run with others."""
        seed, position = self._philox.take(counters)
        node = known(np.array((seed, position, *bound), np.uint64), uint64, self._device)
        if CAPTURE.graph is not None:
            CAPTURE.draws.append((node, self._philox, position, counters, bound))
        return node

    def _empty(self, shape: Shape, dtype: DType) -> Node:
        return placed_new(np.empty(shape, dtype), self._device)

    def _counters(self, count: int, per: int) -> int:
        """How many counters each thread takes for so many elements, of which a counter serves some
        at a time.
        """
        return -(-count // (threads(count, self._device) * per))

    def _drawn(self, shape: Shape, dtype: DType, per: int, draw: Callable[[Shape], Node]) -> Node:
        """What is drawn for a tensor, part by part where it has more than `MOST_BYTES`. PyTorch
        takes the counters of the whole first, and leaves them.
        """
        sizes = _parts(math.prod(shape), dtype.itemsize)
        if len(sizes) == 1:
            return draw(shape)
        self._state(self._counters(math.prod(shape), per))
        return g.reshape(g.concat([draw((n,)) for n in sizes], 0), shape)

    def _words(self, shape: Shape, *taken: Taken, run: int = 1) -> list[Node]:
        """Words by threads that go over all elements, as most of PyTorch's kernels do; of several
        ways to take them from the same counters, all.
        """
        count = math.prod(shape)
        most, per = threads(count, self._device), len(taken[0][0])
        state = self._state(self._counters(count, per))
        return [g.philox(state, shape, most, run, each) for each in taken]

    def _unit(self, shape: Shape, dtype: DType) -> Node:
        """Uniform in (0, 1], in the precision that a dtype is computed in."""
        if dtype == float64:
            words = self._each(shape, dtype, LOW_FIRST)
            return _number(_mixed(words), dtype)
        return _number(self._each(shape, dtype, ONE), dtype)

    def _each(self, shape: Shape, dtype: DType, taken: Taken) -> Node:
        """Words for the elements of a tensor."""
        per = len(taken[0])
        return self._drawn(shape, dtype, per, lambda part: self._words(part, taken)[0])

    def _complex(self, draw: Callable[..., Node], shape: Shape, dtype: DType, *args: float) -> Node:
        parts = draw((math.prod(shape), 2), real_of(dtype), *args)
        return g.reshape(g.bitcast(parts, canonical(dtype)), shape)

    # --- uniform ----------------------------------------------------------------------------------

    def uniform(self, shape: Shape, dtype: DType, low: float = 0.0, high: float = 1.0) -> Node:
        """Numbers in [low, high); what would be `high` is `low`."""
        if dtype.kind == "c":
            return self._complex(self.uniform, shape, dtype, low, high)
        check.uniform_bounds(low, high, dtype)
        if not math.prod(shape):
            return self._empty(shape, dtype)
        first, last = rounded(np.array([low, high]), dtype)
        u = self._unit(shape, dtype)
        if (low, high) != (0.0, 1.0):
            u = _fma(u, float(last - first), float(first))
        found = g.cast(u, canonical(dtype))
        return g.where(g.equal(found, float(last)), float(first), found)

    def bernoulli(self, shape: Shape, dtype: DType, p: float) -> Node:
        """Ones with probability p, else zeros."""
        check.unit_interval("bernoulli_", p, closed=True)
        check.implemented("bernoulli_scalar_cuda_", dtype, check.FLOATING | check.SIGNED | {"bool"})
        if not math.prod(shape):
            return self._empty(shape, dtype)
        if dtype == float64:
            return g.cast(g.less(self._unit(shape, dtype), p), float64)
        limit = float(np.float32(p))
        below = self._drawn(shape, dtype, 4, lambda part: self._below(part, limit, 1, ONE))
        return g.cast(below, canonical(dtype))

    def _below(self, shape: Shape, p: float, run: int, taken: Taken) -> Node:
        """Where uniform numbers in single precision are below p, by their words."""
        count = math.prod(shape)
        most = threads(count, self._device)
        state = self._state(self._counters(count, 4), _first_word(p))
        return g.philox(state, shape, most, run, taken)

    def bernoulli_each(self, p: Node, dtype: DType) -> Node:
        """Ones with the probability that stands in `p` for each; no probability is refused."""
        check.implemented(
            "bernoulli_tensor_cuda_self_", dtype, check.FLOATING | check.SIGNED | {"bool"}
        )
        if p.dtype.name not in check.FLOATING:
            title = check.scalar_type(p.dtype)
            raise RuntimeError(f"expected probabilities tensor to have floating type, got {title}")
        if not p.size:
            return self._empty(p.shape, dtype)
        wide = float64 if dtype == float64 else float32
        words = g.philox(self._state(3), p.shape, -(-p.size // 4), 4, ONE)
        u = g.cast(_number(words, float32), wide)
        return g.cast(g.less_equal(u, g.cast(p, wide)), canonical(dtype))

    def dropout(self, shape: Shape, dtype: DType, p: float) -> Node:
        """What dropout multiplies by where PyTorch draws a mask first: zero with probability p,
        else 1 / (1 − p).
        """
        if p == 1:
            return placed_new(np.zeros(shape, dtype), self._device)
        kept = self.bernoulli(shape, dtype, 1 - p)
        exact = np.array([1.0, 1 - p])
        wide = exact if dtype == float64 else exact.astype(np.float32)
        factor = float(rounded(np.array([wide[0] / wide[1]]), dtype)[0])
        return g.where(g.not_equal(kept, 0.0), factor, g.constant(0.0, kept))

    def kept(self, shape: Shape, dtype: DType, p: float, run: int) -> tuple[Node, float]:
        """Which elements dropout keeps, bool, and what it multiplies these by. A thread has so many
        neighbours at a time: as many as a GPU reads at once, where these lie so.
        """
        check.implemented("fused_dropout", dtype, check.FLOATING)
        keep = 1.0 - p if dtype == float64 else float(np.float32(1.0 - p))
        scale = 1.0 / keep if dtype == float64 else float(np.float32(1.0 / keep))
        return self._below(shape, keep, run, TWO if run == 2 else ONE), scale

    # --- integers ---------------------------------------------------------------------------------

    def random(self, shape: Shape, dtype: DType) -> Node:
        """`random_()`: from 0 to the largest number of an integer dtype, or to the last of those
        that a floating-point dtype holds without gaps.
        """
        check.implemented("random_kernel_cuda", dtype, check.FLOATING | check.SIGNED | {"bool"})
        if not math.prod(shape):
            return self._empty(shape, dtype)
        long = dtype.name in {"int64", "float64"}
        if dtype.name in check.FLOATING:
            last = 1 << check.digits(dtype)
        else:
            last = 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)
        return self._from(shape, dtype, last + 1, 0, long)

    def integers(self, shape: Shape, dtype: DType, low: int, high: int | None = None) -> Node:
        """`random_(low, high)` and `randint`: integers from low up to high, high left out."""
        if high is None and low == check.LOWEST:
            return self._all_integers(shape, dtype)
        low, last = check.integer_bounds(low, high, dtype)
        if not math.prod(shape):
            return self._empty(shape, dtype)
        span = last - low + 1
        return self._from(shape, dtype, span, low, span >= WIDE)

    def _from(self, shape: Shape, dtype: DType, span: int, low: int, long: bool) -> Node:
        """Words modulo a span, and so much more."""
        words = self._each(shape, dtype, HIGH_FIRST if long else ONE)
        if span < 1 << (64 if long else 32):
            words = g.remainder(words, span)
        return self._cast(g.cast(words, int64) + low, dtype)

    def _cast(self, numbers: Node, dtype: DType) -> Node:
        """int64 in a dtype, halves by way of single precision."""
        if dtype.itemsize == 2 and dtype.name in check.FLOATING:
            numbers = g.cast(numbers, float32)
        return g.cast(numbers, canonical(dtype))

    def _all_integers(self, shape: Shape, dtype: DType) -> Node:
        kernel = "random_full_64_bits_range_kernel_cuda"
        check.implemented(kernel, dtype, check.SIGNED | check.FLOATING - {"float16"})
        if dtype.name not in {"int64", "float64", "float32", "bfloat16"}:
            raise RuntimeError(f"{kernel} handles only int64, double, float and bfloat16")
        if not math.prod(shape):
            return self._empty(shape, dtype)
        return self._cast(g.cast(self._each(shape, dtype, HIGH_FIRST), int64), dtype)

    def permutation(self, count: int, dtype: DType) -> Node:
        """`randperm`: the numbers below `count` in the order of random keys.

        Of equal keys that stand side by side two or three are exchanged at random, as PyTorch
        does; four and more, which hardly happen, stay in order.
        """
        check.permutation_length(count, dtype)
        if count == 0:
            return self._empty((0,), dtype)
        wide = count - (6.0 * count * count + 1) / (math.log(0.9) * 12)
        bits = min(64, math.ceil(math.log2(wide)))
        info = np.iinfo(np.int32 if bits <= 32 else np.int64)
        keys = self.integers((count,), info.dtype, int(info.min), int(info.max))
        words = g.philox(self._state(-(-count // 4)), (count,), count, 1, FIRST)
        if bits < info.bits:
            keys = g.bitwise_and(keys, (1 << bits) - 1)
        order = g.argsort(keys, 0, False)
        return self._cast(shuffled(order, g.gather([keys, order]), words), dtype)

    def multinomial(self, weights: Node, count: int, replacement: bool = False) -> Node:
        """Indices of categories, int64, so many for each row of weights, of one or two axes."""
        check.multinomial_arguments(weights, count, replacement)
        lines = weights.shape[:-1]
        rows = g.reshape(weights, (math.prod(lines), weights.shape[-1]))
        if not rows.shape[0]:
            return self._empty((*lines, count), np.dtype(np.int64))
        check_weights(rows)
        if not replacement or count == 1:
            found = chosen_once(rows, self.exponential(rows.shape, rows.dtype), count)
        else:
            found = chosen(rows, self._samples(rows.shape[0], count))
        return g.reshape(found, (*lines, count))

    def _samples(self, lines: int, count: int) -> Node:
        """Uniform in (0, 1]: a row for each of some lines, whose threads come in blocks."""
        across = -(-count // _SAMPLES) * _SAMPLES
        most = min(lines, _LINES)
        words = g.philox(self._state(-(-lines // most)), (lines, across), most * across, 1, ALONE)
        return _number(g.slice(words, (0, 0), (lines, count), (1, 1)), float32)

    # --- normal, and by functions -----------------------------------------------------------------

    def _normals(self, shape: Shape, dtype: DType) -> Node:
        """Standard normal numbers by pairs (G. Box and M. Muller), sine first."""
        if dtype == float64:
            return self._drawn(shape, dtype, 2, self._double_normals)
        words = self._each(shape, dtype, PAIRS)
        radius = g.sqrt(g.log(_number(g.right_shift(words, 32), float32)) * -2.0)
        low = _uint(words, _LOW)
        angle = g.cast(low, float32) * _TURN + _TURN / 2
        odd = g.equal(_uint(low, 1), 1)
        return radius * g.where(odd, g.cos(angle), g.sin(angle))

    def _double_normals(self, shape: Shape) -> Node:
        count = math.prod(shape)
        u, v = self._words(shape, FIRST_HALF, LAST_HALF)
        radius = g.sqrt(g.log(_number(_mixed(u), float64)) * -2.0)
        turns = g.cast(_mixed(v), float64) * 2.0**-52 + 2.0**-53
        place = g.floor_divide(g.iota(count, int64, self._device), threads(count, self._device))
        odd = g.cast(g.reshape(_uint(place, 1), shape), float64)
        return radius * _sine_of_turns(turns, odd)

    def normal(
        self,
        shape: Shape,
        dtype: DType,
        mean: float = 0.0,
        std: float = 1.0,
        contiguous: bool = True,
    ) -> Node:
        """Normal numbers. Of complex ones, each part has half the variance."""
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        if not math.prod(shape):
            return self._empty(shape, dtype)
        if dtype.kind == "c":
            return self._complex(self.normal, shape, dtype, mean, std / math.sqrt(2.0))
        check.implemented("normal_kernel_cuda", dtype, check.FLOATING)
        drawn = self._normals(shape, dtype)
        if (mean, std) != (0.0, 1.0):
            drawn = drawn * std + mean
        return g.cast(drawn, canonical(dtype))

    def log_normal(self, shape: Shape, dtype: DType, mean: float = 1.0, std: float = 2.0) -> Node:
        """Numbers whose logarithms are normal."""
        check.positive("log_normal_", "std", std)
        check.implemented("log_normal_cuda", dtype, check.FLOATING)
        if not math.prod(shape):
            return self._empty(shape, dtype)
        return g.cast(g.exp(self._normals(shape, dtype) * std + mean), canonical(dtype))

    def exponential(self, shape: Shape, dtype: DType, rate: float = 1.0) -> Node:
        """Exponential numbers, none of them 0."""
        check.positive("exponential_", "lambda", rate)
        if not math.prod(shape):
            return self._empty(shape, dtype)
        check.floating("Exponential", dtype, check.scalar_type(dtype))
        u = self._unit(shape, dtype)
        half = float(np.finfo(u.dtype).eps) / 2
        log = g.where(g.less_equal(1.0 - half, u), -half, g.log(u))
        factor = float(u.dtype.type(-1.0) / u.dtype.type(rate))
        return g.cast(log * factor, canonical(dtype))

    def geometric(self, shape: Shape, dtype: DType, p: float) -> Node:
        """How many trials of probability p it takes."""
        check.unit_interval("geometric_", p, closed=False)
        check.implemented("geometric_cuda", dtype, check.FLOATING | check.SIGNED)
        if not math.prod(shape):
            return self._empty(shape, dtype)
        u = self._unit(shape, dtype)
        single = np.log(np.float32(1.0) - np.float32(p))
        fails = math.log1p(-p) if dtype == float64 else float(single)
        return g.cast(g.ceil(g.log(u) / fails), canonical(dtype))

    def cauchy(self, shape: Shape, dtype: DType, median: float = 0.0, sigma: float = 1.0) -> Node:
        """Cauchy numbers."""
        check.positive("cauchy_", "sigma", sigma)
        check.floating("Cauchy", dtype, check.c_name(dtype))
        if not math.prod(shape):
            return self._empty(shape, dtype)
        u = self._unit(shape, dtype)
        if dtype == float64:
            return g.tan((u - 0.5) * math.pi) * sigma + median
        least = float(np.finfo(np.float32).eps)
        u = g.maximum(g.minimum(u, 1.0 - least), least)
        return g.cast(g.tan((u - 0.5) * _PI) * sigma + median, canonical(dtype))

    # --- by the CPU's methods ---------------------------------------------------------------------

    def _engine(self, kind: str) -> Engine:
        """The CPU's methods, from a seed of the stream. Raises RuntimeError in a CUDA graph."""
        if CAPTURE.graph is not None:
            raise RuntimeError(
                f"lazytensor: the host draws {kind} numbers, which would be the same in each "
                "replay of a CUDA graph: draw them before, into a tensor that the graph reads"
            )
        state = np.array(self._philox.take(_REJECTED[kind]), np.uint64)
        return Engine(int(value(g.philox(leaf(state), (), 1, 1, LOW_FIRST))))

    def _placed(self, numbers: Any) -> Node:
        return placed_new(numbers, self._device)

    def poisson(self, rates: Node) -> Node:
        """Poisson numbers, one for each rate."""
        return self._placed(self._engine("poisson").poisson(value(rates)))

    def binomial(self, counts: Node, p: Node) -> Node:
        """Binomial numbers, one for each pair."""
        return self._placed(self._engine("binomial").binomial(value(counts), value(p)))

    def standard_gamma(self, shapes: Node) -> Node:
        """Gamma numbers of scale 1, one for each shape parameter."""
        return self._placed(self._engine("gamma").standard_gamma(value(shapes)))

    def dirichlet(self, shapes: Node) -> Node:
        """Points of the simplex, one for each row of shape parameters."""
        return self._placed(self._engine("gamma").dirichlet(value(shapes)))
