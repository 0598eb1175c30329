"""Folders of the user that the library writes to.

What enters: the environment. What leaves: paths; nothing is created.
"""

import os
import sys
from pathlib import Path

from . import config


def cache_folder() -> Path:
    """Where what can be had again is kept: the setting `cache_dir`, else the system's place."""
    named = config.get("cache_dir")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lazytensor"
