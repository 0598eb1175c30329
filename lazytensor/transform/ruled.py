"""Arrays with derivatives of their own: a row whose cotangents come from a rule.

What enters: nodes, what a rule reads, the rule. What leaves: the same nodes, from which gradients
go the rule's way. It must not know what a rule does.

A node of the row has three parts of arguments: the values that it is, what the rule reads, and the
inputs that it gives cotangents of.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..ir.node import Node, apply, placeholder
from ..ir.op import Op, register
from ..ops import g
from ._path import check_like
from .vmap import replay

__all__ = ["Rule", "ruled"]


class Rule(NamedTuple):
    """`pull(static, read, cotangents)` gives cotangents of the inputs, None where there is none.

    `counts` are the sizes of the three parts; `forward` says whether tangents may pass as they do
    through the values; `static` is the rule's own, hashable.
    """

    pull: Callable[..., Sequence[Node | None]]
    static: Any
    counts: tuple[int, int, int]
    forward: bool

    def parts(self, args: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
        """Values, what is read, inputs."""
        n, m, _ = self.counts
        return args[:n], args[n : n + m], args[n + m :]


def _infer(*args: Any) -> tuple[Any, Any]:
    values = args[-1].parts(args[:-1])[0]
    return tuple([x.shape for x in values]), tuple([x.dtype for x in values])


def _value(np: Any, *args: Any) -> Any:
    return tuple(args[-1].parts(args[:-1])[0])


def _vjp(g: Any, ct: Any, y: Node, *args: Any) -> list[Any]:
    rule = args[-1]
    values, read, inputs = rule.parts(args[:-1])
    cotangents = [
        g.broadcast_to(g.constant(0, x), x.shape) if t is None else t
        for t, x in zip(ct, values, strict=True)
    ]
    found = rule.pull(rule.static, read, cotangents)
    check_like("cotangent", found, inputs)
    return [None] * (len(values) + len(read)) + list(found)


def _jvp(g: Any, tangents: Sequence[Any], y: Node, *args: Any) -> Any:
    rule = args[-1]
    if not rule.forward:
        raise TypeError("a function with a custom_vjp has no tangents: only gradients have a rule")
    return tuple(rule.parts(tangents)[0])


def _batch(g: Any, batched: Sequence[bool], *args: Any) -> Node:
    """All parts as batches, and the rule of one example for each."""
    rule = args[-1]
    size = next(x.shape[0] for x, on in zip(args, batched) if on)
    whole = [
        x if on else g.broadcast_to(x, (size, *x.shape))
        for x, on in zip(args[:-1], batched, strict=True)
    ]
    return apply(RULED, tuple(whole), (rule._replace(pull=_Each(rule.pull)),))


class _Each(NamedTuple):
    """A rule for each of a batch."""

    pull: Callable[..., Sequence[Node | None]]

    def __call__(
        self, static: Any, read: Sequence[Node], cotangents: Sequence[Node]
    ) -> list[Node | None]:
        batches = [*read, *cotangents]
        ones = [placeholder(x.shape[1:], x.dtype, x.device, (self, i))
                for i, x in enumerate(batches)]  # fmt: skip
        found = self.pull(static, ones[: len(read)], ones[len(read) :])
        kept = [t for t in found if t is not None]
        size = batches[0].shape[0] if batches else 0
        made = iter([
            y if varies else g.broadcast_to(y, (size, *y.shape))
            for y, varies in replay(kept, ones, batches)
        ])  # fmt: skip
        return [None if t is None else next(made) for t in found]


RULED = register(
    Op(
        "ruled",
        "scan",
        None,
        params=("rule",),
        outputs=2,
        infer=_infer,
        value=_value,
        vjp=_vjp,
        jvp=_jvp,
        batch=_batch,
        doc="The values that come first, with cotangents by a rule.",
    )
)


def ruled(
    values: Sequence[Node], read: Sequence[Node], inputs: Sequence[Node],
    pull: Callable[..., Sequence[Node | None]], static: Any, forward: bool,
) -> list[Node]:  # fmt: skip
    """The values, whose cotangents go to the inputs as `pull` says, and nowhere else."""
    if not values:
        return []
    rule = Rule(pull, static, (len(values), len(read), len(inputs)), forward)
    made = apply(RULED, (*values, *read, *inputs), (rule,))
    return [g.pick(made, i) for i in range(len(values))]
