"""`torch.autograd.functional`: derivatives of functions of tensors, by their history alone.

What enters: functions, a tensor or a tuple of tensors. What leaves: products with Jacobians and
Hessians, or these as a whole. It must not know records.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .. import _api as torch
from ..tensor import Tensor
from .batches import over
from .engine import grad
from .forward_ad import dual_level, make_dual, unpack_dual

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]
Tensors = tuple[Tensor, ...]


# --- arguments and results ------------------------------------------------------------------------


def _tuple(given: Any, name: str, call: str) -> tuple[bool, Tensors]:
    """Whether it is a tuple, and it as one. Raises TypeError for what are no tensors."""
    many = isinstance(given, tuple)
    items = given if many else (given,)
    for place, x in enumerate(items):
        if not isinstance(x, Tensor):
            where = f"value at index {place}" if many else f"given {name}"
            raise TypeError(
                f"The {name} given to {call} must be either a Tensor or a tuple of Tensors but the "
                f"{where} has type {type(x)}."
            )
    return many, items


def _entered(inputs: Sequence[Tensor], create: bool, needs: bool = True) -> Tensors:
    """New tensors of the same values: views with history where that is to be kept, else leaves."""
    return tuple([
        x.view_as(x) if create and x.requires_grad else x.detach().requires_grad_(needs)
        for x in inputs
    ])  # fmt: skip


def _plain(found: Any, create: bool) -> Any:
    """Results without history, unless it is asked for."""
    if isinstance(found, Tensor):
        return found if create else found.detach()
    return tuple([_plain(x, create) for x in found])


def _one(found: Any, many: bool) -> Any:
    return found if many else found[0]


def _checked_v(v: Any, like: Sequence[Tensor], many: bool, call: str, create: bool) -> Tensors:
    """The vector of a product. Raises RuntimeError for one that doesn't fit."""
    _, given = _tuple(v, "v", call)
    given = _entered(given, create, False)
    if len(given) != len(like):
        if many:
            raise RuntimeError(
                f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}."
            )
        raise RuntimeError("The given v should contain a single Tensor.")
    for place, (x, y) in enumerate(zip(given, like, strict=True)):
        if x.shape != y.shape:
            entry = f"Entry {place} in " if many else ""
            raise RuntimeError(
                f"{entry}v has invalid size: should be {y.shape} but got {x.shape}."
            )
    return given


