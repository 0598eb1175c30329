"""Small public functions of the namespace: defaults, questions about objects, threads.

What enters: values and names. What leaves: settings changed, answers. It must not know operations.
"""


from typing import Any

from .._base import config
from .._base.processors import count
from . import _dtypes, _types, cpu, cuda
from ._dispatch import FUNCTIONS, result_type
from ._format import get_printoptions, set_printoptions
from ._untyped import TypedStorage, UntypedStorage
from .tensor import Tensor


def public(f: Any) -> Any:
    """A function of the namespace as it is."""
    FUNCTIONS[f.__name__] = f
    return f


for _f in (set_printoptions, get_printoptions):
    public(_f)


@public
def get_default_dtype() -> _dtypes.dtype:
    """The dtype of floating-point numbers that say nothing else."""
    return _dtypes.default()


@public
def set_default_dtype(d: Any) -> None:
    """Set the default dtype. Raises TypeError for one that isn't floating point."""
    _dtypes.set_default(d)


@public
def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype, and where new tensors go, by the name or class of a tensor type."""
    name = t if isinstance(t, str) else f"{t.__module__}.{t.__name__}"
    _types.set_default_device("cuda" if ".cuda." in name else None)
    title = name.split(".")[-1].removesuffix("Tensor")
    _dtypes.set_default(next(d for d, found in _dtypes.TITLES.items() if found == title))


@public
def set_default_device(device: Any) -> None:
    """Where new tensors go from now on."""
    _types.set_default_device(device)


@public
def get_default_device() -> _types.device:
    """Where new tensors go."""
    return _types.indexed(_types.current_device())


@public
def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


@public
def is_storage(obj: Any) -> bool:
    """Whether it is a storage."""
    return isinstance(obj, UntypedStorage | TypedStorage)


@public
def get_device_module(device: Any = None) -> Any:
    """The module of a kind of device, by default that of the accelerator, or else of the CPU.

    Raises RuntimeError.
    """
    kind = _types.device(device).type if device is not None else None
    if kind is None:
        kind = "cuda" if cuda.is_available() else "cpu"
    if kind not in _MODULES:
        raise RuntimeError(
            f"Invalid device string '{device}', make sure there is a corresponding module "
            "registered under torch."
        )
    return _MODULES[kind]


_MODULES = {"cpu": cpu, "cuda": cuda}


@public
def typename(obj: Any) -> str:
    """The name of an object's type, with its module."""
    if isinstance(obj, Tensor):
        return str(Tensor.type(obj))  # type: ignore[attr-defined]
    kind = obj if isinstance(obj, type) or callable(obj) else type(obj)
    module = getattr(kind, "__module__", "") or ""
    name = getattr(kind, "__qualname__", type(obj).__name__)
    return name if module in ("builtins", "__builtin__", "") else f"{module}.{name}"


@public
def promote_types(type1: _dtypes.dtype, type2: _dtypes.dtype) -> _dtypes.dtype:
    """The dtype that both are converted to."""
    return _dtypes.promote(type1, type2)


@public
def can_cast(from_: _dtypes.dtype, to: _dtypes.dtype) -> bool:
    """Whether a result of one dtype may be stored in the other."""
    return _dtypes.can_cast(from_, to)


@public
def get_num_threads() -> int:
    """Threads that one operation may use."""
    return count()


@public
def set_num_threads(n: int) -> None:
    """Let one operation use that many threads. Raises RuntimeError below 1."""
    if n < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    config.set(num_threads=n)


@public
def get_num_interop_threads() -> int:
    """Operations that run at once: one."""
    return 1


@public
def set_num_interop_threads(n: int) -> None:
    """Accepted: operations are fused, not run side by side."""


_PRECISIONS = ("highest", "high", "medium")
_precision = ["highest"]
_deterministic = [False, False]


@public
def set_float32_matmul_precision(precision: str) -> None:
    """How precise products of float32 matrices have to be: "highest", or by fewer digits on GPUs
    that can; on the CPU they are always exact.
    """
    if precision not in _PRECISIONS:
        raise RuntimeError(f"{precision!r} is not one of {_PRECISIONS}")
    _precision[0] = precision
    config.set(tf32=precision != "highest")


@public
def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given, or what `torch.backends` says."""
    if not config.get("tf32"):
        return "highest"
    return _precision[0] if _precision[0] != "highest" else "high"


@public
def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: every algorithm here is deterministic."""
    _deterministic[:] = [bool(mode), bool(warn_only)]


@public
def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was given."""
    return _deterministic[0]


@public
def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What `use_deterministic_algorithms` was given as `warn_only`."""
    return _deterministic[1]


_DEBUG_MODES = ("default", "warn", "error")


@public
def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by a number from 0 to 2, or its name "default", "warn",
    "error". Raises TypeError and RuntimeError for what is none.
    """
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                f"{debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    _deterministic[:] = [debug_mode > 0, debug_mode == 1]


@public
def get_deterministic_debug_mode() -> int:
    """0 where nothing was asked for, 1 for warnings, 2 for errors."""
    on, warn_only = _deterministic
    return (1 if warn_only else 2) if on else 0


@public
def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers are kept."""
    return False


@public
def compiled_with_cxx11_abi() -> bool:
    """True, as of PyTorch's own builds."""
    return True


@public
def is_warn_always_enabled() -> bool:
    """False: PyTorch's warnings come once."""
    return False


@public
def set_warn_always(b: bool) -> None:
    """Accepted."""


@public
def compile(model: Any = None, **options: Any) -> Any:
    """What it was given: graphs are compiled when they run, `torch.compile` or not."""
    if model is None:
        return lambda f: f
    return model


FUNCTIONS["result_type"] = result_type
__all__: list[str] = []
