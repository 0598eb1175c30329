"""PyTorch's CPU random numbers: `Engine`, the generator with its distributions.

What enters: shapes, dtypes and parameters. What leaves: contiguous NumPy arrays that hold, number
for number, what PyTorch's CPU functions draw from the same state, and the same state afterwards.
States go both ways between `Engine.state` and `torch.get_rng_state()`.

PyTorch writes numbers to memory in the order of strides: for an output with strides of its own,
draw for the shape permuted by `memory_order`, and permute back; `normal` must be told, since it
draws otherwise where the output is not contiguous.

Everything is bit for bit as PyTorch on x86 processors with AVX2, but for three things. `binomial`
of float32 rounds log(1 − p) from float64, PyTorch takes the C library's logarithm of float32.
`dirichlet` of float64 may differ in the last place, since the order of PyTorch's sums depends on
the processor. `multinomial` without replacement puts categories of equal keys in the order of their
numbers (categories of probability zero are such), PyTorch as its selection happens to leave them.
It must not know tensors or devices.
"""

import functools
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import numpy as np

from .._base.module import Worth, module, own
from .._base.threads import renewed
from ..ops._order import argselect
from . import _random_checks as check
from . import _random_reject as reject
from ._random_bits import DEFAULT_SEED, Bits, seed_number
from ._random_integers import exchanged, from_integers, inserted, remainder
from ._random_math import box_muller, cosines_and_sines, fma, libm, rounded, truncated

__all__ = ["Engine", "memory_order"]

Array = np.ndarray[Any, Any]
DType = np.dtype[Any]
Shape = Sequence[int]
P = ParamSpec("P")
R = TypeVar("R")

_float64: DType = np.dtype(np.float64)
_REAL_OF = {np.dtype(np.complex64): np.dtype(np.float32), np.dtype(np.complex128): _float64}
# From this many elements on, permutations use 64 bits for each.
_LONG_PERMUTATION = ((1 << 32) - 1) // 20
# Up to this range one word is taken for an integer, from it on two.
WIDE = 1 << 28
_NORMAL_BLOCK = 16
# Numbers after which permutations are left to the native target.
EXCHANGED = Worth(1 << 17)

_lock = threading.RLock()
renewed(globals(), _lock=threading.RLock)


