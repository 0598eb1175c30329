"""Products of matrices and vectors, sums with them, distances between rows.

What enters: tensors. What leaves: tensors, recorded under PyTorch's names. It must not know how a
product is computed.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import linalg, products
from ..ops import g
from . import _dtypes
from ._calls import refuse
from ._dispatch import (
    FUNCTIONS,
    NUMBERS,
    alias,
    broadcast,
    need_tensor,
    op,
    result_type,
    same_device,
)
from ._dtypes import TITLES
from ._record import cast, run, run_fixed, to_dtype
from .matrices import C_TYPES
from .norms import norm_nodes
from .tensor import Ints, Tensor
from .views import axis, unsqueeze

__all__ = ["matmul"]

# --- what is refused ------------------------------------------------------------------------------


def _tensors(name: str, *given: tuple[str, Any]) -> tuple[Tensor, ...]:
    """The arguments, all tensors of one device."""
    found = tuple([need_tensor(name, x, i, k) for i, (k, x) in enumerate(given, 1)])
    same_device(found)
    return found


def _unlike(*tensors: Tensor) -> bool:
    return any(t.dtype is not tensors[0].dtype for t in tensors[1:])


def _expected_scalar(x: Tensor, y: Tensor) -> None:
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"expected scalar type {TITLES[x.dtype]} but found {TITLES[y.dtype]}"
        )


def _refuse_bool(kernel: str, *tensors: Tensor) -> None:
    """Raises NotImplementedError for bool where there is anything to multiply."""
    if all(t._node.size for t in tensors):
        refuse(tensors[0], kernel, "0")


def _unmultiplied(a: Ints, b: Ints) -> None:
    if a[1] != b[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})"
        )


def _check_mm(x: Tensor, y: Tensor, rows: int | None = None) -> None:
    a, b = x._node.shape, y._node.shape
    _unmultiplied((prod(a[:-1]) if rows is None else rows, a[-1]), b)
    if x.dtype is not y.dtype:
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got: "
            f"{C_TYPES[x.dtype]} != {C_TYPES[y.dtype]}"
        )
    _refuse_bool("addmm_impl_cpu_", x, y)


def _check_mv(result: Tensor, x: Tensor, y: Tensor, size: int | None = None) -> None:
    a, v = x._node.shape, y._node.shape
    rows = prod(a[:-1])
    if a[-1] != v[0] or (size is not None and size not in (1, rows)):
        raise RuntimeError(
            f"size mismatch, got input ({size or rows}), mat ({rows}x{a[-1]}), vec ({v[0]})"
        )
    if _unlike(result, x, y):
        names = [TITLES[t.dtype] for t in (result, x, y)]
        raise RuntimeError(
            "addmv input tensors must have the same dtype, but got "
            f"{names[0]}, {names[1]}, and {names[2]}"
        )
    _refuse_bool("addmv_impl_cpu", x)


def _check_bmm(a: Ints, b: Ints) -> None:
    if b[0] != a[0] or b[1] != a[2]:
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]."
        )


def check_dot(name: str, x: Tensor, y: Tensor) -> None:
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors")
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"{name} : expected both vectors to have same dtype, but found "
            f"{TITLES[x.dtype]} and {TITLES[y.dtype]}"
        )
    n, m = x._node.size, y._node.size
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same "
            f"number of elements, but got {n} and {m} elements respectively"
        )
    refuse(x, name, "0")


# --- plain products -------------------------------------------------------------------------------


def _product(a: Node, b: Node) -> Node:
    """The matrix product; of bool only where there is nothing to multiply."""
    if a.dtype.kind != "b":
        return linalg.matmul(a, b)
    return g.cast(linalg.matmul(g.cast(a, np.dtype("u1")), g.cast(b, np.dtype("u1"))), a.dtype)


@op(out=True)
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices. Raises RuntimeError for shapes and dtypes that don't fit."""
    x, y = _tensors("mm", ("input", input), ("mat2", mat2))
    if x.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if y.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_mm(x, y)
    return run("Mm", g.matmul, (x, y))


@op(out=True)
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices. Raises RuntimeError for what doesn't fit."""
    x, y = _tensors("bmm", ("input", input), ("mat2", mat2))
    for k, t in enumerate((x, y), 1):
        if t.ndim != 3:
            raise RuntimeError(f"batch{k} must be a 3D tensor")
    _check_bmm(x._node.shape, y._node.shape)
    _expected_scalar(x, y)
    _refuse_bool("bmm", x, y)
    return run("Bmm", g.matmul, (x, y))


