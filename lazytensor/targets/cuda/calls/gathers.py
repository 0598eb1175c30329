"""Elements, or sub-arrays, at places given by indices.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from typing import Any

from ....ops import gather
from .axes import Args
from .places import PLACES, columns, indices
from .plan import ARG, OUT, STATUS, Place, Planned, number, step


def _gather(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    """A thread for each few neighbours of each row; bad indices are reported by the first one."""
    (x, *arrays), (out,) = args, outs
    count, rank = len(arrays), len(arrays[0].shape)
    of = indices(x, arrays, out.strides[:rank], x.strides[:count])
    held = columns(out.shape[rank:], out.strides[rank:], x.strides[count:], x.itemsize)
    if not of.rows:
        return Planned(())
    threads, first = of.rows * held.pieces, count + 3
    kind, wide, lines = number(threads), held.wide, len(held.outer)
    base, last = first + 3, first + 3 + len(of.words)
    sizes = base + 2 * count
    body = [
        f"const Piece<{kind}, {wide}> piece(a.w + {first});",
        "if (!piece.there) return;",
        "const i64 row = piece.row;",
        f"i64 at[{len(of.axes)}];",
        f"split<{len(of.axes)}, {kind}>(at, row, a.w + {sizes});",
        *of.find(2, base, f"a.w[{first}]", "piece.begins"),
        "if (!found.fine) return;",
        f"char *const to = pointer(a.w[0]) + offset(at, a.w + {sizes + len(of.axes)});",
        "const char *const from = pointer(a.w[1]) + found.sum;",
        f"move_piece<{x.itemsize}, {wide}, {lines}>(piece, to, from, a.w + {last});",
    ]
    places = (Place(OUT, 0), *(Place(ARG, i) for i in range(count + 1)), Place(STATUS))
    tail = (of.rows, held.pieces, held.chunks, *of.words, *held.words)
    launch = step(PLACES, "\n".join(body), threads, places, tail)
    return Planned((launch,), 0, of.fails)


PLANS = {gather.gather: _gather}
