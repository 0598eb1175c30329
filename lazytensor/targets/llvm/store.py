"""Object code on disk, shared by processes.

What enters: keys and bytes. What leaves: the bytes that were put in, or nothing: what is missing,
cut short, changed, or another user's is not there. A folder that can't be written to costs one
warning. It must not know what the bytes are.
"""

import hashlib
import os
import stat
import warnings
from contextlib import suppress
from pathlib import Path

_DIGEST = 32


class Store:
    """Files of one folder, which is made with access for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._usable: bool | None = None
        self._writable = True
        self._warned = False

    def get(self, key: str) -> bytes | None:
        """What was put under a key."""
        if not self._ready():
            return None
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        digest, body = data[:_DIGEST], data[_DIGEST:]
        return body if body and _digest(key, body) == digest else None

    def put(self, key: str, body: bytes) -> None:
        """Keep bytes under a key; another process sees all of them or none."""
        if not self._ready() or not self._writable:
            return
        temporary = self.folder / f"{key}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
        try:
            with open(temporary, "xb") as file:
                file.write(_digest(key, body) + body)
            os.replace(temporary, self._path(key))
        except OSError as error:
            self._writable = False
            with suppress(OSError):
                temporary.unlink()
            self._warn(f"can't be written to: {error}")

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.o"

    def _ready(self) -> bool:
        if self._usable is None:
            self._usable = self._checked()
        return self._usable

    def _checked(self) -> bool:
        """Make the folder; refuse one that others own or may write to."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = os.stat(self.folder)
        except OSError as error:
            self._warn(f"can't be made: {error}")
            return False
        if os.name == "posix" and (
            found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022
        ):
            self._warn("belongs to others, or others may write to it")
            return False
        return True

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"compiled kernels are not kept: the folder {self.folder} {why}",
                RuntimeWarning,
                stacklevel=2,
            )


def _digest(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode() + body).digest()
