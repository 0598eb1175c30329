"""Symmetric and Hermitian matrices as L D L^T: systems, and factors that no library makes.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ...._base.dtypes import DType, kind
from ....ops import factor
from ..types import c_type
from .axes import Args, axes, words
from .plan import ARG, OUT, STATUS, Fails, Place, Planned, Room, blocks, number

PARTS = ("types", "scalar", "complex", "folds", "cells", "places", "matrices", "symmetric")
# Right-hand sides of a block, as in `device/symmetric.cuh`; threads of a block; bytes of what each
# finds to be the largest.
SIDES, SOLVERS, FACTORS, LARGEST = 32, 256, 512, 16


def factors(dtype: DType, count: int, n: int) -> Planned:
    """L and D in place of the lower triangles of Hermitian matrices (the first output), which lie
    column by column; pivots, infos. Of complex numbers.
    """
    room = Room()
    columns = room.take(count * 2 * n * dtype.itemsize)
    body = f"LT_ROOM(room);\nhermitian_factors<{c_type(dtype)}>(a.w, room);"
    places = (*(Place(OUT, i) for i in range(3)), columns)
    few = min(FACTORS, -(-n // 32) * 32)
    one = blocks(PARTS, body, count, (FACTORS, 1, 1), LARGEST * few, places, (n,))
    return Planned((replace(one, threads=(few, 1, 1)),), room.used)


def _own(strides: Sequence[int], axes: int = 2) -> tuple[int, ...]:
    return tuple(strides[-axes:])


def _solve(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (a, pivots, b), (out,), (hermitian,) = args, outs, params
    if 0 in out.shape:
        return Planned(())
    *lead, n, sides = out.shape
    given = zip((out, a, pivots, b), (2, 2, 1, 2), strict=True)
    held = axes(lead, *(x.strides[: len(x.shape) - own] for x, own in given))
    count, parts = prod(lead), -(-sides // SIDES)
    kinds = "true" if hermitian and kind(a.dtype) == "c" else "false"
    body = f"ldl_solve<{c_type(a.dtype)}, {kinds}, {len(held)}, {number(count)}>(a.w);"
    places = (Place(OUT), *(Place(ARG, i) for i in range(3)), Place(STATUS))
    lies = (*_own(out.strides), *_own(a.strides), *_own(b.strides), *_own(pivots.strides, 1))
    tail = (n, sides, parts, *lies, *words(held))
    one = blocks(PARTS, body, count * parts, (SOLVERS, 1, 1), 0, places, tail)
    return Planned((one,), fails=Fails((n,), (False,), max(1, count * n)))


PLANS = {factor.ldl_solve: _solve}
