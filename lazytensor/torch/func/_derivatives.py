"""Derivatives of functions: backward by the history of one call, forward by the tangents in one.

What enters: functions, their arguments, cotangents or tangents. What leaves: values and
derivatives, as the caller may see them. It must not know batches.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ...ir.node import placeholder
from .. import _api as torch
from .._graph import MODE, replayed
from .._record import run_many
from .._tree import flatten, mapped, unflatten
from ..autograd.engine import grad as gradients
from ..autograd.levels import Level, dual, parts
from ..autograd.passages import Reverse, Transform
from ..tensor import Tensor, wrap
from ._arguments import Argnums, pair, replaced, selected, tensors_only

__all__ = ["along", "grad", "grad_and_value", "jvp", "linearize", "pulled", "vjp"]

Function = Callable[..., Any]
JVP = "jvp(f, primals, tangents)"


# --- backward -------------------------------------------------------------------------------------


def _found(
    outputs: Sequence[Any], inputs: Sequence[Tensor], given: Sequence[Any] | None, create: bool,
    keep: bool,
) -> list[Tensor]:  # fmt: skip
    """Gradients of the inputs, zeros where there is none."""
    places = [i for i, t in enumerate(outputs) if t.requires_grad]
    if not places:
        return [torch.zeros_like(x) for x in inputs]
    cotangents = None if given is None else [given[i] for i in places]
    roots = [outputs[i] for i in places]
    found = gradients(roots, inputs, cotangents, keep or create, create, allow_unused=True)
    return [torch.zeros_like(x) if t is None else t for x, t in zip(inputs, found, strict=True)]


def _entered(level: Reverse, args: Sequence[Any], argnums: Argnums | None) -> tuple[list[Any], Any]:
    """The arguments for the function, and those by which gradients are wanted among them."""
    level.owns(*flatten(args)[0])
    if argnums is None:
        inner = mapped(level.enter, tuple(args))
        return list(inner), inner
    inner = mapped(level.enter, selected(args, argnums))
    return replaced(args, argnums, inner), inner


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns `(gradient, value)`, or `(gradient, (value, aux))`.

    Of a function with one 0-d result; gradients are by the arguments `argnums`, trees of tensors.
    Raises RuntimeError when called, for other results and numbers.
    """

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        what = "grad_and_value(f)(*args)"
        with Reverse() as level:
            level.owns(*flatten(kwargs)[0])
            given, inner = _entered(level, args, argnums)
            output, aux = func(*given, **kwargs), None
            if has_aux:
                output, aux = pair(output, what)
            _scalar(output, what)
            leaves, spec = flatten(inner)
            create = level._before[0] and level.reaches([output])
            found = [level.left(t) for t in _found([output], leaves, None, create, False)]
            value = level.left(output)
            aux = mapped(level.left, aux) if has_aux else None
        tree = unflatten(found, spec)
        return (tree, (value, aux)) if has_aux else (tree, value)

    return wrapper


def _scalar(output: Any, what: str) -> None:
    if not isinstance(output, Tensor):
        raise RuntimeError(f"{what}: Expected f(*args) to return a Tensor, got {type(output)}")
    if output.ndim:
        raise RuntimeError(
            f"{what}: Expected f(*args) to return a scalar Tensor, got tensor with {output.ndim} "
            "dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
        )


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of one with a 0-d result, or `(gradient, aux)`.

    Raises RuntimeError when called, as `grad_and_value`.
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`(result, pull)` or `(result, pull, aux)`, where `pull(cotangents)` is a tuple of cotangents
    of the primals.

    Raises RuntimeError for results that are no floating-point tensors, and cotangents in another
    structure.
    """
    return pulled(func, primals, None, has_aux)


def pulled(func: Function, primals: Sequence[Any], argnums: Argnums | None, has_aux: bool) -> Any:
    """`vjp` by some of the primals."""
    with Reverse() as level:
        given, inner = _entered(level, primals, argnums)
        output, aux = func(*given), None
        if has_aux:
            output, aux = pair(output, "vjp(f, *primals)")
            aux = mapped(level.left, aux)
        outputs, structure = flatten(output)
        tensors_only(outputs, "vjp(f, *primals)")
        result = mapped(level.left, output)
        _floating(outputs)
        leaves, spec = flatten(inner)

    def pull(
        cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> Any:
        found, own = flatten(cotangents)
        if own != structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {own.brief()}, primal output: "
                f"{structure.brief()}"
            )
        on = MODE.grad if create_graph is None else create_graph
        create = on and (level.reaches(outputs) or any(t.requires_grad for t in found))
        made = _found(outputs, leaves, found, create, retain_graph)
        return unflatten([_left(level, t) for t in made], spec)

    return (result, pull, aux) if has_aux else (result, pull)


def _left(level: Reverse, t: Tensor) -> Tensor:
    """A cotangent without history where that is the function's alone."""
    if not t.requires_grad or level.reaches([t]):
        return t
    return wrap(t._read(), t.dtype, t._strides)


