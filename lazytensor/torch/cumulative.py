"""Running sums, products and extrema along an axis, differences, trapezoid rules.

What enters: tensors, axes. What leaves: tensors, or named tuples of them. It must not know how
anything is computed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.node import Node
from ..lang import cumulative, reductions
from ..lang._checks import full, kept
from ..ops import g
from . import return_types
from ._calls import refuse
from ._dispatch import FUNCTIONS, alias, in_place, need_tensor, op, result_type
from ._dtypes import bool_, default, dtype
from ._record import noted, run, run_many, to_dtype
from ._strides import elementwise_strides
from .reduce import accumulated, along
from .tensor import Tensor
from .views import axis

# --- running --------------------------------------------------------------------------------------


def _running(name: str, f: Callable[[Node, int], Node]) -> None:
    def function(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
        x = need_tensor(name, input)
        a = axis(dim, x.ndim)
        made = run(name.title(), lambda n: along(f, n, a), (accumulated(x, dtype),))
        return noted(made, dim=a)  # type: ignore[no-any-return]

    def written(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
        return in_place(function, name, input, dim, dtype=dtype or input.dtype)  # type: ignore[no-any-return]

    function.__name__, written.__name__ = name, name + "_"
    function.__doc__ = f"The running {name[3:]} along an axis; of integers and bool in int64."
    written.__doc__ = f"`{name}`, in place."
    op(name, out=True)(function)
    op(name + "_", function=False)(written)


_running("cumsum", g.cumsum)
_running("cumprod", g.cumprod)


@op(out=True)
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Logarithms of running sums of exponentials. Raises NotImplementedError for integers."""
    x = need_tensor("logcumsumexp", input)
    a = axis(dim, x.ndim)
    refuse(x, "logcumsumexp_out_cpu", "01")
    f = _complex_logcumsumexp if x.dtype._rank == 3 else cumulative.logcumsumexp
    return run("Logcumsumexp", lambda n: along(f, n, a), (x,))


def _complex_logcumsumexp(x: Node, a: int) -> Node:
    """Shifted by the largest real part of each line."""
    if not x.size:
        return x
    top = kept(g.max(g.real(x), (a,)), x, (a,), True)
    top = g.where(g.isinf(top), g.constant(0, top), top)
    shift = g.complex(top, g.constant(0, top))
    return g.log(g.cumsum(g.exp(x - shift), a)) + shift


def _extremum(name: str, f: Callable[[Node, int], tuple[Node, Node]]) -> None:
    named = getattr(return_types, name)

    def function(input: Tensor, dim: int) -> Any:
        x = need_tensor(name, input)
        a = axis(dim, x.ndim)
        refuse(x, f"{name}_cpu", "3")
        return named(run_many(name.title(), lambda n: along(f, n, a), (x,)))

    function.__name__ = name
    function.__doc__ = f"`(values, indices)`: the running {name[3:]}imum along an axis, its places."
    op(name, out=True)(function)


_extremum("cummax", cumulative.cummax)
_extremum("cummin", cumulative.cummin)

# --- differences ----------------------------------------------------------------------------------


def _joined(x: Tensor, part: Any, a: int) -> None:
    if part.ndim != x.ndim:
        raise RuntimeError(
            "diff expects prepend or append to be the same dimension as input"
        )
    for b, (n, m) in enumerate(zip(x._node.shape, part._node.shape)):
        if n != m and b != a:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input "
                f"except along the differencing dimension; input.size({b}) = {n}, but got "
                f"tensor.size({b}) = {m}"
            )


@op(out=True)
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The n-th differences along an axis, of bool whether they differ. Raises RuntimeError."""
    x = need_tensor("diff", input)
    if not x.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    a = axis(dim, x.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    parts = [t for t in (prepend, x, append) if t is not None]
    for t in parts:
        _joined(x, t, a)
    if not n:
        return FUNCTIONS["clone"](x)  # type: ignore[no-any-return]
    of = result_type(*parts)
    out = run("~Sub", lambda *nodes: _differences(nodes, a, n), [to_dtype(t, of) for t in parts])
    out._strides = elementwise_strides(out._node.shape, parts if len(parts) == 1 else ())
    return out


def _differences(nodes: Sequence[Node], a: int, n: int) -> Node:
    whole = nodes[0] if len(nodes) == 1 else g.concat(list(nodes), a)
    return reductions.diff(whole, a, n=n)


# --- trapezoids -----------------------------------------------------------------------------------


def _none(n: Node, a: int) -> Node:
    """0 for each line, of which none has elements."""
    return full(0, (*n.shape[:a], *n.shape[a + 1 :]), n)


def _integral(name: str, f: Callable[..., Node], y: Any, x: Any, dx: Any, dim: int) -> Tensor:
    y = need_tensor(name, y, 1, "y")
    if x is not None and dx is not None:
        raise TypeError(f"{name}() received an invalid combination of arguments")
    if not y.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    a = axis(dim, y.ndim)
    if not y._node.shape[a] and name == "trapezoid":
        return run("~Sum", lambda n: _none(n, a), (y,))
    for letter, t in (("y", y), ("x", x)):
        if t is not None and t.dtype is bool_:
            raise RuntimeError(
                f"{name}: received a bool input for `{letter}`, but bool is not supported"
            )
    of = result_type(*(t for t in (y, x) if t is not None))
    if of._rank < 2 and (x is not None or name != "trapezoid") and y._node.shape[a] > 1:
        return _of_integers(name, y, x, 1 if dx is None else dx, a)
    of = default() if of._rank < 2 else of
    if x is None:
        step = 1.0 if dx is None else dx
        return run("MulBackward1", lambda n: f(n, None, step, a), (to_dtype(y, of),))
    if x.ndim == 1 and y._node.shape[a] != x._node.shape[0]:
        raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
    given = to_dtype(y, of), to_dtype(x, of)
    return run("DivBackward1", lambda n, m: f(n, m, 1.0, a), given)


def _of_integers(name: str, y: Any, x: Any, dx: Any, a: int) -> Tensor:
    """Areas of integers wrap around, before they are halved."""
    if x is not None:
        ahead = y.ndim - 1 - a if x.ndim == 1 else 0
        x = x.reshape((*(1,) * (y.ndim - x.ndim - ahead), *x.shape, *(1,) * ahead))
        dx = _pairs(x, a, x.shape[a], FUNCTIONS["sub"])
    areas = _pairs(y, a, y.shape[a], FUNCTIONS["add"]) * dx
    return areas.sum(a) / 2 if name == "trapezoid" else (areas / 2).cumsum(a)  # type: ignore[no-any-return]


def _pairs(x: Any, a: int, n: int, f: Callable[..., Any]) -> Any:
    return f(x.narrow(a, 1, n - 1), x.narrow(a, 0, n - 1))


def _rule(name: str, f: Callable[..., Node]) -> None:
    def function(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
        return _integral(name, f, y, x, dx, dim)

    function.__name__ = name
    function.__doc__ = (
        f"`{name}` along an axis by the trapezoid rule, over places x or steps dx. Raises "
        "RuntimeError for bool and for shapes that don't fit."
    )
    op(name, method=False)(function)


_rule("trapezoid", cumulative.trapezoid)
_rule("cumulative_trapezoid", cumulative.cumulative_trapezoid)
alias("trapz", "trapezoid", method=False)
