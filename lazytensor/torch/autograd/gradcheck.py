"""`torch.autograd.gradcheck`: derivatives compared with differences of values.

What enters: functions of tensors, in double precision. What leaves: True, or what is wrong. It must
not know how derivatives are made.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from .. import _api as torch
from ..tensor import Tensor
from ._jacobians import (
    Backward,
    GradcheckError,
    as_tuple,
    differentiable,
    floating,
    forward,
    needing,
    numerical,
    numerical_product,
)
from .batches import over
from .engine import grad, undefined
from .forward_ad import dual_level, make_dual, unpack_dual

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Function = Callable[..., Any]


class _Options(NamedTuple):
    """How far derivatives may be off, and what is looked at."""

    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    dtypes: bool
    fast: bool
    masked: bool


# --- one comparison -------------------------------------------------------------------------------


class _Case(NamedTuple):
    """A function whose derivatives are compared: of `forward` mode or backward, and the part of
    complex numbers that it is about.
    """

    fn: Function
    inputs: tuple[Any, ...]
    results: tuple[Any, ...]
    outputs: tuple[Tensor, ...]
    forward: bool = False
    complex_places: Sequence[int] = ()
    imaginary: bool = False


def _close(a: Tensor, b: Tensor, rtol: float, atol: float) -> bool:
    of = torch.promote_types(a.dtype, b.dtype)
    return bool(torch.allclose(a.to(of), b.to(of), rtol, atol))


def _mismatch(case: _Case, a: Tensor, n: Tensor, output: int, place: int) -> str:
    """PyTorch's words for Jacobians that differ."""
    about = place if case.forward else output
    begin = ""
    if about in case.complex_places:
        part = "imaginary" if case.imaginary else "real"
        element = "inputs" if case.forward else "outputs"
        begin = f"While considering the {part} part of complex {element} only, "
    mode = "computed with forward mode " if case.forward else ""
    return (
        f"{begin}Jacobian {mode}mismatch for output {output} with respect to input {place},\n"
        f"numerical:{n}\nanalytical:{a}\n"
    )


def _no_outputs(case: _Case, o: _Options) -> None:
    """Raises GradcheckError where results that have no gradient do change."""
    for row in numerical(case.fn, case.inputs, case.results, o.eps, case.forward):
        for jacobian in row:
            if torch.ne(jacobian, 0).any():
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _slow(case: _Case, o: _Options) -> None:
    """Compare whole Jacobians."""
    if not case.outputs:
        _no_outputs(case, o)
        return
    rows = numerical(case.fn, case.inputs, case.results, o.eps, case.forward)
    kept = [i for i, t in enumerate([r for r in case.results if floating(r)]) if t.requires_grad]
    if case.forward:
        found = forward(case.fn, case.inputs, case.results, o.dtypes)
    for place, number in enumerate(kept):
        if not case.forward:
            back = Backward(case.inputs, case.outputs[place]).checked(o.nondet_tol, o.dtypes)
        for i, row in enumerate(rows):
            a = found[i][number] if case.forward else back[i]
            if not _close(a, row[number], o.rtol, o.atol):
                raise GradcheckError(_mismatch(case, a, row[number], place, i))


def _direction(x: Tensor, generator: Any, real: bool = True) -> Tensor:
    of = {torch.complex128: torch.float64, torch.complex64: torch.float32}.get(x.dtype, x.dtype)
    drawn = torch.rand(x.numel(), generator=generator, device="cpu")
    u = drawn.to(x.device, of if real else x.dtype)
    u /= u.norm()
    return u  # type: ignore[no-any-return]


