"""`rearrange`: axes split, reordered and joined, as a pattern of their names says.

What enters: a tensor or several, a pattern such as "b (h k) c -> b h (k c)". What leaves: a tensor.
It must not know transforms.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from .. import _api as torch
from ..tensor import Tensor

__all__ = ["DimensionBindError", "rearrange"]

DOTS = "…"
Group = list[str]


class DimensionBindError(Exception):
    """An axis can't be split as a pattern says."""


def _name(text: str, seen: set[str]) -> str:
    """A checked name of an axis. Raises ValueError for no name, and one that was there before."""
    if text in seen and text != "1":
        raise ValueError(f"Indexing expression contains duplicate dimension '{text}'")
    if text.isdecimal():
        if int(text) == 0:
            raise ValueError(f"Anonymous axis should have positive length, not {text}")
        if text != "1":
            raise ValueError("rearrange only supports unnamed axes of size 1")
        return text
    if text != DOTS and not text.isidentifier():
        raise ValueError(f"Invalid axis identifier: {text}\nnot a valid python identifier")
    if text[0] == "_" or text[-1] == "_":
        raise ValueError(
            f"Invalid axis identifier: {text}\n"
            "axis name should should not start or end with underscore"
        )
    seen.add(text)
    return text


def _tokens(side: str) -> list[str]:
    """Names and brackets. Raises ValueError for other characters."""
    if "." in side:
        if "..." not in side:
            raise ValueError("Expression may contain dots only inside ellipsis (...)")
        if side.count("...") != 1 or side.count(".") != 3:
            raise ValueError(
                "Expression may contain dots only inside ellipsis (...); only one ellipsis for "
                "tensor "
            )
        side = side.replace("...", DOTS)
    for c in side:
        if not (c.isalnum() or c in "_ ()" or c == DOTS):
            raise ValueError(f"Unknown character '{c}'")
    return side.replace("(", " ( ").replace(")", " ) ").split()


def _parsed(side: str) -> tuple[list[Group], set[str]]:
    """The axes of one side, each the names that it is made of, and all names."""
    groups: list[Group] = []
    seen: set[str] = set()
    inside: Group | None = None
    for token in _tokens(side):
        if token == "(":
            if inside is not None:
                raise ValueError(
                    "Axis composition is one-level (brackets inside brackets not allowed)"
                )
            inside = []
        elif token == ")":
            if inside is None:
                raise ValueError("Brackets are not balanced")
            groups.append(inside)
            inside = None
        elif inside is None:
            groups.append([_name(token, seen)])
        else:
            inside.append(_name(token, seen))
    if inside is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
    return groups, seen


def _sides(pattern: str, lengths: dict[str, int]) -> tuple[list[Group], list[Group]]:
    """Both sides of a pattern. Raises ValueError where they don't go together."""
    parts = pattern.split("->")
    if len(parts) != 2:
        raise ValueError("Pattern must contain a single '->' separator")
    (left, ours), (right, theirs) = _parsed(parts[0]), _parsed(parts[1])
    if DOTS in theirs and DOTS not in ours:
        raise ValueError(
            f"Ellipsis found in right side, but not left side of a pattern {pattern}"
        )
    if any(DOTS in group and len(group) > 1 for group in left):
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    for value in lengths.values():
        if not isinstance(value, int):
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(value)}")
    if ours != theirs:
        raise ValueError(
            "Identifiers only on one side of rearrange expression (should be on both): "
            f"{ours ^ theirs}"
        )
    if lengths.keys() - ours:
        raise ValueError(
            f"Identifiers not found in rearrange expression: {lengths.keys() - ours}"
        )
    return left, right


def _measured(group: Group, size: int, lengths: dict[str, int]) -> list[int]:
    """The size of each name of an axis. Raises DimensionBindError where they don't make it up."""
    known = [1 if name == "1" else lengths.get(name) for name in group]
    open_ = [i for i, n in enumerate(known) if n is None]
    rest = prod(n for n in known if n is not None)
    if len(open_) > 1:
        raise DimensionBindError(
            "cannot infer the sizes of two dimensions at once "
            + " and ".join(group[i] for i in open_[:2])
        )
    if open_ and size % rest:
        raise DimensionBindError(
            f"inferred dimension does not evenly fit into larger dimension: {size} vs "
            f"{tuple('?' if n is None else n for n in known)}"
        )
    if not open_ and size != rest:
        raise DimensionBindError(
            f"Dimension sizes to do not match ({size} != {rest}) when matching dimension pack "
            f"{tuple(group)}"
        )
    return [size // rest if n is None else n for n in known]


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """A tensor with its axes split, reordered and joined; several tensors are stacked first.

    Sizes that can't be inferred are given by name. Raises ValueError for a pattern that is none or
    doesn't fit, DimensionBindError for sizes that don't.
    """
    x: Tensor = tensor if isinstance(tensor, Tensor) else torch.stack(tensor)
    left, right = _sides(pattern, axes_lengths)
    dots = [DOTS] in left
    count, rank = len(left) - dots, x.ndim
    if count > rank or (count != rank and not dots):
        relation = "less than or equal to the number of" if dots else "equal to the number of"
        raise ValueError(
            f"Number of dimensions in pattern ({count}) must be {relation} dimensions in the "
            f"tensor ({rank})"
        )
    many = [f"{DOTS}{i}" for i in range(rank - count)]
    axes = [g for group in left for g in ([[m] for m in many] if group == [DOTS] else [group])]
    sizes = [_measured(g, n, axes_lengths) for g, n in zip(axes, x.shape, strict=True)]
    flat = [(name, n) for g, ns in zip(axes, sizes, strict=True) for name, n in zip(g, ns)]
    kept = {name: n for name, n in flat if name != "1"}
    x = x.reshape([n for name, n in flat if name != "1"])
    wanted = [_opened(group, many) for group in right]
    order = [name for group in wanted for name in group if name != "1"]
    x = x.permute([list(kept).index(name) for name in order])
    return x.reshape(_shape(wanted, right, kept))  # type: ignore[no-any-return]


def _opened(group: Group, many: Sequence[str]) -> Group:
    return [name for g in group for name in (many if g == DOTS else [g])]


def _shape(wanted: Sequence[Group], right: Sequence[Group], sizes: dict[str, int]) -> list[int]:
    """The sizes of the axes of the result; an ellipsis on its own is as many as it stands for."""
    out: list[int] = []
    for names, group in zip(wanted, right, strict=True):
        each = [sizes.get(name, 1) for name in names]
        out += each if group == [DOTS] else [prod(each)]
    return out
