"""torch.masked: reductions, running sums and normalisations of the elements where a mask holds.

What enters: tensors and masks that broadcast to them. What leaves: tensors; what is computed of no
elements is not to be relied on. It must not know how anything is computed.
"""

from collections.abc import Callable
from typing import Any

from . import _api as torch
from ._dtypes import iinfo

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]  # fmt: skip

INF = float("inf")

# --- masks ----------------------------------------------------------------------------------------


def _mask(x: Any, mask: Any) -> Any:
    """The mask as wide as the tensor, bool. Raises IndexError where it has more axes."""
    if mask.shape != x.shape:
        if mask.ndim > x.ndim:
            raise IndexError(
                "_input_mask expected broadcastable mask (got mask dimensionality higher than of "
                "the input)"
            )
        mask = torch.broadcast_to(mask, x.shape)
    return mask.to(dtype=torch.bool)


def _filled(x: Any, mask: Any, fill: Any) -> Any:
    """The tensor, with a number where the mask does not hold."""
    if mask is None:
        return x
    return torch.where(_mask(x, mask), x, torch.tensor(fill, dtype=x.dtype, device=x.device))


def _least(name: str, x: Any) -> Any:
    """The least number of a dtype. Raises NotImplementedError for bool and complex numbers."""
    if x.is_floating_point():
        return -INF
    if x.dtype is torch.bool or x.is_complex():
        raise NotImplementedError(f"identity of {name} on {x.dtype} input")
    return iinfo(x.dtype).min


def _greatest(name: str, x: Any) -> Any:
    """The greatest number of a dtype. Raises as `_least`."""
    return INF if x.is_floating_point() else -_least(name, x) - 1 if x.dtype.is_signed else 255


