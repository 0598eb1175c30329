"""`stft` and `istft`: spectra of overlapping frames of signals, and back.

What enters: signals or spectra, sizes of frames, windows. What leaves: tensors. It must not know
how a transform is computed.
"""

import operator
import warnings
from collections.abc import Sequence
from typing import Any

from ..ir.node import Node
from ..lang import conv
from ..lang import spectrogram as nodes
from ..lang._checks import part
from ..ops import g
from . import _dtypes
from ._dispatch import FUNCTIONS, need_tensor, op
from ._dtypes import TITLES
from ._record import cast, record, run
from .create import filled
from .tensor import Tensor, contiguous, normal, wrap

__all__: list[str] = []


def _said(flag: Any) -> str:
    return "None" if flag is None else str(int(flag))


def _shown(window: Tensor | None) -> str:
    if window is None:
        return "None"
    return f"torch.{TITLES[window.dtype]}Tensor{{{list(window.shape)}}}"


def _window(x: Tensor, window: Tensor | None, length: int) -> Tensor:
    """The window, of ones where none is given."""
    return filled((length,), 1, x.dtype.to_real(), x.device) if window is None else window


def _lengths(n_fft: int, hop: Any, win: Any) -> tuple[int, int, int]:
    """The sizes of a frame, of a step and of a window."""
    size = operator.index(n_fft)
    return size, size // 4 if hop is None else operator.index(hop), (
        size if win is None else operator.index(win)
    )


def _is_complex(x: Tensor | None) -> bool:
    return x is not None and x.dtype._rank == 3


# --- stft -----------------------------------------------------------------------------------------


def _padded(x: Tensor, by: int, mode: str) -> Tensor:
    """Samples put before and after."""
    shape = x._node.shape

    def f(n: Node) -> Node:
        lead = (1,) * (3 - len(shape))
        out = conv.pad(g.reshape(n, (*lead, *shape)), [by, by], mode)
        return g.reshape(out, out.shape[3 - len(shape) :] if shape else (out.shape[-1],))

    return run("~View", f, (x,))


def _check_stft(
    x: Tensor, sizes: tuple[int, int, int], window: Tensor | None, flags: Sequence[Any]
) -> None:
    size, hop, length = sizes
    normalized, onesided, complex_, aligned = map(_said, flags)
    about = (
        f"stft(torch.{TITLES[x.dtype]}Tensor{list(x.shape)}, n_fft={size}, hop_length={hop}, "
        f"win_length={length}, window={_shown(window)}, normalized={normalized}, "
        f"onesided={onesided}, return_complex={complex_}, align_to_window={aligned}) : expected "
    )
    if x.dtype._rank < 2:
        raise RuntimeError(about + "a tensor of floating point or complex values")
    if x.ndim not in (1, 2):
        raise RuntimeError(about + "a 1D or 2D tensor")
    if not 0 < size <= x.shape[-1]:
        raise RuntimeError(f"{about}0 < n_fft < {x.shape[-1]}, but got n_fft={size}")
    if hop <= 0:
        raise RuntimeError(f"{about}hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= size:
        raise RuntimeError(f"{about}0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and (window.ndim != 1 or window.shape[0] != length):
        raise RuntimeError(
            f"{about}a 1D window tensor of size equal to win_length={length}, but got window with "
            f"size {list(window.shape)}"
        )


def _check_complex(x: Tensor, window: Tensor | None, return_complex: bool | None) -> bool:
    if return_complex is None:
        if not (_is_complex(x) or _is_complex(window)):
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will "
                "further require that return_complex=True in a future PyTorch release."
            )
        return True
    return return_complex


@op()
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect",
    normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """Spectra of overlapping frames: (…, frequencies, frames). Raises RuntimeError."""
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    x = input
    x.dim()
    sizes = _lengths(n_fft, hop_length, win_length)
    if center:
        x = _padded(x, sizes[0] // 2, pad_mode)
    complex_ = _check_complex(x, window, return_complex)
    _check_stft(x, sizes, window, (normalized, onesided, complex_, align_to_window))
    if x.dtype in (_dtypes.float16, _dtypes.bfloat16):
        raise RuntimeError(f"MKL FFT doesn't support tensors of type: {TITLES[x.dtype]}")
    whole = _is_complex(x) or _is_complex(window)
    if onesided and whole:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    half = not whole if onesided is None else onesided
    out = _spectra(x, _window(x, window, sizes[2]), sizes, bool(normalized), half, align_to_window)
    return out if complex_ else FUNCTIONS["view_as_real"](out)


def _spectra(
    x: Tensor, window: Tensor, sizes: tuple[int, int, int], normalized: bool, half: bool,
    aligned: bool | None,
) -> Tensor:  # fmt: skip
    size, hop, length = sizes
    single = x.ndim == 1

    def f(n: Node, w: Node) -> Node:
        n = g.reshape(n, (1, *n.shape)) if single else n
        n, w = _together(n, w)
        n = nodes.surrounded(n, length, size) if aligned else n
        w = nodes.centred(w, size)
        out = g.permute(nodes.stft(n, w, hop, normalized, half), (0, 2, 1))
        return g.reshape(out, out.shape[1:]) if single else out

    read = [x._read(), window._read()]
    made = f(*read)
    shape = made.shape
    inner = contiguous((*shape[:-2], shape[-1], shape[-2]))
    strides = normal(shape, (*inner[:-2], inner[-1], inner[-2]))
    title = "~SqueezeBackward4" if single else "~TransposeBackward1"
    return record(wrap(made, None, strides), title, (x, window), read)


def _together(n: Node, w: Node) -> tuple[Node, Node]:
    """A signal and a window of one precision, each real if it was."""
    if w.dtype.itemsize // (1 + (w.dtype.kind == "c")) == n.dtype.itemsize // (
        1 + (n.dtype.kind == "c")
    ):
        return n, w
    both = _dtypes.promote(_dtypes.of(n.dtype).to_real(), _dtypes.of(w.dtype).to_real())
    to = [both.to_complex() if v.dtype.kind == "c" else both for v in (n, w)]
    return cast(n, to[0]), cast(w, to[1])


# --- istft ----------------------------------------------------------------------------------------


def _check_istft(
    x: Tensor, sizes: tuple[int, int, int], window: Tensor | None, onesided: Any, about: str
) -> None:
    size, hop, length = sizes
    if not x._node.size:
        raise RuntimeError(f"{about} : input tensor cannot be empty.")
    if x.ndim not in (2, 3):
        raise RuntimeError(
            f"{about} : expected a tensor with 3 or 4 dimensions, but got {x.ndim + 1}"
        )
    wanted = size // 2 + 1 if onesided else size
    if x.shape[-2] != wanted:
        which = ("n_fft / 2 + 1", "True") if onesided else ("n_fft", "False")
        raise RuntimeError(
            f"{about} : expected the frequency dimension (3rd to the last) of the input tensor to "
            f"match {which[0]} when onesided={which[1]}, but got {x.shape[-2]}"
        )
    if not 0 < hop <= length:
        raise RuntimeError(f"{about} : expected 0 < hop_length <= win_length")
    if not 0 < length <= size:
        raise RuntimeError(f"{about} : expected 0 < win_length <= n_fft")
    if window is not None and (window.ndim != 1 or window.shape[0] != length):
        raise RuntimeError(
            f"{about} : Invalid window shape. window has to be 1D and length of `win_length`"
        )


def _check_kinds(x: Tensor, window: Tensor | None, onesided: Any, return_complex: bool) -> bool:
    """Whether the spectra are halves."""
    if x.dtype._rank < 3:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if x.ndim < 2:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-x.ndim - 1}, {x.ndim}], but "
            "got -3)"
        )
    return False if return_complex and onesided is None else bool(onesided)


