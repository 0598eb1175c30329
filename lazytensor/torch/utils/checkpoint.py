"""Checkpoints: what a function computed is forgotten, and computed again for its gradients.

What enters: a function and its arguments. What leaves: its outputs, whose gradients come from a
second call. It must not know modules.
"""

import warnings
from collections.abc import Callable
from typing import Any

from .. import _api as torch
from ..tensor import Tensor

__all__ = ["checkpoint", "checkpoint_sequential"]

_Function: Any = torch.autograd.Function


class CheckpointFunction(_Function):  # type: ignore[misc]
    """A call whose gradients are those of a second call."""

    @staticmethod
    def forward(ctx: Any, call: Any, preserve: bool, *args: Any) -> Any:
        """The outputs, computed without recording."""
        ctx.call, ctx.random = call, torch.get_rng_state() if preserve else None
        ctx.places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.others = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with torch.no_grad():
            return call(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients, from a call that is recorded."""
        args = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        outputs = _again(ctx.call, args, ctx.random)
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
        found = [arg.grad if isinstance(arg, Tensor) else None for arg in args]
        return None, None, *found


def _again(call: Callable[..., Any], args: list[Any], random: Any) -> Any:
    """A call with gradients recorded, with the random numbers of the first one."""
    if random is None:
        with torch.enable_grad():
            return call(*args)
    now = torch.get_rng_state()
    torch.set_rng_state(random)
    try:
        with torch.enable_grad():
            return call(*args)
    finally:
        torch.set_rng_state(now)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), computed again when its gradients are.

    With use_reentrant parameters get their gradients by a backward pass within the other; without
    it the outputs are those of a recorded call, of which the graph forgets what it can compute.
    """
    if use_reentrant is None:
        warnings.warn(_SAY_WHICH, stacklevel=2)
        use_reentrant = True
    if not use_reentrant:
        return function(*args, **kwargs)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if not any(isinstance(arg, Tensor) and arg.requires_grad for arg in args):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )
    return CheckpointFunction.apply(function, preserve_rng_state, *args)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """Functions in a row, in segments of which all but the last are checkpointed."""
    if use_reentrant is None:
        warnings.warn(_SAY_WHICH_SEQUENTIAL, stacklevel=2)
        use_reentrant = True
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
        options = {"use_reentrant": use_reentrant, "preserve_rng_state": preserve_rng_state}
        input = checkpoint(part, input, **options)  # type: ignore[arg-type]
    return segment(last, len(steps))(input)


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