def _axes(dim: Any, ndim: int) -> tuple[int, ...]:
    """Distinct axes in order, all for None and (). Raises IndexError, RuntimeError."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim, found = max(ndim, 1), []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -ndim <= d < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but "
                f"got {d})"
            )
        found.append(d)
    return tuple(sorted(d % ndim for d in found))


# --- sums, products -------------------------------------------------------------------------------


def _accumulated(x: Any, dtype: Any) -> Any:
    """The dtype of sums: int64 for integers and bool."""
    whole = not (x.is_floating_point() or x.is_complex())
    return dtype if dtype is not None else torch.int64 if whole else x.dtype


def sum(
    input: Any, dim: Any = None, *, keepdim: Any = False, dtype: Any = None, mask: Any = None
) -> Any:
    """The sum over axes, all by default."""
    x, of = _filled(input, mask, 0), _accumulated(input, dtype)
    return torch.sum(x, _axes(dim, input.ndim), bool(keepdim), dtype=of)


def prod(
    input: Any, dim: Any = None, *, keepdim: Any = False, dtype: Any = None, mask: Any = None
) -> Any:
    """The product over axes, all by default."""
    out = _filled(input, mask, 1).to(dtype=_accumulated(input, dtype))
    for a in reversed(_axes(dim, input.ndim)):
        out = out.prod(dim=a, keepdim=bool(keepdim))
    return out


def _running(name: str, fill: int) -> Callable[..., Any]:
    def function(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
        of = input.dtype if dtype is None else dtype
        x, a = _filled(input, mask, fill), _axes(dim, input.ndim)[0]
        return getattr(torch, name)(x, a, dtype=of).to(dtype=of)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` along an axis; what is masked out counts as {fill}."
    return function


cumsum = _running("cumsum", 0)
cumprod = _running("cumprod", 1)


def _counted(x: Any, dim: Any, keepdim: bool, mask: Any) -> Any:
    """How many elements count along axes."""
    if mask is None:
        every = torch.ones(x.shape, dtype=torch.bool, device=x.device)
    else:
        every = _mask(x, mask)
    return sum(every, dim, keepdim=keepdim)


def mean(
    input: Any, dim: Any = None, *, keepdim: Any = False, dtype: Any = None, mask: Any = None
) -> Any:
    """The mean over axes, all by default; NaN of nothing. Raises ValueError for integers."""
    of = input.dtype if dtype is None else dtype
    if not (of.is_floating_point or of.is_complex):
        raise ValueError(
            f"mean(): Could not infer output dtype. {'Input' if dtype is None else 'Optional'} "
            f"dtype must be either a floating point or complex dtype. Got: {of}"
        )
    total = sum(input, dim, keepdim=keepdim, dtype=of, mask=mask)
    return total / _counted(input, dim, bool(keepdim), mask)


# --- spread ---------------------------------------------------------------------------------------


def _correction(unbiased: bool | None, correction: Any) -> float:
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is not None:
        return float(correction)
    return 1.0 if unbiased is None else float(unbiased)


def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, *, correction: Any = None,
    keepdim: Any = False, dtype: Any = None, mask: Any = None,
) -> Any:  # fmt: skip
    """The variance over axes, all by default; NaN of nothing."""
    less = _correction(unbiased, correction)
    of = input.dtype if dtype is None else dtype
    work = of if of.is_floating_point or of.is_complex else torch.float32
    of = work if dtype is None else of
    count = _counted(input, dim, True, mask)
    apart = input - sum(input, dim, keepdim=True, dtype=of, mask=mask) / count
    total = sum(apart * apart.conj(), dim, keepdim=keepdim, dtype=work, mask=mask)
    count = count.reshape(total.shape)
    if less:
        count = (count.to(work.to_real()) - less).clamp_min(0)
    return (total / count).to(dtype=of)


def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, *, correction: Any = None,
    keepdim: Any = False, dtype: Any = None, mask: Any = None,
) -> Any:  # fmt: skip
    """The root of the variance over axes, all by default; NaN of nothing."""
    return torch.sqrt(
        var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask)
    )


# --- extrema --------------------------------------------------------------------------------------


def _extremum(name: str, fill: Callable[[str, Any], Any]) -> Callable[..., Any]:
    def function(
        input: Any, dim: Any = None, *, keepdim: Any = False, dtype: Any = None, mask: Any = None
    ) -> Any:
        of = input.dtype if dtype is None else dtype
        x = input if mask is None else _filled(input, mask, fill(name, input))
        axes = dim if name.startswith("arg") else _axes(dim, input.ndim)
        return getattr(torch, name)(x, axes, bool(keepdim)).to(dtype=of)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` over axes, all by default. Raises NotImplementedError for bool."
    return function


amax = _extremum("amax", _least)
amin = _extremum("amin", _greatest)
argmax = _extremum("argmax", _least)
argmin = _extremum("argmin", _greatest)


def median(
    input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Any:
    """The lower median along an axis; NaN of nothing, ValueError for integers."""
    of = input.dtype if dtype is None else dtype
    real = input.is_floating_point()
    x = _filled(input if real else input.to(dtype=torch.float), mask, float("nan"))
    out = torch.nanmedian(x, _axes(dim, input.ndim)[0], keepdim).values
    if real:
        return out
    if torch.isnan(out).any():
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return out.to(dtype=of)


# --- logarithms of sums, norms --------------------------------------------------------------------


def logsumexp(
    input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Any:
    """log(sum(exp(x))) over axes, all by default."""
    of, axes = input.dtype if dtype is None else dtype, _axes(dim, input.ndim)
    x = input
    if mask is not None:
        fill = complex(-INF, 0) if input.is_complex() else _least("logsumexp", input)
        x = _filled(input, mask, fill)
    return torch.logsumexp(x, axes, keepdim=keepdim).to(dtype=of)


def logaddexp(
    input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None
) -> Any:
    """log(exp(input) + exp(other)), each under a mask of its own."""
    of = input.dtype if dtype is None else dtype
    x, y = (
        t if mask is None else _filled(t, mask, _least("logaddexp", t))
        for t, mask in ((input, input_mask), (other, other_mask))
    )
    return torch.logaddexp(x, y).to(dtype=of)


def norm(
    input: Any, ord: Any = 2.0, dim: Any = None, *, keepdim: Any = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The norm over axes, all by default."""
    of = input.dtype if dtype is None else dtype
    x = _filled(input, mask, INF if ord == -INF else 0)
    return torch.linalg.vector_norm(x, ord, _axes(dim, input.ndim), bool(keepdim), dtype=of)


def normalize(
    input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None
) -> Any:
    """The tensor over its norm along an axis, eps at least; 0 where it is masked out."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / torch.maximum(length, length.new_full([], eps))


# --- softmax --------------------------------------------------------------------------------------


def _soft(name: str, fill: Callable[[str, Any], Any]) -> Callable[..., Any]:
    def function(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
        of, a = input.dtype if dtype is None else dtype, _axes(dim, input.ndim)[0]
        x = input if mask is None else _filled(input, mask, fill(name, input))
        if name == "softmin":
            return (-x).softmax(a, dtype=of)
        return getattr(x, name)(a, dtype=of)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` along an axis. Raises NotImplementedError for bool and complex."
    return function


softmax = _soft("softmax", _least)
log_softmax = _soft("log_softmax", _least)
softmin = _soft("softmin", _greatest)


def __getattr__(name: str) -> Any:
    """Raises AttributeError for a name that isn't there."""
    raise AttributeError(
        f"module 'torch.masked' has no attribute {name!r} (lazytensor: docs/torch_coverage.md "
        "lists what is there)"
    )
