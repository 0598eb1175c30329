"""Contractions of several axes: `einsum`, `tensordot`, products of chains of matrices.

What enters: subscripts, axes, tensors. What leaves: tensors. It must not know how a contraction is
carried out.
"""

import operator
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

from ..ir.node import Node
from ..lang import contraction, linalg
from ..ops import g
from ._calls import refuse
from ._dispatch import FUNCTIONS, need_tensor, op, same_device
from ._dtypes import TITLES, int64
from ._record import run, run_fixed, to_dtype
from .matrices import C_TYPES
from .tensor import Ints, Tensor
from .views import axis

__all__ = ["chained"]

Labels = str
# The order in which an implicit result has its axes.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# --- subscripts -----------------------------------------------------------------------------------


def _term(text: str, start: int, where: str, again: str) -> Labels:
    """The letters of one operand or of the result, "." for an ellipsis."""
    out, i = "", 0
    while i < len(text):
        c = text[i]
        if c == ".":
            if "." in out:
                raise RuntimeError(f"einsum(): found '.' for {where} {again}")
            if text[i : i + 3] != "...":
                raise RuntimeError(
                    f"einsum(): found '.' for {where} that is not part of any ellipsis"
                )
            i += 2
        elif c == " ":
            i += 1
            continue
        elif c not in _LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, "
                "subscripts must be in [a-zA-Z]"
            )
        out += c
        i += 1
    return out


def _parsed(equation: str, count: int) -> tuple[list[Labels], Labels | None]:
    """The labels of each operand, and of the result where there is an arrow."""
    left, arrow, right = equation.partition("->")
    texts, start, terms = left.split(","), 0, []
    for i, text in enumerate(texts):
        if i == count:
            raise RuntimeError(
                "einsum(): fewer operands were provided than specified in the equation"
            )
        again = "for which an ellipsis was already found"
        terms.append(_term(text, start, f"operand {i}", again))
        start += len(text) + 1
    if len(texts) < count:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    if not arrow:
        return terms, None
    return terms, _term(right, start + 1, "output", "but an ellipsis (...) was already found")


def _listed(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """The equation of `einsum(x, [0, 1], y, [1, 2], [0, 2])`, and the operands."""

    def text(labels: Sequence[Any]) -> str:
        out = ""
        for i in labels:
            if i is not Ellipsis and not 0 <= i < len(_LETTERS):
                raise ValueError(
                    "einsum(): subscript in subscript list is not within the valid range [0, 52)"
                )
            out += "..." if i is Ellipsis else _LETTERS[i]
        return out

    pairs = len(args) // 2
    terms = ",".join(text(args[2 * i + 1]) for i in range(pairs))
    return terms + ("->" + text(args[-1]) if len(args) % 2 else ""), list(args[: 2 * pairs : 2])


def _widest(terms: Sequence[Labels], operands: Sequence[Tensor]) -> int:
    """How many axes the ellipses stand for. Raises RuntimeError where labels and axes differ."""
    most = 0
    for i, (term, x) in enumerate(zip(terms, operands)):
        letters = len(term.replace(".", ""))
        if ("." not in term and letters != x.ndim) or letters > x.ndim:
            more = "more" if "." in term else ""
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) "
                + (f"is more than the number of dimensions ({x.ndim}) for operand {i}" if more
                   else f"does not match the number of dimensions ({x.ndim}) for operand {i} and "
                   "no ellipsis was given")
            )  # fmt: skip
        if "." in term:
            most = max(most, x.ndim - letters)
    return most


def _expanded(
    terms: Sequence[Labels], out: Labels | None, operands: Sequence[Tensor]
) -> tuple[list[Labels], Labels]:
    """Ellipses replaced by letters that nothing else uses: digits, and signs after them."""
    most = _widest(terms, operands)
    dots = "".join(chr(0x100 + i) for i in range(most))
    found = [
        t.replace(".", dots[most - (x.ndim - len(t) + 1) :]) for t, x in zip(terms, operands)
    ]
    if out is None:
        count = Counter("".join(t.replace(".", "") for t in terms))
        return found, dots + "".join(c for c in _LETTERS if count[c] == 1)
    for c in out:
        if c != "." and out.count(c) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {c} appears more than once in the output"
            )
        if c != "." and not any(c in t for t in terms):
            raise RuntimeError(
                f"einsum(): output subscript {c} does not appear in the equation for any input "
                "operand"
            )
    return found, out.replace(".", dots)


