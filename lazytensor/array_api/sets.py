"""Set functions: a chapter of the standard.

What enters: arrays. What leaves: arrays; the unique_* functions, whose shapes are data, compute
their argument. It must not know how anything else is computed.
"""

from typing import Any, NamedTuple

import numpy as np

from .._base.errors import publish
from ..ir.node import Node
from ..lang import sorting
from ..runtime.materialize import value
from ..runtime.pending import new_leaf
from ._rules import node_of, promoted
from .array import Array

__all__ = ["isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Array
    inverse_indices: Array


def isin(x1: Array | int, x2: Array | int, /, *, invert: bool = False) -> Array:
    """Whether each of x1 equals one of x2 (none of them, with `invert`); the shape of x1, bool.

    NaN equals nothing. Raises TypeError for dtypes that can't be promoted. Standard: set functions.
    """
    x, v = promoted("isin", x1, x2)
    return Array(sorting.isin(x, v, invert=invert))


def _unique(name: str, x: Array, index: bool, inverse: bool, counts: bool) -> tuple[Node, Any]:
    """The argument's node, and what NumPy finds in its value; NaNs are distinct, zeros are not."""
    node = node_of(x, name)
    find: Any = np.unique
    return node, find(value(node).reshape(-1), index, inverse, counts, equal_nan=False)


def _arrays(node: Node, *found: np.ndarray[Any, Any]) -> list[Array]:
    """The values, and indices or counts as int64, on the argument's device."""
    values, *rest = found
    return [
        Array(new_leaf(a, node.device))
        for a in (values, *(i.astype(np.int64, copy=False) for i in rest))
    ]


def unique_all(x: Array, /) -> UniqueAll:
    """Distinct values, ascending; where each is first; which is each of x; how often each is.

    Vectors of the dtype of x and int64; `inverse_indices` has the shape of x. Each NaN is distinct.
    Computes x. Standard: set functions.
    """
    node, found = _unique("unique_all", x, True, True, True)
    values, index, inverse, counts = found
    return UniqueAll(*_arrays(node, values, index, inverse.reshape(node.shape), counts))


def unique_counts(x: Array, /) -> UniqueCounts:
    """Distinct values, ascending, and how often each is (int64). Each NaN is distinct.

    Computes x. Standard: set functions.
    """
    node, found = _unique("unique_counts", x, False, False, True)
    return UniqueCounts(*_arrays(node, *found))


def unique_inverse(x: Array, /) -> UniqueInverse:
    """Distinct values, ascending, and which of them each element of x is (int64, the shape of x).

    Each NaN is distinct. Computes x. Standard: set functions.
    """
    node, (values, inverse) = _unique("unique_inverse", x, False, True, False)
    return UniqueInverse(*_arrays(node, values, inverse.reshape(node.shape)))


def unique_values(x: Array, /) -> Array:
    """Distinct values, ascending, in a vector of the dtype of x. Each NaN is distinct.

    Computes x. Standard: set functions.
    """
    node, values = _unique("unique_values", x, False, False, False)
    return _arrays(node, values)[0]


publish(globals())
