"""Where a walk of autograd begins: `backward` and `grad`.

What enters: tensors and their gradients. What leaves: gradients, added to leaves or returned. It
must not know what records answer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...ir.node import scalar
from ...ops import g
from .._compute import note
from .._graph import MODE, NOWHERE, Edge, GradFn
from .._record import to_dtype
from ..tensor import Tensor, wrap
from .batches import over
from .walk import WALKS, Place, Recording, Root, Walk
from .walk import zeros as zeros_like

__all__ = ["GradientEdge", "backward", "grad"]


def ones(x: Tensor) -> Tensor:
    """A gradient of ones."""
    node = x._read()
    return wrap(g.broadcast_to(scalar(1, node.dtype, node.device), node.shape), x.dtype)


class GradientEdge(NamedTuple):
    """Where gradients of a tensor go: the record that made it, and which output it is."""

    node: GradFn
    output_nr: int
    ownership_token: GradFn | None = None


def _origin(place: int, x: Tensor) -> tuple[GradFn, int]:
    """Where the history of a tensor ends. Raises RuntimeError for one that has none."""
    fn, number = _edge(x)
    if fn is None or fn is NOWHERE[0]:
        raise RuntimeError(
            f"element {place} of tensors does not require grad and does not have a grad_fn"
        )
    return fn, number


def _start(walk: Walk, tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    roots: list[Root] = []
    given = [_first(i, x, t) for i, (x, t) in enumerate(zip(tensors, gradients, strict=True))]
    for place, (x, gradient) in enumerate(zip(tensors, given, strict=True)):
        roots.append((*_origin(place, x), gradient))
    _begin(walk, roots)


def _begin(walk: Walk, roots: list[Root]) -> None:
    walk.roots = [fn for fn, _, _ in roots]
    if walk.ends is not None:
        ends = {fn for fn, _ in walk.ends}
        walk.through = _above([fn for fn, _, _ in roots], ends)
        walk.needed = walk.through | {fn for fn, _, _ in roots} | ends
    walk.start(roots)


def _edge(x: Any) -> Edge:
    """Where gradients of a tensor go, or of what stands for one."""
    return (x.node, x.output_nr) if isinstance(x, GradientEdge) else x._edge()


def _first(place: int, x: Any, given: Any) -> Tensor:
    """The gradient that a walk begins with. Raises RuntimeError for one that doesn't fit."""
    if isinstance(x, GradientEdge):
        if given is None:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        return given  # type: ignore[no-any-return]
    if given is None:
        if x.requires_grad and x._node.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if x.requires_grad and x.dtype._rank != 2:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {x.dtype}"
            )
        return ones(x)
    if not isinstance(given, Tensor):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(given).__name__}"
        )
    if given._node.shape != x._node.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{place}] has a shape of {given.shape} and "
            f"output[{place}] has a shape of {x.shape}."
        )
    if (given.dtype._rank == 3) != (x.dtype._rank == 3):
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{place}] has a dtype of {given.dtype} and "
            f"output[{place}] has a dtype of {x.dtype}."
        )
    return to_dtype(given, x.dtype)


def _listed(x: Any) -> list[Any]:
    return [x] if isinstance(x, Tensor | GradientEdge) else list(x)


def _gradients(tensors: Sequence[Tensor], given: Any) -> list[Tensor | None]:
    if given is None:
        return [None] * len(tensors)
    found = [given] if isinstance(given, Tensor) else list(given)
    if len(found) != len(tensors):
        for place, (x, t) in enumerate(zip(tensors, found)):
            _first(place, x, t)
        raise RuntimeError(f"got {len(tensors)} tensors and {len(found)} gradients")
    return found


def _run(walk: Walk, create: bool) -> None:
    before, MODE.grad = MODE.grad, create
    WALKS.append(walk)
    try:
        walk.run()
    finally:
        WALKS.pop()
        MODE.grad = before


