"""Random words: the same ones as on every target.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from math import prod
from typing import Any

from ....ops import random
from .axes import Args, axes, words
from .plan import ARG, OUT, Place, Planned, number, step

PARTS = ("types", "cells", "draws")


def _random_bits(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (key, position), (out,) = args, outs
    rank = len(position.shape)
    if 0 in out.shape:
        return Planned(())
    drawn = axes(out.shape[rank:], out.strides[rank:])
    if len(drawn) > 1:
        return None
    ((count, (along,)),) = drawn
    streams = axes(position.shape, out.strides[:rank], key.strides[:rank], position.strides)
    lines, counters = prod(position.shape), -(-count // random.WORDS)
    body = f"draw_words<{len(streams)}, {number(lines * counters)}>(a.w);"
    tail = (lines, count, counters, along, key.strides[rank], *words(streams))
    places = (Place(OUT, 0), Place(ARG, 0), Place(ARG, 1))
    return Planned((step(PARTS, body, lines * counters, places, tail),))


PLANS = {random.random_bits: _random_bits}
