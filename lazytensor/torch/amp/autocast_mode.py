"""Mixed precision: contexts in which operations choose the dtypes that they run in.

What enters: kinds of devices, dtypes. What leaves: contexts, decorators, answers. It must not know
which operation runs in which dtype.
"""

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .. import cuda
from .._dispatch import CASTING
from .._dtypes import bfloat16, dtype, float16, float64
from .._graph import MODE
from .._missing import missing
from ..tensor import Tensor
from ._rules import clear_cache, rule_of, tensors

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_KINDS = ("cuda", "cpu")


class _State:
    """By kind of device whether casting is on, and to what; whether parameters are cast once; how
    many contexts are open.
    """

    def __init__(self) -> None:
        self.on = dict.fromkeys(_KINDS, False)
        self.to: dict[str, dtype] = {"cuda": float16, "cpu": bfloat16}
        self.cached = True
        self.depth = 0


def _state() -> _State:
    """That of this thread."""
    if MODE.casts is None:
        MODE.casts = _State()
    found: _State = MODE.casts
    return found


def _kind(device_type: str) -> str:
    if device_type not in _KINDS:
        raise RuntimeError(
            f"unknown device type for autocast in get_autocast_dispatch_key_from_device_type: "
            f"{device_type}"
        )
    return device_type


def is_autocast_available(device_type: str) -> bool:
    """Whether there is casting for a kind of device."""
    return device_type in _KINDS


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether casting is on in this thread."""
    return _state().on[_kind(device_type)]


def is_autocast_cpu_enabled() -> bool:
    """Whether casting is on in this thread for the CPU."""
    return _state().on["cpu"]


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Turn casting on or off in this thread."""
    state = _state()
    state.on[_kind(device_type)] = bool(enabled)
    _look(state)


def _look(state: _State) -> None:
    """Let operations ask whether something is to be cast, where any thread wants it."""
    CASTING[id(state)] = called
    if not any(state.on.values()):
        del CASTING[id(state)]


def get_autocast_dtype(device_type: str) -> dtype:
    """The lower precision of this thread."""
    return _state().to[_kind(device_type)]


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Set the lower precision of this thread."""
    _state().to[_kind(device_type)] = dtype


def get_autocast_gpu_dtype() -> dtype:
    """The lower precision of this thread on CUDA devices."""
    return _state().to["cuda"]


def get_autocast_cpu_dtype() -> dtype:
    """The lower precision of this thread on the CPU."""
    return _state().to["cpu"]


def is_autocast_cache_enabled() -> bool:
    """Whether parameters are cast once within a context."""
    return _state().cached


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Set whether parameters are cast once within a context."""
    _state().cached = bool(enabled)


def clear_autocast_cache() -> None:
    """Forget the parameters that were cast."""
    clear_cache()


def called(name: str, public: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call an operation with its arguments cast as its rule says; nothing within is cast again."""
    state = _state()
    MODE.casts = _State()
    try:
        if kwargs.get("out") is None:
            args, kwargs = _cast_for(name, state, args, kwargs)
        return public(*args, **kwargs)
    finally:
        MODE.casts = state


def _cast_for(name: str, state: _State, args: Any, kwargs: Any) -> Any:
    here = {x.device.type for x in tensors([*args, *kwargs.values()])}
    for kind in _KINDS:
        rule = rule_of(name, kind) if state.on[kind] and kind in here else None
        if rule is not None:
            return rule(args, kwargs, kind, state.to[kind], state.cached)
    return args, kwargs


class autocast:
    """A context, or a decorator, in which operations on a kind of device choose their dtypes:
    products of matrices and convolutions are computed in `dtype`, by default float16 on CUDA
    devices and bfloat16 on the CPU; losses, norms and exponentials in float32.
    """

    def __init__(
        self, device_type: str, dtype: dtype | None = None, enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'"
            )
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        cached = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._cache_enabled = cached
        self._enabled = bool(enabled) and self._can()
        self._before: list[tuple[bool, Any, bool]] = []

    def _can(self) -> bool:
        """Whether there is what is asked for; else says so."""
        if self.device == "cuda":
            if cuda.is_available():
                return True
            text = "CUDA is not available or torch_xla is imported. Disabling autocast."
        else:
            if self.fast_dtype in (bfloat16, float16):
                return True
            name = self.device.upper()
            text = (
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
            )
        warnings.warn(text, stacklevel=3)
        return False

    def __enter__(self) -> "autocast":
        state = _state()
        self._before.append((state.on[self.device], state.to[self.device], state.cached))
        state.on[self.device], state.to[self.device] = self._enabled, self.fast_dtype
        state.cached = self._cache_enabled
        state.depth += 1
        _look(state)
        return self

    def __exit__(self, *exception: object) -> None:
        state = _state()
        state.depth -= 1
        if not state.depth:
            clear_cache()
        before = self._before.pop()
        state.on[self.device], state.to[self.device], state.cached = before
        _look(state)

    def __call__(self, func: Any) -> Any:
        """The function, which runs in the context."""
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you "
                "mean to use autocast as a context manager? For example:\n"
                "    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @functools.wraps(func)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return within


# --- functions with derivatives of the user's -----------------------------------------------------


def _cast(value: Any, kind: str, to: dtype) -> Any:
    """Tensors of floating-point numbers in containers, cast."""
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.device.type == kind
        return value.to(to) if fits and value.dtype is not float64 else value
    if isinstance(value, str | bytes | np.ndarray):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, kind, to): _cast(v, kind, to) for k, v in value.items()}
    if isinstance(value, Iterable):
        found = (_cast(v, kind, to) for v in value)
        return type(value)(found) if isinstance(value, list | tuple) else found
    return value


def _refuse_kind(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtype | None = None) -> Any:
    """A decorator of a Function's `forward`: with `cast_inputs` it gets its tensors in that dtype
    under autocast, and runs without it.
    """
    _refuse_kind(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(*args: Any, **kwargs: Any) -> Any:
        ctx, on = args[0], is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if not on or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(
                *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs)
            )

    return forward


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """A decorator of a Function's `backward`: it runs under autocast if its `forward` did."""
    _refuse_kind(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        with autocast(device_type, dtype=ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return backward


__getattr__ = missing("torch.amp.autocast_mode")
