"""Helpers around tensors and modules, each loaded when it is first named: hooks stand below
tensors, data and checkpoint above them.
"""

from .._missing import parts as _parts

_NAMES = ("checkpoint", "data", "dlpack", "hooks", "model_zoo", "tensorboard")
__getattr__ = _parts(__name__, *_NAMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
