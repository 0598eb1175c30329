"""The standard's `fft` extension, by the name that users import it under."""

from .array_api.fft import *  # noqa: F403
from .array_api.fft import __all__ as __all__