def _sizes(terms: Sequence[Labels], operands: Sequence[Tensor]) -> dict[str, int]:
    """The size of each label; 1 broadcasts. Raises RuntimeError where sizes differ."""
    sizes: dict[str, int] = {}
    for i, (labels, x) in enumerate(zip(terms, operands)):
        own: dict[str, int] = {}
        for c, n in zip(labels, x._node.shape, strict=True):
            if own.setdefault(c, n) != n:
                raise RuntimeError(
                    f"einsum(): subscript {c} is repeated for operand {i} but the sizes don't "
                    f"match, {n} != {own[c]}"
                )
        for c, n in own.items():
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not "
                    f"broadcast with previously seen size {sizes[c]}"
                )
    return sizes


def _title(terms: Sequence[Labels], out: Labels) -> str:
    """What PyTorch records last."""
    inner = set("".join(terms)) - set(out)
    if len(terms) > 1:
        return "~View" if inner else "~Mul"
    return "~SumBackward1" if inner else "~Permute"


def _summed_alone(
    operands: list[Tensor], terms: Sequence[str], out: str
) -> list[Tensor]:
    """Integers of which some axis is summed by itself: PyTorch does so in int64, and refuses other
    dtypes beside. Raises RuntimeError.
    """
    of = operands[0].dtype
    if of._rank > 1 or of is int64:
        return operands
    wide = [any(a not in out and sum(a in t for t in terms) == 1 for a in t) for t in terms]
    if any(wide) and not all(wide):
        names = [TITLES[int64 if w else of] for w in wide]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")
    return [to_dtype(x, int64) for x in operands] if any(wide) else operands


def _refuse_uncontractible(operands: Sequence[Tensor]) -> None:
    """Raises RuntimeError for different dtypes, NotImplementedError for bool."""
    refuse(operands[0], "bmm", "0")
    for x in operands[1:]:
        if x.dtype is not operands[0].dtype:
            raise RuntimeError(
                f"expected scalar type {TITLES[operands[0].dtype]} but found {TITLES[x.dtype]}"
            )


@op(method=False)
def einsum(*args: Any) -> Tensor:
    """Einstein's summation: an equation with its operands, or operands with lists of subscripts.

    Raises RuntimeError for subscripts that don't fit the operands, ValueError for none.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list"
        )
    equation, given = (args[0], args[1:]) if isinstance(args[0], str) else _listed(args)
    if len(given) == 1 and isinstance(given[0], list | tuple):
        given = given[0]
    operands = [need_tensor("einsum", x, i, "operands") for i, x in enumerate(given, 2)]
    same_device(operands)
    terms, out = _expanded(*_parsed(equation, len(operands)), operands)
    sizes = _sizes(terms, operands)
    if len(operands) > 1 and set("".join(terms)) - set(out):
        _refuse_uncontractible(operands)
    joint = FUNCTIONS["result_type"](*operands[:2]) if len(operands) == 2 else operands[0].dtype
    operands = _summed_alone([to_dtype(x, joint) for x in operands], terms, out)

    options = tuple(terms), out, tuple(sizes.items())
    return run_fixed(_title(terms, out), _contracted, options, operands)


def _contracted(*given: Any) -> Node:
    """Of operands, their terms, the result's labels, and the sizes of all labels."""
    *nodes, terms, out, sizes = given
    plain = [contraction.plain(n, t, dict(sizes)) for n, t in zip(nodes, terms, strict=True)]
    return contraction.contracted(plain, out)


# --- pairs of axes --------------------------------------------------------------------------------


def _axes(dims: Any, x: Tensor, y: Tensor) -> tuple[list[int], list[int]]:
    """The axes of x and of y that are summed over."""
    if isinstance(dims, Tensor):
        dims = dims.tolist() if dims._node.size > 1 else int(dims.item())
    if isinstance(dims, tuple | list):
        if len(dims) != 2:
            raise RuntimeError("tensordot expects dims to be int or tuple[list[int], list[int]]")
        ends = [[operator.index(a) for a in (d if isinstance(d, tuple | list) else (d,))]
                for d in dims]  # fmt: skip
        return ends[0], ends[1]
    n = operator.index(dims)
    if n < 0:
        raise RuntimeError(f"tensordot expects dims >= 0, but got dims={n}")
    if n > min(x.ndim, y.ndim):
        raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={n}")
    return list(range(-n, 0)), list(range(n))