def _gradients(
    outputs: Sequence[Tensor | None], inputs: Sequence[Tensor], given: Sequence[Any] | None,
    create: bool, keep: bool | None = None,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """Gradients of those outputs that have a history; None for inputs that none depends on."""
    cotangents = given or [None] * len(outputs)
    pairs = [(o, c) for o, c in zip(outputs, cotangents) if o is not None and o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    roots, seeds = zip(*pairs, strict=True)
    return grad(roots, inputs, seeds, keep, create, allow_unused=True)


# --- what strict mode refuses ---------------------------------------------------------------------

_NEEDED = {
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs "
    "must be computed in a differentiable manner from the input when running in strict mode.",
    "grad_inputs": "The gradient with respect to input {} is independent of the inputs of the "
    "user-provided function. This is not allowed in strict mode.",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided "
    "function with respect to input {} is independent of the input. This is not allowed in strict "
    "mode. You should ensure that your function is twice differentiable and that the jacobian "
    "depends on the inputs (this would be violated by a linear function for example).",
}
_MISSING = {
    "back": "The output of the user-provided function is independent of input {}. This is not "
    "allowed in strict mode.",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the "
    "grad_outputs when using the double backward trick to compute forward mode gradients. This is "
    "not allowed in strict mode.",
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is "
    "not allowed in strict mode.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in "
    "the grad_jacobian. This is not allowed in strict mode as it prevents from using the double "
    "backward trick to replace forward mode AD.",
}


def _need(found: Sequence[Any], kind: str, strict: bool) -> None:
    """Raises RuntimeError for what is independent of the inputs, in strict mode."""
    for place, x in enumerate(found if strict else ()):
        if x is None:
            raise RuntimeError(_MISSING["back"].format(place))
        if not x.requires_grad:
            raise RuntimeError(_NEEDED[kind].format(place))


def _filled(
    found: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, create: bool, stage: str
) -> Tensors:
    """Zeros for what is missing. Raises RuntimeError for it in strict mode."""
    out: list[Tensor] = []
    for place, (x, y) in enumerate(zip(found, like, strict=True)):
        if x is None:
            if strict:
                raise RuntimeError(_MISSING[stage].format(place))
            x = torch.zeros_like(y)
        elif strict and create and not x.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {place}. This "
                "is not allowed in strict mode when create_graph=True."
            )
        out.append(x)
    return tuple(out)


# --- products -------------------------------------------------------------------------------------


class _Call:
    """One recorded call of a function."""

    def __init__(self, name: str, inputs: Any, create: bool) -> None:
        self.name = name
        self.create = create
        self.many, given = _tuple(inputs, "inputs", name)
        self.inputs = _entered(given, create)

    def vector(self, v: Any) -> Tensors | None:
        """The vector, which is like the inputs."""
        if v is not None:
            return _checked_v(v, self.inputs, self.many, self.name, self.create)
        if len(self.inputs) != 1 or self.inputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a "
                "single Tensor with a single element."
            )
        return None

    def run(self, func: Function, strict: bool) -> tuple[bool, Tensors]:
        """The outputs."""
        what = "outputs of the user-provided function"
        many, outputs = _tuple(func(*self.inputs), what, self.name)
        _need(outputs, "outputs", strict)
        return many, outputs

    def scalar(self, func: Function, strict: bool) -> Tensors:
        """The one output, of one element. Raises RuntimeError for others."""
        many, outputs = self.run(func, strict)
        if many:
            raise RuntimeError(f"The function given to {self.name} should return a single Tensor")
        if outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {self.name} should contain a single "
                "element"
            )
        return outputs

    def recording(self) -> Any:
        """The context of the last step."""
        return torch.set_grad_enabled(self.create or torch.is_grad_enabled())


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """`(outputs, product)` of a vector like the outputs with the Jacobian.

    Raises TypeError for what are no tensors, RuntimeError for a vector that doesn't fit, and in
    strict mode for what is independent of the inputs.
    """
    with torch.enable_grad():
        call = _Call("vjp", inputs, create_graph)
        many, outputs = call.run(func, strict)
        given = None
        if v is not None:
            given = _checked_v(v, outputs, many, "vjp", create_graph)
        elif len(outputs) != 1 or outputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single "
                "Tensor with a single element."
            )
    with call.recording():
        found = _gradients(outputs, call.inputs, given, create_graph)
        product = _filled(found, call.inputs, strict, create_graph, "back")
    return _one(_plain(outputs, create_graph), many), _one(_plain(product, create_graph), call.many)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """`(outputs, product)` of the Jacobian with a vector like the inputs, by two backward passes.

    Raises as `vjp`.
    """
    with torch.enable_grad():
        call = _Call("jvp", inputs, create_graph)
        given = call.vector(v)
        many, outputs = call.run(func, strict)
        seeds = tuple([torch.zeros_like(out, requires_grad=True) for out in outputs])
        pulled = _gradients(outputs, call.inputs, seeds, True)
        _need(pulled, "grad_inputs", strict)
    with call.recording():
        found = _gradients(pulled, seeds, given, create_graph)
        product = _filled(found, outputs, strict, create_graph, "back_trick")
    return _one(_plain(outputs, create_graph), many), _one(_plain(product, create_graph), many)


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """`(output, product)` of a vector with the Hessian. Raises as `vjp`."""
    with torch.enable_grad():
        call = _Call("vhp", inputs, create_graph)
        given = call.vector(v)
        outputs = call.scalar(func, strict)
        first = _gradients(outputs, call.inputs, None, True)
        _need(first, "jacobian", strict)
    with call.recording():
        found = _gradients(first, call.inputs, given, create_graph)
        product = _filled(found, call.inputs, strict, create_graph, "double_back")
    return _plain(outputs, create_graph)[0], _one(_plain(product, create_graph), call.many)


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """`(output, product)` of the Hessian with a vector. Raises as `vjp`."""
    with torch.enable_grad():
        call = _Call("hvp", inputs, create_graph)
        given = call.vector(v)
        outputs = call.scalar(func, strict)
        first = _gradients(outputs, call.inputs, None, True)
        _need(first, "jacobian", strict)
        seeds = tuple([torch.zeros_like(x, requires_grad=True) for x in call.inputs])
        second = _gradients(first, call.inputs, seeds, True)
        _need(first, "jacobian", strict)
    with call.recording():
        found = _gradients(second, seeds, given, create_graph)
        product = _filled(found, call.inputs, strict, create_graph, "double_back_trick")
    return _plain(outputs, create_graph)[0], _one(_plain(product, create_graph), call.many)


# --- whole derivatives ----------------------------------------------------------------------------


def _basis(tensors: Sequence[Tensor]) -> Tensors:
    """Batches of tensors like these, of which each example is 1 at one element of all."""
    total = sum(t.numel() for t in tensors)
    parts = torch.eye(total).split([t.numel() for t in tensors], 1)
    return tuple([p.to(t).view(total, *t.shape) for p, t in zip(parts, tensors, strict=True)])


