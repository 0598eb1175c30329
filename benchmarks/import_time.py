"""What `import lazytensor` costs more than `import numpy`, in fresh processes taken in turn.

    python benchmarks/import_time.py

Goal: at most 40 ms, byte code cached.
"""

import statistics
import subprocess
import sys

CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds(module: str) -> float:
    """The import's time in a new process."""
    out = subprocess.run(
        [sys.executable, "-c", CODE.format(module)], capture_output=True, text=True, check=True
    )
    return float(out.stdout)


def main() -> None:
    """Print the medians and their difference."""
    pairs = [(seconds("lazytensor"), seconds("numpy")) for _ in range(21)]
    ours, numpys = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    more = statistics.median(a - b for a, b in pairs)
    line = f"import lazytensor {ours * 1e3:.0f} ms, import numpy {numpys * 1e3:.0f} ms"
    print(f"{line}: {more * 1e3:.0f} ms more, goal 40")


if __name__ == "__main__":
    main()
