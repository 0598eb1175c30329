"""lazytensor: the Python array API, computed lazily.

The namespace of the standard (2025.12) with its `linalg` and `fft` extensions, and what users of
NumPy need beyond it. Every operation adds a node to a graph, which is simplified, fused and compiled
when a value is asked for.
"""

from typing import Any

from .array_api import fft, linalg
from .array_api._print import set_printoptions
from .array_api.array import Array
from .array_api.constants import *
from .array_api.creation import *
from .array_api.data_types import *
from .array_api.elementwise import *
from .array_api.indexing import *
from .array_api.info import *
from .array_api.linear_algebra import *
from .array_api.manipulation import *
from .array_api.searching import *
from .array_api.sets import *
from .array_api.sorting import *
from .array_api.statistical import *
from .array_api.utility import *

__array_api_version__ = "2025.12"
__version__ = "0.1.0"
