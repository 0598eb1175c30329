"""`torch.autograd.graph`: records, what they save, and hooks on several gradients.

What enters: hooks, tensors. What leaves: contexts in which the hooks are in force, handles, edges.
It must not know how a walk is made.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._graph import MODE, GradFn
from ..tensor import Tensor, wrap
from .engine import GradientEdge
from .walk import WALKS

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
    "get_gradient_edge", "increment_version", "region_activation_memory_budget",
    "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
    "set_override_stale_capture_stream", "set_warn_on_accumulate_grad_stream_mismatch",
]  # fmt: skip

Node = GradFn


# --- what is saved --------------------------------------------------------------------------------


class saved_tensors_hooks:
    """A context in which what operations save is packed by one function, and unpacked by another
    when gradients are asked for.

    Raises RuntimeError where hooks are turned off.
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if MODE.hooks_off is not None:
            raise RuntimeError(MODE.hooks_off)
        MODE.hooks = (*MODE.hooks, (self.pack_hook, self.unpack_hook))

    def __exit__(self, *exception: object) -> None:
        MODE.hooks = MODE.hooks[:-1]


class save_on_cpu(saved_tensors_hooks):
    """A context in which what is saved is kept in the memory of the CPU."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(
            lambda t: (t.device, t.cpu()),
            lambda packed: packed[1].to(packed[0], non_blocking=pin_memory),
        )


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """A context in which hooks on what is saved are an error of this text."""
    if MODE.hooks:
        raise RuntimeError(error_message)
    before, MODE.hooks_off = MODE.hooks_off, error_message
    try:
        yield
    finally:
        MODE.hooks_off = before


class _AllowMutationOnSavedContext:
    """What was saved in a context: nodes, which no write changes."""

    open = False

    def __init__(self) -> None:
        self.kept: dict[int, Any] = {}

    def clear(self) -> None:
        """Let go of all of it."""
        self.kept.clear()

    def pack(self, t: Tensor) -> int:
        """A number for a tensor as it is now."""
        number = len(self.kept)
        self.kept[number] = t._read(), t.dtype
        return number

    def unpack(self, number: int) -> Tensor:
        """The tensor as it was. Raises AssertionError outside of the context."""
        if not _AllowMutationOnSavedContext.open or number not in self.kept:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin "
                "which the graph was originally recorded."
            )
        return wrap(*self.kept[number])


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_AllowMutationOnSavedContext]:
    """A context in which tensors that are saved may be written to: gradients are those of what
    they were. Raises RuntimeError within another one.
    """
    found = _AllowMutationOnSavedContext()
    with saved_tensors_hooks(found.pack, found.unpack):
        if _AllowMutationOnSavedContext.open:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        _AllowMutationOnSavedContext.open = True
        try:
            yield found
        finally:
            found.clear()
            _AllowMutationOnSavedContext.open = False


# --- edges and versions ---------------------------------------------------------------------------


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where gradients of a tensor go. Raises RuntimeError for one that needs none."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    fn, number = tensor._edge()
    assert fn is not None
    return GradientEdge(fn, number)


def increment_version(tensor: Any) -> None:
    """Tell that the memory of a tensor, or of several, was written to. Raises RuntimeError for what
    are none.
    """
    tensors = [tensor] if isinstance(tensor, Tensor) else tensor
    if not (hasattr(tensors, "__iter__") and all(isinstance(t, Tensor) for t in tensors)):
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input")
    for t in tensors:
        t._count()[0] += 1


# --- hooks on several gradients -------------------------------------------------------------------


class _Handles:
    """Hooks' places: `remove()` takes all away, as does leaving a `with` block."""

    def __init__(self, handles: Sequence[Any]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> "_Handles":
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class _All:
    """Gradients of several tensors, handed on when the last one of a walk has come."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[..., Any]) -> None:
        self.fn = fn
        self.edges = [get_gradient_edge(t).node for t in tensors]
        self.found: dict[int, list[Any]] = {}

    def came(self, place: int, gradient: Tensor) -> None:
        """One gradient."""
        walk = WALKS[-1]
        found = self.found.setdefault(id(walk), [0, [None] * len(self.edges)])
        found[0] += 1
        found[1][place] = gradient
        if found[0] == sum(map(walk.reaches, self.edges)):
            del self.found[id(walk)]
            self.fn(found[1])


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: str = "all"
) -> Any:
    """Call `fn` with the gradients of tensors when all that come in a walk have come, None for
    others; with the mode "any", with the first one that comes. Raises ValueError for other modes.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "all":
        every = _All(tensors, fn)
        return _Handles([t.register_hook(_bound(every.came, i)) for i, t in enumerate(tensors)])
    last: list[Any] = [None]

    def first(gradient: Tensor) -> None:
        if last[0] is not WALKS[-1]:
            last[0] = WALKS[-1]
            fn(gradient)

    return _Handles([t.register_hook(first) for t in tensors if t.requires_grad])


def _bound(came: Callable[[int, Tensor], None], place: int) -> Callable[[Tensor], None]:
    return lambda gradient: came(place, gradient)


# --- what other parts of PyTorch have -------------------------------------------------------------


def region_activation_memory_budget(budget: float) -> Any:
    """Raises RuntimeError: functions are not compiled here. TypeError, ValueError for no share."""
    begin = "torch.autograd.graph.region_activation_memory_budget"
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise TypeError(f"{begin}: expects a float, got {type(budget).__name__}")
    if not 0.0 <= budget <= 1.0:
        raise ValueError(f"{begin}: must be in [0, 1], got {budget}")
    raise RuntimeError(
        f"{begin} can only be used inside a torch.compile region; it has no effect in eager mode."
    )


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Nothing: there are no streams that could differ."""


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Nothing: there are no streams that could be stale."""
