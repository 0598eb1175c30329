"""Jacobians for checks: by differences of values, by backward passes, by tangents.

What enters: functions of tensors, their inputs and outputs. What leaves: matrices, a row for each
element of an input, a column for each of an output; or, for the quick check, their products with
vectors. It must not know what they are compared with.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from .. import _api as torch
from ..tensor import Tensor
from .engine import grad
from .forward_ad import dual_level, make_dual, unpack_dual

__all__ = ["Backward", "GradcheckError", "as_tuple", "differentiable", "floating", "forward",
           "needing", "numerical", "numerical_product"]  # fmt: skip

Function = Callable[..., Any]
Tensors = tuple[Tensor, ...]


class GradcheckError(RuntimeError):
    """A derivative is not what differences of values say."""


def as_tuple(x: Any) -> tuple[Any, ...]:
    """Results as a tuple."""
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def floating(x: Any) -> bool:
    """Whether it is a tensor that has derivatives."""
    return isinstance(x, Tensor) and x.dtype._rank > 1


def differentiable(x: Any) -> Tensors:
    """The results that need a gradient."""
    return tuple([t for t in as_tuple(x) if t.requires_grad])


def needing(inputs: Sequence[Any]) -> list[tuple[int, Tensor]]:
    """The tensors that need a gradient, and where they stand."""
    return [(i, x) for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]


# --- by differences -------------------------------------------------------------------------------


def _difference(call: Function, entry: Tensor, step: Any, size: float, where: str) -> Tensors:
    """How results change with an entry of an input, which is written to meanwhile."""
    before = entry.clone()
    entry.copy_(before - step)
    low = call()
    entry.copy_(before + step)
    high = call()
    entry.copy_(before)
    out = []
    for a, b in zip(low, high, strict=True):
        _alike(a, b, size, where)
        out.append(((b - a) / (2 * size)).detach().reshape(-1))
    return tuple(out)


def _alike(a: Tensor, b: Tensor, size: float, where: str) -> None:
    """Raises AssertionError for results of other shapes or dtypes."""
    for what, x, y in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
        if x != y:
            raise AssertionError(
                f"Expected `func` to return outputs with the same {what} when inputs are perturbed "
                f"{where}by {size}, but got: {what}s {x} and {y}."
            )


def _slopes(
    call: Function, entry: Tensor, steps: tuple[Any, Any], size: float, is_complex: bool, where: str
) -> list[Tensor]:
    """The derivatives by an entry; by a complex one the sum of those by both parts."""
    real = _difference(call, entry, steps[0], size, where)
    if not is_complex:
        return list(real)
    imag = _difference(call, entry, steps[1] * 1j, size, where)
    return [a + b * 1j for a, b in zip(real, imag, strict=True)]


def _called(fn: Function, inputs: Sequence[Any]) -> Function:
    return lambda: tuple([t.clone() for t in as_tuple(fn(*inputs))])


def numerical(
    fn: Function, inputs: Sequence[Any], outputs: Sequence[Tensor], eps: float, forward: bool
) -> list[Tensors]:
    """For each input that needs a gradient the Jacobians of the floating-point outputs."""
    if not forward and any(o.dtype._rank == 3 for o in outputs):
        raise ValueError(
            "Expected output to be non-complex. get_numerical_jacobian no longer supports "
            "functions that return complex outputs."
        )
    return [_one_numerical(fn, inputs, i, outputs, eps) for i, _ in needing(inputs)]


def _one_numerical(
    fn: Function, inputs: Sequence[Any], place: int, outputs: Sequence[Tensor], eps: float
) -> Tensors:
    x = inputs[place]
    data, call = x.data, _called(fn, inputs)
    is_complex = x.dtype._rank == 3
    rows = []
    for index in _places(x):
        where = f"on index {index} "
        rows.append(_slopes(call, data[index], (eps, eps), eps, is_complex, where))
    out = []
    for number, o in enumerate(outputs):
        if not floating(o):
            continue
        of = x.dtype if is_complex else o.dtype
        if rows:
            out.append(torch.stack([r[number].to(of) for r in rows]))
        else:
            out.append(torch.zeros(0, o.numel(), dtype=of, device=o.device))
    return tuple(out)


def _places(x: Tensor) -> Iterator[tuple[int, ...]]:
    return product(*[range(n) for n in x.shape])


def numerical_product(
    fn: Function, inputs: Sequence[Any], place: int, u: Any, eps: float
) -> list[Tensor]:
    """The products of the Jacobians of one input with a vector, or two for its parts."""
    x = inputs[place]
    parts = u if isinstance(u, tuple) else (u, u)
    steps = (eps * parts[0].reshape(x.shape), eps * parts[1].reshape(x.shape))
    return _slopes(_called(fn, inputs), x.data, steps, eps, x.dtype._rank == 3, "")


# --- by backward passes ---------------------------------------------------------------------------


class Backward:
    """The Jacobian of one output, twice, since gradients may differ from pass to pass."""

    def __init__(self, inputs: Sequence[Any], output: Tensor, v: Tensor | None = None) -> None:
        self.inputs = [x for _, x in needing(inputs)]
        self.output = output
        first, second = self.passes(v), self.passes(v)
        self.sizes_fit = all(
            t is None or t.shape == x.shape for row in first for t, x in zip(row, self.inputs)
        )
        self.dtypes_fit = all(
            t is None or t.dtype is x.dtype for row in first for t, x in zip(row, self.inputs)
        )
        self.jacobians = self.stacked(first)
        self.again = self.stacked(second)

    def passes(self, v: Tensor | None) -> list[tuple[Tensor | None, ...]]:
        """The gradients of each element of the output, or of its product with a vector."""
        like = self.output
        if v is not None:
            seeds = [v.reshape(like.shape)]
        else:
            basis = torch.eye(like.numel()).to(like)
            seeds = [row.view(like.shape) for row in basis]
        return [grad(like, self.inputs, s, True, allow_unused=True) for s in seeds]

    def stacked(self, rows: Sequence[Sequence[Tensor | None]]) -> Tensors:
        """One matrix for each input."""
        out = []
        for i, x in enumerate(self.inputs):
            columns = [_column(r[i], x) for r in rows]
            empty = torch.zeros(x.numel(), 0, dtype=x.dtype, device=x.device)
            out.append(torch.stack(columns, 1) if columns else empty)
        return tuple(out)

    def checked(self, tolerance: float, dtypes: bool) -> Tensors:
        """The Jacobians. Raises GradcheckError for other sizes, dtypes and from pass to pass."""
        if dtypes and not self.dtypes_fit:
            raise GradcheckError("Gradient has dtype mismatch")
        if not self.sizes_fit:
            raise GradcheckError("Analytical gradient has incorrect size")
        for a, b in zip(self.jacobians, self.again, strict=True):
            if a.numel() and (a - b).abs().max() > tolerance:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and "
                    "grad_output multiple times gives different values, although analytical "
                    "gradient matches numerical gradient.The tolerance for nondeterminism was "
                    f"{tolerance}.\n\nNOTE: `nondet_tol` says how far they may differ."
                )
        return self.jacobians


def _column(t: Tensor | None, x: Tensor) -> Any:
    """A gradient of x in a line; zeros for one that is missing or of another size."""
    fits = t is not None and t.shape == x.shape
    if fits and t is not None:
        return t.reshape(-1)
    return torch.zeros(x.numel(), dtype=x.dtype, device=x.device)


# --- by tangents ----------------------------------------------------------------------------------


def forward(
    fn: Function, inputs: Sequence[Any], outputs: Sequence[Tensor], check_dtypes: bool,
    directions: Sequence[Tensor] | None = None,
) -> list[Tensors]:  # fmt: skip
    """For each input that needs a gradient the Jacobians of the floating-point outputs, or their
    products with a direction.
    """
    found = needing(inputs)
    if any(x.dtype._rank == 3 for _, x in found):
        raise ValueError(
            "Expected inputs to be non-complex for _get_analytical_jacobian_forward_ad."
        )
    out = []
    for number, (place, x) in enumerate(found):
        if directions is None:
            basis = torch.eye(x.numel()).to(x)
            rows = [_along(fn, inputs, place, t.view(x.shape), check_dtypes) for t in basis]
            columns = list(zip(*rows, strict=True))
            shapes = [o for o in outputs if floating(o)]
            out.append(tuple([
                torch.stack(columns[i]) if rows else o.new_zeros(0, o.numel())
                for i, o in enumerate(shapes)
            ]))  # fmt: skip
        else:
            u = directions[number].view(x.shape)
            out.append(tuple(_along(fn, inputs, place, u, check_dtypes)))
    return out


def _along(
    fn: Function, inputs: Sequence[Any], place: int, tangent: Tensor, check_dtypes: bool
) -> list[Tensor]:
    """The tangents of the outputs along one of an input."""
    with dual_level():
        duals = []
        for i, x in enumerate(inputs):
            if isinstance(x, Tensor) and x.requires_grad:
                given = tangent.to(x.dtype) if i == place else torch.zeros_like(x)
                x = make_dual(x.detach(), given)
            duals.append(x)
        out = []
        for t in filter(floating, as_tuple(fn(*duals))):
            primal, found = unpack_dual(t)
            if found is None:
                found = torch.zeros_like(primal)
            elif check_dtypes and (found.dtype._rank == 3) != (primal.dtype._rank == 3):
                raise GradcheckError("Forward AD gradient has dtype mismatch.")
            out.append(found.detach().reshape(-1))
        return out
