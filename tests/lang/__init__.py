"""Compositions of rows against NumPy."""
