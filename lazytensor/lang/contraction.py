"""Einstein's summation over terms: nodes with a letter for each axis.

What enters: terms, the letters of the result, an order of contraction. What leaves: a node, made of
matrix products, permutations, sums and products. `opt_einsum` orders contractions of three and more
terms; it is loaded then. It must not know faces, nor how subscripts are written.
"""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from ..ir.node import Node
from ..ops import g
from .linalg import diagonal

Labels = str
Term = tuple[Node, Labels]


def plain(x: Node, labels: Labels, sizes: dict[str, int]) -> Term:
    """Each label once, by diagonals, and none of size 1 that another operand has larger."""
    stretched = [i for i, c in enumerate(labels) if x.shape[i] == 1 != sizes[c]]
    if stretched:
        x = g.reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in stretched))
        labels = "".join(c for i, c in enumerate(labels) if i not in stretched)
    for c in sorted(set(labels)):
        while labels.count(c) > 1:
            i = labels.index(c)
            j = labels.index(c, i + 1)
            rest = [a for a in range(x.ndim) if a not in (i, j)]
            x = diagonal(g.permute(x, (*rest, i, j)))
            labels = labels[:i] + labels[i + 1 : j] + labels[j + 1 :] + c
    return x, labels


def _summed(term: Term, keep: Iterable[str]) -> Term:
    """Labels that nothing else needs are summed."""
    x, labels = term
    axes = tuple(i for i, c in enumerate(labels) if c not in keep)
    return (g.sum(x, axes), "".join(c for c in labels if c in keep)) if axes else term


def _arranged(term: Term, order: Labels) -> Node:
    x, labels = term
    return x if labels == order else g.permute(x, tuple(labels.index(c) for c in order))


def _grouped(term: Term, groups: Sequence[Labels], batch: Labels) -> Node:
    """Axes by label: the batch one by one, then each group as one axis."""
    x, labels = term
    size = dict(zip(labels, x.shape, strict=True))
    shape = (*(size[c] for c in batch), *(prod(size[c] for c in group) for group in groups))
    return g.reshape(_arranged(term, batch + "".join(groups)), shape)


def _pair(a: Term, b: Term, keep: Iterable[str]) -> Term:
    """The product of two terms, summed over what both have and nobody keeps."""
    a, b = _summed(a, {*keep, *b[1]}), _summed(b, {*keep, *a[1]})
    shared = [c for c in a[1] if c in b[1]]
    batch = "".join(c for c in shared if c in keep)
    inner = "".join(c for c in shared if c not in keep)
    mine = "".join(c for c in a[1] if c not in shared)
    theirs = "".join(c for c in b[1] if c not in shared)
    if inner:
        product = g.matmul(_grouped(a, (mine, inner), batch), _grouped(b, (inner, theirs), batch))
    else:
        product = _grouped(a, (mine, ""), batch) * _grouped(b, ("", theirs), batch)
    size = dict(zip(a[1] + b[1], a[0].shape + b[0].shape, strict=True))
    labels = batch + mine + theirs
    return g.reshape(product, tuple(size[c] for c in labels)), labels


def _path(terms: Sequence[Term], out: Labels, optimize: Any) -> list[tuple[int, ...]]:
    """Which terms to contract, in turn: the first two, or as `opt_einsum` finds it."""
    if len(terms) < 3 or optimize is False:
        return [(0, 1)] * (len(terms) - 1)
    if isinstance(optimize, (list, tuple)):
        return [tuple(step) for step in optimize if not isinstance(step, str)]
    import opt_einsum

    text = ",".join(labels for _, labels in terms) + "->" + out
    shapes = [x.shape for x, _ in terms]
    optimize = "auto" if optimize is True else optimize
    return opt_einsum.contract_path(text, *shapes, shapes=True, optimize=optimize)[0]  # type: ignore[no-any-return]


def contracted(terms: Sequence[Term], out: Labels, optimize: Any = True) -> Node:
    """The product of all terms, summed over labels that `out` doesn't have, its axes in that order.

    `optimize` is True, a path of places of terms, a strategy of `opt_einsum`, or False for from
    left to right.
    """
    left = list(terms)
    for step in _path(left, out, optimize):
        chosen = [left.pop(i) for i in sorted(step, reverse=True)][::-1]
        needed = {*out, *(c for _, labels in left for c in labels)}
        term = chosen[0]
        for i, other in enumerate(chosen[1:], 2):
            term = _pair(term, other, {*needed, *(c for _, later in chosen[i:] for c in later)})
        left.append(_summed(term, needed))
    return _arranged(_summed(left[0], out), out)