def _fast(case: _Case, o: _Options) -> None:
    """Compare products of Jacobians with vectors."""
    generator = torch.Generator()
    found = needing(case.inputs)
    us: list[Any] = []
    for _, x in found:
        u = _direction(x, generator)
        us.append((u, _direction(x, generator)) if x.dtype._rank == 3 else u)
    vs = None if case.forward else [_direction(t, generator, False) for t in case.outputs]
    rows = []
    for (place, _), u in zip(found, us, strict=True):
        products = numerical_product(case.fn, case.inputs, place, u, o.eps)
        rows.append([p for p, t in zip(products, case.results, strict=True) if floating(t)])
    if not case.outputs:
        if any(p.numel() and p.abs().max() > o.nondet_tol for row in rows for p in row):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    if case.forward:
        _compare_forward(case, o, rows, us)
    else:
        _compare_backward(case, o, rows, us, vs or [])


def _compare_forward(case: _Case, o: _Options, rows: Any, us: Any) -> None:
    found = forward(case.fn, case.inputs, case.results, o.dtypes, us)
    for i, row in enumerate(rows):
        for number, n in enumerate(row):
            a = found[i][number]
            if not _close(a, n, o.rtol, o.atol * float(us[i].sum())):
                raise GradcheckError(_mismatch(case, a, n, number, i) + _slowly(case, o, number, i))


def _compare_backward(case: _Case, o: _Options, rows: Any, us: Any, vs: Sequence[Tensor]) -> None:
    kept = [i for i, t in enumerate([r for r in case.results if floating(r)]) if t.requires_grad]
    for place, (number, v) in enumerate(zip(kept, vs, strict=True)):
        back = Backward(case.inputs, case.outputs[place], v).checked(o.nondet_tol, o.dtypes)
        for i, (row, u) in enumerate(zip(rows, us, strict=True)):
            a, n = _reduced(back[i].squeeze(1), u), (v * row[number]).sum()
            total = sum(map(_total, u)) if isinstance(u, tuple) else _total(u)
            if not _close(a, n, o.rtol, o.atol * total * float(v.sum())):
                raise GradcheckError(_mismatch(case, a, n, place, i) + _slowly(case, o, place, i))


def _total(u: Tensor) -> float:
    return float(u.sum())


def _reduced(a: Tensor, u: Any) -> Tensor:
    """The product of a row with a direction; parts of complex numbers each with its own."""
    if not isinstance(u, tuple):
        return a.dot(u)  # type: ignore[no-any-return]
    a = a.resolve_conj()
    return a.real.dot(u[0]) + 1j * a.imag.dot(u[1])  # type: ignore[no-any-return]


def _slowly(case: _Case, o: _Options, output: int, place: int) -> str:
    """The whole Jacobians, for an error of the quick comparison."""
    n = numerical(case.fn, case.inputs, case.outputs, o.eps, case.forward)[place][output]
    if case.forward:
        a = forward(case.fn, case.inputs, case.outputs, False)[place][output]
    else:
        a = Backward(case.inputs, case.outputs[output]).jacobians[place]
    text = (
        "\nThe above quantities relating the numerical and analytical jacobians are computed \n"
        "in fast mode. See: https://github.com/pytorch/pytorch/issues/53876 for more background \n"
        "about fast mode. Below, we recompute numerical and analytical jacobians in slow mode:\n\n"
        f"Numerical:\n {n}\nAnalytical:\n{a}\n\n"
        f"The max per-element difference (slow mode) is: {(n - a).abs().max()}.\n"
    )
    if torch.allclose(a, n, o.rtol, o.atol):
        text += "Fast gradcheck failed but element-wise differences are small."
    return text


# --- complex numbers ------------------------------------------------------------------------------


def _part_of_outputs(fn: Function, part: Callable[[Tensor], Tensor]) -> Function:
    def parted(*inputs: Any) -> tuple[Any, ...]:
        return tuple([part(t) if t.dtype._rank == 3 else t for t in as_tuple(fn(*inputs))])

    return parted


def _part_of_inputs(fn: Function, inputs: tuple[Any, ...], imaginary: bool) -> Function:
    """The function of one part of its complex arguments, the other one as it is."""

    def joined(*given: Any) -> tuple[Any, ...]:
        new = [
            (x.real + part * 1j if imaginary else part + x.imag * 1j) if _complex(x) else part
            for x, part in zip(inputs, given, strict=True)
        ]
        return as_tuple(fn(*new))

    return joined