def _walk(
    roots: list[Tensor], given: Any, keep: bool | None, create: bool, ends: Sequence[Tensor] | None,
    returned: bool,
) -> tuple[Walk, list[Place]]:  # fmt: skip
    """A finished walk, and the places of the ends."""
    kept = create if keep is None else keep
    wanted: dict[Place, int] | None = None
    places: list[Place] = []
    if ends is not None:
        wanted = {}
        for number, x in enumerate(ends):
            fn, out = _edge(x)
            if fn is NOWHERE[0]:  # nothing leads there
                fn = GradFn((), (), ())
            if fn is None:
                for place, root in enumerate(roots):
                    _origin(place, root)
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            wanted.setdefault((fn, out), number)
            places.append((fn, out))
    walk = (Recording if create else Walk)(kept, wanted, returned)
    _start(walk, roots, _gradients(roots, given))
    _run(walk, create)
    return walk, places


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of tensors to the `.grad` of the leaves they were made from.

    With `inputs`, only to those of these tensors, which need not be leaves. Raises RuntimeError as
    PyTorch does: for tensors without history, mismatched gradients, a history that was let go, and
    a saved tensor that was written to.
    """
    if MODE.transforms:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "functorch.grad or functorch.vjp instead or call backward() outside of functorch "
            "transforms."
        )
    given = grad_variables if grad_tensors is None else grad_tensors
    ends = None if inputs is None else _listed(inputs)
    if ends is not None:
        if not ends:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for x in ends:
            if isinstance(x, Tensor) and not (x.is_leaf and x.requires_grad):
                Tensor.retain_grad(x)  # type: ignore[attr-defined]
    roots = _listed(tensors)
    _walk(roots, given, retain_graph, create_graph, ends, False)
    note([x for x in roots if isinstance(x, Tensor)])


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of outputs by inputs, returned.

    An input that outputs don't depend on is an error unless `allow_unused`; with
    `materialize_grads` it has zeros. With `is_grads_batched` each gradient of outputs is a batch of
    gradients along axis 0, and so is each that is returned. Raises RuntimeError as `backward`.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    roots, ends = _listed(outputs), _listed(inputs)
    if not ends:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if is_grads_batched:
        given = [_gradients(roots, grad_outputs), retain_graph, create_graph]
        return _batched(roots, ends, given, bool(allow_unused), materialize_grads)
    walk, places = _walk(roots, grad_outputs, retain_graph, create_graph, ends, True)
    assert walk.ends is not None
    found = [walk.found.get(walk.ends[place]) for place in places]
    return tuple(_unused(ends, found, bool(allow_unused), materialize_grads, create_graph))


def undefined(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], missing: Sequence[int]
) -> list[Tensor | None]:
    """Gradients where those of some outputs are missing, and those of the others zeros."""
    places = [_edge(x) for x in inputs]
    ends = {(fn, out): i for i, (fn, out) in enumerate(places) if fn is not None}
    walk = Walk(False, ends, True)
    roots: list[Root] = []
    for i, t in enumerate(outputs):
        fn, number = _edge(t)
        assert fn is not None
        roots.append((fn, number, None if i in missing else zeros_like(t)))
    _begin(walk, roots)
    _run(walk, False)
    return [walk.found.get(i) for i in range(len(inputs))]


def _batched(
    roots: list[Any], ends: list[Any], given: list[Any], allowed: bool, zeros: bool
) -> tuple[Tensor | None, ...]:
    """`grad` for each of a batch of gradients of the outputs, the results along a new axis 0."""
    cotangents, keep, create = given

    def one(each: Sequence[Any]) -> Sequence[Any]:
        return grad(roots, ends, each, keep, create, True, True)

    found = over(one, cotangents)
    return tuple(_unused(ends, found, allowed, zeros, create))


def _unused(
    ends: Sequence[Tensor],
    found: Sequence[Tensor | None],
    allowed: bool,
    zeros: bool,
    create: bool,
) -> Sequence[Tensor | None]:
    if zeros:
        return [zeros_like(x, create) if t is None else t for x, t in zip(ends, found, strict=True)]
    if None in found and not allowed:
        raise RuntimeError(
            f"The differentiated Tensor at index {found.index(None)} appears to not have been used "
            "in the graph. Set allow_unused=True if this is the desired behavior."
        )
    return found


def _above(roots: Sequence[GradFn], ends: set[GradFn]) -> set[GradFn]:
    """The records from which an end is reached. No recursion."""
    order: list[GradFn] = []
    seen = set(roots)
    stack = list(roots)
    while stack:
        fn = stack.pop()
        order.append(fn)
        for into, _ in fn.edges:
            if into is not None and into not in seen:
                seen.add(into)
                stack.append(into)
    needed: set[GradFn] = set()
    for fn in sorted(order, key=lambda f: f._sequence):
        if any(into is not None and (into in ends or into in needed) for into, _ in fn.edges):
            needed.add(fn)
    return needed
