"""Floor 0: settings, dtypes, devices, shapes, indexing and pytrees. Knows the standard library and
NumPy dtypes only.
"""
