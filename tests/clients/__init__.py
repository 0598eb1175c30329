"""What others do with our arrays: each client's own calls, with NumPy's answers as the oracle."""
