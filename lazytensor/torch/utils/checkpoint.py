"""Checkpoints: what a function computed is forgotten, and computed again for its gradients.

What enters: a function and its arguments. What leaves: its outputs, whose gradients come from a
second call. It must not know modules.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any
from weakref import WeakKeyDictionary, ref

from .. import _api as torch
from .._graph import MODE
from .._packing import pack, unpack
from ..autograd.graph import saved_tensors_hooks
from ..autograd.walk import WALKS
from ..random import fork_rng
from ..tensor import Tensor

__all__ = [
    "CheckpointError", "CheckpointFunction", "check_backward_validity", "checkpoint",
    "checkpoint_sequential", "detach_variable", "noop_context_fn", "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]  # fmt: skip

_Function: Any = torch.autograd.Function


class CheckpointError(RuntimeError):
    """The second call didn't save what the first one did."""


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where no tensor among the arguments needs a gradient."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )


def detach_variable(inputs: Any) -> tuple[Any, ...]:
    """The arguments, tensors as leaves. Raises RuntimeError for what is no tuple."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            "Only tuple of tensors is supported. Got Unsupported input type: "
            f"{type(inputs).__name__}"
        )
    return tuple([
        x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs
    ])  # fmt: skip


def _states() -> tuple[Tensor, list[Tensor]]:
    """The states of the default generators: the CPU's, and those of devices."""
    return torch.get_rng_state(), torch.cuda.get_rng_state_all()


@contextmanager
def _same_numbers(states: Any) -> Iterator[None]:
    """A context in which random numbers are drawn from states, None: from where they are."""
    with fork_rng(enabled=states is not None):
        if states is not None:
            torch.set_rng_state(states[0])
            torch.cuda.set_rng_state_all(states[1])
        yield


# --- with a backward pass within the other --------------------------------------------------------


class CheckpointFunction(_Function):  # type: ignore[misc]
    """A call whose gradients are those of a second call."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        """The outputs, computed without recording."""
        check_backward_validity(args)
        ctx.call = run_function
        ctx.random = _states() if preserve_rng_state else None
        ctx.places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.others = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with torch.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients, from a call that is recorded. Raises RuntimeError where only some are
        asked for.
        """
        if WALKS and WALKS[-1].ends is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        args = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[place] = tensor
        given = detach_variable(tuple(args))
        with _same_numbers(ctx.random), torch.enable_grad():
            outputs = ctx.call(*given)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (out, grad)
            for out, grad in zip(outputs, grads)
            if isinstance(out, Tensor) and out.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        torch.autograd.backward([out for out, _ in pairs], [grad for _, grad in pairs])
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in given]


# --- with what operations save --------------------------------------------------------------------