def _drawing(
    method: Callable[Concatenate["Engine", P], R],
) -> Callable[Concatenate["Engine", P], R]:
    """One call at a time: threads that share a generator share its numbers out, none is lost."""

    @functools.wraps(method)
    def locked(self: "Engine", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with _lock:
            return method(self, *args, **kwargs)

    return locked


def memory_order(shape: Shape, strides: Shape) -> tuple[int, ...]:
    """The axes of an output from the widest stride to the narrowest: how PyTorch walks through it.

    Axes of equal strides keep their order if their sizes grow, else the longer one goes inside.
    """
    order: list[int] = []
    for axis in reversed(range(len(shape))):
        at = len(order)
        while at and _is_inner(axis, order[at - 1], shape, strides):
            at -= 1
        order.insert(at, axis)
    return tuple(reversed(order))


def _is_inner(a: int, b: int, shape: Shape, strides: Shape) -> bool:
    if strides[a] == strides[b]:
        return shape[a] < shape[b]
    return strides[a] < strides[b]


class Engine:
    """A generator with the state, the seeding and the distributions of PyTorch's CPU generator."""

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._first = seed_number(seed)

    @functools.cached_property
    def _bits(self) -> Bits:
        """Made when it is first needed: NumPy's generators take 10 ms to load."""
        return Bits(self._first)

    @property
    def initial_seed(self) -> int:
        """The seed it began with, from 0 to 2⁶⁴ − 1."""
        with _lock:
            return self._bits.initial_seed

    @_drawing
    def manual_seed(self, seed: int) -> None:
        """Begin anew; negative seeds count from 2⁶⁴. Raises ValueError for more than 64 bits."""
        self._bits.seed(seed)

    @_drawing
    def seed(self) -> int:
        """Begin anew from a seed of the operating system's (53 bits), which is returned."""
        return self._bits.seed_from_system()

    @_drawing
    def state(self) -> Array:
        """The state, uint8[5056], in the format of `torch.get_rng_state()`."""
        return self._bits.state()

    @_drawing
    def set_state(self, state: Array) -> None:
        """Take over a state. TypeError for other dtypes than uint8, RuntimeError for no state."""
        self._bits.set_state(state)

    @_drawing
    def clone(self) -> "Engine":
        """Another generator in the same state."""
        other = Engine()
        other._bits = self._bits.copy()
        return other

    @_drawing
    def uniform(self, shape: Shape, dtype: DType, low: float = 0.0, high: float = 1.0) -> Array:
        """Numbers in [low, high). Complex ones have both parts from there.

        Raises RuntimeError for bounds that the dtype doesn't hold or that are out of order,
        NotImplementedError for other dtypes than floating-point ones.
        """
        real = _REAL_OF.get(dtype)
        if real is not None:
            return self._complex(self.uniform, shape, dtype, real, low, high)
        check.uniform_bounds(low, high, dtype)
        numbers = self._bits.uniforms(math.prod(shape), dtype)
        if (low, high) != (0.0, 1.0):
            first, last = numbers.dtype.type(low), numbers.dtype.type(high)
            numbers = fma(numbers, float(last - first), float(first))
        elif dtype == numbers.dtype:
            return numbers.reshape(shape)
        return _below(rounded(numbers, dtype), low, high).reshape(shape)

    def _complex(
        self, draw: Callable[..., Array], shape: Shape, dtype: DType, real: DType, *args: Any
    ) -> Array:
        if math.prod(shape) == 0:
            return np.empty(shape, dtype)
        parts = draw((math.prod(shape), 2), real, *args)
        return parts.view(dtype).reshape(shape)

    @_drawing
    def normal(
        self,
        shape: Shape,
        dtype: DType,
        mean: float = 0.0,
        std: float = 1.0,
        contiguous: bool = True,
    ) -> Array:
        """Normal numbers. Of complex ones, each part has half the variance.

        Outputs of 16 and more elements that are contiguous have an order of their own; say so where
        one isn't. Raises RuntimeError for std below zero, NotImplementedError for other dtypes than
        floating-point ones.
        """
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        if math.prod(shape) == 0:
            return np.empty(shape, dtype)
        real = _REAL_OF.get(dtype)
        if real is not None:
            spread = std / math.sqrt(2.0)
            return self._complex(self.normal, shape, dtype, real, mean, spread, contiguous)
        check.implemented("normal_kernel_cpu", dtype, check.FLOATING)
        if contiguous and math.prod(shape) >= _NORMAL_BLOCK:
            return self._normal_blocks(math.prod(shape), dtype, mean, std).reshape(shape)
        return rounded(fma(self._normals(math.prod(shape)), std, mean), dtype).reshape(shape)

    def _normal_blocks(self, count: int, dtype: DType, mean: float, std: float) -> Array:
        """Blocks of 16; what is left over at the end is covered by a last block, drawn again."""
        rest = count % _NORMAL_BLOCK
        whole = count - rest
        # float32 and float64 draw for the rest before they cover it; 16-bit dtypes do not.
        unused = rest if dtype.itemsize > 2 else 0
        drawn = self._bits.uniforms(whole + unused + (_NORMAL_BLOCK if rest else 0), dtype)
        if not rest:
            box_muller(drawn, mean, std)
            return rounded(drawn, dtype)
        numbers = np.concatenate([drawn[:whole], drawn[whole + unused :]])
        box_muller(numbers, mean, std)
        kept = np.concatenate([numbers[: count - _NORMAL_BLOCK], numbers[whole:]])
        return rounded(kept, dtype)

    def _normals(self, count: int) -> Array:
        """Standard normal float64 numbers, in pairs; the second of the last pair is left over."""
        found = np.empty(count + 1)
        at = 0
        if count and self._bits.spare is not None:
            found[0], self._bits.spare = self._bits.spare, None
            at = 1
        pairs = (count - at + 1) // 2
        u = self._bits.doubles(2 * pairs).reshape(pairs, 2)
        radius = np.sqrt(-2.0 * libm(math.log1p, -u[:, 1]))
        cos, sin = cosines_and_sines(2.0 * math.pi * u[:, 0])
        end = at + 2 * pairs
        found[at:end:2] = radius * cos
        found[at + 1 : end : 2] = radius * sin
        if end > count:
            self._bits.spare = float(found[count])
        return found[:count]

    @_drawing
    def random(self, shape: Shape, dtype: DType) -> Array:
        """`random_()`: from 0 to the largest number of an integer dtype, or to the last of those
        that a floating-point dtype holds without gaps.

        Raises NotImplementedError for unsigned dtypes over 8 bits and for complex ones.
        """
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, dtype)
        check.implemented("random_kernel_cpu", dtype, check.FLOATING | check.SIGNED | {"bool"})
        long = dtype.name in {"int64", "float64"}
        numbers = self._bits.long_words(count) if long else self._bits.words(count)
        if dtype.name in check.FLOATING:
            numbers = remainder(numbers, (1 << check.digits(dtype)) + 1)
        else:
            last = 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)
            numbers &= np.uint64(last)
        return from_integers(numbers, dtype).reshape(shape)

    @_drawing
    def integers(self, shape: Shape, dtype: DType, low: int, high: int | None = None) -> Array:
        """`random_(low, high)` and `randint`: integers from low up to high, high left out.

        Without high, up to the largest number of an integer dtype, or the last of those that a
        floating-point dtype holds without gaps; with low = −2⁶³ and no high, all of int64. Raises
        RuntimeError for bounds that the dtype doesn't hold or that are out of order,
        NotImplementedError where PyTorch has no such kernel.
        """
        if high is None and low == check.LOWEST:
            return self._all_integers(shape, dtype)
        low, last = check.integer_bounds(low, high, dtype)
        count = math.prod(shape)
        span = last - low + 1
        numbers = self._bits.long_words(count) if span >= WIDE else self._bits.words(count)
        if span < 1 << 64:
            numbers = remainder(numbers, span)
        numbers += np.uint64(low % (1 << 64))
        return from_integers(numbers, dtype).reshape(shape)

    def _all_integers(self, shape: Shape, dtype: DType) -> Array:
        if math.prod(shape) == 0:
            return np.empty(shape, dtype)
        kernel = "random_full_64_bits_range_kernel_cpu"
        check.implemented(kernel, dtype, check.SIGNED | check.FLOATING - {"float16"})
        if dtype.name not in {"int64", "float64", "float32", "bfloat16"}:
            raise RuntimeError(f"{kernel} handles only int64, double, float and bfloat16")
        return from_integers(self._bits.long_words(math.prod(shape)), dtype).reshape(shape)

    @_drawing
    def permutation(self, count: int, dtype: DType) -> Array:
        """`randperm`: the numbers below `count` in random order.

        Raises RuntimeError for dtypes that don't hold them, NotImplementedError for dtypes that
        permutations aren't made of.
        """
        check.permutation_length(count, dtype)
        if count >= _LONG_PERMUTATION:
            numbers = inserted(self._bits.long_words, count)
        else:
            numbers = self._swap_shuffle(count)
        return from_integers(numbers.view(np.uint64), dtype)

    def _swap_shuffle(self, count: int) -> Array:
        """Each place in turn is exchanged with one at or after it."""
        words = self._bits.words(max(count - 1, 0))
        native = own(module(), "exchanged") if EXCHANGED(count) else None
        if native:
            return native(words, count)  # type: ignore[no-any-return]
        drawn = words.view(np.int64)
        drawn %= np.arange(count, 1, -1)
        return exchanged(drawn + np.arange(len(drawn)), count)

    @_drawing
    def bernoulli(self, shape: Shape, dtype: DType, p: float) -> Array:
        """Ones with probability p, else zeros. Raises RuntimeError for p outside of [0, 1],
        NotImplementedError for complex dtypes and unsigned ones over 8 bits.
        """
        check.unit_interval("bernoulli_", p, closed=True)
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, dtype)
        check.implemented("bernoulli_scalar_cpu_", dtype, check.FLOATING | check.SIGNED | {"bool"})
        return (self._bits.doubles(count) < p).astype(dtype).reshape(shape)

    @_drawing
    def bernoulli_each(self, p: Array, dtype: DType) -> Array:
        """Ones with the probability that stands in `p` for each, else zeros; the shape is p's.

        Raises RuntimeError where one is outside of [0, 1], NotImplementedError for complex dtypes
        and unsigned ones over 8 bits, and for p of other dtypes than floating-point ones.
        """
        check.implemented(
            "bernoulli_tensor_cpu_self_", dtype, check.FLOATING | check.SIGNED | {"bool"}
        )
        check.implemented("bernoulli_tensor_cpu_p_", p.dtype, check.FLOATING)
        wide: Array = p.astype(np.float64 if p.dtype == _float64 else np.float32).ravel()
        refused = np.flatnonzero(~((wide >= 0) & (wide <= 1)))
        if refused.size:
            self._bits.uniforms(int(refused[0]), wide.dtype)
            raise RuntimeError(
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error "
                "message be improved?  If so, please report an enhancement request to PyTorch.)"
            )
        drawn = self._bits.uniforms(wide.size, wide.dtype) < wide
        return drawn.astype(dtype).reshape(p.shape)

    @_drawing
    def dropout(self, shape: Shape, dtype: DType, p: float) -> Array:
        """What dropout multiplies by: zero with probability p, else 1/(1 − p).

        Nothing is drawn where p is 1. Raises RuntimeError for p outside of [0, 1].
        """
        if not 0 <= p <= 1:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
        if p == 1:
            return np.zeros(shape, dtype)
        kept = self.bernoulli(shape, dtype, 1 - p)
        exact = np.array([0.0, 1.0, 1 - p])
        wide: Array = exact if dtype == _float64 else exact.astype(np.float32)
        factors = rounded(wide[:2] / wide[2], dtype)
        return factors.take(kept.astype(np.intp))

    @_drawing
    def exponential(self, shape: Shape, dtype: DType, rate: float = 1.0) -> Array:
        """Exponential numbers. Raises RuntimeError for rates that aren't positive and for other
        dtypes than floating-point ones.
        """
        check.positive("exponential_", "lambda", rate)
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, dtype)
        check.floating("Exponential", dtype, check.scalar_type(dtype))
        return rounded(self._exponentials(count, rate), dtype).reshape(shape)

    def _exponentials(self, count: int, rate: float) -> Array:
        return -1.0 / rate * libm(math.log1p, -self._bits.doubles(count))

    @_drawing
    def geometric(self, shape: Shape, dtype: DType, p: float) -> Array:
        """How many trials of probability p it takes. Raises RuntimeError for p outside of (0, 1),
        NotImplementedError for bool, complex dtypes and unsigned ones over 8 bits.
        """
        check.unit_interval("geometric_", p, closed=False)
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, dtype)
        check.implemented("geometric_cpu", dtype, check.FLOATING | check.SIGNED)
        u = self._bits.doubles(count)
        logs = np.where(u > 0, libm(math.log, np.where(u > 0, u, 1.0)), -np.inf)
        return truncated(np.ceil(logs / math.log1p(-p)), dtype).reshape(shape)

    @_drawing
    def cauchy(self, shape: Shape, dtype: DType, median: float = 0.0, sigma: float = 1.0) -> Array:
        """Cauchy numbers. Raises RuntimeError for sigma that isn't positive and for other dtypes
        than floating-point ones.
        """
        check.positive("cauchy_", "sigma", sigma)
        check.floating("Cauchy", dtype, check.c_name(dtype))
        angles = math.pi * (self._bits.doubles(math.prod(shape)) - 0.5)
        return rounded(fma(libm(math.tan, angles), sigma, median), dtype).reshape(shape)

    @_drawing
    def log_normal(self, shape: Shape, dtype: DType, mean: float = 1.0, std: float = 2.0) -> Array:
        """Numbers whose logarithms are normal. Raises RuntimeError for std that isn't positive,
        NotImplementedError for other dtypes than floating-point ones.
        """
        check.positive("log_normal_", "std", std)
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, dtype)
        check.implemented("log_normal_cpu", dtype, check.FLOATING)
        logs = fma(self._normals(count), std, mean)
        finite = logs < 709.0
        numbers = libm(math.exp, np.where(finite, logs, 0.0))
        with np.errstate(over="ignore"):
            return rounded(np.where(finite, numbers, np.exp(logs)), dtype).reshape(shape)

    @_drawing
    def poisson(self, rates: Array) -> Array:
        """Poisson numbers, one for each rate, in the dtype of the rates.

        Raises RuntimeError for rates below zero and NaN, NotImplementedError for other dtypes than
        floating-point ones.
        """
        check.implemented("poisson_cpu", rates.dtype, check.FLOATING)
        wide = rates.astype(np.float64).ravel().tolist()
        with self._bits.tape() as tape:
            numbers = [reject.poisson(rate, tape) for rate in wide]
        return rounded(np.array(numbers, np.float64), rates.dtype).reshape(rates.shape)

    @_drawing
    def binomial(self, counts: Array, p: Array) -> Array:
        """Binomial numbers, one for each pair; arrays of one dtype, broadcast together.

        Raises ValueError for other dtypes than floating-point ones, NotImplementedError for those
        of 16 bits, RuntimeError where the two differ.
        """
        _check_binomial(counts, p)
        counts, p = np.broadcast_arrays(counts, p)
        with self._bits.tape() as tape:
            numbers = [reject.binomial(n, q, tape) for n, q in zip(counts.ravel(), p.ravel())]
        return np.array(numbers, np.float64).astype(counts.dtype).reshape(counts.shape)

    @_drawing
    def standard_gamma(self, shapes: Array) -> Array:
        """Gamma numbers of scale 1, one for each shape parameter, at least the least normal number.

        Raises NotImplementedError for other dtypes than float32 and float64.
        """
        check.implemented("gamma_cpu", shapes.dtype, frozenset({"float32", "float64"}))
        least = np.finfo(shapes.dtype).tiny
        numbers: Array = np.maximum(least, self._gammas(shapes).astype(shapes.dtype))
        return numbers

    def _gammas(self, shapes: Array) -> Array:
        with self._bits.tape() as tape:
            numbers = [reject.gamma(alpha, tape) for alpha in shapes.ravel()]
        return np.array(numbers, np.float64).reshape(shapes.shape)

    @_drawing
    def dirichlet(self, shapes: Array) -> Array:
        """Points of the simplex, one for each row of shape parameters along the last axis.

        PyTorch adds a row in an order that depends on the processor: float64 points may differ from
        its own in the last place.
        Raises NotImplementedError for other dtypes than float32 and float64.
        """
        dtype = shapes.dtype
        check.implemented("dirichlet", dtype, frozenset({"float32", "float64"}))
        numbers = np.maximum(np.finfo(np.float64).tiny, self._gammas(shapes.astype(np.float64)))
        totals = numbers.sum(axis=-1, keepdims=True) if shapes.ndim else numbers
        most = np.nextafter(dtype.type(1), dtype.type(0))
        points: Array = (numbers / totals).astype(dtype)
        return points.clip(np.finfo(dtype).tiny, most)

    @_drawing
    def multinomial(self, weights: Array, count: int, replacement: bool = False) -> Array:
        """Indices of categories, int64, `count` for each row of weights, which are one or two axes.

        Raises RuntimeError for weights below zero, infinite, NaN, or all zero, for more samples
        than categories without replacement, for other dtypes than floating-point ones.
        """
        check.multinomial_arguments(weights, count, replacement)
        rows = np.atleast_2d(weights)
        if rows.shape[0] == 0:
            return np.empty((*weights.shape[:-1], count), np.int64)
        once = not replacement or count == 1
        found = self._choose_once(rows, count) if once else self._choose(rows, count)
        return found.reshape(*weights.shape[:-1], count)

    def _choose_once(self, rows: Array, count: int) -> Array:
        """The greatest of weights over exponential numbers."""
        if rows.size == 0:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has "
                "no identity."
            )
        if not ((rows >= 0) & np.isfinite(rows)).all():
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        if not (rows > 0).any(axis=1).all():
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        drawn = rounded(self._exponentials(rows.size, 1.0), rows.dtype).reshape(rows.shape)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            keys: Array = rows / drawn
        if count == 1:
            best: Array = keys.argmax(axis=1, keepdims=True)
            return best
        first: Array = argselect(np, -keys, 1, 0, count, False)
        return first

    def _choose(self, rows: Array, count: int) -> Array:
        """The places of uniform numbers among the sums of weights."""
        wide: Array = rows.astype(np.float64 if rows.dtype == _float64 else np.float32)
        sums = np.cumsum(wide, 1, wide.dtype)
        fine = _are_weights(wide).all(1) & (sums[:, -1:] > 0).any(1)
        if not fine.all():  # rows before the first bad one have drawn their numbers
            first = int(fine.argmin())
            self._bits.doubles(first * count)
            _refuse_weights(wide[first])
        sums /= sums[:, -1:]
        places = sums.astype(np.float64)
        places[:, -1] = 1.0
        numbers = self._bits.doubles(len(rows) * count).reshape(len(rows), count)
        return np.stack([np.searchsorted(*pair) for pair in zip(places, numbers, strict=True)])