def _complex(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype._rank == 3


def _cases(
    fn: Function, inputs: tuple[Any, ...], result: Any, backward: bool, forwards: bool
) -> list[_Case]:
    """What is to be compared: complex results and arguments by their parts."""
    results = as_tuple(result)
    outputs = differentiable(result)
    cases = []
    if backward and not any(map(_complex, results)):
        cases.append(_Case(fn, inputs, results, outputs))
    elif backward:
        places = [i for i, t in enumerate(outputs) if _complex(t)]
        for imaginary, part in ((True, torch.imag), (False, torch.real)):
            parted = _part_of_outputs(fn, part)
            found = parted(*inputs)
            cases.append(
                _Case(parted, inputs, found, differentiable(found), False, places, imaginary)
            )
    places = [i for i, x in enumerate(inputs) if _complex(x)]
    if forwards and not places:
        cases.append(_Case(fn, inputs, results, outputs, True))
    elif forwards:
        for imaginary in (True, False):
            joined = _part_of_inputs(fn, inputs, imaginary)
            given = tuple([(x.imag if imaginary else x.real) if _complex(x) else x for x in inputs])
            found = joined(*given)
            cases.append(
                _Case(joined, given, found, differentiable(found), True, places, imaginary)
            )
    return cases


# --- what else is checked -------------------------------------------------------------------------


def _check_inputs(inputs: tuple[Any, ...]) -> None:
    if not needing(inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have requires_grad=True."
        )
    for i, x in needing(inputs):
        if x.dtype not in (torch.float64, torch.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex. ",
                stacklevel=4,
            )
        if any(s <= 0 and n > 1 for s, n in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients correctly. "
                "You should call .contiguous on the input before passing it to gradcheck."
            )


_BATCHED = "gradcheck or gradgradcheck failed while testing batched gradient computation."
_BATCHED_FORWARD = (
    "gradcheck failed while testing batched gradient computation with forward-mode AD."
)


def _compare_batched(
    one: Callable[[Any], list[Any]], like: Tensor, output: int | None, about: str
) -> None:
    """Raises GradcheckError where two at once are not what each is."""
    given = [torch.randn_like(like) for _ in range(2)]
    expected = [torch.stack(parts) for parts in zip(*[one(v) for v in given], strict=True)]
    try:
        found = over(lambda each: one(each[0]), [torch.stack(given)])
    except RuntimeError as error:
        raise GradcheckError(
            f"While computing batched gradients, got: {error}\n\n{about}"
        ) from error
    for i, (got, want) in enumerate(zip(found, expected, strict=True)):
        if not torch.allclose(got, want):
            raise GradcheckError(
                f"For output {i if output is None else output} and input {i}:\n\n{about}\n\n"
                f"Got:\n{got}\n\nExpected:\n{want}"
            )


def _batched_backward(inputs: tuple[Any, ...], output: Tensor, place: int) -> None:
    leaves = [x for _, x in needing(inputs)]

    def one(v: Tensor) -> list[Any]:
        found = grad(output, leaves, v, True, allow_unused=True)
        return [torch.zeros_like(x) if t is None else t for t, x in zip(found, leaves, strict=True)]

    _compare_batched(one, output, place, _BATCHED)


def _batched_forward(fn: Function, inputs: tuple[Any, ...]) -> None:
    for place, x in needing(inputs):
        if floating(x):
            _compare_batched(_pushed(fn, inputs, place), x, None, _BATCHED_FORWARD)


def _pushed(fn: Function, inputs: tuple[Any, ...], place: int) -> Callable[[Tensor], list[Any]]:
    def one(tangent: Tensor) -> list[Any]:
        with dual_level():
            given = [x.detach() if isinstance(x, Tensor) else x for x in inputs]
            given[place] = make_dual(given[place], tangent)
            pairs = [unpack_dual(t) for t in as_tuple(fn(*given)) if t is not None]
            return [torch.zeros_like(p) if t is None else t for p, t in pairs]

    return one


def _zeros_stay(outputs: Sequence[Tensor], inputs: tuple[Any, ...], masked: bool) -> None:
    """Raises GradcheckError where zero gradients don't give zeros, or others than inputs are."""
    leaves = [x for _, x in needing(inputs)]
    found = grad(outputs, leaves, [torch.zeros_like(t) for t in outputs], True, allow_unused=True)
    for t, x in zip(found, leaves, strict=True):
        if t is None:
            continue
        zero = torch.allclose(t, torch.zeros_like(t)) if masked else bool(torch.eq(t, 0).all())
        if not zero:
            raise GradcheckError("backward not multiplied by grad_output")
        for what, same in (
            ("type", t.dtype is x.dtype), ("device", t.device == x.device),
            ("size", t.shape == x.shape),
        ):  # fmt: skip
            if not same:
                raise GradcheckError(f"grad is incorrect {what}")


_UNDEFINED = (
    'Please look at "Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
)


def _undefined_backward(fn: Function, inputs: tuple[Any, ...]) -> None:
    """Raises GradcheckError where missing gradients of outputs are not handled as zeros."""
    leaves = [x for _, x in needing(inputs)]
    count = len(differentiable(fn(*inputs)))
    groups = [list(range(count))] + ([[i] for i in range(count)] if count > 1 else [])
    for missing in groups:
        outputs = differentiable(fn(*inputs))
        try:
            found = undefined(outputs, leaves, missing)
        except RuntimeError as error:
            _warn_undefined()
            raise GradcheckError(
                f"Expected backward function to handle undefined output grads. {_UNDEFINED}"
            ) from error
        if any(t is not None and not bool(torch.eq(t, 0).all()) for t in found):
            _warn_undefined()
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are "
                f"undefined or zero. {_UNDEFINED}"
            )