@op(method=False, out=True)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over pairs of axes: the last of a and the first of b, or two lists.

    Raises RuntimeError for sizes that differ and axes that repeat.
    """
    x, y = need_tensor("tensordot", a, 1, "a"), need_tensor("tensordot", b, 2, "b")
    xs, ys = _axes(dims, x, y)
    if len(xs) != len(ys):
        raise RuntimeError("both dimension lists should have same length")
    if x.dtype is not y.dtype:
        raise RuntimeError("both inputs should have same dtype")
    ones: list[tuple[int, int]] = []
    for i, j in zip(xs, ys):
        n, m = x.shape[axis(i, x.ndim)], y.shape[axis(j, y.ndim)]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {i} and "
                f"second has size {m} in dim {j}"
            )
        ones.append((n, m))
    left, right = tuple(axis(i, x.ndim) for i in xs), tuple(axis(j, y.ndim) for j in ys)
    for found in (left, right):
        for i in found:
            if found.count(i) > 1:
                raise RuntimeError(f"dim {i} appears multiple times in the list of dims")

    def f(n: Node, m: Node) -> Node:
        n = _narrowed(n, [i for i, (k, j) in zip(left, ones) if j == 1 != k])
        m = _narrowed(m, [i for i, (k, j) in zip(right, ones) if k == 1 != j])
        return linalg.tensordot(n, m, (left, right))

    return run("~View", f, (x, y))


def _narrowed(x: Node, axes: Sequence[int]) -> Node:
    """Sums over axes that the other operand has once."""
    if not axes:
        return x
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    return g.reshape(g.sum(x, tuple(sorted(axes))), shape)


# --- chains ---------------------------------------------------------------------------------------


def _best(sizes: Ints) -> list[list[int]]:
    """Where to split each part of a chain of matrices so that the fewest products are formed.

    Source: Cormen et al., Introduction to Algorithms, section 15.2.
    """
    n = len(sizes) - 1
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return split


def _multiplied(nodes: Sequence[Node]) -> Node:
    split = _best((nodes[0].shape[0], *(n.shape[1] for n in nodes)))
    parts: dict[tuple[int, int], Node] = {(i, i): n for i, n in enumerate(nodes)}
    for length in range(1, len(nodes)):
        for i in range(len(nodes) - length):
            k, j = split[i][i + length], i + length
            parts[i, j] = g.matmul(parts[i, k], parts[k + 1, j])
    return parts[0, len(nodes) - 1]


def _check_chain(tensors: Sequence[Tensor]) -> None:
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for name, t in (("first", tensors[0]), ("last", tensors[-1])):
        if t.ndim not in (1, 2):
            raise RuntimeError(
                f"multi_dot(): the {name} tensor must be 1D or 2D but got {t.ndim}D"
            )
    for i, t in enumerate(tensors):
        if i not in (0, len(tensors) - 1) and t.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {t.ndim}D")
        if t.dtype is not tensors[0].dtype:
            raise RuntimeError(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{_scalar_name(tensors[0])} and tensor {i} {_scalar_name(t)}"
            )
    for i, (x, y) in enumerate(pairwise(tensors)):
        if x.shape[-1] != y.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(x.shape)} and "
                f"{list(y.shape)} cannot be multiplied"
            )


def _scalar_name(x: Tensor) -> str:
    return C_TYPES[x.dtype]


def chained(tensors: Sequence[Tensor]) -> Tensor:
    """The product of a chain of matrices, in the cheapest order; vectors at the ends are a row and
    a column. Raises RuntimeError for what doesn't fit.
    """
    _check_chain(tensors)
    first, last = tensors[0]._node.shape, tensors[-1]._node.shape
    shape = first[:-1] + last[1:]

    def f(*nodes: Node) -> Node:
        matrices = list(nodes)
        if len(first) == 1:
            matrices[0] = g.reshape(matrices[0], (1, *first))
        if len(last) == 1:
            matrices[-1] = g.reshape(matrices[-1], (*last, 1))
        return g.reshape(_multiplied(matrices), shape)

    return run("~View" if prod(shape) or shape else "Reshape", f, tensors)


@op(method=False)
def chain_matmul(*matrices: Any, out: Tensor | None = None) -> Tensor:
    """The product of matrices, in the cheapest order. Raises RuntimeError for what doesn't fit."""
    listed = len(matrices) == 1 and isinstance(matrices[0], list | tuple)
    given = matrices[0] if listed else matrices
    if not given:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    tensors = [need_tensor("chain_matmul", x, i, "matrices") for i, x in enumerate(given, 1)]
    for t in tensors:
        if t.ndim != 2:
            raise RuntimeError(
                f"Tensor dimension is {t.ndim}, expected 2 instead."
            )
    made = tensors[0] if len(tensors) == 1 else chained(tensors)
    return made if out is None else FUNCTIONS["_assign_out"](out, made)
