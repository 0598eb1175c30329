"""What functions of matrices share: checks in PyTorch's words, failures that data cause, results in
column-major order, how they become `torch.linalg`'s.

What enters: tensors and what is computed of their nodes. What leaves: tensors, recorded. It must
not know any factorisation.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.node import Node
from ..runtime.materialize import NoValue
from . import _dtypes
from ._calls import refuse as refuse_dtype
from ._dispatch import _into, _public, need_tensor
from ._dtypes import TITLES
from ._graph import GradFn
from ._host import value
from ._record import distinct, record, record_many
from .tensor import Ints, Tensor, contiguous, normal, wrap

__all__ = ["LINALG", "LinAlgError", "linalg"]


class LinAlgError(RuntimeError):
    """A matrix has no such factors, inverse or solution."""


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"
LinAlgError.__module__ = "torch._C"

# The functions of `torch.linalg`.
LINALG: dict[str, Callable[..., Any]] = {}

# The names that C++ prints for dtypes.
C_TYPES = {
    _dtypes.bool_: "bool", _dtypes.uint8: "unsigned char", _dtypes.int8: "signed char",
    _dtypes.int16: "short int", _dtypes.int32: "int", _dtypes.int64: "long int",
    _dtypes.float16: "c10::Half", _dtypes.bfloat16: "c10::BFloat16", _dtypes.float32: "float",
    _dtypes.float64: "double", _dtypes.complex64: "c10::complex<float>",
    _dtypes.complex128: "c10::complex<double>",
}  # fmt: skip

# --- public forms ---------------------------------------------------------------------------------


def linalg(name: str, out: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function public as `torch.linalg.name`; `out`: what its `out=` may be, as `with_out`
    says.
    """

    def made(f: Callable[..., Any]) -> Callable[..., Any]:
        public = with_out(f, f"linalg_{name}", out) if out else f
        LINALG[name] = _public(public, f"linalg_{name}", False)
        return f

    return made


def with_out(f: Callable[..., Any], name: str, kind: str) -> Callable[..., Any]:
    """A function with `out=`: of exactly the result's dtype ("same", or the text of the refusal,
    with {want} and {got} for the titles of dtypes, {c_want} and {c_got} for their names in C++), or
    of one that it may be cast to ("safe").
    """

    def function(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)
        if out is None:
            return result
        given = out if isinstance(out, tuple | list) else [out]
        made = result if isinstance(result, tuple) else [result]
        for o, r in zip(given, made, strict=False):
            if isinstance(o, Tensor) and o.dtype is not r.dtype:
                _check_out(o, r, name, kind)
        before = [o._node.shape if isinstance(o, Tensor) else None for o in given]
        written = _into(out, result, name)
        for o, r, shape in zip(given, made, before, strict=False):
            if shape != r._node.shape and o.dtype is r.dtype:
                o._strides = r._strides
        return written

    function.__doc__ = f.__doc__
    function.__wrapped__ = f  # type: ignore[attr-defined]
    return function


SAME = "Expected out tensor to have dtype {c_want}, but got {c_got} instead"


def _check_out(out: Tensor, made: Tensor, name: str, kind: str) -> None:
    if kind != "safe":
        raise RuntimeError(
            (SAME if kind == "same" else kind).format(
                want=TITLES[made.dtype], got=TITLES[out.dtype], c_want=C_TYPES[made.dtype],
                c_got=C_TYPES[out.dtype],
            )
        )  # fmt: skip
    if not _dtypes.can_cast(made.dtype, out.dtype):
        called = "eigenvalues" if "eig" in name else "result"
        prefix = "torch." if "eig" in name or "rank" in name else ""
        raise RuntimeError(
            f"{prefix}{name.replace('_', '.', 1)}: Expected {called} to be safely castable from "
            f"{TITLES[made.dtype]} dtype, but got {called} with dtype {TITLES[out.dtype]}"
        )


# --- checks ---------------------------------------------------------------------------------------


def at_least_2d(name: str, x: Tensor, argument: str = "A") -> Tensor:
    """The tensor. Raises RuntimeError for fewer than two axes."""
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor {argument} must have at least 2 dimensions."
        )
    return x


def square(name: str, x: Tensor, argument: str = "A") -> Tensor:
    """The tensor. Raises RuntimeError for what are no square matrices."""
    m, n = at_least_2d(name, x, argument)._node.shape[-2:]
    if m != n:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {m} by {n} "
            "matrices"
        )
    return x


def floating(name: str, x: Tensor, low: bool = True) -> Tensor:
    """The tensor. Raises RuntimeError for integers, and for half precision unless `low`."""
    if x.dtype._rank < 2:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {TITLES[x.dtype]}"
        )
    if not low and x.dtype in (_dtypes.float16, _dtypes.bfloat16):
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {TITLES[x.dtype]}")
    return x


