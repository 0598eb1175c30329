"""Modules as functions of their state.

What enters: modules, states by name. What leaves: outputs, stacked states. It must not know
transforms.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from .. import _api as torch
from .._graph import MODE
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.utils.stateless import functional_call as _call
from ..tensor import Tensor

__all__ = ["debug_unwrap", "functional_call", "functionalize", "replace_all_batch_norm_modules_",
           "stack_module_state"]  # fmt: skip


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None,
    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """module(*args, **kwargs) with tensors in the place of those of these dotted names.

    Raises ValueError for what are no dicts, and for a name that is in several.
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, dict):
        found = given
    elif isinstance(given, Sequence):
        found = _joined(given)
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    return _call(module, found, args, kwargs, tie_weights=tie_weights, strict=strict)


def _joined(dicts: Sequence[Any]) -> dict[str, Any]:
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for d in dicts for name in d]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
            "ambiguous"
        )
    return {name: t for d in dicts for name, t in d.items()}


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of modules of one class, by name, stacked along a new first axis.

    Stacked parameters are new leaves. Raises RuntimeError for no modules, for different classes or
    modes, and where some parameters of a name need gradients and others don't.
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({bool(m.training) for m in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: _leaf([s[name] for s in states], name) for name in states[0]}


def _leaf(tensors: Sequence[Tensor], name: str) -> Tensor:
    needs = {t.requires_grad for t in tensors}
    if len(needs) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    stacked: Tensor = torch.stack(tensors)
    return stacked.detach().requires_grad_() if True in needs else stacked


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Let the batch normalisations of a module have no running statistics; returns the module."""
    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """The function: what it writes is new nodes of the graph, which never changes.

    Raises RuntimeError for another `remove` than "mutations" or "mutations_and_views".
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            "functionalize(f, remove='mutations'): received invalid argument for "
            f"remove={remove}. Valid options are:\n"
            "     remove='mutations': all inplace and out= operators will be removed from the "
            "program, and replaced with their out-of-place equivalents.\n"
            "     remove='mutations_and_views': In addition to the above, all aliasing operators "
            "{view} will be replaced with their non-aliasing counterparts, {view}_copy.\n"
        )

    @wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor that one within a transformed function stands for: of an example its batch.

    Of the innermost transform alone unless `recurse`. For looking at values, no more.
    """
    for transform in reversed(MODE.transforms):
        found: Tensor | None = transform.unwrapped(tensor)
        if found is not None:
            return debug_unwrap(found) if recurse else found
    return tensor
