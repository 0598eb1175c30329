"""Whether operations are recorded: contexts and decorators.

What enters: nothing. What leaves: contexts, which also decorate functions, generators and classes.
"""

from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

from .._dispatch import FUNCTIONS
from .._graph import MODE

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled",
           "set_multithreading_enabled"]  # fmt: skip


class _Context:
    """A context that is a decorator too: each call runs in a fresh one."""

    def clone(self) -> "_Context":
        """Another one like it."""
        return type(self)()

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        raise NotImplementedError

    def __call__(self, function: Any) -> Any:
        if isinstance(function, type):
            kind: Any = function
            kind.__init__ = self(kind.__init__)
            return function
        if isgeneratorfunction(function):
            return _generator(self, function)

        @wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return within


def _generator(context: _Context, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def within(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        sent: Any = None
        try:
            while True:
                with context.clone():
                    out = made.send(sent)
                sent = yield out
        except StopIteration as end:
            return end.value

    return within


class _Decorator(_Context):
    """A context whose class may stand where an instance does: `@no_grad`."""

    def __new__(cls, function: Any = None) -> Any:
        self = object.__new__(cls)
        if function is None:
            return self
        cls.__init__(self)
        return self(function)


class no_grad(_Decorator):
    """Nothing is recorded."""

    def __init__(self) -> None:
        self._before = False

    def __enter__(self) -> None:
        self._before, MODE.grad = MODE.grad, False

    def __exit__(self, *exception: object) -> None:
        MODE.grad = self._before


class enable_grad(_Decorator):
    """Operations are recorded."""

    def __init__(self) -> None:
        self._before = False

    def __enter__(self) -> None:
        self._before, MODE.grad = MODE.grad, True

    def __exit__(self, *exception: object) -> None:
        MODE.grad = self._before


class set_grad_enabled(_Context):
    """Record operations or not: from now on, and as a context."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before, MODE.grad = MODE.grad, mode

    def clone(self) -> "set_grad_enabled":
        """Another one like it."""
        return set_grad_enabled(self.mode)

    def __call__(self, function: Any) -> Any:
        MODE.grad = self._before
        return super().__call__(function)

    def __enter__(self) -> None:
        MODE.grad = self.mode

    def __exit__(self, *exception: object) -> None:
        MODE.grad = self._before


class inference_mode(_Context):
    """Nothing is recorded, now or later, of tensors that are made."""

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        if isinstance(mode, bool):
            return self
        cls.__init__(self)
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self._before = (True, False)

    def clone(self) -> "inference_mode":
        """Another one like it."""
        return inference_mode(self.mode)

    def __enter__(self) -> None:
        self._before = MODE.grad, MODE.inference
        MODE.grad, MODE.inference = not self.mode, self.mode

    def __exit__(self, *exception: object) -> None:
        MODE.grad, MODE.inference = self._before


class set_multithreading_enabled(_Context):
    """Whether gradients may be computed by several threads: here they never are."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def clone(self) -> "set_multithreading_enabled":
        """Another one like it."""
        return set_multithreading_enabled(self.mode)

    def __enter__(self) -> None:
        """Nothing: a walk runs in the thread that asks for it."""

    def __exit__(self, *exception: object) -> None:
        """Nothing."""


def is_grad_enabled() -> bool:
    """Whether operations are recorded."""
    return MODE.grad


def is_inference_mode_enabled() -> bool:
    """Whether an inference mode is on."""
    return MODE.inference


for _f in (no_grad, enable_grad, set_grad_enabled, inference_mode, is_grad_enabled,
           is_inference_mode_enabled):  # fmt: skip
    FUNCTIONS[_f.__name__] = _f