def _below(numbers: Array, low: float, high: float) -> Array:
    """The lower bound where rounding reached the upper one."""
    first, last = rounded(np.array([low, high]), numbers.dtype)
    reached = numbers == last
    if reached.any():
        numbers[reached] = first
    return numbers


def _are_weights(numbers: Array) -> Array:
    fine: Array = (numbers >= 0) & np.isfinite(numbers)
    return fine


def _refuse_weights(weights: Array) -> NoReturn:
    """Raises RuntimeError that tells why they aren't weights."""
    distribution = "invalid multinomial distribution"
    bad = np.flatnonzero(~_are_weights(weights))
    if not len(bad):
        raise RuntimeError(f"{distribution} (sum of probabilities <= 0)")
    entry = "= infinity or NaN" if weights[bad[0]] >= 0 else "< 0"
    raise RuntimeError(f"{distribution} (encountering probability entry {entry})")


def _check_binomial(counts: Array, p: Array) -> None:
    for name, array in (("count", counts), ("prob", p)):
        if array.dtype.name not in check.FLOATING:
            raise ValueError(
                f"binomial only supports floating-point dtypes for {name}, got: "
                + check.scalar_type(array.dtype)
            )
    if counts.dtype != p.dtype:
        found, expected = check.scalar_type(p.dtype), check.scalar_type(counts.dtype)
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    check.implemented("binomial_cpu", counts.dtype, frozenset({"float32", "float64"}))
