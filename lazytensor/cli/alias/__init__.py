"""A folder for the front of `sys.path`, in which `torch` is the name of `lazytensor.torch`.

What enters: nothing. What leaves: `torch.py`, and the metadata of a distribution of that name for
`importlib.metadata`. It must not know what the package it leads to holds.
"""
