"""Vectors that are unique up to a phase: gradients that depend on it are refused, as PyTorch does.

What enters: results of decompositions, recorded. What leaves: the same results, whose record looks
at cotangents before it passes them on. It must not know how a decomposition is computed.
"""

from collections.abc import Callable, Sequence

from ..ir.node import Node
from ..lang._checks import part
from ..ops import g
from ..ops._matrices import adjoint, diagonal
from ._dtypes import int64
from ._graph import GradFn
from .matrices import refuse, renamed
from .tensor import Tensor, wrap

__all__ = ["eigenvectors", "singular_vectors"]

Cotangents = Sequence[Node | None]
# Numbers that are near 0 for cotangents that don't depend on a phase.
Turns = Callable[[Cotangents, Sequence[Node]], Node | None]


class Gauged(GradFn):
    """A record that raises `text` for cotangents whose `turns` are not near 0.

    Only the first ones are looked at: those of gradients of gradients are a part of what goes to
    the vectors, the rest of it goes right to what they were made from.
    """

    __slots__ = ()
    turns: Turns
    text: str
    looked = False

    def pull(self, cotangents: Cotangents) -> Cotangents:
        """Cotangents of what was read. Raises RuntimeError for those that depend on a phase."""
        if self.outputs is not None and self.inputs is not None and not self.looked:
            self.looked = True
            found = self.turns(cotangents, self.outputs)
            if found is not None:
                far = g.cast(g.less(1e-2, g.abs(found)), int64.numpy)
                refuse(wrap(far), lambda *_: RuntimeError(self.text))
        return super().pull(cotangents)


def _gauged(outs: Sequence[Tensor], turns: Turns, text: str) -> None:
    first = outs[0]._fn
    if first is None:
        return
    made = renamed(Gauged, first)
    made.turns, made.text = turns, text
    for out in outs:
        out._fn = made


def _turn(ct: Node | None, v: Node) -> Node | None:
    """How far a cotangent turns each vector."""
    return None if ct is None else g.imag(diagonal(g, g.matmul(adjoint(g, v), ct)))


_PHASE = "in the complex case are specified up to multiplication by e^{i phi}. The specified loss function depends on this"  # noqa: E501


def eigenvectors(outs: Sequence[Tensor], name: str) -> None:
    """Let gradients of complex eigenvectors be looked at."""
    if outs[1].dtype._rank == 3:
        text = f"{name}_backward: The eigenvectors {_PHASE} quantity, so it is ill-defined."
        _gauged(outs, lambda cts, made: _turn(cts[1], made[1]), text)


def _singular_turns(cts: Cotangents, made: Sequence[Node]) -> Node | None:
    """How far both vectors of a pair are turned, relative to the second."""
    k = made[1].shape[-1]
    turns = []
    for ct, v in ((cts[0], made[0]), (_adjoint(cts[2]), _adjoint(made[2]))):
        assert v is not None
        first = None if ct is None else part(ct, ct.ndim - 1, 0, k)
        turns.append(_turn(first, part(v, v.ndim - 1, 0, k)))
    if turns[0] is None or turns[1] is None:
        return turns[1] if turns[0] is None else turns[0]
    return (turns[0] + turns[1]) / (g.abs(turns[1]) + 1.0)


def _adjoint(x: Node | None) -> Node | None:
    return None if x is None else adjoint(g, x)


def singular_vectors(outs: Sequence[Tensor]) -> None:
    """Let gradients of complex singular vectors be looked at."""
    if outs[0].dtype._rank == 3:
        text = f"svd_backward: The singular vectors {_PHASE} phase term, making it ill-defined."
        _gauged(outs, _singular_turns, text)