@op(out=True)
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector. Raises RuntimeError for shapes and dtypes that don't fit."""
    x, y = _tensors("mv", ("input", input), ("vec", vec))
    if x.ndim != 2 or y.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got 1, {x.ndim}, {y.ndim}"
        )
    _check_mv(y, x, y)
    return run("Mv", _product, (x, y))


@op(out=True)
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of products of two vectors. Raises RuntimeError for what doesn't fit."""
    x, y = _tensors("dot", ("input", input), ("tensor", tensor))
    check_dot("dot", x, y)
    return run("Dot", linalg.matmul, (x, y))


@op(out=True)
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """`dot` with the first vector conjugated. Raises RuntimeError as it."""
    x, y = _tensors("vdot", ("input", input), ("other", other))
    if x.dtype._rank != 3:
        return dot(x, y)
    check_dot("vdot", x, y)
    return run("Vdot", lambda a, b: linalg.matmul(g.conj(a), b), (x, y))


def _check_batches(x: Tensor, y: Tensor) -> None:
    """What products of more axes refuse; one matrix times many is one product of all rows."""
    a, b = x._node.shape, y._node.shape
    if len(b) == 1:
        rows = prod(a[:-1])
        if a[-1] != b[0]:
            raise RuntimeError(
                f"size mismatch, got input ({rows}), mat ({rows}x{a[-1]}), vec ({b[0]})"
            )
        return _check_mv(y, x, y)
    if len(b) == 2 and len(a) > 2:
        return _check_mm(x, y)
    batch = broadcast(a[:-2], b[:-2])
    size = prod(batch)
    _check_bmm((size, 1 if len(a) == 1 else a[-2], a[-1]), (size, *b[-2:]))
    _expected_scalar(x, y)
    return _refuse_bool("bmm", x, y)


def _title(x: Tensor, y: Tensor) -> str:
    """What PyTorch records last."""
    return "~Clone" if x.ndim == 2 and y.ndim > 2 and x.requires_grad else "~UnsafeView"


@op(out=True)
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Products of matrices, leading axes broadcast; a vector is a row left, a column right.

    Raises RuntimeError for shapes and dtypes that don't fit.
    """
    x, y = _tensors("matmul", ("input", input), ("other", other))
    a, b = x.ndim, y.ndim
    if a == 2 and b == 2:
        return mm(x, y)
    if not a or not b:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D"
        )
    if a == 1 and b == 1:
        return dot(x, y)
    if a == 2 and b == 1:
        return mv(x, y)
    if (a, b) == (1, 2):
        _check_mm(x, y, 1)
        return mm(unsqueeze(x, 0), y).squeeze_(0)  # type: ignore[no-any-return]
    _check_batches(x, y)
    return run(_title(x, y), _product, (x, y))


def _operator(reflected: bool) -> Callable[..., Any]:
    def product(self: Tensor, other: Any) -> Any:
        if isinstance(other, (*NUMBERS, str, list, tuple, np.ndarray)) or other is None:
            return NotImplemented
        return FUNCTIONS["matmul"](*((other, self) if reflected else (self, other)))

    return product


def _imatmul(self: Tensor, other: Any) -> Any:
    return self.copy_(FUNCTIONS["matmul"](self, other))


for _name, _f in (("__matmul__", _operator(False)), ("__rmatmul__", _operator(True)),
                  ("__imatmul__", _imatmul)):  # fmt: skip
    _f.__name__ = _name
    setattr(Tensor, _name, _f)


@op(out=True)
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The products of all pairs of elements of two vectors. Raises RuntimeError for no vectors."""
    x, y = _tensors("outer", ("input", input), ("vec2", vec2))
    for name, t in (("self", x), ("vec2", y)):
        if t.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {t.ndim}-D")
    return FUNCTIONS["mul"](x.reshape(-1, 1), y)  # type: ignore[no-any-return]


alias("ger", "outer")


@op(out=True)
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last axes. Raises RuntimeError for what doesn't fit."""
    x, y = _tensors("inner", ("input", input), ("other", other))
    if _unlike(x, y):
        raise RuntimeError("both inputs should have same dtype")
    if not x.ndim or not y.ndim:
        return FUNCTIONS["mul"](x, y)  # type: ignore[no-any-return]
    if x.shape[-1] != y.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(x.shape)} and {list(y.shape)}"
        )
    _refuse_bool("dot" if x.ndim == y.ndim == 1 else "addmm_impl_cpu_", x)
    return run("~View", lambda a, b: linalg.tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,))), (x, y))


