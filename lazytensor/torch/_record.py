"""How results remember what they were made from: the records of operations.

What enters: results, tensors, the nodes that were read of them. What leaves: the results with their
history, where anything needs a gradient. It must not know any operation.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from .._base.devices import CPU, Device
from ..ir.node import Apart, Node, apply
from ..ops import g
from ..ops.movement import reshape
from ..transform.structures import Laid, laid, laid_many
from . import _dtypes, _types
from ._dtypes import dtype
from ._graph import ANOMALY, MODE, GradFn, grad_fn_class, record_laid
from ._packing import pack_saved, saved_by
from ._strides import dense
from .tensor import Tensor, wrap

__all__ = ["record", "run"]


@lru_cache(4096)
def _class_of(name: str) -> type[GradFn]:
    """The class of a derivative: others than "Backward0" are named in full."""
    return grad_fn_class(name if "Backward" in name or "::" in name else name + "Backward0")


def record(
    out: Tensor, name: str, tensors: Sequence[Tensor], nodes: Sequence[Node],
    made: Laid | None = None,
) -> Tensor:  # fmt: skip
    """Let `out` remember that it was made from tensors, whose values were `nodes`, if any of them
    needs a gradient; `made` says how, if it was laid.
    """
    if name and MODE.grad and (out.dtype._rank > 1 or integral(out, name, tensors)):
        edges = [t._edge() for t in tensors]
        wanted = tuple([edge[0] is not None for edge in edges])
        if True in wanted:
            saved = saved_by(name, tensors, wanted, (out,))
            kind, read = _class_of(name), tuple(nodes)
            if made is None or ANOMALY.on:
                fn = kind(edges, read, (out._node,), saved)
            else:
                fn = record_laid(kind, edges, read, made, saved)
            out._fn = fn
            for t in tensors:
                if t._strides is not None:
                    fn.strides = [t._strides for t in tensors]
                    break
            if MODE.hooks and saved:
                pack_saved(fn, name, tensors, wanted, (out,))
    if MODE.inference:
        out._inference = True
    return out


def integral(out: Tensor, name: str, tensors: Sequence[Tensor]) -> bool:
    """Whether an operation whose result has integers is recorded: a write is. Raises RuntimeError
    for others of integers that have a history by such a write.
    """
    if MODE.integers or name in ("ToCopy", "CopyBackwards"):
        return MODE.integers and name != "CopyBackwards"
    if any(t.dtype._rank < 2 and t.requires_grad for t in tensors):
        raise RuntimeError(f"Autograd not support dtype: {_dtypes.TITLES[out.dtype]}")
    return False


def for_writing(x: Tensor, f: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """`f(...)`, whose result is to be written to x: recorded whatever its dtype is, but for tensors
    made in inference mode, which refuse it once it is written.
    """
    if x.dtype._rank > 1 and x._inference is not True:
        return f(*args, **kwargs)
    before = MODE.integers, MODE.grad
    MODE.integers, MODE.grad = True, MODE.grad and x._inference is not True
    try:
        return f(*args, **kwargs)
    finally:
        MODE.integers, MODE.grad = before


def record_view(out: Tensor, name: str, x: Tensor, node: Node) -> Tensor:
    """`record` for a view of one tensor."""
    if MODE.grad and (out.dtype._rank > 1 or integral(out, name, (x,))):
        edge = x._edge()
        if edge[0] is not None:
            out._fn = fn = _class_of(name)((edge,), (node,), (out._node,))
            if x._strides is not None:
                fn.strides = (x._strides,)
    return out


def record_many(
    outs: Sequence[Tensor], name: str, tensors: Sequence[Tensor], nodes: Sequence[Node],
    made: Laid | None = None,
) -> None:  # fmt: skip
    """`record` for an operation with several results."""
    if not MODE.grad:
        return
    edges = [t._edge() for t in tensors]
    wanted = tuple([edge[0] is not None for edge in edges])
    if True not in wanted:
        return
    if all(t.dtype._rank < 2 and not integral(t, name, tensors) for t in outs):
        return
    saved = saved_by(name, tensors, wanted, outs)
    if made is None or ANOMALY.on:
        fn = _class_of(name)(edges, tuple(nodes), [t._node for t in outs], saved)
    else:
        fn = record_laid(_class_of(name), edges, tuple(nodes), made, saved)
    if any(t._strides is not None for t in tensors):
        fn.strides = [t._strides for t in tensors]
    for number, out in enumerate(outs):
        if out.dtype._rank > 1:
            out._fn, out._out = fn, number
    if MODE.hooks and saved:
        pack_saved(fn, name, tensors, wanted, outs)


def noted(made: Any, **facts: Any) -> Any:
    """What was made, its record with what else the operation was given: formulas ask for it."""
    fn = (made[0] if isinstance(made, tuple) else made)._fn if made != () else None
    if fn is not None:
        fn.__dict__.update(facts)
    return made


def distinct(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, each a different one, so that what goes to each can be told apart."""
    seen: set[Node] = set()
    out = []
    for n in nodes:
        if n in seen:
            n = apply(reshape, (n,), (n.shape,))
        seen.add(n)
        out.append(n)
    return out


