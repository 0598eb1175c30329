"""Helpers around tensors and modules. Nothing is imported here: hooks stand below tensors, data and
checkpoint above them.
"""
