"""Random words: the same ones as on every target.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from math import prod
from typing import Any

from ....ops import philox, random
from .axes import Args, Lies, axes, words
from .plan import ARG, OUT, Place, Planned, number, step

PARTS = ("types", "cells", "draws")


def _drawn(out: Lies, rank: int) -> tuple[int, int] | None:
    """How many numbers a stream gives, the axes behind `rank`, and the bytes between them; None
    where these are several axes.
    """
    found = axes(out.shape[rank:], out.strides[rank:])
    return None if len(found) > 1 else (found[0][0], found[0][1][0])


def _random_bits(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (key, position), (out,) = args, outs
    rank = len(position.shape)
    if 0 in out.shape:
        return Planned(())
    drawn = _drawn(out, rank)
    if drawn is None:
        return None
    count, along = drawn
    streams = axes(position.shape, out.strides[:rank], key.strides[:rank], position.strides)
    lines, counters = prod(position.shape), -(-count // random.WORDS)
    body = f"draw_words<{len(streams)}, {number(lines * counters)}>(a.w);"
    tail = (lines, count, counters, along, key.strides[rank], *words(streams))
    places = (Place(OUT, 0), Place(ARG, 0), Place(ARG, 1))
    return Planned((step(PARTS, body, lines * counters, places, tail),))


def _packed(numbers: tuple[int, ...]) -> str:
    """Numbers of words, four bits each, the first one lowest."""
    return f"{sum(n << 4 * k for k, n in enumerate(numbers)):#x}"


def _philox(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (state,), (out,) = args, outs
    shape, threads, run, taken = params
    rank = len(out.shape) - len(shape)
    if 0 in out.shape:
        return Planned(())
    drawn = _drawn(out, rank)
    if drawn is None:
        return None
    count, along = drawn
    streams = axes(out.shape[:rank], out.strides[:rank], state.strides[:rank])
    lines, per = prod(out.shape[:rank]), len(taken[0])
    threads, turns = philox.counters(count, threads, run, per)
    kind = number(lines * turns * threads)
    which = ", ".join(map(_packed, taken))
    word = "u32" if len(taken) == 1 else "u64"
    element = "bool" if state.shape[-1] == 3 else word
    form = f"{len(streams)}, {kind}, {element}, {word}, {per}, {run}, {which}"
    body = f"draw_lanes<{form}>(a.w);"
    tail = (lines, count, threads, turns * threads, along, state.strides[rank], *words(streams))
    places = (Place(OUT, 0), Place(ARG, 0))
    return Planned((step(PARTS, body, lines * turns * threads, places, tail),))


PLANS = {random.random_bits: _random_bits, philox.philox: _philox}