def two_devices(first: Device, second: Device) -> RuntimeError:
    """PyTorch's error for tensors on different devices."""
    one, other = _types.torch_device(first), _types.torch_device(second)
    return RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, "
        f"{one} and {other}!"
    )


def one_device(nodes: Sequence[Node]) -> Device:
    """The one device of nodes, but for numbers on the CPU without axes. Raises RuntimeError."""
    found = [n.device for n in nodes if n.shape or n.device is not CPU] or [CPU]
    for device in found:
        if device is not found[0]:
            raise two_devices(found[0], device)
    return found[0]


def together(nodes: Sequence[Node], there: Device | None = None) -> list[Node]:
    """The nodes, numbers on the CPU without axes on the others' device. Raises RuntimeError."""
    there = one_device(nodes) if there is None else there
    return [n if n.device is there else g.transfer(n, there) for n in nodes]


def made_of(f: Callable[..., Node], nodes: Sequence[Node]) -> Node:
    """`f` of nodes, which a number on the CPU is taken to where the others are."""
    try:
        return f(*nodes)
    except Apart as error:
        moved = together(nodes)
        if all(a is b for a, b in zip(moved, nodes, strict=True)):
            raise two_devices(*error.devices) from None
        return f(*moved)


def run(
    name: str, f: Callable[..., Node], tensors: Sequence[Tensor], of: dtype | None = None
) -> Tensor:
    """A new tensor from the nodes of others, recorded under PyTorch's name of the derivative."""
    nodes = [t._read() for t in tensors]
    if len(nodes) > 1 and len(set(nodes)) < len(nodes):
        nodes = distinct(nodes)
    return record(wrap(made_of(f, nodes), of), name, tensors, nodes)


def run_fixed(
    name: str, f: Callable[..., Node], params: tuple[Any, ...], tensors: Sequence[Tensor | None]
) -> Tensor:
    """`run` of `f(*nodes, *params)`, which looks at nothing but the types of nodes and at params.
    Some tensors may be missing.
    """
    given = [t for t in tensors if t is not None]
    nodes = [t._read() for t in given]
    if len(nodes) > 1 and len(set(nodes)) < len(nodes):
        nodes = distinct(nodes)
    left = iter(nodes)
    try:
        out, made = laid(f, params, [None if t is None else next(left) for t in tensors])
    except Apart:
        return run(name, _filled(f, params, tensors), given)
    return record(wrap(out), name, given, nodes, made)


def _filled(
    f: Callable[..., Node], params: tuple[Any, ...], tensors: Sequence[Tensor | None]
) -> Callable[..., Node]:
    """The function of the tensors that are there."""

    def filled(*nodes: Node) -> Node:
        left = iter(nodes)
        return f(*[None if t is None else next(left) for t in tensors], *params)

    return filled


def run_many(
    name: str, f: Callable[..., Sequence[Node]], tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """New tensors from the nodes of others, recorded as one operation."""
    nodes = distinct([t._read() for t in tensors])
    return _wrapped(name, tensors, nodes, f(*nodes), None)


def run_many_fixed(
    name: str, f: Callable[..., Sequence[Node]], params: tuple[Any, ...], tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """`run_many` of `f(*nodes, *params)`, which looks at nothing else, as for `run_fixed`."""
    nodes = distinct([t._read() for t in tensors])
    return _wrapped(name, tensors, nodes, *laid_many(f, params, nodes))


def _wrapped(
    name: str, tensors: Sequence[Tensor], nodes: Sequence[Node], found: Sequence[Node],
    made: Laid | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Results of an operation that has several, recorded."""
    outs = tuple([wrap(n) for n in found])
    record_many(outs, name, tensors, nodes, made)
    for out in outs if MODE.inference else ():
        out._inference = True
    return outs


def cast(node: Node, to: dtype) -> Node:
    """The node in another dtype; complex numbers lose their imaginary parts."""
    number = to.numpy
    if node.dtype is number:
        return node
    if node.dtype.kind == "c" and to._rank in (1, 2):
        node = g.real(node)
        return node if node.dtype is number else g.cast(node, number)
    return g.cast(node, number)


def to_dtype(x: Tensor, to: dtype) -> Tensor:
    """The tensor in another dtype; itself if it has it."""
    if x.dtype is to:
        return x
    node = x._read()
    return record(wrap(cast(node, to), to, dense(x)), "ToCopy", (x,), (node,))


def to_device(x: Tensor, there: Device) -> Tensor:
    """The tensor on a device; itself if it is there."""
    if x._node.device is there:
        return x
    node = x._read()
    return record(wrap(g.transfer(node, there), x.dtype, dense(x)), "ToCopy", (x,), (node,))
