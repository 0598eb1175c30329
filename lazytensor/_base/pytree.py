"""Pytrees: nested dicts, lists, tuples, named tuples, dataclasses, None and classes that are
registered, flattened to leaves and back.

What enters: any object. What leaves: a list of leaves and a hashable description of the rest. It
must not know arrays: whatever is no container is a leaf.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class TreeDef(NamedTuple):
    """A container's type, its static part (keys, fields) and its children; `type is None` marks a
    leaf.
    """

    type: Any
    static: Any
    children: tuple["TreeDef", ...]


LEAF = TreeDef(None, None, ())


class Registered(NamedTuple):
    """How a class of containers is taken apart, and made again."""

    parts: Callable[[Any], tuple[Any, Any]]
    build: Callable[[Any, Any], Any]


_registered: dict[type, Registered] = {}


def register(
    cls: type, parts: Callable[[Any], tuple[Any, Any]], build: Callable[[Any, Any], Any]
) -> None:
    """Make a class a container: `parts(x)` is (children, static part), `build(static part,
    children)` makes one again. Raises TypeError for what is no class, ValueError for a container.
    """
    if not isinstance(cls, type):
        raise TypeError(f"register_pytree: cls must be a class, got {cls!r}")
    if cls in _registered or cls in (list, tuple, dict, type(None)):
        raise ValueError(f"register_pytree: {cls.__name__} is a container already")
    _registered[cls] = Registered(parts, build)


def parts_of(tree: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """(static part, children) of a container; None for a leaf."""
    kind = type(tree)
    if kind in _registered:
        children, static = _registered[kind].parts(tree)
        return static, tuple(children)
    if tree is None:
        return None, ()
    if kind in (list, tuple):
        return None, tuple(tree)
    if kind is dict:
        return tuple(tree), tuple(tree.values())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return None, tuple(tree)
    if hasattr(type(tree), "__dataclass_fields__"):
        names = _names(tree)
        return names, tuple(getattr(tree, n) for n in names)
    return None


def _names(tree: Any) -> tuple[str, ...]:
    """Those of a data class's fields."""
    import dataclasses

    return tuple(f.name for f in dataclasses.fields(tree))


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """Leaves in order, and the structure."""
    parts = parts_of(tree)
    if parts is None:
        return [tree], LEAF
    leaves: list[Any] = []
    children = []
    for child in parts[1]:
        found, treedef = flatten(child)
        leaves += found
        children.append(treedef)
    return leaves, TreeDef(type(tree), parts[0], tuple(children))


def unflatten(treedef: TreeDef, leaves: Sequence[Any]) -> Any:
    """The tree of that structure with these leaves. Raises ValueError when the count is off."""
    rest = list(reversed(leaves))
    tree = _build(treedef, rest)
    if rest:
        raise ValueError(f"{len(rest)} leaves too many for the structure")
    return tree


def _build(treedef: TreeDef, rest: list[Any]) -> Any:
    if treedef.type is None:
        if not rest:
            raise ValueError("too few leaves for the structure")
        return rest.pop()
    if treedef.type is type(None):
        return None
    children = [_build(child, rest) for child in treedef.children]
    if treedef.type in _registered:
        return _registered[treedef.type].build(treedef.static, children)
    if treedef.type in (list, tuple):
        return treedef.type(children)
    if treedef.type is dict:
        return dict(zip(treedef.static, children, strict=True))
    if treedef.static is None:
        return treedef.type(*children)
    return treedef.type(**dict(zip(treedef.static, children, strict=True)))


def map_leaves(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`f` over the leaves of trees of one structure. Raises ValueError when the
    structures differ.
    """
    leaves, treedef = flatten(tree)
    columns = [leaves]
    for other in others:
        found, same = flatten(other)
        if same != treedef:
            raise ValueError(f"trees differ in structure: {treedef} and {same}")
        columns.append(found)
    return unflatten(treedef, [f(*row) for row in zip(*columns, strict=True)])