@op(out=True)
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product."""
    x, y = _tensors("kron", ("input", input), ("other", other))
    to = result_type(x, y)
    title = "~Mul" if not x.ndim and not y.ndim else "~UnsafeView"
    return run(title, products.kron, (to_dtype(x, to), to_dtype(y, to)))


@op(out=True)
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal, of integers int64. Raises RuntimeError unless a matrix."""
    x = need_tensor("trace", input)
    refuse(x, "trace", "0")
    if x.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {x.ndim}")
    wide = to_dtype(x, _dtypes.int64) if x.dtype._rank < 2 else x
    return run("Trace", lambda n: g.sum(linalg.diagonal(n), (0,)), (wide,))


def crossed(name: str, x: Tensor, y: Tensor, dim: int) -> Tensor:
    """Cross products along an axis. Raises RuntimeError for other sizes than 3."""
    if x.ndim != y.ndim:
        raise RuntimeError(f"{name}: inputs must have the same number of dimensions.")
    a = axis(dim, x.ndim)
    n, m = x.shape[a], y.shape[a]
    if (n, m) != (3, 3):
        raise RuntimeError(
            f"{name}: inputs dimension {dim} must have length 3. Got {n} and {m}"
        )
    broadcast(x._node.shape, y._node.shape)
    refuse(x, "cross", "0")
    _expected_scalar(x, y)
    f = lambda u, v: linalg.cross(u, v, a - u.ndim)  # noqa: E731
    return run("LinalgCross", f, (x, y))


@op(out=True)
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Cross products along an axis, by default the first of size 3. Raises RuntimeError."""
    x, y = _tensors("cross", ("input", input), ("other", other))
    if dim is None:
        found = [a for a, n in enumerate(x.shape) if n == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    return crossed("linalg.cross", x, y, dim)


# --- sums with products ---------------------------------------------------------------------------


def _factor(value: Any, x: Tensor, name: str) -> Any:
    """A number by which tensors of a dtype are multiplied: an int for integers."""
    if isinstance(value, complex) and x.dtype._rank < 3:
        raise RuntimeError(
            f"For non-complex input tensors, argument {name} must not be a complex number."
        )
    return int(value) if x.dtype._rank < 2 else value


def _summed(
    title: str, f: Callable[..., Node], tensors: Sequence[Tensor], shape: Ints, *factors: Any
) -> Tensor:
    """beta x + alpha (product), for factors beta and alpha: x is broadcast to the shape."""
    x = tensors[0]
    if x._node.shape != shape:
        FUNCTIONS["broadcast_to"](x, shape)
    by = [_factor(v, x, name) for v, name in zip(factors, ("beta", "alpha"), strict=True)]
    return run(title, lambda *nodes: f(*nodes, *by), tensors)


@op(out=True, inplace=True)
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """beta input + alpha mat1 mat2. Raises RuntimeError for shapes and dtypes that don't fit."""
    x, a, b = _tensors("addmm", ("input", input), ("mat1", mat1), ("mat2", mat2))
    for name, t in (("mat1", a), ("mat2", b)):
        if t.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {t.ndim}-D tensor")
    _unmultiplied(a._node.shape, b._node.shape)
    if _unlike(x, a, b):
        raise RuntimeError(
            "self and mat2 must have the same dtype, but got "
            f"{TITLES[x.dtype]} and {TITLES[b.dtype]}"
        )
    _refuse_bool("addmm_impl_cpu_", x)
    return _summed("Addmm", products.addmm, (x, a, b), (a.shape[0], b.shape[1]), beta, alpha)


@op(out=True, inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta input + alpha mat vec. Raises RuntimeError for shapes and dtypes that don't fit."""
    x, a, v = _tensors("addmv", ("input", input), ("mat", mat), ("vec", vec))
    if a.ndim != 2 or v.ndim != 1 or x.ndim > 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {x.ndim}, {a.ndim}, {v.ndim}"
        )
    _check_mv(x, a, v, x._node.size if x.ndim else 1)
    return _summed("Addmv", products.addmm, (x, a, v), (a.shape[0],), beta, alpha)


