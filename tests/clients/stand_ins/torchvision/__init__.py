"""Stands in for torchvision where programs only want digits to learn from: images are made here,
not downloaded.
"""

from . import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]
