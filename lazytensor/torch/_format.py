"""The printed form of tensors and its options, character for character as PyTorch 2.13 writes them.

What enters: computed values as NumPy arrays, and what is known about the tensor that holds them, as
plain strings and numbers. What leaves: text. It must not know class Tensor, nodes, or how values
come to be; of an array that is summarised it reads nothing but what is shown.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .._base.record import Record

Values = np.ndarray[Any, Any]


class Options(Record):
    """How tensors are shown.

    `precision` is the number of digits after the point; more than `threshold` elements are
    summarised to `edgeitems` at either end of each axis; lines end before `linewidth`; `sci_mode`
    asks for exponents or forbids them, and None leaves that to the values.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: float = 80
    sci_mode: bool | None = None


# One for the process, as in PyTorch: what one thread sets, all others see.
PRINT_OPTS = Options()

_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are shown (class `Options` says what each option means).

    `profile` is one of "default", "short" and "full", over which the other options go; any other
    profile is ignored, as in PyTorch. What is left out stays as it is, but for `sci_mode`, which
    goes back to None. Nothing is checked here: options that can't be used fail when they are used.
    """
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    chosen = {name: option for name, option in given.items() if option is not None}
    profiled = {} if profile is None else _PROFILES.get(profile, {})
    for name, option in {**profiled, **chosen, "sci_mode": sci_mode}.items():
        setattr(PRINT_OPTS, name, option)


def get_printoptions() -> dict[str, Any]:
    """The present options, as keyword arguments for `set_printoptions`."""
    return dict(vars(PRINT_OPTS))


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Options for the length of a `with` block; takes what `set_printoptions` takes."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


class _Form(NamedTuple):
    """How the numbers of one tensor are written: `format`'s specification, whether finite ones get
    a point at their end, and the characters that each is given."""

    spec: str
    point: bool
    width: int = 1

    def bare(self, value: Any) -> str:
        """A number without padding."""
        return format(value, self.spec) + ("." if self.point and math.isfinite(value) else "")

    def padded(self, value: Any) -> str:
        """A number, right-aligned; one that needs more than the width takes more."""
        return self.bare(value).rjust(self.width)

    def fitted(self, numbers: Values) -> "_Form":
        """The same form, as wide as the widest of the numbers."""
        return self._replace(width=max((len(self.bare(x)) for x in numbers.tolist()), default=1))


def _widened(values: Values) -> Values:
    """The values in a dtype whose elements are Python's: floating-point ones as float64."""
    if values.dtype.kind in "biuc":
        return values
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return values.astype(np.float64)


def _scientific(sizes: Values, options: Options) -> bool:
    """Whether to write exponents, by the sizes of the numbers that are neither 0, inf nor NaN."""
    if options.sci_mode is not None:
        return options.sci_mode
    least, most = float(sizes.min()), float(sizes.max())
    return most / least > 1000.0 or most > 1.0e8 or least < 1.0e-4


def _form(shown: Values, options: Options) -> _Form:
    """The form for Booleans, integers or float64; zeros, infinities and NaN don't count in it."""
    if shown.dtype.kind in "biu":
        return _Form("", False).fitted(shown.reshape(-1))
    numbers = shown[np.isfinite(shown) & (shown != 0)]
    if not numbers.size:
        return _Form(".0f", True)
    if _scientific(np.abs(numbers), options):
        return _Form(f".{options.precision}e", False).fitted(numbers)
    if (numbers == np.ceil(numbers)).all():
        return _Form(".0f", True).fitted(numbers)
    return _Form(f".{options.precision}f", False).fitted(numbers)


def _complex_writer(real: _Form, imag: _Form) -> Callable[[Any], str]:
    """Writes complex numbers; the imaginary part has its sign in front, and no padding."""

    def write(z: complex) -> str:
        y = imag.bare(z.imag)
        return f"{real.padded(z.real)}{y if y[0] == '-' else '+' + y}j"

    return write


def _writer(shown: Values, options: Options) -> tuple[Callable[[Any], str], int]:
    """What writes one element of the array, and how many characters are set aside for it."""
    if shown.dtype.kind != "c":
        form = _form(shown, options)
        return form.padded, form.width
    real, imag = _form(shown.real, options), _form(shown.imag, options)
    return _complex_writer(real, imag), real.width + imag.width + 1


def _edges(values: Values, cut: Sequence[bool], edgeitems: int) -> Values:
    """The elements that a summary shows: the first and the last along each axis that is cut."""
    if not any(cut):
        return values
    places = [
        [*range(edgeitems), *range(n - edgeitems, n)] if short else range(n)
        for n, short in zip(values.shape, cut)
    ]
    return values[np.ix_(*places)]


