"""Lines of Python that are written for one purpose: a function's body, and what it names.

What enters: lines, and objects that they are to name. What leaves: a function. It must not know
what the lines do.
"""

from collections.abc import Callable
from typing import Any


class Lines:
    """Lines of one function's body, and what they name."""

    def __init__(self, **names: Any) -> None:
        self.text: list[str] = []
        self.names: dict[str, Any] = {"__name__": __name__, **names}  # they are the library's
        self._given: dict[int, str] = {}

    def add(self, line: str) -> None:
        """One more line."""
        self.text.append(line)

    def name(self, thing: Any) -> str:
        """A name for an object."""
        name = self._given.get(id(thing))
        if name is None:
            name = self._given[id(thing)] = f"k{len(self._given)}"
            self.names[name] = thing
        return name

    def function(self, arguments: str, what: str) -> Callable[..., Any]:
        """The lines as a function, of a file that is named after what it does."""
        body = "\n    ".join(self.text)
        text = f"def written({arguments}):\n    {body}\n"
        exec(compile(text, f"<lazytensor {what}>", "exec"), self.names)
        found: Callable[..., Any] = self.names.pop("written")
        return found
