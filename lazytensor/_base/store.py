"""Code on disk, shared by processes.

What enters: keys and bytes. What leaves: the bytes that were put in, or nothing: what is missing,
cut short, changed, or another user's is not there. A folder that can't be written to costs one
warning. Files that were not used for longest go when there is too much. It must not know what the
bytes are.
"""

import os
import stat
import time
import warnings
from contextlib import suppress
from io import FileIO

from .digests import SIZE, digest

# Seconds after which a file's last use is noted again, and those after which a temporary file is
# nobody's any more.
NOTED, ABANDONED = 3600, 3600
# Sweeping looks at all files: one key in so many does.
SWEEP = 32


class Store:
    """Files of one folder, which is made with access for its owner alone: some `cap` bytes."""

    def __init__(self, folder: str | os.PathLike[str], cap: int = 1 << 29) -> None:
        self.folder = os.fspath(folder)
        self.cap = cap
        self._usable: bool | None = None
        self._writable = True
        self._warned = False

    def get(self, key: str) -> bytes | None:
        """What was put under a key."""
        if not self._ready():
            return None
        path = self._path(key)
        try:
            with FileIO(path) as file:
                data = file.readall()
        except OSError:
            return None
        kept, body = data[:SIZE], data[SIZE:]
        if not body or _digest(key, body) != kept:
            return None
        _note(path)
        return body

    def put(self, key: str, body: bytes) -> None:
        """Keep bytes under a key; another process sees all of them or none."""
        if not 0 < len(body) <= self.cap or not self._ready() or not self._writable:
            return
        temporary = os.path.join(self.folder, f"{key}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        try:
            with open(temporary, "xb") as file:
                file.write(_digest(key, body) + body)
            os.replace(temporary, self._path(key))
        except OSError as error:
            self._writable = False
            with suppress(OSError):
                os.unlink(temporary)
            self._warn(f"can't be written to: {error}")
        if int.from_bytes(digest(key.encode())) % SWEEP == 0:
            self.sweep()

    def sweep(self) -> None:
        """Remove files that were not used for longest, until a quarter of the cap is free again,
        and temporary ones that processes have left which were killed. Others may do so too.
        """
        found = self._files()
        total = sum(size for _, size, _ in found)
        goal = self.cap - self.cap // 4 if total > self.cap else self.cap
        for _, size, path in sorted(found):
            if total <= goal:
                break
            with suppress(OSError):
                os.unlink(path)
            total -= size

    def _files(self) -> list[tuple[float, int, str]]:
        """When each file was last used, its size and its path."""
        found, now = [], time.time()
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    about = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(".o"):
                        found.append((about.st_mtime, about.st_size, entry.path))
                    elif entry.name.endswith(".tmp") and now - about.st_mtime > ABANDONED:
                        os.unlink(entry.path)
        return found

    def _path(self, key: str) -> str:
        return os.path.join(self.folder, f"{key}.o")

    def _ready(self) -> bool:
        if self._usable is None:
            self._usable = self._checked()
        return self._usable

    def _checked(self) -> bool:
        """Make the folder; refuse one that others own or may write to."""
        try:
            if not os.path.isdir(self.folder):
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
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


def _note(path: str) -> None:
    """That a file was used, unless that is noted."""
    with suppress(OSError):
        if time.time() - os.stat(path).st_mtime > NOTED:
            os.utime(path)


def _digest(key: str, body: bytes) -> bytes:
    return digest(key.encode() + body)