def jacobian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """All derivatives of outputs by inputs: for shapes S and A a tensor of shape S + A.

    With `vectorize` all rows at once. Raises AssertionError for another strategy,
    NotImplementedError and RuntimeError for options that don't go together, and as `vjp`.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _forward(func, inputs, create_graph, strict, vectorize)
    with torch.enable_grad():
        call = _Call("jacobian", inputs, create_graph)
        many, outputs = call.run(func, strict)
        if vectorize:
            if strict:
                raise RuntimeError(
                    "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are "
                    "not supported together. Please either set `strict=False` or "
                    "`vectorize=False`."
                )
            rows = _at_once(call, outputs)
        else:
            rows = [_by_row(call, i, out, strict) for i, out in enumerate(outputs)]
    blocks = _plain(rows, create_graph)
    return _one(tuple([_one(row, call.many) for row in blocks]), many)


def _by_row(call: _Call, place: int, out: Tensor, strict: bool) -> Tensors:
    """The derivatives of one output, a backward pass for each element."""
    columns: list[list[Tensor]] = [[] for _ in call.inputs]
    for j in range(out.numel()):
        found = _gradients((out.reshape(-1)[j],), call.inputs, None, call.create, True)
        for i, (x, like) in enumerate(zip(found, call.inputs, strict=True)):
            if x is None and strict:
                raise RuntimeError(
                    f"Output {place} of the user-provided function is independent of input {i}. "
                    "This is not allowed in strict mode."
                )
            if x is not None and strict and call.create and not x.requires_grad:
                raise RuntimeError(
                    "The jacobian of the user-provided function is independent of input "
                    f"{place}. This is not allowed in strict mode when create_graph=True."
                )
            columns[i].append(torch.zeros_like(like) if x is None else x)
    pairs = zip(columns, call.inputs, strict=True)
    return tuple([torch.stack(c).view(*out.shape, *x.shape) for c, x in pairs])


def _at_once(call: _Call, outputs: Tensors) -> list[Tensors]:
    """The derivatives of all outputs, by one backward pass of a batch."""
    sizes = [out.numel() for out in outputs]
    basis = _basis(outputs)
    pairs = [(o, b) for o, b in zip(outputs, basis, strict=True) if o.requires_grad]
    found: Sequence[Tensor | None] = [None] * len(call.inputs)
    if pairs:
        roots, seeds = zip(*pairs, strict=True)
        found = grad(roots, call.inputs, seeds, None, call.create, allow_unused=True,
                     is_grads_batched=True)  # fmt: skip
    whole = [
        torch.zeros_like(x).expand(sum(sizes), *x.shape) if t is None else t
        for t, x in zip(found, call.inputs, strict=True)
    ]
    split = [t.split(sizes, 0) for t in whole]
    return [
        tuple([s[i].reshape(*out.shape, *x.shape) for s, x in zip(split, call.inputs, strict=True)])
        for i, out in enumerate(outputs)
    ]


def _forward(func: Function, inputs: Any, create: bool, strict: bool, vectorize: bool) -> Any:
    """`jacobian` by tangents, all columns at once."""
    begin = (
        'torch.autograd.functional.jacobian: `{0}=True` and `strategy="forward-mode"` are not '
        "supported together (yet). Please either set `{0}=False` or "
        '`strategy="reverse-mode"`.'
    )
    if create:
        raise NotImplementedError(begin.format("create_graph"))
    if strict:
        raise RuntimeError(begin.format("strict"))
    many, given = _tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly "
            "implemented for `vectorize=True`."
        )
    sizes = [x.numel() for x in given]
    seen: list[bool] = []

    def column(tangents: Sequence[Any]) -> list[Tensor | None]:
        with dual_level():
            duals = [make_dual(x, t) for x, t in zip(given, tangents, strict=True)]
            several, outputs = _tuple(func(*duals), "outputs", "jacobian")
            seen.append(several)
            pairs = [unpack_dual(out) for out in outputs]
            return [torch.zeros_like(p) if t is None else t for p, t in pairs]

    blocks = []
    for t in over(column, _basis(given)):
        assert t is not None
        parts = t.movedim(0, -1).split(sizes, -1)
        row = [p.reshape(*t.shape[1:], *x.shape) for p, x in zip(parts, given, strict=True)]
        blocks.append(_one(row, many))
    return _one(blocks if many else tuple(blocks), seen[0])


def _leaf(x: Tensor) -> Tensor:
    """A view that needs a gradient."""
    out: Tensor = x.view_as(x)
    out._needs = not out.requires_grad
    return out


def hessian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """All second derivatives of a function with one result of one element. Raises as `jacobian`."""
    many, given = _tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def one_result(*xs: Tensor) -> Tensor:
        out = func(*xs)
        several, outputs = _tuple(out, "outputs of the user-provided function", "hessian")
        _need(outputs, "outputs", strict)
        if several:
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if out.numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single "
                "element"
            )
        return out.squeeze()  # type: ignore[no-any-return]

    def first(*xs: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            xs = tuple([_leaf(x) for x in xs])
        found = jacobian(one_result, xs, create_graph=True)
        _need(found, "jacobian", strict)
        return found

    found = jacobian(first, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return _one(tuple([_one(row, many) for row in found]), many)
