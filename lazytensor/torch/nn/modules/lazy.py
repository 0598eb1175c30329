"""Lazy modules: parameters get their shapes from the first input.

What enters: the first call's arguments, or a state with shapes. What leaves: an initialized module
of the class that the lazy one stands for. It must not know particular layers.
"""

from itertools import chain
from typing import Any

from ... import _api as torch
from ..parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Put before a module class whose parameters are uninitialized until the first call."""

    cls_to_become: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: Any = self
        own._load_hook = own._register_load_state_dict_pre_hook(self._lazy_load_hook)
        own._initialize_hook = own.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def _tensors(self) -> Any:
        own: Any = self
        return chain(own._parameters.items(), own._buffers.items())

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        hidden = self._non_persistent_buffers_set  # type: ignore[attr-defined]
        for name, value in self._tensors():
            if value is not None and name not in hidden:
                kept = is_lazy(value) or keep_vars
                destination[prefix + name] = value if kept else value.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *_: Any) -> None:
        """Give uninitialized tensors the shapes of those that are about to be loaded."""
        for name, value in self._tensors():
            given = state_dict.get(prefix + name)
            if value is not None and given is not None and is_lazy(value) and not is_lazy(given):
                with torch.no_grad():
                    value.materialize(given.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give all tensors shapes that suit the arguments of a call."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {self.__class__.__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(value) for _, value in self._tensors())

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        """Initialize a module before its first call, and let it be of its final class."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            name = module._get_name()
            raise RuntimeError(f"module {name} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        delattr(module, "_initialize_hook")
        delattr(module, "_load_hook")
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
