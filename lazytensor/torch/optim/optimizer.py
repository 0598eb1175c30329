"""The base of optimizers: groups of parameters, their state, hooks around a step.

What enters: parameters with gradients, and settings by group. What leaves: changed parameters, and
states as dictionaries. It must not know any particular method.
"""

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from .. import _api as torch
from .._compute import compute
from ..tensor import Tensor
from ..utils.hooks import RemovableHandle

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]

Group = dict[str, Any]
State = dict[str, Any]
Hook = Callable[..., Any]

_global_pre_hooks: dict[int, Hook] = OrderedDict()
_global_post_hooks: dict[int, Hook] = OrderedDict()

# The dictionaries of hooks that every optimizer has.
_HOOKS = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


class _Required:
    """The default of a setting that has none."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def _add(hooks: dict[int, Hook], hook: Hook, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
    return handle


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call hook(optimizer, args, kwargs) before every optimizer's step; it may return others."""
    return _add(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call hook(optimizer, args, kwargs) after every optimizer's step."""
    return _add(_global_post_hooks, hook)


def _use_grad_for_differentiable(step: Hook) -> Hook:
    """A step that records gradients only where the optimizer is differentiable."""

    @functools.wraps(step)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return step(self, *args, **kwargs)

    return wrapper


def _to_scalar(x: Any) -> Any:
    """A tensor of one element without dimensions, anything else as it is."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() != 0 else x


def _zero(grad: Any) -> None:
    """Set a gradient to zeros, cut off from what it was computed from."""
    if grad.grad_fn is not None:
        grad.detach_()
    else:
        grad.requires_grad_(False)
    grad.zero_()


class Optimizer:
    """Parameters in groups, with settings for each, and what is remembered of each parameter."""

    # Whether steps are counted on the device where `capturable` asks for that.
    _counts_there = False

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        for name in _HOOKS:
            setattr(self, name, OrderedDict())
        self._patch_step_function()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                "dicts, but got " + torch.typename(params)
            )
        self.state: Any = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __getstate__(self) -> State:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: State) -> None:
        self.__dict__.update(state)
        for name in _HOOKS:
            self.__dict__.setdefault(name, OrderedDict())
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        text = f"{self.__class__.__name__} ("
        for i, group in enumerate(self.param_groups):
            settings = (f"    {k}: {group[k]}\n" for k in sorted(group) if k != "params")
            text += f"\nParameter Group {i}\n" + "".join(settings)
        return text + ")"

    @staticmethod
    def profile_hook_step(func: Hook) -> Hook:
        """A step with the hooks before and after it."""

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self = args[0]
            before = chain(_global_pre_hooks.values(), self._optimizer_step_pre_hooks.values())
            for hook in before:
                result = hook(self, args, kwargs)
                if result is None:
                    continue
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"{func} must return None or a tuple of (new_args, new_kwargs), but got "
                        f"{result}."
                    )
                args, kwargs = result
            if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
                _refuse_numbers(self)
            out = func(*args, **kwargs)
            compute([[group["params"] for group in self.param_groups], list(self.state.values())])
            after = chain(self._optimizer_step_post_hooks.values(), _global_post_hooks.values())
            for hook in after:
                hook(self, args, kwargs)
            return out

        return wrapper

    def _patch_step_function(self) -> None:
        """Put the hooks around the class's step, once."""
        kind: Any = self.__class__
        if not getattr(kind.step, "hooked", None):
            kind.step = self.profile_hook_step(kind.step)
            kind.step.hooked = True

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call hook(optimizer, args, kwargs) before step; it may return others."""
        return _add(self.__dict__[_HOOKS[0]], hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call hook(optimizer, args, kwargs) after step."""
        return _add(self.__dict__[_HOOKS[1]], hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(optimizer) before state_dict."""
        return _add(self.__dict__[_HOOKS[2]], hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(optimizer, state_dict) after state_dict; it may return another."""
        return _add(self.__dict__[_HOOKS[3]], hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(optimizer, state_dict) before loading; it may return another."""
        return _add(self.__dict__[_HOOKS[4]], hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(optimizer) after loading."""
        return _add(self.__dict__[_HOOKS[5]], hook, prepend)

    def state_dict(self) -> State:
        """Settings and what is remembered, parameters as numbers in the order of the groups."""
        for hook in self.__dict__[_HOOKS[2]].values():
            hook(self)
        numbers: dict[int, int] = {}
        groups, start = [], 0
        for group in self.param_groups:
            params = group["params"]
            for i, p in enumerate(params, start):
                numbers.setdefault(id(p), i)
            packed = {k: v for k, v in group.items() if k != "params"}
            groups.append({**packed, "params": [numbers[id(p)] for p in params]})
            start += len(params)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result: State = {"state": state, "param_groups": groups}
        for hook in self.__dict__[_HOOKS[3]].values():
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: State) -> None:
        """Take what state_dict gave; ValueError where the groups are not of the same sizes.

        What is remembered takes its parameter's dtype and device.
        """
        given = state_dict.copy()
        for hook in self.__dict__[_HOOKS[4]].values():
            changed = hook(self, given)
            given = given if changed is None else changed
        groups, saved = self.param_groups, deepcopy(given["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, saved)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        numbers = chain.from_iterable(group["params"] for group in saved)
        own = dict(zip(numbers, chain.from_iterable(group["params"] for group in groups)))
        state: Any = defaultdict(dict)
        for key, value in given["state"].items():
            if key in own:
                state[own[key]] = _cast(own[key], value, _on_device(key, saved))
            else:
                state[key] = value
        for group, new in zip(groups, saved):
            new["params"] = group["params"]
            if "param_names" in group:
                new.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self.__dict__[_HOOKS[5]].values():
            hook(self)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if set_to_none:
                    p.grad = None
                else:
                    _zero(p.grad)

    def step(self, closure: Any = None) -> Any:
        """Change the parameters by their gradients; subclasses say how."""
        raise NotImplementedError

    def add_param_group(self, param_group: Group) -> None:
        """Add a group {"params": ..., settings}, settings that it lacks by the defaults.

        TypeError for what are no tensors, ValueError for computed ones, and for parameters that
        are in another group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _listed(param_group["params"])
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for p in params:
            self._check(p)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            warnings.warn(_DUPLICATES, stacklevel=3)
        self._check_others(param_group)
        self.param_groups.append(param_group)

    def _check(self, p: Any) -> None:
        if not isinstance(p, Tensor):
            raise TypeError(
                "optimizer can only optimize Tensors, but one of the params is " + torch.typename(p)
            )
        if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")

    def _check_others(self, new: Group) -> None:
        """Refuse a group that shares parameters with another, or alone has names or none."""
        for group in self.param_groups:
            if ("param_names" in new) != ("param_names" in group):
                text = "with names" if "param_names" in new else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param "
                    f"group {text} to the optimizer"
                )
        others = {p for group in self.param_groups for p in group["params"]}
        if not others.isdisjoint(new["params"]):
            raise ValueError("some parameters appear in more than one parameter group")


def _listed(params: Any) -> tuple[list[Any], list[str]]:
    """Parameters as a list, and their names where they come in pairs with names."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering "
            "of tensors in sets will change between runs. Please use a list instead."
        )
    given = list(params)
    names = [p[0] for p in given if isinstance(p, tuple)]
    if names and len(names) != len(given):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    return [p[1] if isinstance(p, tuple) else p for p in given], names


def _on_device(number: int, groups: list[Group]) -> bool:
    """Whether the steps of a saved parameter are counted on its device."""
    group: Group = next((g for g in groups if number in g["params"]), {})
    return bool(group.get("capturable") or group.get("fused"))


def _cast(param: Any, value: Any, on_device: bool, key: Any = None) -> Any:
    """What was remembered, in the parameter's dtype and on its device."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtype=torch.float32, device=param.device) if on_device else value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _cast(param, v, on_device, k) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        kind: Any = type(value)
        return kind(_cast(param, v, on_device) for v in value)
    return value


_DUPLICATES = (
    "optimizer contains a parameter group with duplicate parameters; in future, this will cause an "
    "error; see github.com/pytorch/pytorch/issues/40967 for more information"
)


def _refuse_numbers(optimizer: "Optimizer") -> None:
    """Raises RuntimeError where a step counts in numbers of the host, which a CUDA graph keeps."""
    asked = [group["capturable"] for group in optimizer.param_groups if "capturable" in group]
    name = type(optimizer).__name__
    if not all(asked):
        raise RuntimeError(
            f"Attempting CUDA graph capture of step() for an instance of {name} but param_groups' "
            "capturable is False."
        )
    if asked and not optimizer._counts_there:
        raise RuntimeError(
            f"lazytensor: {name} counts its steps on the host, also with capturable=True, and a "
            "CUDA graph would keep that number: take the step outside of the graph"
        )
