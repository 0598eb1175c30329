"""Object code of this process: from the store, or compiled and put there; linked.

What enters: texts of modules, or what they are of: code that is there is found by that, and what
writes texts isn't loaded. What leaves: functions, and `launch`, which calls them. It must not know
kernels.
"""

from collections.abc import Callable
from typing import Any

from ..._base.digests import digest as text_digest
from ..._base.store import Store
from ..._base.threads import COMPILING, once
from .call import Launcher, launcher
from .machine import Linked, Machine, fuses, machine, unique
from .sources import digest


class Objects:
    """Functions by their text. `compiled` is told of each text that the store doesn't have."""

    def __init__(self, store: Store | None, compiled: Callable[[str], None]) -> None:
        self.store = store
        self._compiled = compiled

    @once
    def machine(self) -> Machine:
        """The processor, and the compiler for it."""
        return machine(self.store)

    @once
    def launch(self) -> Launcher:
        """What calls functions on arrays, made when one is first called."""
        return launcher(self.machine, self._soon)

    def _code(self, key: str, write: Callable[[], str], soon: bool) -> bytes:
        """Object code; with little effort if it is wanted `soon`."""
        found = self.store.get(key) if self.store else None
        if found is None:
            text = write()
            self._compiled(text)
            found = self.machine.compile(text, soon)
            if self.store:
                self.store.put(key, found)
        return found

    def _soon(self, text: str) -> bytes:
        return self._code(self.machine.key(text), lambda: text, True)

    def linked(self, text: str, soon: bool = False) -> Linked:
        """The function `kernel` of a module."""
        return self._linked(self.machine.key(text), lambda: text, soon)

    def found(self, what: str | None, write: Callable[[], str], soon: bool = False) -> Linked:
        """The function of which `what` tells all but how it is written: that is in the sources.
        `write` gives the text if need be. Raises Unsupported.
        """
        sources = digest(self.store) if what else None
        if sources is None:
            return self.linked(write(), soon)
        key = self.machine.key(f"{sources} {self.machine.host} {soon}\n{what}")
        return self._linked(key, write, soon)

    def plain(self, what: str, write: Callable[[], bytes]) -> bytes | None:
        """Machine code without the compiler (`plain.assembled`), of which `what` tells all but how
        it is written. None where the processor is another one.
        """
        if not fuses():
            return None
        sources = digest(self.store)
        store = self.store if sources else None
        key = f"plain_{text_digest(f'{sources} {what}'.encode()).hex()}"
        found = store.get(key) if store else None
        if found is None:
            found = write()
            if store:
                store.put(key, found)
        return found

    def _linked(self, key: str, write: Callable[[], str], soon: bool) -> Linked:
        name = unique(key)
        with COMPILING:
            code = self._code(key, lambda: write().replace("@kernel(", f"@{name}("), soon)
            return self.machine.link(code, name)


def kept(folder: str, cap: int, compiled: Callable[[str], None]) -> Objects:
    """Object code that is kept in a folder, some `cap` bytes."""
    return Objects(Store(folder, cap), compiled)


def elements() -> Any:
    """What writes functions that go an element at a time, loaded when there is one to write."""
    with COMPILING:
        from . import elements
    return elements


def writers() -> Any:
    """What writes texts, loaded when there is one to write."""
    with COMPILING:
        from . import writers
    return writers
