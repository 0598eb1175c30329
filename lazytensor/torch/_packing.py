"""What records save: watched for writes, or handed to a user's hooks, which pack it when an
operation is recorded and unpack it when its gradients are asked for.

What enters: records, the tensors that PyTorch's derivative saves. What leaves: counters; records
that hold what the hooks made of these, and from it their piece of the graph. It must not know who
asks.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..ir.graph import ancestors, keep, let_go
from ..ir.node import Node, placeholder
from ..transform.grad import vjp
from ._graph import COMPOSED, MODE, RESULT, AccumulateGrad, Edge, GradFn, Saved, replayed
from ._host import still
from ._saves import SAVES
from .tensor import Tensor, wrap

__all__ = ["Packed", "pack", "pack_saved", "saved_by", "saved_entry", "unpack",
           "with_edge"]  # fmt: skip

# A tensor that is saved, and what it is: input i, or -1 - i for result i.
Item = tuple[int, Tensor]


def pack(t: Tensor, hook: Any) -> Any:
    """What a hook makes of a tensor. Raises RuntimeError where it writes to it."""
    before, MODE.grad = MODE.grad, False
    version = t._version
    try:
        found = hook(t)
    finally:
        MODE.grad = before
    if t._version != version:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input "
            "to pack hook cannot be modified by in-place operations as this can lead to unexpected "
            "side-effects. Please open an issue if you need to perform in-place operations on the "
            "input to a pack hook."
        )
    return found


def unpack(packed: Any, hook: Any) -> Tensor:
    """The tensor again. Raises TypeError where a hook gives something else."""
    found = hook(packed)
    if not isinstance(found, Tensor):
        raise TypeError(
            "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
            f"{type(found).__name__}"
        )
    return found


def with_edge(t: Tensor, edge: Edge) -> Tensor:
    """A tensor's value, as of another whose gradients go that way."""
    fn, number = edge
    out = wrap(t._read(), t.dtype, t._strides)
    if type(fn) is AccumulateGrad:
        out._needs, out._accumulator = True, lambda: fn
    elif fn is not None:
        out._fn, out._out = fn, number
    return out


class Packed:
    """What a record holds in the place of nodes: packed tensors, and its piece of the graph over
    placeholders for them.
    """

    def __init__(self, fn: GradFn, items: Sequence[Item], hooks: tuple[Any, Any]) -> None:
        assert fn.inputs is not None
        self.hook = hooks[1]
        self.items = [(place, pack(t, hooks[0])) for place, t in items]
        empty = [placeholder(x.shape, x.dtype, x.device, i) for i, x in enumerate(fn.inputs)]
        outputs = replayed(fn.inputs, fn.outputs, empty)
        places = {place for place, _ in items}
        needed = _needed(empty, outputs, {o for i, o in enumerate(outputs) if -1 - i in places})
        self.inputs = [
            x if e in needed and i not in places else e
            for i, (x, e) in enumerate(zip(fn.inputs, empty, strict=True))
        ]
        self.outputs = replayed(empty, outputs, self.inputs)
        self.close(fn)
        fn.saved = ()

    def open(self, fn: GradFn) -> None:
        """Let the record have nodes again."""
        inputs = list(self.inputs)
        found = [(place, unpack(packed, self.hook)._read()) for place, packed in self.items]
        for place, node in found:
            if place >= 0:
                inputs[place] = node
        outputs = replayed(self.inputs, self.outputs, inputs)
        for place, node in found:
            if place < 0 and outputs[-1 - place] not in inputs:
                outputs[-1 - place].value = still(node).value
        self.close(fn)
        fn.inputs, fn.outputs = tuple(inputs), outputs
        keep(outputs, inputs)

    def close(self, fn: GradFn) -> None:
        """Let the record go of its nodes."""
        if fn.inputs is not None:
            let_go(fn.outputs, fn.inputs)
        fn.inputs = fn.outputs = None


def _needed(inputs: Sequence[Node], outputs: Sequence[Node], saved: set[Node]) -> set[Node]:
    """What the derivative reads, beside outputs that are saved."""
    cotangents = [placeholder(y.shape, y.dtype, y.device, -1) for y in outputs]
    on = [i for i, y in enumerate(outputs) if y.dtype.kind in "fc" or y.dtype.name == "bfloat16"]
    parts = vjp([outputs[i] for i in on], inputs, [cotangents[i] for i in on])
    return set(ancestors([p for p in parts if p is not None], saved.__contains__))


def saved_by(
    name: str, tensors: Sequence[Tensor], wanted: tuple[bool, ...], outs: Sequence[Tensor]
) -> tuple[Saved, ...]:
    """Counters of what PyTorch's derivative of that name reads; `wanted` tells to which of the
    tensors gradients go.
    """
    return tuple([
        saved_entry(tensors[place], place)
        if place >= 0
        else (*saved_entry(outs[-1 - place])[:4], RESULT, -1 - place, 0, None, 0)
        for place in _places(name, wanted, len(outs))
    ])  # fmt: skip


@lru_cache(4096)
def _places(name: str, wanted: tuple[bool, ...], outs: int) -> list[int]:
    """What PyTorch's derivative of that name reads: input i, or -1 - i for result i."""
    found: list[int] = []
    name = name.removeprefix(COMPOSED)
    for letter in SAVES.get(name, SAVES.get(name.partition("Backward")[0], "")):
        if letter == "r":
            found += [-1 - i for i in range(outs)]
        elif letter == "x":
            found += [i for i in reversed(range(len(wanted))) if any(wanted[:i] + wanted[i + 1 :])]
        elif letter.isdigit() and int(letter) < len(wanted):
            found.append(int(letter))
    return found


def pack_saved(
    fn: GradFn, name: str, tensors: Sequence[Tensor], wanted: tuple[bool, ...],
    outs: Sequence[Tensor],
) -> None:  # fmt: skip
    """Let hooks have what a record saves."""
    items = {i: tensors[i] if i >= 0 else outs[-1 - i] for i in _places(name, wanted, len(outs))}
    fn._packed = Packed(fn, list(items.items()), MODE.hooks[-1])


def saved_entry(t: Tensor, place: int = 0) -> Saved:
    """The counter of writes to a tensor, what it stands at, and what the tensor is; `place` is its
    number among what an operation read.

    Raises RuntimeError for a tensor made in inference mode.
    """
    if t._inference:
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
            "inference mode in computation tracked by autograd. To work around this, you can make "
            "a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` "
            "instead of `torch.inference_mode()`."
        )
    counter = t._counter
    if counter is None:
        counter = t._counter = [0]
    stamp = 0 if t._stor is None else t._stor.stamp
    return counter, counter[0], t.dtype, t._node.shape, t._fn, t._out, place, t, stamp