def computed(kernel: str, x: Tensor) -> Tensor:
    """The tensor. Raises NotImplementedError for a dtype that LAPACK hasn't."""
    if x.dtype._rank < 2 or x.dtype in (_dtypes.float16, _dtypes.bfloat16):
        refuse_dtype(x, kernel)
    return x


def argument(name: str, x: Any, called: str = "A", place: int = 1) -> Tensor:
    """The argument of `torch.linalg`'s function. Raises TypeError for what is no tensor."""
    return need_tensor(f"linalg_{name}", x, place, called)


def same_dtypes(name: str, a: Tensor, b: Tensor, names: tuple[str, str] = ("A", "B")) -> None:
    """Raises RuntimeError for tensors of two dtypes."""
    if a.dtype is not b.dtype:
        left, right = names
        raise RuntimeError(
            f"{name}: Expected {left} and {right} to have the same dtype, but found {left} of type "
            f"{TITLES[a.dtype]} and {right} of type {TITLES[b.dtype]} instead"
        )


def refuse(info: Tensor | np.ndarray[Any, Any], text: Callable[[str, int], Exception]) -> None:
    """Raises `text("(Batch element i): ", info)` for the first matrix that failed, if any did."""
    try:
        found = value(info._read()) if isinstance(info, Tensor) else info
    except NoValue:  # of one of many examples
        return
    flat = found.reshape(-1)
    if not flat.any():
        return
    place = int(flat.nonzero()[0][0])
    raise text(f"(Batch element {place}): " if found.ndim else "", int(flat[place]))


def singular(name: str) -> Callable[[str, int], Exception]:
    """What inverting says of a pivot that is 0."""
    return lambda batch, i: LinAlgError(
        f"{name}: {batch}The diagonal element {i} is zero, the inversion could not be completed "
        "because the input matrix is singular."
    )


class Refused(GradFn):
    """A record of an operation that has no derivative: asking for it raises `error`."""

    __slots__ = ()
    error: Exception

    def pull(self, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """Raises the error."""
        raise self.error


class Flat(GradFn):
    """A record of an operation that passes no gradient on, not even zeros."""

    __slots__ = ()

    def pull(self, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """No gradient for any input."""
        return [None for _ in self.edges]


_CLASSES: dict[tuple[type[Any], str], type[Any]] = {}


def renamed(base: type[Any], fn: GradFn) -> Any:
    """A record like another, of a class of its own with the other's name."""
    name = fn.name()
    found = _CLASSES.get((base, name))
    if found is None:
        body = {"__slots__": (), "__module__": "torch.autograd.graph"}
        found = _CLASSES[base, name] = type(name, (base,), body)
    return found(fn.edges, fn.inputs, fn.outputs, fn.saved)


def without_gradient(out: Tensor) -> Tensor:
    """Let a recorded result pass no gradient on."""
    if out._fn is not None:
        out._fn = renamed(Flat, out._fn)
    return out


def without_derivative(outs: Sequence[Tensor], error: Exception) -> None:
    """Let the gradients of results, recorded as one operation, raise an error."""
    for out in outs:
        if out._fn is not None:
            made = renamed(Refused, out._fn)
            made.error = error
            out._fn = made


# --- results --------------------------------------------------------------------------------------


def in_columns(shape: Ints) -> Ints | None:
    """Strides of matrices in column-major order."""
    if len(shape) < 2:
        return None
    *lead, m, n = shape
    swapped = contiguous((*lead, n, m))
    return normal(shape, (*swapped[:-2], swapped[-1], swapped[-2]))


def one(title: str, f: Callable[..., Node], tensors: Sequence[Tensor]) -> Tensor:
    """A result in column-major order, recorded."""
    nodes = distinct([t._read() for t in tensors])
    made = f(*nodes)
    return record(wrap(made, None, in_columns(made.shape)), title, tensors, nodes)


def several(
    title: str, f: Callable[..., Sequence[Node]], tensors: Sequence[Tensor],
    columns: Sequence[int] = (), free: Sequence[int] = (),
) -> tuple[Tensor, ...]:  # fmt: skip
    """Results, those numbered in `columns` in column-major order, recorded as one operation but for
    those numbered in `free`.
    """
    nodes = distinct([t._read() for t in tensors])
    outs = tuple([
        wrap(n, None, in_columns(n.shape) if i in columns else None)
        for i, n in enumerate(f(*nodes))
    ])  # fmt: skip
    record_many([t for i, t in enumerate(outs) if i not in free], title, tensors, nodes)
    return outs
