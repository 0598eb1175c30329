"""`torch.autograd`: gradients of tensors by the history of the operations that made them."""

from importlib import import_module as _import_module
from typing import Any

from .._dispatch import asked, op
from .._missing import missing
from ..tensor import Tensor
from . import modes as grad_mode  # noqa: F401
from .anomaly import detect_anomaly as detect_anomaly
from .anomaly import set_detect_anomaly as set_detect_anomaly
from .engine import backward as _engine_backward
from .engine import grad as _engine_grad
from .function import Function as Function
from .modes import enable_grad as enable_grad
from .modes import inference_mode as inference_mode
from .modes import no_grad as no_grad
from .modes import set_grad_enabled as set_grad_enabled
from .modes import set_multithreading_enabled as set_multithreading_enabled

backward = asked(_engine_backward)
grad = asked(_engine_grad)
# Parts that are loaded when they are first named.
_LAZY = {
    "forward_ad": ".forward_ad",
    "functional": ".functional",
    "gradcheck": ".gradcheck",
    "gradgradcheck": ".gradcheck",
    "graph": ".graph",
    "variable": ".variable",
    "Variable": ".variable",
}
_absent = missing("torch.autograd")


def __getattr__(name: str) -> Any:
    """A part that is loaded when it is first named. Raises AttributeError for any other name."""
    if name not in _LAZY:
        return _absent(name)
    module = _import_module(_LAZY[name], __name__)
    found = getattr(module, name, module)
    globals()[name] = found
    return found


@op(name="backward", function=False)
def _backward(
    input: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of the tensor to the `.grad` of the leaves that it was made from."""
    _engine_backward(input, gradient, retain_graph, create_graph, inputs=inputs)
