"""`einsum` and `dot` of arrays.

What enters: subscripts and arrays. What leaves: arrays. It must not know how a product is computed,
nor what is contracted first (`lang/contraction.py`).
"""

import string
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .._base.dtypes import bool_, int64
from .._base.errors import publish
from ..array_api._rules import promoted
from ..array_api.array import Array
from ..array_api.elementwise import multiply
from ..array_api.linear_algebra import tensordot
from ..array_api.manipulation import permute_dims
from ..lang import contraction
from ..ops import g
from ._arrays import as_array

__all__ = ["dot", "einsum"]

Labels = str


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
    if len(arrays) == 1 and sorted(terms[0]) == sorted(out):
        return _arranged(arrays[0], terms[0], out)
    sizes = _sizes(terms, arrays)
    nodes = promoted("einsum", *arrays)
    dtype = nodes[0].dtype
    if dtype == bool_:
        nodes = [g.cast(x, int64) for x in nodes]
    plain = [contraction.plain(x, t, sizes) for x, t in zip(nodes, terms, strict=True)]
    result = Array(contraction.contracted(plain, out, optimize))
    return result != 0 if dtype == bool_ else result


def _arranged(x: Array, labels: Labels, out: Labels) -> Array:
    """The axes in another order: a view."""
    return x if labels == out else permute_dims(x, tuple(labels.index(c) for c in out))


def dot(a: Any, b: Any) -> Array:
    """NumPy's `dot`: the last axis of a with the last but one of b; products of scalars."""
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


publish(globals())
