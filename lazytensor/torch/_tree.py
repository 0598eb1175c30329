"""Nested containers as PyTorch's transforms see them: flattened to leaves, put together again.

What enters: any object. What leaves: leaves in order, and what they stood in. Tuples, named tuples,
named results, lists, dicts, ordered and default dicts and deques are containers; all else is a
leaf, None too. It must not know tensors.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .return_types import Results

__all__ = ["Spec", "flatten", "mapped", "spread", "unflatten"]


class Spec(NamedTuple):
    """A container's type, what is fixed in it, and its children; a leaf has the type None."""

    type: Any
    context: Any
    children: tuple["Spec", ...]

    def __repr__(self) -> str:
        return self.text(0)

    def text(self, indent: int) -> str:
        """PyTorch's text of it, the lines after the first one indented."""
        if self.type is None:
            return "*"
        inner = indent + 2
        listed = f",\n{' ' * inner}".join([child.text(inner) for child in self.children])
        name = "namedtuple" if self.type is self.context else self.type.__name__
        return f"TreeSpec({name}, {self.context}, [{listed}])"

    def brief(self) -> str:
        """PyTorch's short text of it."""
        if self.type is None:
            return "*"
        parts = [child.brief() for child in self.children]
        if self.type in (dict, OrderedDict):
            return "{" + ", ".join(f"{k!r}: {v}" for k, v in zip(self.context, parts)) + "}"
        if self.type is list:
            return f"[{', '.join(parts)}]"
        name = "" if self.type is tuple else self.type.__name__
        end = "," if self.type is tuple and len(parts) == 1 else ""
        return f"{name}({', '.join(parts)}{end})"


LEAF = Spec(None, None, ())


def _opened(tree: Any) -> tuple[type, Any, Sequence[Any]] | None:
    """Type, fixed part and children of a container; None of a leaf."""
    kind = type(tree)
    if kind in (tuple, list):
        return kind, None, tree
    if kind in (dict, OrderedDict):
        return kind, list(tree), list(tree.values())
    if kind is defaultdict:
        return kind, [tree.default_factory, list(tree)], list(tree.values())
    if kind is deque:
        return kind, tree.maxlen, list(tree)
    if isinstance(tree, tuple) and hasattr(kind, "_fields"):
        return tuple, kind, tree
    if isinstance(tree, Results):
        return kind, kind, tree
    return None


def flatten(tree: Any) -> tuple[list[Any], Spec]:
    """The leaves, and what they stand in."""
    opened = _opened(tree)
    if opened is None:
        return [tree], LEAF
    kind, context, children = opened
    leaves: list[Any] = []
    specs = []
    for child in children:
        found, spec = flatten(child)
        leaves += found
        specs.append(spec)
    if kind is tuple and context is not None:
        kind = context
    return leaves, Spec(kind, context, tuple(specs))


def unflatten(leaves: Sequence[Any], spec: Spec) -> Any:
    """The tree with these leaves."""
    return _built(spec, iter(leaves))


def _built(spec: Spec, leaves: Any) -> Any:
    if spec.type is None:
        return next(leaves)
    children = [_built(child, leaves) for child in spec.children]
    kind, context = spec.type, spec.context
    if kind in (tuple, list):
        return kind(children)
    if kind in (dict, OrderedDict):
        return kind(zip(context, children, strict=True))
    if kind is defaultdict:
        return defaultdict(context[0], zip(context[1], children, strict=True))
    if kind is deque:
        return deque(children, maxlen=context)
    return kind(children) if issubclass(kind, Results) else kind(*children)


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with f of its leaves."""
    leaves, spec = flatten(tree)
    return unflatten([f(x) for x in leaves], spec)


def spread(tree: Any, spec: Spec) -> list[Any] | None:
    """The leaves of a tree that may stop early: a leaf stands for all below it. None where the
    structures differ.
    """
    opened = _opened(tree)
    if opened is None:
        return [tree] * _count(spec)
    kind, context, children = opened
    if kind is tuple and context is not None:
        kind = context
    if kind is not spec.type or len(children) != len(spec.children):
        return None
    if context != spec.context:
        return None
    out: list[Any] = []
    for child, below in zip(children, spec.children, strict=True):
        found = spread(child, below)
        if found is None:
            return None
        out += found
    return out


def _count(spec: Spec) -> int:
    """How many leaves."""
    return 1 if spec.type is None else sum(map(_count, spec.children))
