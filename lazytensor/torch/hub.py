"""`torch.hub`: files of parameters that are fetched once and kept.

What enters: addresses. What leaves: files in the folder of the hub, and what `load` reads of them.
It must not know models.
"""

import hashlib
import os
import re
from typing import Any
from urllib.parse import urlparse
from urllib.request import urlopen

from ._missing import missing
from .serialization import load

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]

_CHOSEN: list[str] = []
_HASH = re.compile(r"-([a-f0-9]*)\.")


def get_dir() -> str:
    """The folder of the hub: what was set, else that of TORCH_HOME, else in the user's cache."""
    if _CHOSEN:
        return _CHOSEN[0]
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))
    return os.path.join(home, "hub")


def set_dir(d: Any) -> None:
    """Take another folder for the hub."""
    _CHOSEN[:] = [os.path.expanduser(d)]


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Fetch a file, which appears once it is whole. Raises RuntimeError where its hash differs."""
    path = os.path.expanduser(dst)
    part = f"{path}.{os.urandom(8).hex()}.partial"
    digest = hashlib.sha256()
    try:
        with urlopen(url) as source, open(part, "xb") as file:
            while chunk := source.read(1 << 17):
                digest.update(chunk)
                file.write(chunk)
        found = digest.hexdigest()
        if hash_prefix is not None and found[: len(hash_prefix)] != hash_prefix:
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> Any:
    """What a file of an address holds, fetched if it isn't there yet."""
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    kept = os.path.join(folder, name)
    if not os.path.exists(kept):
        stated = _HASH.search(name) if check_hash else None
        download_url_to_file(url, kept, stated.group(1) if stated else None, progress)
    return load(kept, map_location=map_location, weights_only=weights_only)


__getattr__ = missing("torch.hub")
