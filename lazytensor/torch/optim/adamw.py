"""AdamW under the name of its own module."""

from .adam import AdamW

__all__ = ["AdamW"]
