"""Pytrees given for other pytrees: axes for arguments, tangents for primals.

What enters: a tree and the structure that it is given for. What leaves: one entry per leaf of that
structure. It must not know arrays.
"""

from collections.abc import Iterator
from typing import Any

from .._base.pytree import TreeDef, flatten, unflatten


def spread(tree: Any, structure: TreeDef, what: str, repeat: bool = False) -> list[Any]:
    """One entry of `tree` per leaf of `structure`; a None stands for a whole part, all of it None.

    With `repeat` any leaf stands for the whole part at its place. Raises ValueError naming `what`
    and both structures where they don't fit.
    """
    leaves, given = flatten(tree)
    out: list[Any] = []
    if _match(given, structure, iter(leaves), repeat, out):
        return out
    raise ValueError(f"{what} {show(given)} doesn't fit the structure {show(structure)}")


def _match(
    given: TreeDef, structure: TreeDef, leaves: Iterator[Any], repeat: bool, out: list[Any]
) -> bool:
    if given.type is type(None):
        out += [None] * count(structure)
        return True
    if given.type is None:
        out += [next(leaves)] * count(structure)
        return repeat or structure.type is None
    same = given[:2] == structure[:2] and len(given.children) == len(structure.children)
    pairs = zip(given.children, structure.children, strict=False)
    return same and all(_match(a, b, leaves, repeat, out) for a, b in pairs)


def count(structure: TreeDef) -> int:
    """Leaves of a structure."""
    return 1 if structure.type is None else sum(map(count, structure.children))


class _Star:
    def __repr__(self) -> str:
        return "*"


def show(structure: TreeDef) -> str:
    """The structure as text, with `*` for each leaf."""
    return repr(unflatten(structure, [_Star()] * count(structure)))
