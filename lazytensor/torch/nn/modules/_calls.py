"""The calling of modules, with the hooks around forward and backward.

What enters: a module and the arguments of a call. What leaves: what its `forward` returns, as hooks
changed it. It must not know parameters or states.
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ... import _api as torch
from ...tensor import Tensor
from ...utils.hooks import RemovableHandle
from ._backward import BackwardHook
from ._state import WrappedHook
from ._tree import Tree

Hook = Callable[..., Any]


class _Global:
    """The hooks of all modules."""

    def __init__(self) -> None:
        self.backward_pre: dict[int, Hook] = OrderedDict()
        self.backward: dict[int, Hook] = OrderedDict()
        self.full: bool | None = None
        self.forward_pre: dict[int, Hook] = OrderedDict()
        self.forward: dict[int, Hook] = OrderedDict()
        self.always: dict[int, bool] = OrderedDict()
        self.with_kwargs: dict[int, bool] = OrderedDict()


GLOBAL = _Global()


def _add(
    hooks: dict[int, Hook], hook: Hook, prepend: bool = False, **marks: dict[int, bool]
) -> RemovableHandle:
    """Register a hook, with marks in further dictionaries that go with it."""
    handle = RemovableHandle(hooks, extra_dict=list(marks.values()))
    hooks[handle.id] = hook
    for mark in marks.values():
        mark[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
    return handle


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call hook(module, args) before every module's forward; it may return other args."""
    return _add(GLOBAL.forward_pre, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call hook(module, args, output) after every module's forward; it may return another."""
    marks: dict[str, Any] = {"kwargs": GLOBAL.with_kwargs} if with_kwargs else {}
    marks |= {"always": GLOBAL.always} if always_call else {}
    return _add(GLOBAL.forward, hook, **marks)


def _all_kinds(full: bool) -> None:
    if GLOBAL.full is (not full):
        raise RuntimeError(_BOTH.format("as a global Module hook"))
    GLOBAL.full = full


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """A backward hook of the old kind on every module."""
    _all_kinds(False)
    return _add(GLOBAL.backward, hook)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call hook(module, grad_output) before every module's backward."""
    return _add(GLOBAL.backward_pre, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call hook(module, grad_input, grad_output) after every module's backward."""
    _all_kinds(True)
    return _add(GLOBAL.backward, hook)


class Called(Tree):
    """A tree that is called: `forward` between the hooks."""

    _backward_pre_hooks: dict[int, Hook]
    _backward_hooks: dict[int, Hook]
    _is_full_backward_hook: bool | None
    _forward_hooks: dict[int, Hook]
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks: dict[int, Hook]
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _compiled_call_impl: Hook | None = None
    forward: Any

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call hook(module, args[, kwargs]) before forward; it may return others."""
        own = self._forward_pre_hooks_with_kwargs
        marks: dict[str, Any] = {"kwargs": own} if with_kwargs else {}
        return _add(self._forward_pre_hooks, hook, prepend, **marks)

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call hook(module, args[, kwargs], output) after forward; it may return another output.

        With `always_call` it is called though forward raised.
        """
        marks: dict[str, Any] = {"kwargs": self._forward_hooks_with_kwargs} if with_kwargs else {}
        marks |= {"always": self._forward_hooks_always_called} if always_call else {}
        return _add(self._forward_hooks, hook, prepend, **marks)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(module, grad_output) before backward; it may return another grad_output."""
        return _add(self._backward_pre_hooks, hook, prepend)

    def _one_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(_BOTH.format("on a single Module"))
        self._is_full_backward_hook = full

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """A backward hook of the old kind: it sees the last operation's gradients only."""
        self._one_kind(False)
        return _add(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call hook(module, grad_input, grad_output) after backward; it may return a grad_input."""
        self._one_kind(True)
        return _add(self._backward_hooks, hook, prepend)

    def _get_backward_hooks(self) -> tuple[list[Hook], list[Hook]]:
        """The full backward hooks and those of the old kind, global ones first."""
        kinds = (
            (GLOBAL.full, GLOBAL.backward),
            (self._is_full_backward_hook, self._backward_hooks),
        )
        full = [hook for kind, hooks in kinds if kind is True for hook in hooks.values()]
        old = [hook for kind, hooks in kinds if kind is False for hook in hooks.values()]
        return full, old

    def _get_backward_pre_hooks(self) -> list[Hook]:
        return [*GLOBAL.backward_pre.values(), *self._backward_pre_hooks.values()]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        return self._call_impl(*args, **kwargs)

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return self.__call__(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """One call: forward alone where there are no hooks."""
        if not (
            self._backward_hooks
            or self._backward_pre_hooks
            or self._forward_hooks
            or self._forward_pre_hooks
            or GLOBAL.backward_pre
            or GLOBAL.backward
            or GLOBAL.forward
            or GLOBAL.forward_pre
        ):
            return self.forward(*args, **kwargs)
        call = _HookedCall(self, args, kwargs)
        try:
            return call.run()
        except Exception:
            call.always()
            raise

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Let torch.compile make the calls of this module."""
        self._compiled_call_impl = torch.compile(self._call_impl, *args, **kwargs)


class _HookedCall:
    """One call of a module that has hooks."""

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        """Hooks, forward, hooks."""
        module = self.module
        full, old = module._get_backward_hooks()
        before = module._get_backward_pre_hooks()
        self.pre_hooks()
        backward = BackwardHook(module, full, before) if full or before else None
        if backward:
            self.args = backward.inputs(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        self.forward_hooks()
        if backward:
            if not isinstance(self.result, Tensor | tuple):
                warnings.warn(_NO_TENSOR.format(type(self.result)), stacklevel=4)
            self.result = backward.outputs(self.result)
        if old:
            self.old_backward_hooks(old)
        return self.result

    def pre_hooks(self) -> None:
        """Let the hooks before forward change the arguments."""
        own = self.module
        for number, hook in (*GLOBAL.forward_pre.items(), *own._forward_pre_hooks.items()):
            if number in own._forward_pre_hooks_with_kwargs:
                both = hook(own, self.args, self.kwargs)
                if both is None:
                    continue
                if not (isinstance(both, tuple) and len(both) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {both}."
                    )
                self.args, self.kwargs = both
            else:
                args = hook(own, self.args)
                if args is not None:
                    self.args = args if isinstance(args, tuple) else (args,)

    def call_hook(self, number: int, hook: Hook) -> None:
        """Let a hook after forward change the result."""
        own = self.module
        with_kwargs = number in own._forward_hooks_with_kwargs or number in GLOBAL.with_kwargs
        args = (self.args, self.kwargs) if with_kwargs else (self.args,)
        result = hook(own, *args, self.result)
        if result is not None:
            self.result = result

    def forward_hooks(self) -> None:
        """Call the hooks after forward."""
        own = self.module
        for number, hook in (*GLOBAL.forward.items(), *own._forward_hooks.items()):
            if number in own._forward_hooks_always_called or number in GLOBAL.always:
                self.called.add(number)
            self.call_hook(number, hook)

    def always(self) -> None:
        """Call the hooks that must be called though forward raised; their errors are warnings."""
        own = self.module
        kinds = (
            ("global module", GLOBAL.forward, GLOBAL.always),
            ("module", own._forward_hooks, own._forward_hooks_always_called),
        )
        for kind, hooks, marked in kinds:
            for number, hook in hooks.items():
                if number in marked and number not in self.called:
                    try:
                        self.call_hook(number, hook)
                    except Exception as error:  # noqa: BLE001 - the first error is the one raised
                        warnings.warn(_SILENCED.format(kind, error), stacklevel=4)

    def old_backward_hooks(self, hooks: list[Hook]) -> None:
        """Put backward hooks of the old kind on the node that made the result."""
        grad_fn = _first_tensor(self.result).grad_fn
        if grad_fn is None:
            return
        for hook in hooks:
            grad_fn.register_hook(WrappedHook(hook, self.module))
        text = _old_kind_misses(self.args, self.result, grad_fn)
        if text:
            warnings.warn(_OLD_KIND.format(*text), FutureWarning, stacklevel=5)


def _first_tensor(value: Any) -> Any:
    while not isinstance(value, Tensor):
        if isinstance(value, dict):
            value = next(v for v in value.values() if isinstance(v, Tensor))
        else:
            value = value[0]
    return value


def _tensors(value: Any) -> tuple[Any, ...] | None:
    """A tensor or tuple of tensors as a tuple, None for anything else."""
    if isinstance(value, Tensor):
        return (value,)
    if isinstance(value, tuple) and all(isinstance(v, Tensor) for v in value):
        return value
    return None


_FULL = "Please use register_full_backward_hook to get the documented behavior."


def _old_kind_misses(inputs: Any, result: Any, grad_fn: Any) -> tuple[str, str] | None:
    """Why a backward hook of the old kind will not see all gradients, None if it will."""
    out, given = _tensors(result), _tensors(inputs)
    single = "on a Module that does not {} a single Tensor or a tuple of Tensors"
    if out is None:
        return f"hooks {single.format('return')}", f"grad_output. {_FULL}"
    if given is None:
        return f"hooks {single.format('take as input')}", f"grad_input. {_FULL}"
    nodes = {t.grad_fn for t in out if t.grad_fn is not None}
    if not nodes or (len(nodes) == 1 and grad_fn not in nodes):
        return "hook when outputs are nested in python data structure", "grad_output."
    if len(nodes) > 1:
        return (
            "hook when outputs are generated by different autograd Nodes",
            f"grad_output. {_FULL}",
        )
    if {t.grad_fn for t in given if t.grad_fn is not None} != {
        n[0] for n in grad_fn.next_functions
    }:
        return "hook when the forward contains multiple autograd Nodes", f"grad_input. {_FULL}"
    return None


_OLD_KIND = (
    "Using a non-full backward {} is deprecated and will be removed in future versions. This hook "
    "will be missing some {}"
)
_BOTH = (
    "Cannot use both regular backward hooks and full backward hooks {}. Please use only one of "
    "them."
)
_NO_TENSOR = (
    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
    "received {}"
)
_SILENCED = (
    "{} forward hook with ``always_call=True`` raised an exception that was silenced as another "
    "error was raised in forward: {}"
)
