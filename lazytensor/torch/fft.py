"""`torch.fft`: discrete Fourier transforms, their frequencies, shifts of halves.

What enters: tensors, lengths, axes, modes of normalisation. What leaves: tensors that lie in memory
as PyTorch's do. It must not know how a transform is computed.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import fft as nodes
from ..ops import g
from . import _dtypes
from ._calls import refuse
from ._dispatch import FUNCTIONS, _into, _public, need_tensor
from ._dtypes import TITLES, default, dtype
from ._host import placed_new
from ._record import cast, record, to_dtype
from .create import new, place
from .tensor import Ints, Tensor, normal, wrap
from .views import axis

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
    "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2",
    "rfftfreq", "rfftn",
]  # fmt: skip

_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}

# --- what is refused ------------------------------------------------------------------------------


def _norm(norm: Any) -> str:
    mode = "backward" if norm is None else norm
    if mode not in _OPPOSITE:
        raise RuntimeError(f'Invalid normalization mode: "{mode}"')
    return str(mode)


def _int(name: str, argument: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"fft_{name}(): argument '{argument}' must be int, not {type(value).__name__}"
        )
    return int(value.__index__())


def _positive(n: int) -> int:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _single(name: str, x: Tensor, n: Any, dim: Any) -> tuple[list[int], list[int]]:
    """One axis and its size, -1 for the default."""
    a = _int(name, "dim", dim)
    size = -1 if n is None else _positive(_int(name, "n", n))
    if not x.ndim:
        raise IndexError(f"Dimension specified as {a} but tensor has no dimensions")
    return [axis(a, x.ndim)], [size]


def _several(x: Tensor, s: Any, dim: Any) -> tuple[list[int], list[int]]:
    """Axes and their sizes, -1 for the default; by default the last ones of `s`, or all."""
    given = None if dim is None else [dim] if isinstance(dim, int) else list(dim)
    sizes = None if s is None else [s] if isinstance(s, int) else list(s)
    if given is not None:
        if given and not x.ndim:
            raise IndexError(f"Dimension specified as {given[0]} but tensor has no dimensions")
        places = [axis(a, x.ndim) for a in given]
        if len(set(places)) != len(places):
            raise RuntimeError("FFT dims must be unique")
        if sizes is not None and len(sizes) != len(places):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        return places, [-1] * len(places) if sizes is None else sizes
    if sizes is None:
        return list(range(x.ndim)), [-1] * x.ndim
    if len(sizes) > x.ndim:
        raise RuntimeError(
            f"Got shape with {len(sizes)} values but input tensor only has {x.ndim} dimensions."
        )
    return list(range(x.ndim - len(sizes), x.ndim)), sizes


def _check_sizes(x: Tensor, places: list[int], sizes: list[int], half: bool) -> None:
    """Raises RuntimeError for a transform of nothing; `half`: by default 2 (n - 1) on the last."""
    last = len(places) - 1
    for i, (a, n) in enumerate(zip(places, sizes)):
        found = x.shape[a]
        _positive(n if n != -1 else 2 * (found - 1) if half and i == last else found)


def _floating(x: Tensor) -> Tensor:
    if x.dtype in (_dtypes.float16, _dtypes.bfloat16):
        raise RuntimeError(f"Unsupported dtype {TITLES[x.dtype]}")
    return to_dtype(x, default()) if x.dtype._rank < 2 else x


# --- places in memory -----------------------------------------------------------------------------


def _inner(x: Tensor, places: Sequence[int], shape: Ints, last: str) -> Ints | None:
    """Strides with the transformed axes innermost, all of them as they lie in x, but for the last
    one where that is "first" or "last" of them; the others around them as they lie in x.
    """
    by = x._stride()
    outer = sorted((a for a in range(x.ndim) if a not in places), key=lambda a: -by[a])
    inner = sorted(places, key=lambda a: -by[a])
    if last:
        inner.remove(places[-1])
        inner.insert(0 if last == "first" else len(inner), places[-1])
    strides, step = [0] * x.ndim, 1
    for a in reversed(outer + inner):
        strides[a] = step
        step *= max(shape[a], 1)
    return normal(shape, tuple(strides))


def _recorded(
    title: str, f: Callable[[Node], Node], x: Tensor, places: Sequence[int], last: str = ""
) -> Tensor:
    node = x._read()
    made = f(node)
    out = wrap(made, None, _inner(x, places, made.shape, last))
    return record(out, title, (x,), (node,))


# --- the transforms -------------------------------------------------------------------------------

Axes = tuple[list[int], list[int]]


def _complex(title: str, x: Tensor, axes: Axes, norm: str, inverse: bool) -> Tensor:
    places, sizes = axes
    x = _floating(x)
    _check_sizes(x, places, sizes, False)
    mode = _norm(norm)
    to = x.dtype.to_complex()
    if not places:
        return _recorded(title, lambda n: _copied(n, to), x, places)
    f = nodes.ifftn if inverse else nodes.fftn
    return _recorded(title, lambda n: f(n, sizes, places, mode), x, places)


def _copied(node: Node, to: dtype) -> Node:
    return g.reshape(node, node.shape) if node.dtype is to.numpy else cast(node, to)


def _to_half(title: str, x: Tensor, axes: Axes, norm: str, conjugate: bool) -> Tensor:
    """Of real numbers, half of the frequencies along the last axis."""
    places, sizes = axes
    x = _floating(x)
    _check_sizes(x, places, sizes, False)
    mode = _norm(norm)
    if not conjugate:
        return _recorded(title, lambda n: nodes.rfftn(n, sizes, places, mode), x, places, "last")
    mode = _OPPOSITE[mode]
    f = lambda n: g.conj(nodes.rfftn(n, sizes, places, mode))  # noqa: E731
    return _recorded(title, f, x, places, "first")


def _from_half(title: str, x: Tensor, axes: Axes, norm: str, conjugate: bool) -> Tensor:
    """Real numbers, of half of the frequencies along the last axis."""
    places, sizes = axes
    x = _floating(x)
    _check_sizes(x, places, sizes, True)
    mode = _norm(norm)
    if not conjugate:
        return _recorded(title, lambda n: nodes.irfftn(n, sizes, places, mode), x, places, "last")
    mode = _OPPOSITE[mode]

    def f(n: Node) -> Node:
        return nodes.irfftn(g.conj(cast(n, x.dtype.to_complex())), sizes, places, mode)

    return _recorded(title, f, x, places, "last")


def _real_input(name: str, x: Tensor) -> None:
    if x.dtype._rank < 3:
        return
    if name == "ihfftn":
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {TITLES[x.dtype]}")
    wanted = "real-valued" if name.endswith("n") else "real"
    raise RuntimeError(f"{name} expects a {wanted} input tensor, but got {TITLES[x.dtype]}")


def _transform(name: str, x: Tensor, axes: Axes, norm: Any) -> Tensor:
    """By name: `i` inverse, `h` and `r` of half of the frequencies, `n` along several axes."""
    kind = name.removesuffix("n")
    real = x.dtype._rank < 3
    if kind in ("fft", "ifft"):
        title = "FftC2C"
        if real and len(axes[0]) == 1 and not name.endswith("n"):
            title = "~ConjBackward0" if kind == "ifft" else "FftR2C"
        return _complex(title, x, axes, norm, kind == "ifft")
    if not axes[0]:
        raise RuntimeError(f"{name} must transform at least one axis")
    if kind in ("rfft", "ihfft"):
        title = "FftR2C"
        if kind == "ihfft":
            title = "~ConjBackward0" if len(axes[0]) == 1 else "FftC2C"
        return _to_half(title, x, axes, norm, kind == "ihfft")
    return _from_half("FftC2R", x, axes, norm, kind == "hfft")


def _check_out(name: str, out: Any) -> None:
    if isinstance(out, Tensor):
        real = name.removesuffix("n") in ("irfft", "hfft")
        if (out.dtype._rank == 3) == real:
            wanted = "floating point" if real else "complex"
            raise RuntimeError(
                f"{name} expects a {wanted} output tensor, but got {TITLES[out.dtype]}"
            )


def _written(out: Any, made: Tensor, name: str) -> Tensor:
    kind = name.removesuffix("n")
    inner = "c2r" if kind in ("irfft", "hfft") else "c2c" if kind.endswith("n") else "r2c"
    return _into(out, made, f"_fft_{inner}")  # type: ignore[no-any-return]


# --- public forms ---------------------------------------------------------------------------------


def _one_axis(name: str) -> Any:
    def f(
        input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *,
        out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        x = need_tensor(f"fft_{name}", input)
        if name in ("rfft", "ihfft"):
            _real_input(name, x)
        axes = _single(name, x, n, dim)
        _check_out(name, out)
        return _written(out, _transform(name, x, axes, norm), name)

    f.__doc__ = f"`{name}` along one axis. Raises RuntimeError, IndexError for the axis."
    return _public(f, f"fft_{name}", False)


def _axes_form(name: str, called: str, default_dim: Any) -> Any:
    def f(
        input: Tensor, s: Any = None, dim: Any = default_dim, norm: str | None = None, *,
        out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        x = need_tensor(f"fft_{called}", input)
        if name in ("rfftn", "ihfftn"):
            _real_input(name, x)
        axes = _several(x, s, dim)
        _check_out(name, out)
        return _written(out, _transform(name, x, axes, norm), name)

    f.__doc__ = f"`{called}` along several axes. Raises RuntimeError, IndexError for an axis."
    return _public(f, f"fft_{called}", False)


def _forms(kind: str) -> tuple[Any, Any, Any]:
    """Along one axis, two, any number."""
    return (
        _one_axis(kind), _axes_form(kind + "n", kind + "2", (-2, -1)),
        _axes_form(kind + "n", kind + "n", None),
    )  # fmt: skip


fft, fft2, fftn = _forms("fft")
ifft, ifft2, ifftn = _forms("ifft")
rfft, rfft2, rfftn = _forms("rfft")
irfft, irfft2, irfftn = _forms("irfft")
hfft, hfft2, hfftn = _forms("hfft")
ihfft, ihfft2, ihfftn = _forms("ihfft")

# --- frequencies, shifts --------------------------------------------------------------------------


def _frequencies(name: str, n: Any, d: Any, of: dtype | None, half: bool) -> np.ndarray[Any, Any]:
    """0, 1, … over n d, as PyTorch rounds them: the numbers times 1 / (n d)."""
    n = _index(name, n)
    to = default() if of is None else of
    if to._rank < 2:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    refuse(to, "arange_cpu", "3")
    count = int(n / 2) + 1 if half else n
    if count < 0:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {count}: [{count}]"
        )
    k = np.arange(count)
    if not half:
        k = np.where(k < (n + 1) // 2, k, k - n)
    with np.errstate(all="ignore"):
        factor = np.float64(1.0) / (n * float(d))
        found: np.ndarray[Any, Any] = k.astype(to.numpy) * factor.astype(to.numpy)
        return found


def _index(name: str, n: Any) -> int:
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(
            f"fft_{name}(): argument 'n' (position 1) must be int, not {type(n).__name__}"
        )
    return int(n.__index__())


def _frequency_form(name: str, half: bool) -> Any:
    def f(
        n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: dtype | None = None,
        layout: Any = None, device: Any = None, requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        to = out.dtype if dtype is None and isinstance(out, Tensor) else dtype
        found = _frequencies(name, n, d, to, half)
        made = new(placed_new(found, place(device)), None, requires_grad)
        return _into(out, made, f"fft_{name}")  # type: ignore[no-any-return]

    f.__doc__ = f"The frequencies of `{name.removesuffix('freq')}`. Raises RuntimeError, TypeError."
    return _public(f, f"fft_{name}", False)


fftfreq, rfftfreq = _frequency_form("fftfreq", False), _frequency_form("rfftfreq", True)


def _shift_form(name: str, by: Callable[[int], int]) -> Any:
    def f(input: Tensor, dim: Any = None) -> Tensor:
        x = need_tensor(f"fft_{name}", input)
        given = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
        places = [axis(a, x.ndim) for a in given]
        return FUNCTIONS["roll"](x, [by(x.shape[a]) for a in places], places)  # type: ignore[no-any-return]

    f.__doc__ = f"`{name}`: halves of axes exchanged, all axes by default. Raises IndexError."
    return _public(f, f"fft_{name}", False)


fftshift = _shift_form("fftshift", lambda n: n // 2)
ifftshift = _shift_form("ifftshift", lambda n: (n + 1) // 2)


def __getattr__(name: str) -> Any:
    """Raises AttributeError for a name that isn't there."""
    raise AttributeError(f"module 'torch.fft' has no attribute {name!r}")
