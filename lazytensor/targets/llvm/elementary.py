"""What NumPy's elementary functions are replaced by, and object code: all that interpreted graphs
need of the target. Nothing here writes kernels.

What enters: where object code is kept. What leaves: functions by NumPy's names. It must not know
graphs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .module import Vectors, replacements
from .objects import Objects
from .scans import cumulatives
from .store import Store


class Elementary:
    """The functions. `compiled` is told of each text that is compiled, `vectors` says what a
    function over vectors is called with.
    """

    def __init__(
        self, folder: Path, cap: int, compiled: Callable[[str], None], vectors: Vectors
    ) -> None:
        self.objects = Objects(Store(folder, cap), compiled)
        self.replacements: dict[str, Any] = {
            **replacements(self.objects, vectors),
            **cumulatives(self.objects),
        }
