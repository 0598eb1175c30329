"""Versions, where PyTorch has them."""

__version__ = "2.13.0+lazytensor"
cuda = None
hip = None
git_version = "lazytensor"
debug = False
