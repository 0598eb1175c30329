"""`torch._dynamo`, which packages written for `torch.compile` look at: what `torch.compiler` has,
and switches that are accepted and remembered.
"""

from types import SimpleNamespace

from .compiler import allow_in_graph, disable, is_compiling, reset

__all__ = ["allow_in_graph", "config", "disable", "is_compiling", "reset"]

config = SimpleNamespace(
    cache_size_limit=8, recompile_limit=8, suppress_errors=False, verbose=False
)
