"""GPU benchmarks side by side with other libraries: `python -m benchmarks.gpu`, see README.md."""
