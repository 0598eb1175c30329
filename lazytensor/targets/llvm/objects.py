"""Object code of this process: from the store, or compiled and put there; linked.

What enters: texts of modules. What leaves: functions, and `launch`, which calls them.
It must not know kernels.
"""

import os
import threading
from collections.abc import Callable

from .call import Launcher, launcher
from .machine import Linked, Machine, machine, unique
from .store import Store

# Held while a function is made. A fork waits for it: the child would find the compiler half way.
COMPILING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=COMPILING.acquire,
        after_in_parent=COMPILING.release,
        after_in_child=COMPILING.release,
    )


class Objects:
    """Functions by their text. `compiled` is told of each text that the store doesn't have."""

    def __init__(self, store: Store | None, compiled: Callable[[str], None]) -> None:
        self.machine: Machine = machine()
        self.store = store
        self._compiled = compiled
        self.launch: Launcher = launcher(self.machine, self._soon)

    def code(self, text: str, soon: bool = False) -> bytes:
        """Object code; with little effort if it is wanted `soon`."""
        key = self.machine.key(text)
        found = self.store.get(key) if self.store else None
        if found is None:
            self._compiled(text)
            found = self.machine.compile(text, soon)
            if self.store:
                self.store.put(key, found)
        return found

    def _soon(self, text: str) -> bytes:
        return self.code(text, True)

    def linked(self, text: str, soon: bool = False) -> Linked:
        """The function `kernel` of a module."""
        with COMPILING:
            name = unique(self.machine.key(text))
            text = text.replace("@kernel(", f"@{name}(")
            return self.machine.link(self.code(text, soon), name)