@op()
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, normalized: bool = False,
    onesided: bool | None = None, length: int | None = None, return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal of which `stft` gave the spectra. Raises RuntimeError."""
    x = need_tensor("istft", input)
    _check_kinds(x, window, onesided, return_complex)
    sizes = _lengths(n_fft, hop_length, win_length)
    half = x.shape[-2] != sizes[0] if onesided is None else bool(onesided)
    given = "None" if length is None else str(length)
    about = (
        f"istft(CPU{TITLES[x.dtype]}Type{list(x.shape)}, n_fft={sizes[0]}, hop_length={sizes[1]}, "
        f"win_length={sizes[2]}, window={_shown(window)}, center={int(center)}, "
        f"normalized={int(normalized)}, onesided={_said(onesided)}, length={given}, "
        f"return_complex={int(return_complex)})"
    )
    _check_istft(x, sizes, window, half, about)
    if not return_complex and _is_complex(window):
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if return_complex and half:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    w = _window(x, window, sizes[2])
    start, end = _span(x, sizes, center, length)
    _check_weight(w, sizes, x.shape[-1], start, end, about)
    flags = (bool(normalized), half, not return_complex)
    return _signal(x, w, sizes, flags, (start, end), length)


def _span(x: Tensor, sizes: tuple[int, int, int], center: bool, length: Any) -> tuple[int, int]:
    """The samples that there are, of those that frames overlap in."""
    size, hop, _ = sizes
    whole = size + hop * (x.shape[-1] - 1)
    start = size // 2 if center else 0
    end = start + length if length is not None else whole - size // 2 if center else whole
    return start, min(end, whole)


def _check_weight(
    window: Tensor, sizes: tuple[int, int, int], count: int, start: int, end: int, about: str
) -> None:
    n = nodes.weight(nodes.centred(window._read(), sizes[0]), sizes[1], count)
    shown = wrap(n)[0, start : max(end, start)]
    lowest = FUNCTIONS["min"](FUNCTIONS["abs"](shown))
    if bool(lowest < 1e-11):
        raise RuntimeError(f"{about} window overlap add min: 1\n[ CPUBoolType{{}} ]")


def _signal(
    x: Tensor, window: Tensor, sizes: tuple[int, int, int], flags: tuple[bool, bool, bool],
    span: tuple[int, int], length: int | None,
) -> Tensor:  # fmt: skip
    start, end = span
    size, hop, _ = sizes
    missing = 0 if length is None else length - (end - start)
    if missing > 0:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded "
            "with zeros in the tail. Please check your center and hop_length settings.",
            stacklevel=4,
        )

    def f(n: Node, w: Node) -> Node:
        single = n.ndim == 2
        n, w = nodes.joint_dtypes(g.reshape(n, (1, *n.shape)) if single else n, w)
        w = nodes.centred(w, size)
        frames = nodes.frames_of(n, w, *flags)
        summed = nodes.overlapped(frames, hop)
        by = nodes.weight(w, hop, frames.shape[1])
        by = by if by.dtype is summed.dtype else g.cast(by, summed.dtype)
        out = part(summed, 1, start, end - start) / part(by, 1, start, end - start)
        if missing > 0:
            out = g.embed(out, (out.shape[0], length), (0, 0), (1, 1))
        return g.reshape(out, out.shape[1:]) if single else out

    return run("ConstantPadNd" if missing > 0 else "~Div", f, (x, window))
