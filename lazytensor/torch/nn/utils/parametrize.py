"""Parameters computed from others: a module's tensor becomes a property of its class.

What enters: modules, names of their tensors, modules that compute them. What leaves: the modules,
of a class made for them, with what is learned instead below `parametrizations`. It must not know
any parametrization.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ... import _api as torch
from ...tensor import Tensor
from ..modules import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization",
    "remove_parametrizations", "type_before_parametrizations",
]  # fmt: skip

# What is kept while inside `cached`, by module and name, and how many of these are open.
_KEPT: dict[tuple[int, str], Any] = {}
_OPEN = [0]


@contextmanager
def cached() -> Iterator[None]:
    """Computed tensors are computed once inside."""
    _OPEN[0] += 1
    try:
        yield
    finally:
        _OPEN[0] -= 1
        if not _OPEN[0]:
            _KEPT.clear()


def _put(module: Any, name: str, x: Any) -> None:
    if isinstance(x, Parameter):
        module.register_parameter(name, x)
    else:
        module.register_buffer(name, x)


class ParametrizationList(ModuleList):
    """Modules that compute a tensor one after another from `original`, or from `original0`, … where
    the first takes several.
    """

    def __init__(self, modules: Sequence[Any], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new = self._inverted(original)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            self._take_one(original, new)
        else:
            self._take_several(original, new)
        if not unsafe:
            _check_result(self(), original, "unparametrized {}", "parametrized {}")

    def _inverted(self, original: Any) -> Any:
        new = original
        with torch.no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:
                        continue
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        return new

    def _take_one(self, original: Any, new: Any) -> None:
        if original.dtype != new.dtype:
            raise ValueError(
                "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
            )
        if new is not original:
            original.data = new
        _put(self, "original", original)

    def _take_several(self, original: Any, new: Any) -> None:
        for i, part in enumerate(new):
            if not isinstance(part, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                    f"tuple...). Got element {i} of the sequence with type {type(part).__name__}."
                )
            kept: Any = part
            if isinstance(original, Parameter):
                kept = Parameter(part, original.requires_grad)
            kept.requires_grad_(original.requires_grad)
            _put(self, f"original{i}", kept)

    def _originals(self) -> list[Any]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Set what is learned so that the computed tensor becomes a value. Raises RuntimeError for
        modules that have no right_inverse, ValueError for what these give.
        """
        with torch.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement "
                        "right_inverse."
                    )
                value = module.right_inverse(value)
            parts = [value] if self.is_tensor else list(value)
            if len(parts) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(parts)}."
                )
            for original, part in zip(self._originals(), parts, strict=True):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got {type(part).__name__}"
                    )
                original.data = part

    def forward(self) -> Any:
        """The computed tensor."""
        modules = list(self)
        x = modules[0](*self._originals())
        for module in modules[1:]:
            x = module(x)
        return x


def _check_result(found: Any, original: Any, before: str, after: str) -> None:
    if not isinstance(found, Tensor):
        raise ValueError(
            f"A parametrization must return a tensor. Got {type(found).__name__}."
        )
    for word, mine, theirs in (
        ("dtype", found.dtype, original.dtype), ("shape", found.shape, original.shape)
    ):  # fmt: skip
        if mine != theirs:
            which = "the `unsafe`" if "." in before else "`unsafe`"
            raise ValueError(
                f"Registering a parametrization may not change the {word} of the tensor, unless "
                f"{which} flag is enabled.\n{before.format(word)}: {theirs}\n"
                f"{after.format(word)}: {mine}"
            )


# --- classes --------------------------------------------------------------------------------------


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    replica = self.__new__(self.__class__)
    memo[id(self)] = replica
    replica.__dict__ = copy.deepcopy(self.__dict__, memo)
    return replica


def _refuse_pickle(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html#saving-loading-a-general"
        "-checkpoint-for-inference-and-or-resuming-training"
    )


def _own_class(module: Any) -> None:
    cls = module.__class__
    methods = {"__getstate__": _refuse_pickle, "__deepcopy__": _copied}
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), methods)


def _property(module: Any, name: str) -> None:
    def get(self: Any) -> Any:
        compute = self.parametrizations[name]
        if not _OPEN[0]:
            return compute()
        key = (id(self), name)
        if key not in _KEPT:
            _KEPT[key] = compute()
        return _KEPT[key]

    def put(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(module.__class__, name, property(get, put))


# --- for users ------------------------------------------------------------------------------------


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether any tensor of a module is computed, or the one of a name."""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def register_parametrization(
    module: Any, tensor_name: str, parametrization: Any, *, unsafe: bool = False
) -> Any:
    """Let a module compute one of its tensors. Raises ValueError for names, shapes, dtypes."""
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        before = getattr(module, tensor_name)
        if not unsafe:
            name = f"module.{tensor_name}"
            _check_result(
                parametrization(before), before, f"{name}.{{}}", f"parametrization({name}).{{}}"
            )
        steps = module.parametrizations[tensor_name]
        steps.append(parametrization)
        steps.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        steps = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _own_class(module)
            module.parametrizations = ModuleDict()
        _property(module, tensor_name)
        module.parametrizations[tensor_name] = steps
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def remove_parametrizations(
    module: Any, tensor_name: str, leave_parametrized: bool = True
) -> Any:
    """Make a tensor a parameter or buffer again: as it is computed, or as it was learned. Raises
    ValueError where it is not computed, or was learned as several.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"Module {module} does not have a parametrization on {tensor_name}"
        )
    steps = module.parametrizations[tensor_name]
    original = _plain(module, tensor_name, steps, leave_parametrized)
    delattr(module.__class__, tensor_name)
    del module.parametrizations[tensor_name]
    _put(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = module.__class__.__bases__[0]
    return module


def _plain(module: Any, name: str, steps: Any, leave_parametrized: bool) -> Any:
    if steps.is_tensor:
        if leave_parametrized:
            with torch.no_grad():
                steps.original.data = getattr(module, name)
        return steps.original
    if not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    found = getattr(module, name)
    return Parameter(found) if found.requires_grad else found


def type_before_parametrizations(module: Any) -> type:
    """The class that a module had before any of its tensors was computed."""
    return module.__class__.__bases__[0] if is_parametrized(module) else type(module)
