"""The state of a module: a dictionary of its parameters and persistent buffers, and back.

What enters: modules, or dictionaries of tensors. What leaves: ordered dictionaries with the
modules' versions beside them, or filled modules and the list of what did not fit. It must not know
files.
"""

import functools
import itertools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ... import _api as torch
from ...tensor import Tensor
from ...utils.hooks import RemovableHandle
from ..parameter import Parameter, is_lazy
from ._tree import Tree

EXTRA_STATE = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """The keys that a state lacked and those that no module asked for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys!r}, "
            f"unexpected_keys={self.unexpected_keys!r})"
        )

    def __str__(self) -> str:
        return repr(self)


class WrappedHook:
    """A hook that gets the module it was registered in, which it does not keep alive."""

    def __init__(self, hook: Callable[..., Any], module: Any = None) -> None:
        functools.update_wrapper(self, hook)
        self.hook = hook
        self.with_module = module is not None
        self.module: Any = weakref.ref(module) if self.with_module else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        module = self.module() if self.with_module else None
        return {"hook": self.hook, "with_module": self.with_module, "module": module}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook, self.with_module = state["hook"], state["with_module"]
        self.module = None
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


class _Loading:
    """What a load of a state collects on its way down: keys and complaints."""

    def __init__(self, metadata: Any, assign: bool) -> None:
        self.metadata, self.assign = metadata, assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []

    def load(self, module: Any, state: Any, prefix: str = "") -> None:
        """Fill a module and all below it from the entries that begin with prefix."""
        local = {} if self.metadata is None else self.metadata.get(prefix[:-1], {})
        if self.assign:
            local["assign_to_params_buffers"] = True
        module._load_from_state_dict(
            state, prefix, local, True, self.missing, self.unexpected, self.errors
        )
        for name, child in module._modules.items():
            if child is not None:
                path = prefix + name + "."
                below = {k: v for k, v in state.items() if k.startswith(path)}
                self.load(child, below, path)
        keys = IncompatibleKeys(self.missing, self.unexpected)
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                    "expected to return new values, if incompatible_keys need to be modified, "
                    "it should be done inplace."
                )

    def complaints(self, strict: bool) -> list[str]:
        """All that is wrong, missing and unexpected keys first where they matter."""
        named = (("Missing", self.missing), ("Unexpected", self.unexpected))
        keys = [
            f"{what} key(s) in state_dict: {', '.join(f'{chr(34)}{k}{chr(34)}' for k in found)}. "
            for what, found in named
            if strict and found
        ]
        return keys + self.errors


class Stateful(Tree):
    """A tree whose tensors are saved to dictionaries and loaded from them."""

    _version: int = 1
    _state_dict_hooks: dict[int, Callable[..., Any]]
    _state_dict_pre_hooks: dict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: dict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: dict[int, Callable[..., Any]]

    def get_extra_state(self) -> Any:
        """What else belongs to the state; a module that has some overrides this and its setter."""
        raise RuntimeError(_NO_EXTRA.format("get"))

    def set_extra_state(self, state: Any) -> None:
        """Take what get_extra_state gave."""
        raise RuntimeError(_NO_EXTRA.format("set"))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return _registered(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, state_dict, prefix, local_metadata) after state_dict is filled."""
        hook._from_public_api = True
        return _registered(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(module, prefix, keep_vars) before state_dict is filled."""
        return _registered(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        wrapped = WrappedHook(hook, self if with_module else None)
        return _registered(self._load_state_dict_pre_hooks, wrapped)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(module, state_dict, prefix, ...) before this module is loaded."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(module, incompatible_keys) after this module and those below are loaded."""
        return _registered(self._load_state_dict_post_hooks, hook)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own tensors into a dictionary."""
        hidden = self._non_persistent_buffers_set
        buffers = ((k, v) for k, v in self._buffers.items() if k not in hidden)
        for name, value in itertools.chain(self._parameters.items(), buffers):
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Parameters and persistent buffers by dotted names, detached unless `keep_vars`."""
        if args:
            warnings.warn(_POSITIONAL, FutureWarning, stacklevel=2)
            given = [destination, prefix or None, keep_vars or None]
            filled = [g if g is not None else a for g, a in itertools.zip_longest(given, args[:3])]
            destination, prefix, keep_vars = filled[0], filled[1] or "", bool(filled[2])
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                path = prefix + name + "."
                module.state_dict(destination=destination, prefix=path, keep_vars=keep_vars)
        return self._after_state_dict(destination, prefix, local)

    def _after_state_dict(self, destination: Any, prefix: str, local: dict[str, Any]) -> Any:
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, local)
            if result is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = result
        return destination

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Fill this module's own tensors from the entries that begin with prefix."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        hidden = self._non_persistent_buffers_set
        buffers = ((k, v) for k, v in self._buffers.items() if k not in hidden)
        named = itertools.chain(self._parameters.items(), buffers)
        own = {k: v for k, v in named if v is not None}
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, value in own.items():
            key = prefix + name
            if key in state_dict:
                self._load_one(name, value, key, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        self._load_extra(state_dict, prefix + EXTRA_STATE, strict, missing_keys, unexpected_keys)
        if strict:
            unexpected_keys += self._not_asked_for(state_dict, prefix, own)

    def _load_one(
        self, name: str, own: Any, key: str, given: Any, assign: bool, errors: list[str]
    ) -> None:
        """Put one given tensor into its place, or say why it does not fit."""
        if not isinstance(given, Tensor) and not hasattr(given, "__torch_function__"):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(given)}"
            )
            return
        if not is_lazy(own):
            if len(own.shape) == 0 and len(given.shape) == 1 and given.shape[0] == 1:
                given = given[0]
            if given.shape != own.shape:
                errors.append(
                    f"size mismatch for {key}: copying a param with shape {given.shape} from "
                    f"checkpoint, the shape in current model is {own.shape}."
                )
                return
        if own.is_meta and not given.is_meta and not assign:
            warnings.warn(_META.format(key), stacklevel=2)
        try:
            with torch.no_grad():
                self._take(name, own, given, assign)
        except Exception as error:  # noqa: BLE001 - all complaints are raised together
            errors.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{own.size()} and whose dimensions in the checkpoint are {given.size()}, an "
                f"exception occurred : {error.args}."
            )

    def _take(self, name: str, own: Any, given: Any, assign: bool) -> None:
        if not assign:
            own.copy_(given)
            return
        if isinstance(own, Parameter):
            if isinstance(given, Parameter):
                given.requires_grad_(own.requires_grad)
            else:
                given = Parameter(given, requires_grad=own.requires_grad)
        setattr(self, name, given)

    def _load_extra(
        self, state: Any, key: str, strict: bool, missing: list[str], unexpected: list[str]
    ) -> None:
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if key in state:
                self.set_extra_state(state[key])
            elif strict:
                missing.append(key)
        elif strict and key in state:
            unexpected.append(key)

    def _not_asked_for(self, state: Any, prefix: str, own: dict[str, Any]) -> list[str]:
        """The entries under prefix that neither this module nor one below it has a place for."""
        extra = prefix + EXTRA_STATE
        found = []
        for key in state:
            if key.startswith(prefix) and key != extra:
                first, *rest = key[len(prefix) :].split(".", 1)
                if first not in (self._modules if rest else own):
                    found.append(key)
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Copy a state's tensors into this module's, or with `assign` put them in their place.

        Returns the missing and the unexpected keys; with `strict` those are a RuntimeError, as
        tensors that do not fit always are.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state: Any = OrderedDict(state_dict)
        if metadata is not None:
            state._metadata = metadata
        loading = _Loading(metadata, assign)
        loading.load(self, state)
        errors = loading.complaints(strict)
        if errors:
            name = self.__class__.__name__
            raise RuntimeError(
                "Error(s) in loading state_dict for {}:\n\t{}".format(name, "\n\t".join(errors))
            )
        return IncompatibleKeys(loading.missing, loading.unexpected)


def _registered(hooks: dict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


_NO_EXTRA = (
    "Reached a code path in Module.{}_extra_state() that should never be called. Please file an "
    "issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report "
    "this bug."
)
_POSITIONAL = (
    "Positional args are being deprecated, use kwargs instead. Refer to "
    "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for "
    "details."
)
_META = (
    "for {}: copying from a non-meta parameter in the checkpoint to a meta parameter in the "
    "current model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the "
    "state dictionary to their corresponding key in the module instead of copying them in place?)"
)
