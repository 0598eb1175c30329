"""Bugs planted in the device code that tests compile, which their checks must find."""

from typing import Any


def planted(monkeypatch: Any, module: Any, reader: str, name: str, old: str, new: str) -> None:
    """Replace a piece of a file of `device/`, as the module's `reader` gives it."""
    real = getattr(module, reader)

    def changed(which: str) -> str:
        text: str = real(which)
        if which == name:
            assert old in text
            text = text.replace(old, new, 1)
        return text

    monkeypatch.setattr(module, reader, changed)
