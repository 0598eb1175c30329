"""`torch.autograd.forward_ad`: tensors with tangents, which operations carry along.

What enters: tensors and tangents, while a level is open. What leaves: dual tensors, and the parts
of such. It must not know how a tangent is found.
"""

from typing import Any, NamedTuple

from ..tensor import Tensor
from .levels import Level, dual, parts
from .modes import _Context

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual",
           "unpack_dual"]  # fmt: skip

_open: list[Level] = []


class UnpackedDualTensor(NamedTuple):
    """A tensor's value, and its tangent or None."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Open the level, and return its number. Raises RuntimeError where it is open."""
    if _open:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _open.append(Level().__enter__())
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the level: no tensor has a tangent any more. Raises RuntimeError where none is open."""
    current = len(_open) - 1
    if (current if level is None else level) != current:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is "
            "not supported."
        )
    if not _open:
        raise RuntimeError("Dual level must be a positive number.")
    _open.pop().__exit__()


def _level(level: int | None) -> int:
    return len(_open) - 1 if level is None else level


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of a tensor that has a tangent.

    Raises RuntimeError where no level is open, or the tangent doesn't fit; ValueError for integers
    and bools.
    """
    if _level(level) < 0:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if t.dtype._rank < 2:
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    return dual(_open[-1], tensor, tangent)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The parts of a dual tensor; the tangent of another is None."""
    if _level(level) < 0:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(*parts(_open[-1], tensor))


class dual_level(_Context):
    """A context, and a decorator, within which the level is open."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: Any) -> None:
        exit_dual_level()
