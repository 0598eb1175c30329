"""Vectors that are unique up to a phase: gradients that depend on it are refused, as PyTorch does.

What enters: results of decompositions, recorded. What leaves: the same results, whose record looks
at cotangents before it passes them on. It must not know how a decomposition is computed.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang._checks import part
from ..ops import g
from ..ops._matrices import adjoint, diagonal
from ..runtime.materialize import value
from ._graph import MODE, GradFn
from .matrices import renamed
from .tensor import Tensor

__all__ = ["eigenvectors", "singular_vectors"]

Cotangents = Sequence[Node | None]
# Numbers that the phases leave as they are only where both are equal.
Turns = Callable[[Cotangents, Sequence[Node]], tuple[Any, Any]]


class Gauged(GradFn):
    """A record that raises `text` for cotangents by which `turns` differ.

    Only the first ones are looked at: those of gradients of gradients are a part of what goes to
    the vectors, the rest of it goes right to what they were made from.
    """

    __slots__ = ()
    turns: Turns
    text: str
    looked = False

    def pull(self, cotangents: Cotangents) -> Cotangents:
        """Cotangents of what was read. Raises RuntimeError for those that depend on a phase."""
        there = self.outputs is not None and self.inputs is not None
        if there and not self.looked and not MODE.batches:
            self.looked = True
            left, right = self.turns(cotangents, self.outputs)
            if not np.allclose(left, right, 1e-2, 1e-2, equal_nan=True):
                raise RuntimeError(self.text)
        return super().pull(cotangents)


def _gauged(outs: Sequence[Tensor], turns: Turns, text: str) -> None:
    first = outs[0]._fn
    if first is None:
        return
    made = renamed(Gauged, first)
    made.turns, made.text = turns, text
    for out in outs:
        out._fn = made


def _turn(ct: Node | None, v: Node) -> Any:
    """How far a cotangent turns each vector."""
    if ct is None:
        return 0.0
    return value(g.imag(diagonal(g, g.matmul(adjoint(g, v), ct))))


_PHASE = "in the complex case are specified up to multiplication by e^{i phi}. The specified loss function depends on this"  # noqa: E501


def eigenvectors(outs: Sequence[Tensor], name: str) -> None:
    """Let gradients of complex eigenvectors be looked at."""
    if outs[1].dtype._rank == 3:
        text = f"{name}_backward: The eigenvectors {_PHASE} quantity, so it is ill-defined."
        _gauged(outs, lambda cts, made: (_turn(cts[1], made[1]), 0.0), text)


def _singular_turns(cts: Cotangents, made: Sequence[Node]) -> tuple[Any, Any]:
    k = made[1].shape[-1]
    turns = []
    for ct, v in ((cts[0], made[0]), (_adjoint(cts[2]), _adjoint(made[2]))):
        assert v is not None
        first = None if ct is None else part(ct, ct.ndim - 1, 0, k)
        turns.append(_turn(first, part(v, v.ndim - 1, 0, k)))
    return turns[0], -turns[1]


def _adjoint(x: Node | None) -> Node | None:
    return None if x is None else adjoint(g, x)


def singular_vectors(outs: Sequence[Tensor]) -> None:
    """Let gradients of complex singular vectors be looked at."""
    if outs[0].dtype._rank == 3:
        text = f"svd_backward: The singular vectors {_PHASE} phase term, making it ill-defined."
        _gauged(outs, _singular_turns, text)
