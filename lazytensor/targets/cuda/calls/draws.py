"""Random words: the same ones as on every target.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from ....ops import philox, random
from .axes import Args, Lies, axes, words
from .plan import ARG, OUT, Place, Planned, number, step

PARTS = ("types", "cells", "draws")


def _along_one(out: Lies, rank: int, planned: Callable[[int, int], Planned]) -> Planned | None:
    """The plan for how many numbers each stream gives and the bytes between them, along the axes
    behind `rank`; None where these are several axes.
    """
    if 0 in out.shape:
        return Planned(())
    found = axes(out.shape[rank:], out.strides[rank:])
    return None if len(found) > 1 else planned(found[0][0], found[0][1][0])


def _random_bits(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (key, position), (out,) = args, outs
    rank = len(position.shape)

    def planned(count: int, along: int) -> Planned:
        streams = axes(position.shape, out.strides[:rank], key.strides[:rank], position.strides)
        lines, counters = prod(position.shape), -(-count // random.WORDS)
        body = f"draw_words<{len(streams)}, {number(lines * counters)}>(a.w);"
        tail = (lines, count, counters, along, key.strides[rank], *words(streams))
        places = (Place(OUT, 0), Place(ARG, 0), Place(ARG, 1))
        return Planned((step(PARTS, body, lines * counters, places, tail),))

    return _along_one(out, rank, planned)


def _packed(numbers: tuple[int, ...]) -> str:
    """Numbers of words, four bits each, the first one lowest."""
    return f"{sum(n << 4 * k for k, n in enumerate(numbers)):#x}"


def _philox(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (state,), (out,) = args, outs
    shape, most, run, taken = params
    rank = len(out.shape) - len(shape)

    def planned(count: int, along: int) -> Planned:
        streams = axes(out.shape[:rank], out.strides[:rank], state.strides[:rank])
        lines, per = prod(out.shape[:rank]), len(taken[0])
        threads, turns = philox.counters(count, most, run, per)
        kind = number(lines * turns * threads)
        which = ", ".join(map(_packed, taken))
        word = "u32" if len(taken) == 1 else "u64"
        element = "bool" if state.shape[-1] == 3 else word
        form = f"{len(streams)}, {kind}, {element}, {word}, {per}, {run}, {which}"
        body = f"draw_lanes<{form}>(a.w);"
        tail = (lines, count, threads, turns * threads, along, state.strides[rank], *words(streams))
        places = (Place(OUT, 0), Place(ARG, 0))
        return Planned((step(PARTS, body, lines * turns * threads, places, tail),))

    return _along_one(out, rank, planned)


PLANS = {random.random_bits: _random_bits, philox.philox: _philox}
