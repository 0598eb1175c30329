"""CPU benchmarks side by side with other libraries: `python -m benchmarks.cpu`, see README.md."""
