"""Random numbers, by the name that users import them under."""

from .extra.random import *  # noqa: F403
from .extra.random import __all__ as __all__
