"""Folders of the user that the library writes to.

What enters: the environment. What leaves: paths; nothing is created. They are text: `pathlib` loads
the parts of addresses, which takes 4 ms.
"""

import os
import sys

from . import config


def cache_folder() -> str:
    """Where what can be had again is kept: the setting `cache_dir`, else the system's place. Raises
    RuntimeError where the user has no folder.
    """
    named: str | None = config.get("cache_dir")
    if named:
        return named
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or _home("AppData", "Local")
    elif sys.platform == "darwin":
        base = _home("Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or _home(".cache")
    return os.path.join(base, "lazytensor")


def _home(*parts: str) -> str:
    found = os.path.expanduser("~")
    if found == "~":
        raise RuntimeError("the user's folder can't be told: set LAZYTENSOR_CACHE_DIR")
    return os.path.join(found, *parts)
