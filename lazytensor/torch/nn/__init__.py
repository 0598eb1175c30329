"""torch.nn: modules, parameters, their initial values, and what they compute as functions."""

from .._missing import missing
from . import functional, init, modules, parameter, utils
from .modules import *  # noqa: F403
from .parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
]
__all__ += modules.__all__


__getattr__ = missing("torch.nn")