def _vector(data: list[str], width: int, indent: int, options: Options) -> str:
    """Elements in brackets, as many to a line as the line width allows."""
    per_line = max(1, math.floor((options.linewidth - indent) / (width + 2)))
    lines = [", ".join(data[i : i + per_line]) for i in range(0, len(data), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def contents(values: Values, options: Options, indent: int) -> str:
    """What stands between the parentheses before any suffix: numbers in nested brackets.

    `values` has any shape, of Booleans, integers, complex numbers, or any floating-point dtype,
    those of `ml_dtypes` included. `indent` is the column at which the text begins.
    """
    if not values.size:
        return "[]"
    summarize, edge = values.size > options.threshold, options.edgeitems
    cut = [summarize and n > 2 * edge for n in values.shape]
    shown = _widened(_edges(values, cut, edge))
    write, width = _writer(shown, options)

    def nested(items: Any, axis: int) -> str:
        left = len(cut) - axis
        if not left:
            return write(items)
        texts = [nested(item, axis + 1) for item in items]
        if cut[axis]:
            texts.insert(len(texts) // 2, " ..." if left == 1 and edge else "...")
        if left == 1:
            return _vector(texts, width, indent + axis, options)
        return "[" + ("," + "\n" * (left - 1) + " " * (indent + axis + 1)).join(texts) + "]"

    return nested(shown.tolist(), 0)


def _add_suffixes(body: str, suffixes: Sequence[str], indent: int, options: Options) -> str:
    """Suffixes behind the body, each on a line of its own where the line would grow too long."""
    used = len(body) - body.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > options.linewidth:
            body += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            body += ", " + suffix
            used += len(suffix) + 2
    return body + ")"


def text(
    values: Values | str, suffixes: Sequence[str], options: Options, *, prefix: str = "tensor("
) -> str:
    """What `repr` gives for a tensor with these values and suffixes.

    In place of values there may be the text to put there: "..." for a tensor without data, or what
    a subclass gives as `tensor_contents`. A subclass has its name in `prefix`: "Name(".
    """
    indent = len(prefix)
    body = values if isinstance(values, str) else contents(values, options, indent)
    return _add_suffixes(prefix + body, suffixes, indent, options)


def parameter_text(body: str, *, plain: bool = True) -> str:
    """What `repr` gives for a Parameter whose tensor's text is `body`; `plain` says that its class
    is Parameter itself, not a subclass."""
    return "Parameter containing:\n" + (body if plain else f"Parameter({body})")


def device_suffix(kind: str, index: int | None, default: str = "cpu", current: int = 0) -> str:
    """The suffix for a device, empty where the device goes without saying: of the default kind, and
    the current one of its kind."""
    if kind == default and index in (None, current):
        return ""
    return f"device='{kind}'" if index is None else f"device='{kind}:{index}'"


def _dtype_is_implied(dtype: str, default: str, *, empty: bool) -> bool:
    """Whether the dtype can be told from the numbers; without any, only the default one can."""
    if empty:
        return dtype == default
    default_complex = "torch.complex128" if default == "torch.float64" else "torch.complex64"
    return dtype in (default, default_complex, "torch.int64", "torch.bool")


def suffixes(
    dtype: str,
    shape: Sequence[int],
    options: Options,
    *,
    default_dtype: str = "torch.float32",
    device: str = "",
    meta: bool = False,
    requires_grad: bool = False,
    grad_fn: str | None = None,
    tangent: str | None = None,
) -> list[str]:
    """What is said of a tensor behind its values, in PyTorch's order.

    Dtypes by name ("torch.float64"); `device` from `device_suffix`; `meta` for a tensor without
    data; `grad_fn` the name of the function that made it ("MulBackward0"); `tangent` the text of
    its forward-mode derivative.
    """
    empty = 0 in shape
    sized = meta or (len(shape) != 1 if empty else not options.edgeitems)
    implied = _dtype_is_implied(dtype, default_dtype, empty=empty or meta)
    found = (
        device,
        f"size={tuple(shape)}" if sized else "",
        "" if implied else f"dtype={dtype}",
        f"grad_fn=<{grad_fn}>" if grad_fn is not None else "",
        "requires_grad=True" if requires_grad and grad_fn is None else "",
        "" if tangent is None else f"tangent={tangent}",
    )
    return [suffix for suffix in found if suffix]


def formatted(values: Values, spec: str) -> str:
    """What `format(tensor, spec)` gives for a tensor without axes: that of the Python number.

    Raises ValueError for a specification that is not of that number's type.
    """
    return format(_widened(values).item(), spec)
