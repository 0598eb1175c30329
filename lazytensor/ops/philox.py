"""Random words of 32 bits by counter, laid out as the threads of a GPU draw them.

`philox(state, shape, threads, run, taken)` is a pure function. The state, a seed and a position, is
an input, so that another draw is the same program. So many threads take `run` neighbouring elements
each, again and again, until there are none left; a counter serves `per = len(taken[0])` elements of
a thread, one after another. Element i in C order belongs to

    thread = i // run % threads,  as its element  e = i // run // threads * run + i % run
    words = Philox4x32-10(key = seed, counter = (position + e // per, thread)),  j = e % per

of which it takes word `taken[0][j]` as uint32, or, where there are two rows of numbers,
`taken[0][j]` for the lower half and `taken[1][j]` for the upper half of a uint64. With 4 added to
its number a word has 0 for its lowest bit, with 8 added 1: so elements that are made of the same
words can be told apart. Seed, counter and thread are numbers of 64 bits, lower words first; the
position goes on from 0 after 2**64.

Where the state has a third number, elements are bool: which words, of those taken as uint32, are
below it.
It must not know generators or distributions.

J. Salmon and others, Parallel random numbers: as easy as 1, 2, 3 (2011).
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from .._base.dtypes import bool_, uint32, uint64
from .._base.shapes import Shape
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from ._families import Infer

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS, WORDS, LOW = 10, 4, 0xFFFFFFFF
EVEN, ODD = 4, 8
BLOCK = 1 << 13
Taken = tuple[tuple[int, ...], ...]


def words(seed: int, counter: Any, thread: Any) -> tuple[Any, ...]:
    """Four words of Philox4x32-10, below 2**32, for arrays of uint64, or a number and an array."""
    c0, c1, c2, c3 = counter & LOW, counter >> 32, thread & LOW, thread >> 32
    k0, k1 = seed & LOW, seed >> 32
    for _ in range(ROUNDS):
        x, y = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (y >> 32) ^ c1 ^ k0, y & LOW, (x >> 32) ^ c3 ^ k1, x & LOW
        k0, k1 = k0 + KEY_STEPS[0] & LOW, k1 + KEY_STEPS[1] & LOW
    return c0, c1, c2, c3


def counters(n: int, threads: int, run: int, per: int) -> tuple[int, int]:
    """How many threads draw for n elements, 1 or more, and how many counters each of them takes."""
    threads = min(threads, -(-n // run))
    return threads, -(-_each(n, threads, run) // per)


def _each(n: int, threads: int, run: int) -> int:
    """How many elements a thread has."""
    return -(-n // (threads * run)) * run


def _word(found: Sequence[Any], number: int) -> Any:
    """The word of a number in `taken`."""
    word = found[number % WORDS]
    if number & (EVEN | ODD):
        word = word & (LOW - 1)
    return word | 1 if number & ODD else word


def _drawn(np: Any, state: Any, n: int, threads: int, run: int, taken: Taken) -> Any:
    """The n elements of a draw, by blocks of threads that stay in the cache."""
    threads, _ = counters(n, threads, run, len(taken[0]))
    out = np.empty((_each(n, threads, run) // run, threads, run), _dtype(state, taken))
    seed, position, *bound = map(int, state)
    for start in range(0, threads, BLOCK):
        mine = np.arange(start, min(start + BLOCK, threads), dtype=uint64)
        _draw_own(out[:, start : start + BLOCK], seed, position, mine, bound, taken)
    return out.reshape(-1)[:n]


def _draw_own(
    out: Any, seed: int, position: int, mine: Any, bound: Sequence[int], taken: Taken
) -> None:
    """What some threads draw: turns, threads, runs."""
    turns, _, run = out.shape
    per, found = len(taken[0]), ()
    for e in range(turns * run):
        if e % per == 0:
            found = words(seed, (position + e // per) % (1 << 64), mine)
        low, *high = (_word(found, row[e % per]) for row in taken)
        drawn = low | high[0] << 32 if high else low
        out[e // run, :, e % run] = drawn < bound[0] if bound else drawn


def _value(np: Any, state: Any, shape: Shape, threads: int, run: int, taken: Taken) -> Any:
    n, streams = prod(shape), state.shape[:-1]
    out = np.empty((*streams, n), _dtype(state, taken))
    if n:
        for place in np.ndindex(streams):
            out[place] = _drawn(np, state[place], n, threads, run, taken)
    return out.reshape((*streams, *shape))


def _dtype(state: Any, taken: Taken) -> Any:
    if state.shape[-1] == 3:
        return bool_
    return uint32 if len(taken) == 1 else uint64


def _infer(state: Node, shape: Shape, threads: int, run: int, taken: Taken) -> Infer:
    if state.dtype is not uint64 or state.shape[-1:] not in ((2,), (3,)):
        raise TypeError(f"philox: a state is two or three uint64, not {state.dtype} {state.shape}")
    if threads < 1 or run < 1:
        raise ValueError(f"philox: {threads} threads, runs of {run}")
    return (*state.shape[:-1], *shape), _dtype(state, taken)


def _batch(g: Any, batched: Sequence[bool], state: Node, *params: Any) -> Node:
    """Every example draws from its own state."""
    return g.philox(state, *params)  # type: ignore[no-any-return]


philox = register(
    Op(
        "philox", "random", 1, params=("shape", "threads", "run", "taken"), domain="u",
        infer=_infer, value=_value, partials=NONDIFF, batch=_batch,
        doc="Uniform 32- or 64-bit words of a seed and a position, as GPUs draw (Philox4x32-10).",
    )
)  # fmt: skip
