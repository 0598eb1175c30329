"""Windows by their old names: `torch.hann_window` and its like, periodic by default.

What enters: lengths, parameters of shape, dtypes. What leaves: tensors. It must not know how
anything is computed.
"""

from collections.abc import Callable
from math import pi
from typing import Any

from . import _types
from ._calls import refuse
from ._dispatch import FUNCTIONS
from ._dtypes import default, dtype
from .create import filled, public
from .matrices import C_TYPES
from .tensor import Tensor

__all__: list[str] = []


def _options(of: dtype | None, layout: Any) -> str:
    """How PyTorch prints the options of a tensor."""
    titled = "float (default)" if of is None else C_TYPES[of]
    laid = "Strided (default)" if layout is None or layout is _types.strided else "Sparse"
    return (
        f"TensorOptions(dtype={titled}, device=cpu, layout={laid}, requires_grad=false (default), "
        "pinned_memory=false, memory_format=(nullopt))"
    )


def _check(name: str, length: Any, of: dtype | None, layout: Any) -> None:
    if isinstance(length, bool) or not hasattr(length, "__index__"):
        raise TypeError(
            f"{name}(): argument 'window_length' (position 1) must be int, not "
            f"{type(length).__name__}"
        )
    if layout is not None and layout is not _types.strided:
        raise RuntimeError(
            f"{name} is not implemented for sparse types, got: {_options(of, layout)}"
        )
    if of is not None and of._rank < 2:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {_options(of, layout)}")
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )


def _made(
    name: str, f: Callable[[Tensor, int], Tensor], length: Any, periodic: bool,
    options: dict[str, Any],
) -> Tensor:  # fmt: skip
    """The window f(0 … n - 1, n - 1): periodic ones are those of one point more, without it."""
    of, layout = options.get("dtype"), options.get("layout")
    _check(name, length, of, layout)
    device, grad = options.get("device"), options.get("requires_grad", False)
    to = default() if of is None else of
    if length < 2:
        return filled((length,), 1, to, device, grad)
    refuse(to, "arange_cpu", "3")
    count = length + 1 if periodic else length
    found = f(FUNCTIONS["arange"](count, dtype=to, device=device), count - 1)
    found = found.narrow(0, 0, length) if periodic else found
    return found.requires_grad_() if grad else found


def _wave(k: Tensor, last: int, alpha: float, beta: float) -> Tensor:
    return FUNCTIONS["cos"](k * (pi * 2.0 / last)) * -beta + alpha  # type: ignore[no-any-return]


@public()
def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """(1 - cos) / 2. Raises RuntimeError for integers and lengths below 0."""
    f = lambda k, last: _wave(k, last, 0.5, 0.5)  # noqa: E731
    return _made("hann_window", f, window_length, periodic, options)


@public()
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46,
    **options: Any,
) -> Tensor:  # fmt: skip
    """alpha - beta cos. Raises RuntimeError for integers and lengths below 0."""
    f = lambda k, last: _wave(k, last, alpha, beta)  # noqa: E731
    return _made("hamming_window", f, window_length, periodic, options)


@public()
def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """0.42 - cos / 2 + 0.08 cos of twice the angle. Raises RuntimeError."""

    def f(k: Tensor, last: int) -> Tensor:
        t = k * (pi / last)
        slow, fast = FUNCTIONS["cos"](t * 2), FUNCTIONS["cos"](t * 4)
        return fast * 0.08 - slow * 0.5 + 0.42  # type: ignore[no-any-return]

    return _made("blackman_window", f, window_length, periodic, options)


@public()
def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """A triangle that is 0 at the ends. Raises RuntimeError."""

    def f(k: Tensor, last: int) -> Tensor:
        up = k * (2.0 / last)
        return FUNCTIONS["where"](k < (last // 2 + 1), up, up * -1 + 2)  # type: ignore[no-any-return]

    return _made("bartlett_window", f, window_length, periodic, options)


@public()
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """I0(beta sqrt(1 - t²)) / I0(beta). Raises RuntimeError."""

    def f(k: Tensor, last: int) -> Tensor:
        t = k * (2.0 / last) - 1
        arc = FUNCTIONS["sqrt"](FUNCTIONS["clamp"](1 - t * t, min=0))
        whole = FUNCTIONS["tensor"](beta, dtype=k.dtype, device=k.device)
        return FUNCTIONS["i0"](arc * beta) / FUNCTIONS["i0"](whole)  # type: ignore[no-any-return]

    return _made("kaiser_window", f, window_length, periodic, options)
