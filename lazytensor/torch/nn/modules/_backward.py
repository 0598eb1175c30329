"""Backward hooks of modules: identities around a module's inputs and outputs, hooked in the graph.

What enters: a module, its hooks, and the tensors of one call. What leaves: the same tensors through
a node of the backward graph whose gradients the hooks see. It must not know how modules are called.
"""

import warnings
from collections.abc import Callable
from typing import Any

from ... import _api as torch
from ...tensor import Tensor

_Function: Any = torch.autograd.Function


class BackwardHookFunction(_Function):  # type: ignore[misc]
    """The identity on several tensors; gradients pass it together."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """The arguments, as views."""
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        """The gradients."""
        return args


class BackwardHook:
    """The backward hooks of one call of a module: `inputs` and `outputs` wrap its tensors."""

    def __init__(self, module: Any, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: Any = None
        self.outputs_at: list[int] | None = None
        self.inputs_at: list[int] | None = None
        self.n_inputs = self.n_outputs = -1

    def inputs(self, args: Any) -> Any:
        """The call's arguments, tensors among them hooked."""
        wrapped, self.inputs_at = _wrap(lambda fn: fn.register_hook(self._on_inputs), args)
        self.n_inputs = len(args)
        return wrapped

    def outputs(self, result: Any) -> Any:
        """The call's result, a tensor or a tuple, hooked."""
        args = result if isinstance(result, tuple) else (result,)
        wrapped, self.outputs_at = _wrap(lambda fn: fn.register_hook(self._on_outputs), args)
        self.n_outputs = len(args)
        return wrapped if isinstance(result, tuple) else wrapped[0]

    def _on_inputs(self, grad_input: Any, _: Any) -> Any:
        if self.grad_outputs is None:  # the outputs' gradients are not known yet
            return None
        places = self.inputs_at or []
        grads: Any = _spread(places, grad_input, self.n_inputs)
        for hook in self.hooks:
            out = hook(self.module, grads, self.grad_outputs)
            if out is None:
                continue
            if len(out) != len(grads):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(out)}, "
                    f"but expected {len(grads)}"
                )
            grads = out
        self.grad_outputs = None
        return tuple(grads[i] for i in places)

    def _on_outputs(self, _: Any, grad_output: Any) -> Any:
        places = self.outputs_at or []
        self.grad_outputs = _spread(places, grad_output, self.n_outputs)
        expected = len(self.grad_outputs)
        for hook in self.pre_hooks:
            out = hook(self.module, self.grad_outputs)
            if out is None:
                continue
            if len(out) != expected:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, got "
                    f"{len(out)}, but expected {expected}"
                )
            self.grad_outputs = out
        grads = self.grad_outputs
        if self.inputs_at is None:
            self._without_inputs()
        return tuple(grads[i] for i in places)

    def _without_inputs(self) -> None:
        """Call the hooks now: no input requires gradients, so that nothing will come there."""
        warnings.warn(_NO_INPUTS, stacklevel=5)
        nothing = (None,) * self.n_inputs
        for hook in self.hooks:
            result = hook(self.module, nothing, self.grad_outputs)
            if not (result is None or (isinstance(result, tuple) and not any(map(_some, result)))):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )
        self.grad_outputs = None


def _some(value: Any) -> bool:
    return value is not None


def _spread(places: list[int], values: Any, size: int) -> tuple[Any, ...]:
    """Values at their places in a tuple of None."""
    result = [None] * size
    for place, value in zip(places, values, strict=True):
        result[place] = value
    return tuple(result)


def _wrap(register: Callable[[Any], Any], args: Any) -> tuple[Any, list[int] | None]:
    """Arguments with their tensors passed through the identity, and where these are.

    The places are None where no gradient is recorded.
    """
    places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
    tensors = [args[i] for i in places]
    if not (torch.is_grad_enabled() and any(t.requires_grad for t in tensors)):
        return args, None
    wrapped = BackwardHookFunction.apply(*tensors)
    register(next(t.grad_fn for t in wrapped if t.grad_fn is not None))
    result = list(args)
    for place, tensor in zip(places, wrapped, strict=True):
        result[place] = tensor
    return (tuple(result) if type(args) is tuple else type(args)(*result)), places


_NO_INPUTS = (
    "Full backward hook is firing when gradients are computed with respect to module outputs "
    "since no inputs require gradients. See "
    "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
    "#torch.nn.Module.register_full_backward_hook for more details."
)
