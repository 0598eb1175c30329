"""`lazytensor.random`: streams of random numbers with NumPy's names, drawn lazily.

What enters: seeds, shapes, parameters of distributions. What leaves: lazy arrays. A draw takes its
place in the stream when it is made, whether it is ever computed or not, so results do not depend on
what is computed and when. Numbers are the same on every target and device, for any number of
threads, fused or not. Words come from Philox4x64-10 with NumPy's seeding:
`default_rng(seed).random(n)` is what `numpy.random.Generator(numpy.random.Philox(seed)).random(n)`
gives first.
It must not know how words are made.
"""

import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._base.devices import device as as_device
from .._base.dtypes import DType, canonical, float64, int64, kind
from .._base.errors import publish, publish_methods
from .._base.shapes import Shape, as_shape, broadcast, normalize_axis, prod
from .._base.threads import renewed
from ..array_api.array import Array
from ..array_api.creation import asarray
from ..array_api.data_types import astype
from ..array_api.indexing import take, take_along_axis
from ..array_api.manipulation import reshape
from ..array_api.searching import searchsorted
from ..array_api.sorting import argsort
from ..array_api.statistical import cumulative_sum
from ..ir.node import Node, is_weak, leaf
from ..lang import random as distributions
from ..ops import g
from ..runtime.jit import ACTIVE

__all__ = ["Generator", "default_rng"]

Size = int | Sequence[int] | None
Seed = int | Sequence[int] | np.random.SeedSequence | None

_lock = threading.Lock()
renewed(globals(), _lock=threading.Lock)


def default_rng(seed: "Seed | Generator" = None) -> "Generator":
    """A new stream for a seed; a Generator is returned as it is.

    None takes a seed from the operating system. Raises TypeError or ValueError for what is no seed
    (ints that are not negative, sequences of them, SeedSequence).
    """
    return seed if isinstance(seed, Generator) else Generator(seed)


