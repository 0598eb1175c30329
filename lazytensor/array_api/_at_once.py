"""Indexing done at once: masks on small arrays, assignments and index arrays where all values are
known, single elements of computed arrays; in memory of the host.

What a mask selects depends on data, so that its value is asked for anyway; on small arrays taking
the elements by NumPy costs less than the nodes for it would, and no more when they are known. What
enters: nodes and keys. What leaves: a node with the result, or None where the graph does it: for
everything else, and while a function is being transformed, which must see the operations.
"""

from typing import Any

import numpy as np

from .._base.dtypes import bool_
from ..ir.node import TRACING, Node, leaf
from ..lang import indexing
from ..runtime.cache import small
from ..runtime.materialize import materialize
from ..runtime.pending import new_leaf

Key = tuple[Any, ...]


def element(x: Node, key: Key) -> Node | None:
    """An element, by an int for each axis, of an array whose value is known."""
    if type(x.value) is not np.ndarray or len(key) != len(x.shape) or TRACING.depth:
        return None
    for i, n in zip(key, x.shape):
        if type(i) is not int or not -n <= i < n:
            return None
    return leaf(np.array(x.value[key]), x.device)


def _key(key: Key, *nodes: Node) -> Key | None:
    """The key with values for its nodes, those of `nodes` computed with them if there is a mask."""
    indices, masked = [], False
    needed = [n for n in nodes if n.value is None]
    for item in key:
        if type(item) is Node:
            indices.append(item)
            masked = masked or item.dtype is bool_
            if item.value is None:
                needed.append(item)
    if TRACING.depth or (needed and not masked):
        return None
    for n in nodes:
        if not small(n.shape):
            return None
    if needed:
        materialize(needed)
    for n in (*nodes, *indices):
        if type(n.value) is not np.ndarray:
            return None
    return tuple([item.value if type(item) is Node else item for item in key])


def getitem(x: Node, key: Key) -> Node | None:
    """`x[key]`; None too for a key that is refused, for the graph says what is wrong with it."""
    found = _key(key, x)
    if found is None:
        return None
    try:
        taken = x.value[found]
    except IndexError:
        return None
    own = type(taken) is np.ndarray and taken.base is None
    return new_leaf(taken if own else np.array(taken), x.device)


def _known(*items: Any) -> bool:
    """Whether the values of all nodes among some items are known."""
    for item in items:  # noqa: SIM110  (a generator would take longer than the whole loop)
        if type(item) is Node and item.value is None:
            return False
    return True


def setitem(x: Node, key: Key, u: Node) -> Node | None:
    """x after `x[key] = u`; None too where a select does it without values that are not known, and
    for what is refused.
    """
    if not _known(x, u, *key) and indexing.masks_all_of(x, key, u):
        return None
    found = _key(key, x, u)
    if found is None:
        return None
    out = x.value.copy()
    try:
        out[found] = u.value
    except (IndexError, ValueError):
        return None
    return new_leaf(out, x.device)
