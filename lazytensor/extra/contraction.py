"""`einsum` and `dot`: Einstein's summation as matrix products, permutations, sums and products.

What enters: subscripts and arrays. What leaves: arrays. `opt_einsum` orders contractions of three
and more operands; it is loaded then. It must not know how a product is computed.
"""

import string
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .._base.dtypes import bool_, int64
from .._base.errors import publish
from .._base.shapes import prod
from ..array_api.array import Array
from ..array_api.data_types import astype, result_type
from ..array_api.elementwise import multiply
from ..array_api.linalg import diagonal
from ..array_api.linear_algebra import matmul, tensordot
from ..array_api.manipulation import moveaxis, permute_dims, reshape
from ..array_api.statistical import sum as sum_
from ._arrays import as_array

__all__ = ["dot", "einsum"]

Labels = str
Term = tuple[Array, Labels]


def _from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The string form of `einsum(x, [0, 1], y, [1, 2], [0, 2])`."""

    def text(labels: Iterable[Any]) -> str:
        return "".join("..." if i is Ellipsis else string.ascii_letters[i] for i in labels)

    pairs = len(operands) // 2
    terms = ",".join(text(operands[2 * i + 1]) for i in range(pairs))
    out = "->" + text(operands[-1]) if len(operands) % 2 else ""
    return terms + out, [operands[2 * i] for i in range(pairs)]


def _implicit(terms: Sequence[Labels], dots: Labels) -> Labels:
    """Without an arrow: the ellipsis, then all labels that occur once, in alphabetical order."""
    count = Counter("".join(terms))
    return dots + "".join(sorted(c for c in count if count[c] == 1 and c not in dots))


def _expanded(text: str, operands: Sequence[Array]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result, ellipses replaced by unused letters."""
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {text!r} has {len(terms)} terms for {len(operands)} operands")
    unused = [c for c in string.ascii_letters if c not in text]
    extra = [x.ndim - len(t.replace("...", "")) for t, x in zip(terms, operands, strict=True)]
    for term, n, x in zip(terms, extra, operands, strict=True):
        if n < 0 or (n and "..." not in term):
            raise ValueError(f"einsum: term {term!r} does not fit an operand of shape {x.shape}")
    widest = max((n for t, n in zip(terms, extra, strict=True) if "..." in t), default=0)
    dots = "".join(unused[:widest])
    terms = [t.replace("...", dots[widest - n :]) for t, n in zip(terms, extra, strict=True)]
    return terms, right.replace("...", dots) if arrow else _implicit(terms, dots)


def _checked(text: str, terms: Sequence[Labels], out: Labels) -> None:
    for labels in (*terms, out):
        if not all(c in string.ascii_letters for c in labels):
            raise ValueError(f"einsum: subscripts are letters, '...', ',' and '->', got {text!r}")
    missing = set(out) - set("".join(terms))
    if missing or len(set(out)) < len(out):
        raise ValueError(
            f"einsum: the result {out!r} must name labels of operands once, in {text!r}"
        )


def _sizes(terms: Sequence[Labels], operands: Sequence[Array]) -> dict[str, int]:
    """The size of each label; 1 broadcasts. Raises ValueError where sizes differ."""
    sizes: dict[str, int] = {}
    for labels, x in zip(terms, operands, strict=True):
        for c, n in zip(labels, x.shape, strict=True):
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise ValueError(f"einsum: label {c!r} has sizes {sizes[c]} and {n}")
    return sizes


def _plain(x: Array, labels: Labels, sizes: dict[str, int]) -> Term:
    """Each label once, by diagonals, and none of size 1 that another operand has larger."""
    stretched = [i for i, c in enumerate(labels) if x.shape[i] == 1 != sizes[c]]
    if stretched:
        x = reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in stretched))
        labels = "".join(c for i, c in enumerate(labels) if i not in stretched)
    for c in sorted(set(labels)):
        while labels.count(c) > 1:
            i = labels.index(c)
            j = labels.index(c, i + 1)
            x = diagonal(moveaxis(x, (i, j), (-2, -1)))
            labels = labels[:i] + labels[i + 1 : j] + labels[j + 1 :] + c
    return x, labels


