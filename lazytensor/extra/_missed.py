"""Why a graph was planned anew: what is different from the nearest one that had a plan.

What enters: keys of the graph cache. What leaves: Miss records. It must not know how keys are made
but for their rows: an op, its parameters and places for a node; type and layout for an input.
"""

from collections.abc import Sequence
from typing import Any

from .._base import config
from ..ir.graph import Key
from ..ir.node import LEAF, SCALAR, describe_line
from ..runtime.cache import CACHE
from ..runtime.jit import Description, Difference, Miss, explained

# Plans, those used last, that a graph is compared with.
MOST = 64


def graph_misses() -> list[Miss]:
    """A record for each of the graphs that were planned last, oldest first."""
    missed = list(CACHE.missed)
    known = CACHE.keys()[-MOST:]
    out = []
    for place, (key, where) in enumerate(missed):
        later = {id(other) for other, _ in missed[place:]}
        out.append(_miss(key, where, [k for k in known if id(k) not in later and k != key]))
    return out


def _miss(key: Key, where: Any, others: Sequence[Key]) -> Miss:
    name = f"asked for at {describe_line(where)}"
    if not others:
        return Miss("graph", name, "there is no other plan")
    same = [other for other in others if _ops(other) == _ops(key)]
    if same:
        found = explained(_described(key), [_described(other) for other in same])
        return Miss("graph", name, "a plan for the same operations is for others of these", found)
    return Miss("graph", name, "no plan is for the same operations", _first_other(key, others))


def _ops(key: Key) -> list[Any]:
    return [row[0] for row in key[0][0]]


def _first_other(key: Key, others: Sequence[Key]) -> tuple[Difference, ...]:
    """Where the plan that agrees for longest is of another operation."""
    ops = _ops(key)
    common, names = max(
        ((_common(ops, o), o) for o in map(_ops, others)), key=lambda found: found[0]
    )
    before, now = (_name(o, common) for o in (names, ops))
    return (Difference(f"operation {common}", "is", before, now),)


def _common(a: Sequence[Any], b: Sequence[Any]) -> int:
    for i, (x, y) in enumerate(zip(a, b)):
        if x is not y:
            return i
    return min(len(a), len(b))


def _name(ops: Sequence[Any], place: int) -> str:
    return ops[place].name if place < len(ops) else "the end"


def _described(key: Key) -> Description:
    """A key in words."""
    (rows, outputs, devices), settings = key
    out: Description = {("outputs", "places"): outputs, ("nodes", "GPUs"): devices}
    for name, value in zip(config.LOWERING, settings, strict=True):
        out["settings", name] = value
    inputs = 0
    for place, row in enumerate(rows):
        if row[0] is LEAF or row[0] is SCALAR:
            _describe_input(out, f"input {inputs}", row)
            inputs += 1
        else:
            where = f"operation {place} ({row[0].name})"
            out[where, "parameters"] = row[1]
            out[where, "arguments"] = row[2:]
    return out


def _describe_input(out: Description, where: str, row: Key) -> None:
    out[where, "dtype"] = str(row[1])
    if row[0] is SCALAR:
        out[where, "value"] = row[2] if len(row) > 2 else "any"
        return
    out[where, "shape"] = row[2]
    if len(row) > 3:
        out[where, "layout"] = "rows" if row[3] else "strided"
