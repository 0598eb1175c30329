"""What writes the texts of kernels, loaded when there is something to compile.

What enters: nothing. What leaves: the functions that write. It must not know where code is kept.
"""

from .calling import Calling
from .dots import Dots
from .emit import emit
from .placing import Placing
from .products import Batch
from .rows import Rows

__all__ = ["Batch", "Calling", "Dots", "Placing", "Rows", "emit"]