def _summed(term: Term, keep: Iterable[str]) -> Term:
    """Labels that nothing else needs are summed."""
    x, labels = term
    axes = tuple(i for i, c in enumerate(labels) if c not in keep)
    if not axes:
        return term
    return sum_(x, axis=axes, dtype=x.dtype), "".join(c for c in labels if c in keep)


def _arranged(term: Term, order: Labels) -> Array:
    x, labels = term
    return x if labels == order else permute_dims(x, tuple(labels.index(c) for c in order))


def _grouped(term: Term, groups: Sequence[Labels], batch: Labels) -> Array:
    """Axes by label: the batch one by one, then each group as one axis."""
    x, labels = term
    size = dict(zip(labels, x.shape, strict=True))
    shape = (*(size[c] for c in batch), *(prod(size[c] for c in group) for group in groups))
    return reshape(_arranged(term, batch + "".join(groups)), shape)


def _pair(a: Term, b: Term, keep: Iterable[str]) -> Term:
    """The product of two terms, summed over what both have and nobody keeps."""
    a, b = _summed(a, {*keep, *b[1]}), _summed(b, {*keep, *a[1]})
    shared = [c for c in a[1] if c in b[1]]
    batch = "".join(c for c in shared if c in keep)
    inner = "".join(c for c in shared if c not in keep)
    mine = "".join(c for c in a[1] if c not in shared)
    theirs = "".join(c for c in b[1] if c not in shared)
    if inner:
        product = matmul(_grouped(a, (mine, inner), batch), _grouped(b, (inner, theirs), batch))
    else:
        product = _grouped(a, (mine, ""), batch) * _grouped(b, ("", theirs), batch)
    size = dict(zip(a[1] + b[1], a[0].shape + b[0].shape, strict=True))
    labels = batch + mine + theirs
    return reshape(product, tuple(size[c] for c in labels)), labels


def _path(terms: list[Term], out: Labels, optimize: Any) -> list[tuple[int, ...]]:
    """Which terms to contract, in turn: the last two, or as `opt_einsum` finds it."""
    if len(terms) < 3 or optimize is False:
        return [(0, 1)] * (len(terms) - 1)
    if isinstance(optimize, (list, tuple)):
        return [tuple(step) for step in optimize if not isinstance(step, str)]
    import opt_einsum

    text = ",".join(labels for _, labels in terms) + "->" + out
    shapes = [x.shape for x, _ in terms]
    optimize = "auto" if optimize is True else optimize
    return opt_einsum.contract_path(text, *shapes, shapes=True, optimize=optimize)[0]  # type: ignore[no-any-return]


def _contracted(terms: list[Term], out: Labels, optimize: Any) -> Array:
    for step in _path(terms, out, optimize):
        chosen = [terms.pop(i) for i in sorted(step, reverse=True)][::-1]
        needed = {*out, *(c for _, labels in terms for c in labels)}
        term = chosen[0]
        for i, other in enumerate(chosen[1:], 2):
            term = _pair(term, other, {*needed, *(c for _, later in chosen[i:] for c in later)})
        terms.append(_summed(term, needed))
    return _arranged(_summed(terms[0], out), out)


def einsum(subscripts: Any, *operands: Any, optimize: Any = True) -> Array:
    """Einstein's summation with NumPy's subscripts: repeated labels, ellipses, no arrow, lists.

    Operands are promoted to one dtype, which the result has; sums of booleans are "any".
    `optimize` is True, a path of `numpy.einsum_path`, a strategy of `opt_einsum`, or False for from
    left to right. Raises ValueError for subscripts that do not fit the operands.
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists((subscripts, *operands))  # type: ignore[assignment]
    arrays = [as_array(x) for x in operands]
    terms, out = _expanded(subscripts, arrays)
    _checked(subscripts, terms, out)
    sizes = _sizes(terms, arrays)
    dtype = result_type(*arrays)
    wide = int64 if dtype == bool_ else dtype
    plain = [
        _plain(astype(x, wide, copy=False), t, sizes) for x, t in zip(arrays, terms, strict=True)
    ]
    result = _contracted(plain, out, optimize)
    return result != 0 if dtype == bool_ else result


def dot(a: Any, b: Any) -> Array:
    """NumPy's `dot`: the last axis of a with the last but one of b; products of scalars."""
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


publish(globals())
