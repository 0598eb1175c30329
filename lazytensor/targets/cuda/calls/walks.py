"""Walks over states, step by step: a block for each example.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ....ops import walks
from ..types import c_type
from .axes import Args, Lies
from .plan import ARG, OUT, Place, Planned, Room, blocks
from .scans import SHARED

PARTS = ("types", "scalar", "complex", "folds", "cells", "scans", "walks")
# Threads of a block at most.
WALKERS = 512


def _strides(x: Lies) -> tuple[int, ...]:
    """Bytes between steps, examples, states; what has no steps is the same in each."""
    return x.strides if len(x.shape) == 3 else (0, *x.strides)


def _walk(name: str) -> Callable[..., Planned]:
    def plan(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        (out,), x, room = outs, args[0], Room()
        if 0 in x.shape:
            return Planned(())
        _, examples, states = x.shape
        rows = 2 * states * max(4, x.itemsize)
        apart = rows > SHARED
        held = room.take(examples * rows) if apart else Place(ARG)
        places = (Place(OUT), *(Place(ARG, i) for i in range(len(args))), held)
        lies = [n for a in (out, *args) for n in _strides(a)]
        body = f"LT_ROOM(room);\nwalk<{name}, {c_type(x.dtype)}>(a.w, room);"
        few = min(WALKERS, -(-states // 32) * 32)
        one = blocks(
            PARTS, body, examples, (WALKERS, 1, 1), 0 if apart else rows, places,
            (*x.shape, int(apart), *lies),
        )  # fmt: skip
        return Planned((replace(one, threads=(few, 1, 1)),), room.used)

    return plan


PLANS = {walks.log_walk: _walk("LogWalk"), walks.band_walk: _walk("BandWalk")}