def _floating(outputs: Sequence[Tensor]) -> None:
    for t in outputs:
        if t.dtype._rank < 2:
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got "
                f"Tensor with dtype {t.dtype}"
            )


# --- forward --------------------------------------------------------------------------------------


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """`(result, tangents of the result)` or `(result, tangents, aux)`.

    With `strict`, a result that doesn't depend on the primals is an error. Raises RuntimeError for
    primals that are no tuple, tangents in another structure, and results that are no tensors.
    """
    return along(func, primals, tangents, None, strict, has_aux)


def along(
    func: Function, primals: Any, tangents: Any, argnums: Argnums | None, strict: bool,
    has_aux: bool,
) -> Any:  # fmt: skip
    """`jvp` by some of the primals."""
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    chosen = primals if argnums is None else selected(primals, argnums)
    leaves, spec = flatten(chosen)
    given, own = flatten(tangents)
    if own != spec:
        raise RuntimeError(
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, "
            "if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{spec} and tangents with structure {own}"
        )
    _need_tensors(leaves, "primals")
    _need_tensors(given, "tangents")
    with Transform() as transform, Level() as level:
        transform.owns(*flatten(primals)[0])
        duals = [dual(level, x, t) for x, t in zip(leaves, given, strict=True)]
        inner = unflatten(duals, spec)
        output = func(*(inner if argnums is None else replaced(primals, argnums, inner)))
        aux = None
        if has_aux:
            output, aux = pair(output, JVP)
        outputs, structure = flatten(output)
        tensors_only(outputs, JVP)
        found = [_parted(level, t, strict) for t in outputs]
        found = [tuple(map(transform.left, both)) for both in found]
    trees = [unflatten(list(part), structure) for part in zip(*found, strict=True)]
    return (*trees, aux) if has_aux else tuple(trees)


def _need_tensors(found: Sequence[Any], name: str) -> None:
    if not found:
        raise RuntimeError(f"{JVP}: Expected {name} to contain at least one Tensor.")
    for x in found:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{JVP}: Expected {name} to only contain Tensors, got {type(x)}")


def _parted(level: Level, t: Tensor, strict: bool) -> tuple[Tensor, Tensor]:
    primal, tangent = parts(level, t)
    if tangent is None:
        if strict:
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
                "inputs. This is not allowed with strict=True."
            )
        tangent = torch.zeros_like(primal)
    return primal, tangent


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """`(result, push)`, where `push(*tangents)` gives the tangents of the result.

    The function runs once, here. Raises RuntimeError for tangents that are not like the primals.
    """
    leaves, spec = flatten(primals)
    empty = [placeholder(x._node.shape, x.dtype.numpy, x._node.device, i)
             for i, x in enumerate(leaves)]  # fmt: skip
    with Level() as level:
        duals = [dual(level, x, wrap(e, x.dtype)) for x, e in zip(leaves, empty, strict=True)]
        output = func(*unflatten(duals, spec))
        outputs, structure = flatten(output)
        found = [_parted(level, t, False) for t in outputs]
    nodes = [t._read() for _, t in found]

    def push(*tangents: Any) -> Any:
        given, own = flatten(tangents)
        if own != spec:
            raise RuntimeError(
                f"Expected the tangents {own} to have the same argspec as the primals {spec}"
            )
        for place, (t, x) in enumerate(zip(given, leaves, strict=True)):
            _alike(place, t, x)
        made = run_many("Jvp", lambda *new: replayed(empty, nodes, new), given)
        return unflatten(made, structure)

    return unflatten([primal for primal, _ in found], structure), push


def _alike(place: int, t: Tensor, x: Tensor) -> None:
    for what in ("shape", "device", "dtype"):
        if getattr(t, what) != getattr(x, what):
            raise RuntimeError(
                f"tangent:{place} with {what} {getattr(t, what)} in flattened pytree doesn't match "
                f"the {what} {getattr(x, what)} of the corresponding primal."
            )