def _parameter(value: Any, dtype: DType, device: Any) -> Any:
    """Python scalars as they are, so that they do not promote; arrays in the dtype of the draw."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, Array):
        return astype(value, dtype, copy=False)
    return asarray(value, dtype=dtype, device=device)


def _not_negative(name: str, value: Any) -> None:
    known = isinstance(value, (int, float)) and not is_weak(value)
    if known and not value >= 0:
        raise ValueError(f"{name} must not be negative, got {value}")


def _shape(size: Size, *parameters: Any) -> Shape:
    """The shape of a draw. Raises ValueError when parameters do not broadcast to `size`."""
    joint = broadcast(*(p.shape for p in parameters if isinstance(p, Array)))
    if size is None:
        return joint
    shape = as_shape(size)
    if broadcast(shape, joint) != shape:
        raise ValueError(f"parameters of shape {joint} do not broadcast to size {shape}")
    return shape


def _bounds(low: int, high: int | None, endpoint: bool, dtype: DType) -> tuple[int, int]:
    """The lowest integer and how many there are. Raises ValueError for none, or for too wide."""
    if kind(dtype) not in "iu":
        raise TypeError(f"integers: dtype must be an integer dtype, got {dtype}")
    low, high = (0, low) if high is None else (low, high)
    low, last = operator.index(low), operator.index(high) - (not endpoint)
    info = np.iinfo(dtype)
    if low > last:
        raise ValueError(f"integers: there is none from {low} to {last}")
    if low < info.min or last > info.max:
        raise ValueError(f"integers: {low} to {last} does not fit {dtype}")
    return low, last - low + 1


def _checked_weights(p: Any, n: int) -> None:
    """Host data is checked as NumPy does; lazy weights by shape alone, for nothing is computed."""
    if tuple(p.shape) != (n,):
        raise ValueError(
            f"choice: p has shape {tuple(p.shape)}, but there are {n} things to choose from"
        )
    if isinstance(p, np.ndarray) and not (np.all(p >= 0) and abs(np.sum(p) - 1) < 1e-8):
        raise ValueError("choice: probabilities must not be negative and must sum to 1")


class Generator:
    """A stream: a key of two words and a position, counted in blocks of four words.

    `size=None` draws one number as a 0-d array, or the broadcast shape of array parameters. `dtype`
    is float64, the default, or float32 where not said otherwise; `device` None is the default
    device. Pickling and copying keep the position. A Generator may be shared between threads; which
    thread gets which numbers is then a matter of who comes first.
    """

    __slots__ = ("_key", "_position", "_seeds")

    def __init__(self, seed: Seed = None) -> None:
        self._seeds = (
            seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        )
        self._key = self._seeds.generate_state(2, np.uint64)
        self._position = 0
        if ACTIVE.trace is not None:
            ACTIVE.trace.born(self, seed is None)

    def __repr__(self) -> str:
        return f"Generator(key={self._key.tolist()}, position={self._position})"

    def __getstate__(self) -> tuple[Any, ...]:
        self._known("copied")
        return self._seeds, self._key, self._position

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._seeds, self._key, self._position = state

    def _advance(self, count: int) -> int:
        """The position; the stream goes on so many blocks behind it."""
        with _lock:
            position = self._position
            self._position += count
        return position

    def _known(self, what: str) -> None:
        """Raises TypeError while a function that draws from the stream is traced."""
        if ACTIVE.trace is not None and not ACTIVE.trace.owns(self):
            raise TypeError(
                f"a Generator that a function of jit finds can't be {what} in it: the stream would "
                "be where it was when the function was traced; do it outside and pass the result"
            )

    def _words(self, shape: Shape, device: Any) -> Node:
        # leaves, not scalars: small positions must not become a part of the program's text
        where = as_device(device)
        trace = ACTIVE.trace
        if trace is not None and not trace.owns(self):
            return g.random_bits(*trace.draw(self, distributions.blocks(shape), where), shape)
        position = np.asarray(self._advance(distributions.blocks(shape)), np.uint64)
        return g.random_bits(leaf(self._key, where), leaf(position, where), shape)

    def _draw(
        self, name: str, make: Callable[[Node, DType], Node], shape: Shape, dtype: Any, device: Any
    ) -> Array:
        found = distributions.checked_dtype(name, canonical(float64 if dtype is None else dtype))
        return Array(make(self._words(shape, device), found))

    def _scaled(
        self, name: str, make: Any, loc: Any, scale: Any, size: Size, dtype: Any, device: Any
    ) -> Array:
        """loc + scale * a draw. Scalars and arrays broadcast."""
        found = canonical(float64 if dtype is None else dtype)
        loc, scale = _parameter(loc, found, device), _parameter(scale, found, device)
        drawn = self._draw(name, make, _shape(size, loc, scale), found, device)
        moved: Array = drawn * scale + loc
        return moved

    def spawn(self, n_children: int) -> list["Generator"]:
        """Independent streams, as NumPy's `Generator.spawn`: this stream does not move."""
        self._known("spawned from")
        return [Generator(seeds) for seeds in self._seeds.spawn(n_children)]

    def split(self, n: int = 2) -> tuple["Generator", ...]:
        """Independent streams, seeded by the next numbers of this one, which goes on after them."""
        self._known("split")
        shape = (operator.index(n), 2)
        philox = np.random.Philox(key=self._key, counter=self._advance(distributions.blocks(shape)))
        return tuple(Generator(pair) for pair in philox.random_raw(2 * n).reshape(shape).tolist())

    def bits(self, size: Size = None, *, device: Any = None) -> Array:
        """Uniform 64-bit words, uint64."""
        return Array(self._words(_shape(size), device))

    def random(self, size: Size = None, dtype: Any = None, *, device: Any = None) -> Array:
        """Uniform in [0, 1): multiples of 2**-53, or 2**-24 for float32, all equally likely."""
        return self._draw("random", distributions.uniform, _shape(size), dtype, device)

    def uniform(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        size: Size = None,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> Array:
        """Uniform in [low, high), scalars or arrays; rounding may give `high` itself."""
        found = canonical(float64 if dtype is None else dtype)
        low, high = _parameter(low, found, device), _parameter(high, found, device)
        return self._scaled("uniform", distributions.uniform, low, high - low, size, found, device)

    def standard_normal(self, size: Size = None, dtype: Any = None, *, device: Any = None) -> Array:
        """Normal with mean 0 and variance 1, by inversion: one word a number, up to ±9.2."""
        return self._draw("standard_normal", distributions.normal, _shape(size), dtype, device)

    def normal(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Size = None,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> Array:
        """Normal with mean `loc` and standard deviation `scale`.

        Raises ValueError for a negative scale, unless it is an array, which is not looked at.
        """
        _not_negative("normal: scale", scale)
        return self._scaled("normal", distributions.normal, loc, scale, size, dtype, device)

    def standard_exponential(
        self, size: Size = None, dtype: Any = None, *, device: Any = None
    ) -> Array:
        """Exponential with mean 1, by inversion."""
        return self._draw(
            "standard_exponential", distributions.exponential, _shape(size), dtype, device
        )

    def exponential(
        self, scale: Any = 1.0, size: Size = None, *, dtype: Any = None, device: Any = None
    ) -> Array:
        """Exponential with mean `scale`. Raises ValueError for a negative scalar."""
        _not_negative("exponential: scale", scale)
        found = canonical(float64 if dtype is None else dtype)
        scale = _parameter(scale, found, device)
        shape = _shape(size, scale)
        out: Array = (
            self._draw("exponential", distributions.exponential, shape, found, device) * scale
        )
        return out

    def integers(
        self,
        low: int,
        high: int | None = None,
        size: Size = None,
        dtype: Any = int64,
        endpoint: bool = False,
        *,
        device: Any = None,
    ) -> Array:
        """Integers from `low` to below `high`, with `endpoint` to `high`; without `high` [0, low).

        Each is floor(word * count / 2**64) above `low`: probabilities differ from 1 / count by less
        than 2**-64. Bounds are Python ints. Raises ValueError when there is none between them, or
        one is outside the dtype, TypeError for other bounds and dtypes that are not integer.
        """
        found = canonical(dtype)
        first, count = _bounds(low, high, endpoint, found)
        return Array(distributions.integers(self._words(_shape(size), device), first, count, found))

    def _order(self, shape: Shape, axis: int, device: Any) -> Array:
        return Array(distributions.order(self._words(shape, device), axis))

    def permutation(self, x: Any, axis: int = 0, *, device: Any = None) -> Array:
        """0 … x - 1 (int64) in random order for an int, for an array a copy with slices reordered.

        Orders come from sorting words; two of n are equal with a probability below n**2 / 2**65.
        """
        if isinstance(x, (int, np.integer)):
            return self._order(as_shape(x), 0, device)
        array = asarray(x, device=device)
        axis = normalize_axis(axis, array.ndim)
        return take(array, self._order((array.shape[axis],), 0, array.device), axis=axis)

    def permuted(self, x: Any, *, axis: int | None = None, device: Any = None) -> Array:
        """A copy with each line along `axis` in its own order; None: all elements in one order."""
        array = asarray(x, device=device)
        if axis is None:
            return reshape(self.permutation(reshape(array, (-1,))), array.shape)
        axis = normalize_axis(axis, array.ndim)
        return take_along_axis(array, self._order(array.shape, axis, array.device), axis=axis)

    def shuffle(self, x: Array, axis: int = 0) -> None:
        """Put the slices of an array along `axis` into random order, in place."""
        if not isinstance(x, Array):
            raise TypeError(f"shuffle works in place on an array, got {type(x).__name__}")
        x[...] = self.permutation(x, axis)

    def choice(
        self,
        a: Any,
        size: Size = None,
        replace: bool = True,
        p: Any = None,
        axis: int = 0,
        *,
        device: Any = None,
    ) -> Array:
        """Elements of `a` along `axis`, or ints below an int `a`, with probabilities `p`.

        Raises ValueError for more elements than there are without `replace`, for probabilities that
        do not sum to 1 (a lazy array's are divided by their sum instead: nothing is computed).
        """
        shape = _shape(size)
        if isinstance(a, (int, np.integer)):
            return reshape(self._places(operator.index(a), shape, replace, p, device), shape)
        array = asarray(a, device=device)
        axis = normalize_axis(axis, array.ndim)
        places = self._places(array.shape[axis], shape, replace, p, array.device)
        chosen = take(array, places, axis=axis)
        return reshape(chosen, (*array.shape[:axis], *shape, *array.shape[axis + 1 :]))

    def _places(self, n: int, shape: Shape, replace: bool, p: Any, device: Any) -> Array:
        """Flat places below n."""
        count = prod(shape)
        if n <= 0 < count:
            raise ValueError(f"choice: there is nothing to choose from (a = {n})")
        if not replace and count > n:
            raise ValueError(f"choice: can't take {count} of {n} without replacement")
        if p is not None:
            return self._weighted(n, count, replace, p, device)
        if replace:
            return self.integers(0, max(n, 1), count, device=device)
        return self.permutation(n, device=device)[:count]

    def _weighted(self, n: int, count: int, replace: bool, p: Any, device: Any) -> Array:
        """By inversion of the running sum; without replacement the shortest waits at rates p."""
        weights = p if isinstance(p, Array) else np.asarray(p, np.float64)
        _checked_weights(weights, n)
        if not replace and isinstance(weights, np.ndarray) and np.count_nonzero(weights) < count:
            raise ValueError(f"choice: fewer than {count} probabilities are not 0")
        weights = astype(asarray(weights, device=device), float64, copy=False)
        if not replace:
            return argsort(self.standard_exponential(n, device=device) / weights)[:count]
        running = cumulative_sum(weights)
        return searchsorted(running / running[-1], self.random(count, device=device), side="right")


publish_methods(Generator)
publish(globals())