def _warn_undefined() -> None:
    warnings.warn(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by "
        "default, but it may break existing callers of this function. If this is true for you, you "
        'can call this function with "check_undefined_grad=False" to disable the feature',
        stacklevel=5,
    )


def _undefined_forward(fn: Function, inputs: tuple[Any, ...]) -> None:
    """Raises GradcheckError where a missing tangent is not handled as zeros."""
    generator = torch.Generator()
    found = needing(inputs)
    us = {i: _direction(x, generator).view(x.shape) for i, x in found}
    for place, x in found:
        tangents = []
        for missing in (False, True):
            with dual_level():
                given = list(inputs)
                for i, y in found:
                    t = us[i] if i != place else torch.zeros_like(y)
                    given[i] = y.detach() if missing and i == place else make_dual(y.detach(), t)
                results = filter(floating, as_tuple(fn(*given)))
                tangents.append([unpack_dual(t).tangent for t in results])
        for number, (a, b) in enumerate(zip(*tangents, strict=True)):
            if a is not None and b is not None and not torch.allclose(a, b):
                raise GradcheckError(
                    "Mismatch in tangent values for output with index: ", number, " when input: ",
                    x, " has an undefined tangent value. ", " Got: ", a, " but expected: ", b,
                )  # fmt: skip


# --- the functions --------------------------------------------------------------------------------


def _need(holds: bool, text: str) -> None:
    if not holds:
        raise AssertionError(text)


def gradcheck(
    func: Function, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False, check_forward_ad: bool = False,
    check_backward_ad: bool = True, fast_mode: bool = False, masked: bool | None = None,
) -> bool:  # fmt: skip
    """Whether derivatives of a function are what differences of its values say.

    By backward passes, and tangents if `check_forward_ad`; with `fast_mode` of products with
    vectors only. Raises GradcheckError where they are not, unless `raise_exception` is false;
    AssertionError for options that don't go together, ValueError where nothing needs a gradient.
    """
    _need(
        check_forward_ad or check_backward_ad,
        "Expected at least one of check_forward_ad or check_backward_ad to be True",
    )
    _need(
        check_backward_ad or not check_batched_grad,
        "Setting check_batched_grad=True requires check_backward_ad to be True",
    )
    _need(
        check_forward_ad or not check_batched_forward_grad,
        "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
    )
    options = _Options(eps, atol, rtol, nondet_tol, check_grad_dtypes, fast_mode, bool(masked))
    try:
        return _checked(
            func, as_tuple(inputs), options, check_backward_ad, check_forward_ad,
            check_undefined_grad, check_batched_grad, check_batched_forward_grad,
        )  # fmt: skip
    except GradcheckError:
        if raise_exception:
            raise
        return False