@op(out=True, inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta input + alpha times the outer product. Raises RuntimeError for what doesn't fit."""
    x, u, v = _tensors("addr", ("input", input), ("vec1", vec1), ("vec2", vec2))
    for name, t in (("vec1", u), ("vec2", v)):
        if t.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {t.ndim}-D")
    to = result_type(x, u, v)
    for name, number in (("beta", beta), ("alpha", alpha)):
        if to._rank < 2 and isinstance(number, float):
            raise RuntimeError(
                f"For integral input tensors, argument {name} must not be a floating point number."
            )
    tensors = [to_dtype(t, to) for t in (x, u, v)]
    f = _addr_bool if to is _dtypes.bool_ else products.addr
    return _summed("Addr", f, tensors, (u.shape[0], v.shape[0]), beta, alpha)


def _addr_bool(x: Node, u: Node, v: Node, beta: Any, alpha: Any) -> Node:
    product = g.reshape(u, (u.size, 1)) * v
    parts = [n for n, on in ((x, beta), (product, alpha)) if on]
    if not parts:
        return g.logical_and(product, False)
    return parts[0] if len(parts) == 1 else g.logical_or(*parts)


def _batches(name: str, x: Any, a: Any, b: Any) -> tuple[Tensor, ...]:
    found = _tensors(name, ("input", x), ("batch1", a), ("batch2", b))
    for k, t in enumerate(found[1:], 1):
        if t.ndim != 3:
            raise RuntimeError(f"batch{k} must be a 3D tensor")
    return found


@op(out=True, inplace=True)
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """beta input + alpha times the sum of the batch's products. Raises RuntimeError."""
    x, a, b = _batches("addbmm", input, batch1, batch2)
    n, m = a._node.shape, b._node.shape
    if n[0] != m[0]:
        raise RuntimeError(
            f"batch1 and batch2 must have same number of batches, got {n[0]} and {m[0]}"
        )
    if n[2] != m[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({n[1]}x{n[2]} and {m[1]}x{m[2]})"
        )
    _expected_scalar(x, a if _unlike(x, a) else b)
    _refuse_bool("addmm_impl_cpu_", x)
    return _summed("Addbmm", products.addbmm, (x, a, b), (n[1], m[2]), beta, alpha)


@op(out=True, inplace=True)
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """beta input + alpha times each product of the batch. Raises RuntimeError."""
    x, a, b = _batches("baddbmm", input, batch1, batch2)
    n, m = a._node.shape, b._node.shape
    _check_bmm(n, m)
    if _unlike(x, a, b):
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {C_TYPES[x.dtype]}, batch1: "
            f"{C_TYPES[a.dtype]}, batch2: {C_TYPES[b.dtype]}"
        )
    _refuse_bool("baddbmm", x)
    return _summed("Baddbmm", products.addmm, (x, a, b), (*n[:2], m[2]), beta, alpha)


# --- distances ------------------------------------------------------------------------------------

# Above this many rows Euclidean distances are taken from products, without all differences.
_MANY_ROWS = 25


def _apart(x: Node, y: Node) -> Node:
    """The differences of all pairs of rows."""
    a = g.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    b = g.reshape(y, (*y.shape[:-2], 1, *y.shape[-2:]))
    return a - b


def _euclidean(x: Node, y: Node) -> Node:
    """sqrt(|x|² + |y|² - 2 x·y) of all pairs of rows."""
    last = x.ndim - 1
    a = g.reshape(g.sum(g.square(x), (last,)), (*x.shape[:-1], 1))
    b = g.reshape(g.sum(g.square(y), (y.ndim - 1,)), (*y.shape[:-2], 1, y.shape[-2]))
    turned = g.permute(y, (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2))
    square = a + b - linalg.matmul(x, turned) * 2
    return g.root(g.maximum(square, 0.0))


_MODES = {
    "use_mm_for_euclid_dist_if_necessary": None,
    "use_mm_for_euclid_dist": True,
    "donot_use_mm_for_euclid_dist": False,
}


@op(method=False)
def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:  # fmt: skip
    """The p-norms of differences of all pairs of rows. Raises RuntimeError, ValueError."""
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    x, y = _tensors("cdist", ("x1", x1), ("x2", x2))
    for name, t in (("X1", x), ("X2", y)):
        if t.dtype._rank != 2:
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {TITLES[t.dtype]}"
            )
    if x.dtype.itemsize == 2:
        refuse(x, "cdist")
    for name, t in (("X1", x), ("X2", y)):
        if t.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {t.ndim}D")
    a, b = x._node.shape, y._node.shape
    if a[-1] != b[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {a[-1]} X2: {b[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    _expected_scalar(x, y)
    broadcast(a[:-2], b[:-2])
    mode = _MODES[compute_mode]
    many = max(a[-2], b[-2]) > _MANY_ROWS if mode is None else mode
    return run_fixed("Cdist", _distances, (float(p), many and p == 2), (x, y))


def _distances(x: Node, y: Node, p: float, by_products: bool) -> Node:
    if by_products:
        return _euclidean(x, y)
    d = _apart(x, y)
    if not d.shape[-1]:
        return g.sum(d, (d.ndim - 1,))
    return cast(norm_nodes(d, (d.ndim - 1,), p), _dtypes.of(x.dtype))
