"""What arrays and compiled functions do and take, by the name that users import it under."""

from .extra.inspection import *  # noqa: F403
from .extra.inspection import __all__ as __all__
