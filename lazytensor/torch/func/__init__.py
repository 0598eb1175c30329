"""`torch.func`: functions from functions of tensors to their derivatives, and to batches."""

from ._derivatives import grad as grad
from ._derivatives import grad_and_value as grad_and_value
from ._derivatives import jvp as jvp
from ._derivatives import linearize as linearize
from ._derivatives import vjp as vjp
from ._jacobians import hessian as hessian
from ._jacobians import jacfwd as jacfwd
from ._jacobians import jacrev as jacrev
from ._mapping import vmap as vmap
from ._modules import debug_unwrap as debug_unwrap
from ._modules import functional_call as functional_call
from ._modules import functionalize as functionalize
from ._modules import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from ._modules import stack_module_state as stack_module_state
from ._rearrange import rearrange as rearrange

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian",
    "jacfwd", "jacrev", "jvp", "linearize", "rearrange", "replace_all_batch_norm_modules_",
    "stack_module_state", "vjp", "vmap",
]  # fmt: skip
