"""class Module: the base of all that has parameters and is called.

What enters: attributes and arguments. What leaves: outputs, states, printed forms. It must not know
any particular layer.
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self

from ... import _api as torch
from ._calls import (
    Called,
    register_module_backward_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from ._state import IncompatibleKeys, Stateful
from ._tree import (
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

__all__ = [
    "IncompatibleKeys",
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

# The attributes of a fresh module, besides `training`, and what makes their values.
_FRESH: dict[str, Callable[[], Any]] = {
    "_parameters": dict,
    "_buffers": dict,
    "_non_persistent_buffers_set": set,
    "_backward_pre_hooks": OrderedDict,
    "_backward_hooks": OrderedDict,
    "_is_full_backward_hook": lambda: None,
    "_forward_hooks": OrderedDict,
    "_forward_hooks_with_kwargs": OrderedDict,
    "_forward_hooks_always_called": OrderedDict,
    "_forward_pre_hooks": OrderedDict,
    "_forward_pre_hooks_with_kwargs": OrderedDict,
    "_state_dict_hooks": OrderedDict,
    "_state_dict_pre_hooks": OrderedDict,
    "_load_state_dict_pre_hooks": OrderedDict,
    "_load_state_dict_post_hooks": OrderedDict,
    "_modules": dict,
}


def _addindent(text: str, spaces: int) -> str:
    """Text with all lines but the first indented."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line if line.strip() else "" for line in rest)])


def _floating(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A conversion of floating-point tensors that leaves others as they are."""
    return lambda t: convert(t) if t.is_floating_point() else t


class Module(Stateful, Called):
    """The base class of layers and models.

    Parameters, buffers and modules assigned as attributes are registered; `forward` says what a
    call does.
    """

    dump_patches: bool = False
    call_super_init: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        if not self.call_super_init and kwargs:
            raise TypeError(
                f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        if not self.call_super_init and args:
            raise TypeError(
                f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        own = self.__dict__
        own["training"] = True
        own.update((key, make()) for key, make in _FRESH.items())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *input: Any) -> Any:
        """What a call computes; NotImplementedError where a subclass does not say."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Put fn(tensor) in the place of every parameter, gradient and buffer.

        Parameters stay the same objects; what they hold changes.
        """
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                _convert_parameter(parameter, fn)
        for key, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[key] = fn(buffer)
        return self

    def cuda(self, device: Any = None) -> Self:
        """Move all tensors to a CUDA device."""
        return self._apply(lambda t: t.cuda(device))

    def cpu(self) -> Self:
        """Move all tensors to the CPU."""
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type: Any) -> Self:
        """Cast all tensors."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast the floating-point tensors to float32."""
        return self._apply(_floating(lambda t: t.float()))

    def double(self) -> Self:
        """Cast the floating-point tensors to float64."""
        return self._apply(_floating(lambda t: t.double()))

    def half(self) -> Self:
        """Cast the floating-point tensors to float16."""
        return self._apply(_floating(lambda t: t.half()))

    def bfloat16(self) -> Self:
        """Cast the floating-point tensors to bfloat16."""
        return self._apply(_floating(lambda t: t.bfloat16()))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move all tensors to a device, without their values."""
        return self._apply(lambda t: torch.empty_like(t, device=device), recurse=recurse)

    def share_memory(self) -> Self:
        """Move all tensors to memory shared with child processes."""
        return self._apply(lambda t: t.share_memory_())

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move, cast, or reformat the tensors in place: to(device, dtype, non_blocking), or a
        tensor to be like, or a memory_format.

        A dtype casts floating-point and complex tensors only; TypeError for an integer one.
        """
        device, dtype, non_blocking, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(_COMPLEX, stacklevel=2)

        def convert(t: Any) -> Any:
            wanted = dtype if t.is_floating_point() or t.is_complex() else None
            if memory_format is not None and t.dim() in (4, 5):
                return t.to(device, wanted, non_blocking, memory_format=memory_format)
            return t.to(device, wanted, non_blocking)

        return self._apply(convert)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zeros."""
        for parameter in self.parameters():
            grad = parameter.grad
            if grad is None:
                continue
            if set_to_none:
                parameter.grad = None
                continue
            if grad.grad_fn is not None:
                grad.detach_()
            else:
                grad.requires_grad_(False)
            grad.zero_()

    def extra_repr(self) -> str:
        """What stands within the parentheses of the printed form."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({k}): {_addindent(repr(m), 2)}" for k, m in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        if lines or children:
            return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"
        return f"{self._get_name()}()"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        fresh = {k: make() for k, make in _FRESH.items() if k not in state}
        self.__dict__.update(fresh | state)


def _convert_parameter(parameter: Any, fn: Callable[[Any], Any]) -> None:
    """Let a parameter, and its gradient, hold what a function makes of them."""
    grad = parameter.grad
    with torch.no_grad():
        parameter.data = fn(parameter)
        if grad is not None:
            converted = fn(grad)
            parameter.grad = converted.requires_grad_(grad.requires_grad)


_COMPLEX = (
    "Complex modules are a new feature under active development whose design may change, and some "
    "modules might not work as expected when using complex tensors as parameters or buffers. "
    "Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module "
    "does not work as expected."
)
