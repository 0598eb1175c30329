"""Subclasses of Tensor: how they are made, and how they override operations.

What enters: classes and tensors. What leaves: tensors of the classes. It must not know operations.
"""

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from . import _dispatch
from ._dispatch import asked
from ._dtypes import dtype
from ._types import device
from .create import _shared
from .matrices import LinAlgError
from .tensor import Tensor
from .views import alias_of

__all__ = ["C", "as_subclass"]


def _convert(found: Any, cls: type) -> Any:
    """A result, or those in a tuple or list, as of the class."""
    if type(found) is Tensor:
        return as_subclass(found, cls)
    if isinstance(found, tuple | list):
        made = [_convert(x, cls) for x in found]
        return type(found)(*made) if hasattr(found, "_fields") else type(found)(made)
    return found


def _torch_function(
    cls: type, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
) -> Any:
    """The operation itself, its results as of the class."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with _dispatch.OFF:
        found = func(*args, **(kwargs or {}))
    return found if func in _KEPT else _convert(found, cls)


# Operations whose results stay as they are.
_KEPT: set[Any] = {Tensor.grad.__get__}
setattr(Tensor, "__torch_function__", classmethod(_torch_function))  # noqa: B010


# --- what classes that override operations have beside methods ------------------------------------

# Python's own methods, which the classes are asked about as about operations.
_SPECIAL = (
    "__array__", "__bool__", "__complex__", "__contains__", "__deepcopy__", "__float__",
    "__format__", "__index__", "__int__", "__len__", "__reduce_ex__", "__repr__", "__reversed__",
)  # fmt: skip


def _attribute(found: property) -> property:
    """An attribute that the class of its tensor is asked about."""

    get, set_ = asked(found.__get__), asked(found.__set__)
    return property(
        lambda self: get(self),
        None if found.fset is None else lambda self, new: set_(self, new),
        found.fdel,
        found.__doc__,
    )


def _init_subclass(cls: Any, **kwargs: Any) -> None:
    """Attributes and special methods of classes that override operations ask the class too."""
    super(Tensor, cls).__init_subclass__(**kwargs)
    if cls.__torch_function__ is _dispatch._disabled:
        return
    for name, found in vars(Tensor).items():
        if getattr(cls, name, None) is not found:
            continue
        if isinstance(found, property):
            setattr(cls, name, _attribute(found))
        elif name in _SPECIAL:
            setattr(cls, name, asked(found))


setattr(Tensor, "__init_subclass__", classmethod(_init_subclass))  # type: ignore[arg-type]  # noqa: B010


# --- making ---------------------------------------------------------------------------------------


def as_subclass(x: Tensor, cls: type) -> Any:
    """A view of all of the tensor as of a subclass. Raises TypeError for what is none."""
    if not isinstance(cls, type) or not issubclass(cls, Tensor):
        raise TypeError(f"as_subclass(): cls must be a subclass of Tensor, not {cls!r}")
    return _shared(cls, alias_of(x))


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False) -> Any:
    """The tensor's memory as a new leaf of the class."""
    out = _shared(cls, data.detach())
    out._counter = data._count()
    if require_grad:
        out.requires_grad = True
    return out


setattr(Tensor, "as_subclass", as_subclass)  # noqa: B010
setattr(Tensor, "_make_subclass", staticmethod(_make_subclass))  # noqa: B010
setattr(Tensor, "_backward_hooks", property(lambda x: x._hooks, lambda x, new: None))  # noqa: B010

def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Device, dtype, non_blocking and memory format of the arguments of `to`."""
    given = dict(kwargs)
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        given |= {"device": rest[0].device, "dtype": rest.pop(0).dtype}
    elif rest and not isinstance(rest[0], dtype):
        given["device"] = rest.pop(0)
    if rest and isinstance(rest[0], dtype):
        given["dtype"] = rest.pop(0)
    if rest:
        given["non_blocking"] = rest[0]
    where = given.get("device")
    return (
        None if where is None else device(where),
        given.get("dtype"),
        bool(given.get("non_blocking", False)),
        given.get("memory_format"),
    )


# The few private names that programs and packages use.
C: Any = SimpleNamespace(
    _disabled_torch_function_impl=_dispatch._disabled,
    DisableTorchFunctionSubclass=lambda: _dispatch.OFF,
    DisableTorchFunction=lambda: _dispatch.OFF,
    TensorBase=Tensor,
    _TensorBase=Tensor,
    _nn=SimpleNamespace(_parse_to=_parse_to),
    _LinAlgError=LinAlgError,
)


def has_torch_function(relevant: Iterable[Any]) -> bool:
    """Whether any argument's class overrides operations."""
    return bool(_dispatch._overriders(tuple(relevant), {}))


def handle_torch_function(
    public: Callable[..., Any], relevant: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the classes of the arguments make of an operation. TypeError where all decline."""
    return _dispatch.overridden(public, tuple(relevant), kwargs)


def is_tensor_like(x: Any) -> bool:
    """Whether it is a tensor, or overrides operations as one."""
    return isinstance(x, Tensor) or hasattr(type(x), "__torch_function__")