class _Holder:
    """What stands for a tensor that was saved: its number among those of the call."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Stop(Exception):
    """All that was saved has been computed again."""


def _like(x: Tensor) -> dict[str, Any]:
    return {"shape": x.shape, "dtype": x.dtype, "device": x.device}


_CHECKS: dict[str, Callable[[Tensor], Any]] = {"default": _like, "none": lambda x: None}


class _Frame:
    """One call: what it saved, as holders, and what was computed again for each walk."""

    def __init__(self, again: Callable[..., Any], check: Callable[[Tensor], Any], stop: bool):
        self.again = again
        self.check = check
        self.stop = stop
        self.args: list[Any] = []
        self.holders: list[Any] = []
        self.about: list[Any] = []
        self.computed: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()

    def keep(self, args: tuple[Any, ...]) -> None:
        """Save the arguments, as a call around this one saves its tensors."""
        for x in args:
            if MODE.hooks and isinstance(x, Tensor):
                packing, unpacking = MODE.hooks[-1]
                self.args.append((pack(x, packing), unpacking, x.requires_grad))
            else:
                self.args.append((x, None, False))

    def pack(self, x: Tensor) -> _Holder:
        """What stands for a tensor."""
        holder = _Holder(len(self.holders))
        self.holders.append(ref(holder))
        self.about.append(self.check(x))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """The tensor, computed again once a walk. Raises CheckpointError where it is asked for
        twice.
        """
        walk = WALKS[-1] if WALKS else _Holder(-1)
        found = self.computed.get(walk)
        if found is None:
            found = self.computed[walk] = self.recomputed()
        tensor: Tensor | None = found.pop(holder.number, None)
        if tensor is None:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already "
                "unpacked once. If you are calling ctx.saved_tensors in backward, make sure to do "
                "so only once. Otherwise please open an issue with details on your use case."
            )
        return tensor

    def recomputed(self) -> dict[int, Tensor]:
        """What a second call saves. Raises CheckpointError where that is something else."""
        found: dict[int, Tensor] = {}
        count = len(self.holders)
        number = 0

        def save(x: Tensor) -> Tensor:
            nonlocal number
            if number >= count:
                raise CheckpointError(
                    "torch.utils.checkpoint: trying to save more tensors during recomputation "
                    f"than during the original forward pass.\n{_TIP}"
                )
            x = x.detach() if x.requires_grad else x
            if self.holders[number]() is not None:
                found[number] = x
            number += 1
            if self.stop and number == count:
                raise _Stop
            return x

        args = [
            x if hook is None else unpack(x, hook).detach().requires_grad_(needs)
            for x, hook, needs in self.args
        ]
        with saved_tensors_hooks(save, lambda x: x), torch.enable_grad(), suppress(_Stop):
            self.again(*args)
        self.compare(number, found)
        return found

    def compare(self, number: int, found: dict[int, Tensor]) -> None:
        """Raises CheckpointError where both calls saved different tensors."""
        if number != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\nNumber of tensors saved during forward: "
                f"{len(self.holders)}\nNumber of tensors saved during recomputation: {number}.\n"
                f"{_TIP}"
            )
        text = ""
        for place, x in found.items():
            if self.about[place] != self.check(x):
                text += (
                    f"tensor at position {place}:\nsaved metadata: {self.about[place]}\n"
                    f"recomputed metadata: {self.check(x)}\n"
                )
        if text:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                f"different metadata than during the forward pass.\n{text}.\n{_TIP}"
            )


class _Settings:
    """What contexts set for all checkpoints made in them; None: as each says."""

    early_stop: bool | None = None
    debug: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """A context: whether second calls end when all that was saved has been computed again."""
    before, _Settings.early_stop = _Settings.early_stop, enable
    try:
        yield
    finally:
        _Settings.early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """A context: whether checkpoints are made with `debug`."""
    before, _Settings.debug = _Settings.debug, enabled
    try:
        yield
    finally:
        _Settings.debug = before


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), computed again when its gradients are.

    With use_reentrant gradients come from a backward pass within the other. Without it what
    operations save is forgotten, and saved again by a second call, which ends with the last of it
    where early_stop. Random numbers are those of the first call, unless preserve_rng_state=False.
    Raises ValueError for options that don't go together; CheckpointError in the backward pass,
    where the second call does something else.
    """
    if use_reentrant is None:
        warnings.warn(_SAY_WHICH, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        if debug if _Settings.debug is None else _Settings.debug:
            raise NotImplementedError("checkpoint: debug=True is not supported")
        contexts = context_fn()
        return _forgotten(
            function, args, kwargs, preserve, contexts, _check_of(determinism_check), early_stop
        )
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError(
            "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
        )
    return CheckpointFunction.apply(function, preserve, *args)


def _check_of(name: str) -> Callable[[Tensor], Any]:
    if name not in _CHECKS:
        raise ValueError(
            f"determinism_check should be one of {list(_CHECKS)}, but got {name}"
        )
    return _CHECKS[name]


def _forgotten(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], preserve: bool,
    contexts: tuple[Any, Any], check: Callable[[Tensor], Any], early_stop: bool,
) -> Any:  # fmt: skip
    """A call of which nothing is saved."""
    if not MODE.grad:
        return function(*args, **kwargs)
    states = _states() if preserve else None

    def again(*given: Any) -> None:
        with _same_numbers(states), contexts[1]:
            function(*given, **kwargs)

    stop = early_stop if _Settings.early_stop is None else _Settings.early_stop
    frame = _Frame(again, check, stop)
    frame.keep(args)
    with saved_tensors_hooks(frame.pack, frame.unpack), contexts[0]:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Functions in a row, in segments of which all but the last are checkpointed."""
    if use_reentrant is None:
        warnings.warn(_SAY_WHICH_SEQUENTIAL, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions)
    size = len(steps) // segments

    def segment(begin: int, end: int) -> Callable[[Any], Any]:
        def run(value: Any) -> Any:
            for step in steps[begin:end]:
                value = step(value)
            return value

        return run

    last = size * (segments - 1)
    for begin in range(0, last, size or 1):
        part = segment(begin, begin + size)
        input = checkpoint(
            part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return segment(last, len(steps))(input)


_TIP = (
    "\nTip: To see a more detailed error message, either pass `debug=True` to\n"
    "`torch.utils.checkpoint.checkpoint(...)` or wrap the code block\n"
    "with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to\n"
    "enable checkpoint\u2011debug mode globally.\n\n"
    "If this error occurs under torch.compile with automatic_dynamic_shapes enabled,\n"
    "it may be because the recomputation selected a different compiled graph than the\n"
    "forward pass (e.g., a dynamic graph instead of the original static graph).\n"
    "To fix this, either:\n"
    "  - Use torch._dynamo.mark_dynamic() to explicitly mark varying dimensions as\n"
    "    dynamic upfront, avoiding the static-to-dynamic transition.\n"
    "  - Call torch._C._dynamo.eval_frame._set_lru_cache(False) to disable LRU cache\n"
    "    reordering, which can change which graph is checked first between forward\n"
    "    and recompute.\n"
    "See https://github.com/pytorch/pytorch/issues/166926 for more details and\n"
    "workaround examples.\n"
)
_SAY_WHICH = (
    "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in "
    "PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception. "
    "use_reentrant=False is recommended, but if you need to preserve the current default behavior, "
    "you can pass use_reentrant=True. Refer to docs for more details on the differences between "
    "the two variants."
)
_SAY_WHICH_SEQUENTIAL = (
    "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed "
    "explicitly. In version 2.9 we will raise an exception if use_reentrant is not passed. "
    "use_reentrant=False is recommended, but if you need to preserve the current default behavior, "
    "you can pass use_reentrant=True. Refer to docs for more details on the differences between "
    "the two variants."
)
