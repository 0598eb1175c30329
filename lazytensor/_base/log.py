"""What `LAZYTENSOR_DEBUG` asks for, written to standard error.

1 cache hits and misses; 2 kernels with time and GB/s; 3 graphs after each pass as Python; 4 kernel
sources; 5 plans with their buffers; 6 rewrites. Each level includes those below.
"""

import sys

from . import config


def wants(level: int) -> bool:
    """Whether messages of this level are asked for."""
    return bool(config.get("debug") >= level)


def log(level: int, text: str) -> None:
    """Write a message of a level, if it is asked for."""
    if wants(level):
        print(text, file=sys.stderr)
