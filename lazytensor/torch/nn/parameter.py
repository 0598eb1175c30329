"""Parameters and buffers: tensors that a module takes for its own when they are assigned to it.

What enters: tensors. What leaves: tensors of the classes that `Module.__setattr__` looks for. It
must not know modules.
"""

from collections import OrderedDict
from typing import Any

from .. import _api as torch
from .._dispatch import PLAIN
from ..operators import FAST
from ..tensor import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]

_Meta: Any = type(Tensor)


class _ParameterMeta(_Meta):  # type: ignore[misc]
    """Tensor subclasses marked as parameters are instances of Parameter, too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Parameter and isinstance(instance, Tensor) and _marked(instance, "_is_param"):
            return True
        return bool(super().__instancecheck__(instance))


class _BufferMeta(_Meta):  # type: ignore[misc]
    """Any tensor marked as a buffer is an instance of Buffer."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Buffer and isinstance(instance, Tensor) and _marked(instance, "_is_buffer"):
            return True
        return bool(super().__instancecheck__(instance))


def _marked(tensor: Any, mark: str) -> bool:
    return bool(getattr(tensor, mark, False))


def _rebuild_parameter(data: Any, requires_grad: bool, hooks: Any) -> Any:
    """A parameter from its parts, as it is pickled."""
    parameter = Parameter(data, requires_grad)
    parameter._backward_hooks = hooks
    return parameter


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, hooks: Any, state: Any) -> Any:
    """A parameter with attributes of its own from its parts."""
    parameter = _rebuild_parameter(data, requires_grad, hooks)
    parameter.__dict__.update(state)
    return parameter


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that is a module's parameter once it is assigned as an attribute of it.

    It shares memory with `data`, an empty tensor if None is given. Of a subclass of Tensor a
    detached tensor of that class is returned, marked as a parameter.
    """

    _prints_as = "Parameter"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        """A parameter over data's memory."""
        if data is None:
            data = torch.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            if requires_grad and not (data.is_floating_point() or data.is_complex()):
                raise RuntimeError(
                    "Only Tensors of floating point and complex dtype can require gradients"
                )
            return Tensor._make_subclass(cls, data, requires_grad)
        tensor = data.detach().requires_grad_(requires_grad)
        if type(tensor) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires "
                "that detach() returns an instance of the same type, but return type "
                f"{type(tensor).__name__} was found instead. To use the type as a Parameter, "
                "please correct the detach() semantics defined by its __torch_dispatch__() "
                "implementation."
            )
        tensor._is_param = True
        return tensor

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        """All is done in __new__."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            data = self.data.clone(memory_format=torch.preserve_format)
            memo[id(self)] = type(self)(data, self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto: Any) -> Any:
        parts: tuple[Any, ...] = (self.data, self.requires_grad, OrderedDict())
        own = getattr(Tensor, "_own_names", ())
        users = {name: found for name, found in self.__dict__.items() if name not in own}
        if users:
            return _rebuild_parameter_with_state, (*parts, users)
        return _rebuild_parameter, parts

    __torch_function__ = torch._C._disabled_torch_function_impl


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that is a module's buffer once it is assigned as an attribute of it."""

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """A detached tensor over data's memory, marked as a buffer."""
        if data is None:
            data = torch.empty(0)
        tensor = data.detach().requires_grad_(data.requires_grad)
        tensor.persistent = persistent
        tensor._is_buffer = True
        return tensor

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        """All is done in __new__."""

    __torch_function__ = torch._C._disabled_torch_function_impl


class UninitializedTensorMixin:
    """A tensor without a shape yet; `materialize` gives it one and its final class."""

    cls_to_become: Any
    data: Any
    requires_grad: bool

    _allowed = frozenset(
        [
            "__hash__",
            "size",
            "copy_",
            "is_complex",
            "is_floating_point",
            "half",
            "float",
            "double",
            "char",
            "short",
            "int",
            "long",
            "cuda",
            "cpu",
            "to",
            "get_device",
            "_has_compatible_shallow_copy_type",
        ]
    )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of the given shape, with unspecified values."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = torch.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        """Refused with RuntimeError: there is none."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def share_memory_(self) -> Any:
        """Refused with RuntimeError: there is no memory."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__}>"

    def __reduce_ex__(self, proto: Any) -> Any:
        return self.__class__, (self.requires_grad,)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in cls._allowed or func.__class__.__name__ == "method-wrapper":
            return super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[misc]
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. This error happens when you "
            "are using a `LazyModule` or explicitly manipulating "
            f"`torch.nn.parameter.{cls.__name__}` objects. When using LazyModules Call `forward` "
            "with a dummy batch to initialize the parameters before calling torch functions"
        )


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape the first forward call of its lazy module tells."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """An uninitialized parameter."""
        return Tensor._make_subclass(cls, torch.empty(0, device=device, dtype=dtype), requires_grad)

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        """All is done in __new__."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape the first forward call of its lazy module tells."""

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        """An uninitialized buffer."""
        empty = torch.empty(0, device=device, dtype=dtype)
        buffer = Tensor._make_subclass(cls, empty, requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    def __init__(self, *_: Any, **__: Any) -> None:
        """All is done in __new__."""


# It overrides nothing.
PLAIN.add(Parameter)
FAST.add(Parameter)
