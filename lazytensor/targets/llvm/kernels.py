"""All that writes and runs kernels, loaded with the first of them.

What enters: nothing. What leaves: the names that the runtime needs. It must not know graphs.
"""

from .form import Unsupported
from .run import Functions, bound, source

__all__ = ["Functions", "Unsupported", "bound", "source"]
