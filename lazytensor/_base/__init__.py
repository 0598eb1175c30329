"""Floor 0: settings, dtypes, devices, shapes, indexing, pytrees and files of code. Knows the
standard library and NumPy dtypes only.
"""
