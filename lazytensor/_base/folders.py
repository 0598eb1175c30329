"""Folders of the user that the library writes to.

What enters: the environment. What leaves: paths; nothing is created.
"""

import os
import sys
from typing import TYPE_CHECKING

from . import config

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder() -> "Path":
    """Where what can be had again is kept: the setting `cache_dir`, else the system's place."""
    import pathlib

    named = config.get("cache_dir")
    if named:
        return pathlib.Path(named)
    if sys.platform == "win32":
        base = pathlib.Path(
            os.environ.get("LOCALAPPDATA", pathlib.Path.home() / "AppData" / "Local")
        )
    elif sys.platform == "darwin":
        base = pathlib.Path.home() / "Library" / "Caches"
    else:
        base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return base / "lazytensor"
