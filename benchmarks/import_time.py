"""What `import lazytensor` costs more than `import numpy`, in fresh processes taken in turn.

    python benchmarks/import_time.py

Goal: at most 40 ms, byte code cached.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from functools import cache

CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where byte code is kept while this process runs, whatever the environment says of it."""
    return tempfile.TemporaryDirectory()


@cache
def _environment(module: str) -> dict[str, str]:
    """That of a process that finds the module's byte code."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env = kept | {"PYTHONPYCACHEPREFIX": _folder().name}
    subprocess.run([sys.executable, "-c", f"import {module}"], env=env, check=True)
    return env


def seconds(module: str) -> float:
    """The import's time in a new process, byte code cached."""
    command = [sys.executable, "-c", CODE.format(module)]
    env = _environment(module)
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
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
