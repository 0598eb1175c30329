"""Complex numbers: conjugates, angles, parts put together and taken apart.

What enters: tensors. What leaves: tensors. It must not know how anything is computed.
"""

from collections.abc import Callable
from typing import Any

from ..ir.node import Node
from ..ir.op import Op
from ..lang import pointwise as nodes
from ..ops import g
from ..ops.bits import bitcast
from ..ops.elementwise import conj as conj_row
from ..ops.elementwise import negative
from ..ops.movement import reshape
from ._dispatch import need_tensor, op
from ._dtypes import TITLES, bool_, float16, float32, float64
from ._record import cast
from .create import assign_out
from .parts import picked
from .pointwise import binary, floated, pointwise, real_sign, strides_like
from .tensor import Tensor, wrap
from .views import clone, pending, shown

# --- one tensor -----------------------------------------------------------------------------------


@op()
def conj(input: Tensor) -> Tensor:
    """The complex conjugate of each element, a view; a real tensor itself."""
    x = need_tensor("conj", input)
    return shown("Conj", x, ((conj_row, ()),), x._stride()) if x.dtype._rank == 3 else input


@op(inplace=True, out=True)
def conj_physical(input: Tensor) -> Tensor:
    """The complex conjugate of each element, in new memory; a real tensor itself."""
    x = need_tensor("conj_physical", input)
    return pointwise("ConjPhysical", g.conj, x) if x.dtype._rank == 3 else input


def _lazy(name: str, what: str, row: Op) -> None:
    def told(input: Tensor) -> bool:
        return pending(need_tensor(f"is_{name}", input), row)

    def carried_out(input: Tensor) -> Tensor:
        x = need_tensor(f"resolve_{name}", input)
        return clone(x) if pending(x, row) else x

    told.__doc__ = f"Whether the tensor is a view that shows its memory {what}."
    carried_out.__doc__ = f"The tensor, copied if it is a view that shows its memory {what}."
    op(f"is_{name}")(told)
    op(f"resolve_{name}")(carried_out)


_lazy("conj", "conjugated", conj_row)
_lazy("neg", "negated", negative)


@op(out=True)
def angle(input: Tensor) -> Tensor:
    """The angle of each complex number; of real ones pi below 0, else 0."""
    x = floated(need_tensor("angle", input))
    out = pointwise("Angle", nodes.angle, x)
    if x.dtype._rank == 3:
        out._strides = None
    return out


@op(inplace=True, out=True)
def sgn(input: Tensor) -> Tensor:
    """The sign of each element; of complex numbers x / |x|, 0 at 0."""
    x = need_tensor("sgn", input)
    return pointwise("Sgn", (lambda n: n) if x.dtype is bool_ else real_sign, x)


@op()
def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part of each element is 0."""
    x = need_tensor("isreal", input)
    n = x._read()
    if x.dtype._rank == 3:
        return wrap(g.equal(g.imag(n), 0.0), bool_, strides_like(x))
    return wrap(g.broadcast_to(cast(g.constant(1, n), bool_), n.shape), bool_, strides_like(x))


# --- parts ----------------------------------------------------------------------------------------


def _parts(name: str, title: str, f: Callable[[Node, Node], Node], x: Any, y: Any) -> Tensor:
    words = ("real", "imag") if name == "complex" else ("abs", "angle")
    for k, (t, word) in enumerate(zip((x, y), words), 1):
        need_tensor(name, t, k, word)
    if any(t.dtype not in (float16, float32, float64) for t in (x, y)):
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{TITLES[x.dtype]} and {TITLES[y.dtype]}"
        )
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {TITLES[x.dtype]} but got scalar type "
            f"{TITLES[y.dtype]} for second argument"
        )
    if x.dtype is float16:
        raise NotImplementedError(f"{name}(): there is no complex dtype with parts of Half")
    return binary(name, title, f, x, y)


def _made(out: Tensor | None, made: Tensor) -> Tensor:
    """What was made, or an output of its dtype that it is written to."""
    if out is None:
        return made
    if out.dtype is not made.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {TITLES[made.dtype]} but got scalar type "
            f"{TITLES[out.dtype]} for argument 'out'"
        )
    return assign_out(out, made)


@op(method=False)
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers of real and imaginary parts. Raises RuntimeError for dtypes."""
    return _made(out, _parts("complex", "Complex", g.complex, real, imag))


@op(method=False)
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers of moduli and angles. Raises RuntimeError for dtypes."""
    return _made(out, _parts("polar", "Polar", nodes.polar, abs, angle))


@op(method=False)
def view_as_real(input: Tensor) -> Tensor:
    """Real and imaginary parts along a new last axis. Raises RuntimeError for real tensors."""
    x = need_tensor("view_as_real", input)
    if x.dtype._rank != 3:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    if pending(x, conj_row):
        raise RuntimeError(
            "view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate "
            "tensor so you can view it as real, use self.resolve_conj(); however, be warned that "
            "the resulting tensor will NOT alias the original."
        )
    pairs = x.dtype.to_real().numpy
    steps = ((reshape, ((*x._node.shape, 1),)), (bitcast, (pairs,)))
    return shown("ViewAsReal", x, steps, (*(2 * s for s in x._stride()), 1), 2 * x._offset)


@op(method=False)
def view_as_complex(input: Tensor) -> Tensor:
    """Complex numbers of pairs along the last axis. Raises RuntimeError for dtypes and sizes."""
    x = need_tensor("view_as_complex", input)
    if x.dtype not in (float16, float32, float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {TITLES[x.dtype]}"
        )
    if not x.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if x._node.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if x._stride()[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(stride % 2 for stride in x._stride()[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if x._offset % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    if x._offset % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    for step in x._stride()[:-1]:
        if step % 2:
            raise RuntimeError(
                "Tensor must have a stride divisible by 2 for all but last dimension"
            )
    whole = x.dtype.to_complex().numpy
    steps = ((bitcast, (whole,)), (reshape, (x._node.shape[:-1],)))
    strides = tuple(s // 2 for s in x._stride()[:-1])
    return shown("ViewAsComplex", x, steps, strides, x._offset // 2)


@op(method=False)
def real(input: Tensor) -> Tensor:
    """Real parts, a view; a real tensor itself."""
    if input.dtype._rank < 3:
        return input
    return picked(_pairs(input), input.ndim, 0)


def _pairs(x: Tensor) -> Tensor:
    """Real and imaginary parts, of a conjugated view those of what it shows."""
    return view_as_real(conj(x) if pending(x, conj_row) else x)


@op(method=False)
def imag(input: Tensor) -> Tensor:
    """Imaginary parts, a view. Raises RuntimeError for a real tensor."""
    if input.dtype._rank < 3:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    pairs = _pairs(input)
    if pending(input, conj_row):
        pairs = shown("NegView", pairs, ((negative, ()),), pairs._stride())
    return picked(pairs, input.ndim, 1)


def _part(f: Any) -> Any:
    """An attribute that shows a part of complex numbers, and writes to it."""
    return property(f, lambda x, new: f(x).copy_(new), doc=f.__doc__)


setattr(Tensor, "real", _part(real))  # noqa: B010
setattr(Tensor, "imag", _part(imag))  # noqa: B010
