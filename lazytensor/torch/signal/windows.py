"""`torch.signal.windows`: windows of M points, symmetric by default, with a maximum of 1.

What enters: numbers of points, parameters of shape, dtypes. What leaves: tensors, float32 or
float64; raises ValueError for others, for M below 0 and for parameters out of range. It must not
know how anything is computed.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from math import pi, sqrt
from typing import Any

from ..._base.errors import shortened
from .. import _dtypes, _types
from .._dispatch import FUNCTIONS, REFUSALS
from .._dtypes import default, dtype
from ..tensor import Tensor

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]  # fmt: skip


class Line:
    """M points on a line, as tensors of one dtype, device and need of gradients."""

    def __init__(self, name: str, M: int, options: dict[str, Any]) -> None:
        of = options["dtype"]
        self.size = M
        self.dtype = default() if of is None else of
        self.device = options["device"]
        self.grad = options["requires_grad"]
        _check(name, M, self.dtype, options["layout"])

    def options(self) -> dict[str, Any]:
        """What functions that make tensors are given."""
        return {"dtype": self.dtype, "device": self.device, "requires_grad": self.grad}

    def points(self, start: float, step: float) -> Tensor:
        """start, start + step, …"""
        return self.between(start, start + (self.size - 1) * step)

    def between(self, start: float, end: float) -> Tensor:
        """From start to end."""
        return FUNCTIONS["linspace"](start, end, self.size, **self.options())  # type: ignore[no-any-return]

    def ones(self) -> Tensor:
        """A window of one point, or of none."""
        return FUNCTIONS["ones"]((self.size,), **self.options())  # type: ignore[no-any-return]

    def steps(self, sym: bool) -> int:
        """How many steps there are from end to end of the whole window."""
        return self.size - 1 if sym else self.size


def _check(name: str, M: int, of: dtype, layout: Any) -> None:
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not _types.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if of not in (_dtypes.float32, _dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {of}")


_OPTIONS = {"dtype": None, "layout": _types.strided, "device": None, "requires_grad": False}


def _window(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A window made public: the options of every function that makes tensors go in as `options`."""
    given = inspect.signature(f).parameters.values()
    own = [p for p in given if p.name != "options"]
    extra = [
        inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY, default=v)
        for k, v in _OPTIONS.items()
    ]
    signature = inspect.Signature([*own, *extra])

    @wraps(f)
    def public(*args: Any, **kwargs: Any) -> Tensor:
        options = {k: kwargs.pop(k, v) for k, v in _OPTIONS.items()}
        if len(args) > 1:
            raise TypeError(
                f"{f.__name__}() takes 1 positional argument but {len(args)} were given"
            )
        try:
            return f(*args, **kwargs, options=options)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    public.__signature__ = signature  # type: ignore[attr-defined]
    return public


@_window
def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True,
    options: dict[str, Any],
) -> Tensor:  # fmt: skip
    """exp(-|n - center| / tau)."""
    line = Line("exponential", M, options)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if not M:
        return line.ones()
    middle = (M - 1 if sym or M == 1 else M) / 2.0 if center is None else center
    each = 1 / tau
    k = line.between(-middle * each, (-middle + (M - 1)) * each)
    return FUNCTIONS["exp"](-FUNCTIONS["abs"](k))  # type: ignore[no-any-return]


@_window
def cosine(M: int, *, sym: bool = True, options: dict[str, Any]) -> Tensor:
    """Half a period of a sine."""
    line = Line("cosine", M, options)
    if not M:
        return line.ones()
    each = pi / (M if sym or M == 1 else M + 1)
    k = line.between(0.5 * each, (0.5 + (M - 1)) * each)
    return FUNCTIONS["sin"](k)  # type: ignore[no-any-return]


@_window
def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, options: dict[str, Any]
) -> Tensor:
    """exp(-(n / std)² / 2) around the middle."""
    line = Line("gaussian", M, options)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if not M:
        return line.ones()
    start, each = -(M - 1 if sym or M == 1 else M) / 2.0, 1 / (std * sqrt(2))
    k = line.between(start * each, (start + (M - 1)) * each)
    return FUNCTIONS["exp"](-(k**2))  # type: ignore[no-any-return]


@_window
def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, options: dict[str, Any]
) -> Tensor:
    """I0(beta sqrt(1 - t²)) / I0(beta), for t from -1 to 1."""
    line = Line("kaiser", M, options)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return line.ones()
    number = line.dtype.numpy.type
    width = number(beta)
    each = number(2) * width / number(line.steps(sym))
    k = line.between(float(-width), float(min(width, -width + number(M - 1) * each)))
    whole = FUNCTIONS["tensor"](beta, dtype=line.dtype, device=line.device)
    root = FUNCTIONS["sqrt"](whole * whole - k**2)
    return FUNCTIONS["i0"](root) / FUNCTIONS["i0"](whole)  # type: ignore[no-any-return]


@_window
def bartlett(M: int, *, sym: bool = True, options: dict[str, Any]) -> Tensor:
    """A triangle that is 0 at the ends."""
    line = Line("bartlett", M, options)
    if M < 2:
        return line.ones()
    return 1 - FUNCTIONS["abs"](line.points(-1, 2 / line.steps(sym)))  # type: ignore[no-any-return]


def _cosines(M: int, a: Any, sym: bool, options: dict[str, Any]) -> Tensor:
    """The sum of (-1)**i a[i] cos(i t) for t from 0 to a whole turn."""
    line = Line("general_cosine", M, options)
    if M < 2:
        return line.ones()
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    t = line.points(0, 2 * pi / line.steps(sym))
    signed = [-w if i % 2 else w for i, w in enumerate(a)]
    weights = FUNCTIONS["tensor"](signed, **line.options())
    turns = FUNCTIONS["arange"](len(signed), **line.options())
    waves = FUNCTIONS["cos"](turns.unsqueeze(-1) * t)
    return (weights.unsqueeze(-1) * waves).sum(0)  # type: ignore[no-any-return]


@_window
def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, options: dict[str, Any]
) -> Tensor:
    """A sum of cosines with weights a, of alternating sign."""
    return _cosines(M, a, sym, options)


@_window
def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, options: dict[str, Any]
) -> Tensor:
    """alpha - (1 - alpha) cos."""
    return _cosines(M, [alpha, 1.0 - alpha], sym, options)


def _fixed(name: str, weights: Sequence[float], checked: bool = False) -> Callable[..., Tensor]:
    """A sum of cosines with weights of its own; `checked` under its own name."""

    def f(M: int, *, sym: bool = True, options: dict[str, Any]) -> Tensor:
        if checked:
            Line(name, M, options)
        return _cosines(M, weights, sym, options)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"The {name.capitalize()} window, a sum of cosines."
    return _window(f)


hamming = _fixed("hamming", [0.54, 1.0 - 0.54])
hann = _fixed("hann", [0.5, 0.5])
blackman = _fixed("blackman", [0.42, 0.5, 0.08], True)
nuttall = _fixed("nuttall", [0.3635819, 0.4891775, 0.1365995, 0.0106411])
