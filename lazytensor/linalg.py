"""The standard's `linalg` extension, by the name that users import it under."""

from .array_api.linalg import *  # noqa: F403
from .array_api.linalg import __all__ as __all__
