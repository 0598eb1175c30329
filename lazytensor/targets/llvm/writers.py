"""All that writes the texts of functions, loaded when there is something to compile.

What enters: nothing. What leaves: the functions that write. It must not know where code is kept.
"""

from .elements import element
from .emit import emit
from .products import Batch

__all__ = ["Batch", "element", "emit"]