def _checked(
    fn: Function, inputs: tuple[Any, ...], options: _Options, backward: bool, forwards: bool,
    check_undefined: bool, batched: bool, batched_forward: bool,
) -> bool:  # fmt: skip
    _check_inputs(inputs)
    result = fn(*inputs)
    outputs = differentiable(result)
    for case in _cases(fn, inputs, result, backward, forwards):
        (_fast if options.fast else _slow)(case, options)
        if case.forward and check_undefined:
            _undefined_forward(case.fn, case.inputs)
    if batched_forward:
        _batched_forward(fn, inputs)
    if not backward:
        return True
    for i, t in enumerate(outputs if batched else ()):
        _batched_backward(inputs, t, i)
    _zeros_stay(outputs, inputs, options.masked)
    if check_undefined:
        _undefined_backward(fn, inputs)
    return True


def _random_like(x: Tensor, gaps: bool) -> Tensor:
    """Random numbers between -1 and 1 that need a gradient; with gaps between them in memory."""
    of = x.dtype if floating(x) else torch.float64
    shape = (*x.shape[:-1], 2 * x.shape[-1]) if gaps and x.ndim else tuple(x.shape)
    out = torch.empty(shape, dtype=of, device=x.device)
    (torch.view_as_real(out) if _complex(out) else out).uniform_(-1, 1)
    if gaps and x.ndim:
        out = out[..., ::2]
    return out.requires_grad_()  # type: ignore[no-any-return]


def gradgradcheck(
    func: Function, inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True, fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """`gradcheck` of the gradients of a function. Raises as that does."""
    _need(
        check_fwd_over_rev or check_rev_over_rev,
        "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True",
    )
    for name, on in (("undefined", check_undefined_grad), ("batched", check_batched_grad)):
        _need(
            check_rev_over_rev or not on,
            f"Setting check_{name}_grad=True requires check_rev_over_rev to be True",
        )
    given = as_tuple(inputs)
    if grad_outputs is None:
        outputs = differentiable(func(*given))
        seeds = tuple([_random_like(t, gen_non_contig_grad_outputs) for t in outputs])
    else:
        seeds = as_tuple(grad_outputs)
    first = _Gradients(func, given, seeds)
    return gradcheck(
        first, given + seeds, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes, check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode, masked=masked,
    )  # fmt: skip


class _Gradients:
    """A function's gradients as a function of its arguments and of the gradients of its outputs."""

    def __init__(self, func: Function, inputs: tuple[Any, ...], seeds: tuple[Any, ...]) -> None:
        self.func = func
        self.count = len(seeds)
        self.places = [i for i, _ in needing(inputs)]
        self.needs = {i for i, _ in needing(inputs + seeds)}

    def __call__(self, *args: Any) -> tuple[Tensor, ...]:
        given = [_leaf(x) if i in self.needs else x for i, x in enumerate(args)]
        inputs, seeds = given[: -self.count], given[-self.count :]
        outputs = differentiable(self.func(*inputs))
        leaves = [inputs[i] for i in self.places]
        found = grad(outputs, leaves, seeds, None, True, allow_unused=True)
        return tuple([t for t in found if t is not None])


def _leaf(x: Tensor) -> Tensor:
    return x if x.requires_grad else x.requires_grad_()


class _Module(ModuleType):
    """The module, which may be called as the function that has its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Module
