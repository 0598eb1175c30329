"""Object code on disk: what is damaged is made again, what can't be kept costs one warning, and
processes that share a folder don't get in one another's way.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base import store as stores
from lazytensor._base.store import Store
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import g
from lazytensor.runtime import cache, native
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import machine

posix = pytest.mark.skipif(os.name != "posix", reason="modes of folders")
BODY = bytes(range(256)) * 9


def damaged(data: bytes) -> dict[str, bytes]:
    """What can become of a file."""
    rng = np.random.default_rng(1)
    flipped = {}
    places = {"first": 0, "digest's": 31, "body's": 32, "middle": len(data) // 2, "last": -1}
    for name, at in places.items():
        other = bytearray(data)
        other[at] ^= 1 << at % 8
        flipped[f"{name} byte"] = bytes(other)
    cut = {f"{n} bytes": data[:n] for n in (0, 1, 31, 32, 33, 37)}
    noise = {f"{n} bytes of noise": rng.bytes(n) for n in (1, 32, 33, 5000)}
    return {**flipped, **cut, **noise, "shorter": data[:-1], "longer": data + b"\0"}


def fresh(monkeypatch: Any, folder: Path) -> None:
    """As a new process, whose kernels are kept in a folder."""
    cache.CACHE.clear()
    monkeypatch.setattr(native, "_objects", None)
    monkeypatch.setattr(native, "_functions", None)
    monkeypatch.setattr(machine, "_machine", None)
    monkeypatch.setattr(native, "cache_folder", lambda: folder)


def program(x: Node) -> Node:
    return g.sqrt(g.abs(x)) + g.reshape(g.sum(x, (1,)), (x.shape[0], 1))


DATA = np.random.default_rng(2).standard_normal((37, 65)).astype("float32")
with config.context(target="numpy", execution="interpret"):
    _node = program(leaf(DATA))
    materialize((_node,))
    WANT = _node.value.tobytes()


def run() -> int:
    """Check the program's bits; how many kernels were compiled."""
    with config.context(target="llvm", execution="compile"), counting() as done:
        node = program(leaf(DATA))
        materialize((node,))
    assert node.value.tobytes() == WANT
    return done.compilations


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Any) -> Any:
    fresh(monkeypatch, tmp_path)
    yield tmp_path / "kernels"
    cache.CACHE.clear()


def again(monkeypatch: Any, folder: Path) -> int:
    """Run as in another process; how many kernels were compiled."""
    fresh(monkeypatch, folder.parent)
    return run()


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", damaged(BODY))
def test_a_damaged_file_is_not_there(how: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "kernels")
    store.put("key", BODY)
    assert store.get("key") == BODY
    (file,) = Path(store.folder).iterdir()
    file.write_bytes(damaged(file.read_bytes())[how])
    assert store.get("key") is None
    store.put("key", BODY)
    assert store.get("key") == BODY


def corrupted(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """What chance makes of a file."""
    how, at = rng.integers(6), int(rng.integers(len(data)))
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes([data[at] ^ 1 << int(rng.integers(8))]) + data[at + 1 :]
    if how == 2:
        return data[:at] + other[at:]
    if how == 3:
        return data[:at] + bytes(len(data) - at)
    if how == 4:
        return data[:at] + rng.bytes(int(rng.integers(1, 40))) + data[at:]
    return other if rng.integers(2) else rng.bytes(at)


def corruptions(store: Store, count: int) -> None:
    """Whatever becomes of a file, what comes back is what was put in, or nothing."""
    rng = np.random.default_rng(count)
    store.put("key", BODY)
    store.put("other", BODY[::-1])
    files = [Path(store.folder, f"{key}.o") for key in ("key", "other")]
    data, other = (file.read_bytes() for file in files)
    for _ in range(count):
        files[0].write_bytes(corrupted(rng, data, other))
        assert store.get("key") in (None, BODY)


def test_random_corruptions(tmp_path: Path, effort: Any) -> None:
    corruptions(Store(tmp_path / "kernels"), effort(1000, 10_000))


def test_a_store_that_believes_its_files_is_found_out(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(stores, "_digest", lambda key, body: b"\0" * 32)
    with pytest.raises(AssertionError):
        corruptions(Store(tmp_path / "kernels"), 1000)


def test_another_keys_file_is_not_taken(tmp_path: Path) -> None:
    store = Store(tmp_path / "kernels")
    store.put("key", BODY)
    os.replace(tmp_path / "kernels" / "key.o", tmp_path / "kernels" / "other.o")
    assert store.get("other") is None


def test_damaged_kernels_are_compiled_again(folder: Path, monkeypatch: Any) -> None:
    assert run() > 0
    assert again(monkeypatch, folder) == 0
    whole = {file: file.read_bytes() for file in folder.iterdir()}
    (some, *_) = whole.values()
    for how in damaged(some):
        for file, data in whole.items():
            file.write_bytes(damaged(data)[how])
        assert again(monkeypatch, folder) > 0
        assert {file: file.read_bytes() for file in folder.iterdir()} == whole
        assert again(monkeypatch, folder) == 0


def test_a_folder_in_the_place_of_a_file(folder: Path, monkeypatch: Any) -> None:
    run()
    for file in folder.iterdir():
        file.unlink()
        file.mkdir()
        (file / "something").touch()
    with pytest.warns(RuntimeWarning):
        assert again(monkeypatch, folder) > 0


# --- folders that can't be used -------------------------------------------------------------------


def warned(monkeypatch: Any, folder: Path) -> list[str]:
    """What a process that can't keep kernels warns of, and its results are right."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert again(monkeypatch, folder) > 0
        cache.CACHE.clear()
        run()
    assert all(w.category is RuntimeWarning for w in found)
    return [str(w.message) for w in found]


def full(*args: Any, **kwargs: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Full:
    """A file of which some bytes fit."""

    def __init__(self, path: Any, mode: str) -> None:
        self.file = open(path, mode)  # noqa: SIM115

    def __enter__(self) -> "Full":
        return self

    def __exit__(self, *args: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> int:
        """Some of them."""
        self.file.write(data[:40])
        return full()


@pytest.mark.parametrize("opened", [Full, full], ids=["half way", "at once"])
def test_a_full_disk(opened: Any, folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(stores, "open", opened, raising=False)
    (message,) = warned(monkeypatch, folder)
    assert str(folder) in message and os.strerror(errno.ENOSPC) in message
    assert list(folder.iterdir()) == []


def test_a_disk_that_fails_when_it_is_asked_for_the_rest(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(stores.os, "replace", full)
    (message,) = warned(monkeypatch, folder)
    monkeypatch.undo()
    assert str(folder) in message
    assert list(folder.iterdir()) == []


@posix
def test_a_folder_that_others_may_write_to(folder: Path, monkeypatch: Any) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    (message,) = warned(monkeypatch, folder)
    assert "others" in message and list(folder.iterdir()) == []


@posix
def test_the_folder_of_another_user(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(stores.os, "geteuid", lambda: 12345)
    assert len(warned(monkeypatch, folder)) == 1
    assert list(folder.iterdir()) == []


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(folder: Path, monkeypatch: Any) -> None:
    folder.mkdir(mode=0o500)
    assert len(warned(monkeypatch, folder)) == 1


def read_only(monkeypatch: Any, *names: tuple[Any, str]) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for place, name in names:
        monkeypatch.setattr(place, name, refuse, raising=False)


def test_a_disk_that_is_read_only(folder: Path, monkeypatch: Any) -> None:
    """Kernels that are there are used; neither files nor temporary ones can be made or removed."""
    run()
    found = sorted(folder.iterdir())
    read_only(monkeypatch, (stores, "open"), (Path, "unlink"), (os, "replace"), (os, "unlink"))
    assert again(monkeypatch, folder) == 0
    for file in found:
        file.write_bytes(b"")
    assert len(warned(monkeypatch, folder)) == 1


def test_a_folder_that_cannot_be_made(folder: Path, monkeypatch: Any) -> None:
    folder.write_text("a file")
    assert len(warned(monkeypatch, folder)) == 1


def test_a_folder_that_goes_away(folder: Path, monkeypatch: Any) -> None:
    run()
    store = native.objects().store
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert store.get("key") is None
    with pytest.warns(RuntimeWarning):
        store.put("key", BODY)
    store.put("key", BODY)


def test_what_can_be_read_is_still_read_when_the_disk_is_full(
    folder: Path, monkeypatch: Any
) -> None:
    store = Store(folder)
    store.put("key", BODY)
    monkeypatch.setattr(stores, "open", full, raising=False)
    with pytest.warns(RuntimeWarning):
        store.put("other", BODY)
    assert store.get("key") == BODY


# --- any operation fails -------------------------------------------------------------------------


class Failing:
    """Counts operations on files, of which the k-th fails, or all from it on."""

    OPERATIONS = (
        (os, "replace"), (os, "unlink"), (os, "stat"), (os, "utime"), (os, "scandir"),
        (Path, "mkdir"), (Path, "unlink"), (Path, "read_bytes"), (stores, "open"),
    )  # fmt: skip

    def __init__(self, monkeypatch: Any) -> None:
        self.left, self.lasting, self.asked = -1, False, 0
        for place, name in self.OPERATIONS:
            real = getattr(place, name, open)
            monkeypatch.setattr(place, name, self.failing(real), raising=False)

    def failing(self, real: Any) -> Any:
        def operation(*args: Any, **kwargs: Any) -> Any:
            if not str(args[0]).endswith(("kernels", ".o", ".tmp")):
                return real(*args, **kwargs)
            self.asked += 1
            self.left -= 1
            if self.left == -1 or (self.lasting and self.left < 0):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*args, **kwargs)

        return operation


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("filled", [False, True])
def test_the_kth_operation_on_files_fails(
    lasting: bool, filled: bool, folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(stores, "SWEEP", 1)
    monkeypatch.setattr(stores, "NOTED", -1)
    files = Failing(monkeypatch)
    files.left = 1 << 30
    run()
    files.asked = 0
    again(monkeypatch, folder)
    if not filled:
        shutil.rmtree(folder)
        files.asked = 0
        again(monkeypatch, folder)
    total = files.asked
    assert total >= (5 if filled else 10), "nothing was asked for: this test can't fail"
    for k in range(total):
        if not filled:
            shutil.rmtree(folder, ignore_errors=True)
        files.left, files.lasting = k, lasting
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            again(monkeypatch, folder)
        assert len(found) <= 1
        files.left = 1 << 30
        again(monkeypatch, folder)


# --- the cap -------------------------------------------------------------------------------------


def aged(store: Store, **hours: float) -> None:
    """Files that were last used so many hours ago."""
    for key, ago in hours.items():
        store.put(key, BODY)
        then = time.time() - 3600 * ago
        os.utime(Path(store.folder, f"{key}.o"), (then, then))


def kept(store: Store) -> set[str]:
    """The names of a store's files."""
    return {file.name.removesuffix(".o") for file in Path(store.folder).iterdir()}


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    store = Store(tmp_path / "kernels", 4 * (len(BODY) + 32))
    aged(store, a=50, b=40, c=30, d=20)
    store.sweep()
    assert kept(store) == set("abcd")
    assert store.get("a") == BODY
    aged(store, e=10)
    store.sweep()
    assert kept(store) == set("ade"), "a was used just now; room is made for a quarter"


def test_a_folder_stays_within_its_cap(tmp_path: Path) -> None:
    size = len(BODY) + 32
    store = Store(tmp_path / "kernels", 100 * size)
    most = 0
    for n in range(600):
        store.put(f"{n:064x}", BODY)
        most = max(most, len(os.listdir(store.folder)))
    assert 100 <= most < 300
    assert store.get(f"{599:064x}") == BODY


def test_nothing_is_kept_without_room(tmp_path: Path) -> None:
    none, little = Store(tmp_path / "none", 0), Store(tmp_path / "little", len(BODY) - 1)
    for store in (none, little):
        store.put("key", BODY)
        assert store.get("key") is None


def test_temporary_files_of_the_dead_go(tmp_path: Path) -> None:
    store = Store(tmp_path / "kernels")
    store.put("key", BODY)
    for name, ago in (("old", 2), ("new", 0)):
        file = Path(store.folder, f"{name}.1.ff.tmp")
        file.write_bytes(BODY)
        os.utime(file, (time.time() - 3600 * ago,) * 2)
    store.sweep()
    assert kept(store) == {"key", "new.1.ff.tmp"}


def test_what_others_have_removed_meanwhile(tmp_path: Path, monkeypatch: Any) -> None:
    store = Store(tmp_path / "kernels", 1)
    store.cap = 1 << 20
    aged(store, a=2, b=1)
    store.cap = 1
    real = os.unlink

    def raced(path: Any, *args: Any, **kwargs: Any) -> None:
        real(path, *args, **kwargs)
        real(path, *args, **kwargs)

    monkeypatch.setattr(stores.os, "unlink", raced)
    store.sweep()
    assert kept(store) == set()


def test_kernels_that_were_swept_are_compiled_again(folder: Path, monkeypatch: Any) -> None:
    assert run() > 0
    native.objects().store.cap = 1
    native.objects().store.sweep()
    assert list(folder.iterdir()) == []
    assert again(monkeypatch, folder) > 0
    assert again(monkeypatch, folder) == 0


# --- processes ------------------------------------------------------------------------------------

SCRIPT = """
import sys, os
import numpy as np
from lazytensor._base import store
from lazytensor.targets.llvm import machine
HOOK
from lazytensor._base import config
config.set(execution="compile", target="llvm")
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime.materialize import materialize
x = np.arange(40.0 * 33).reshape(40, 33)
total = 0.0
for k in range(12):
    node = leaf(x)
    for _ in range(k):
        node = g.sqrt(node * 2.0 + 1.0)
    node = g.sum(node, (k % 2,))
    materialize((node,))
    total += float(node.value.sum())
print(repr(total))
"""


def start(folder: Path, hook: str = "", **more: Any) -> subprocess.Popen[str]:
    env = {**os.environ, "LAZYTENSOR_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT.replace("HOOK", hook)],
        env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


def answer(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def test_processes_that_compile_the_same_at_once(tmp_path: Path, effort: Any) -> None:
    together = [start(tmp_path) for _ in range(effort(3, 8))]
    answers = {answer(p) for p in together}
    assert len(answers | {answer(start(tmp_path))}) == 1
    files = list((tmp_path / "kernels").iterdir())
    assert files and all(f.suffix == ".o" for f in files)


KILLED = {
    "compiling": "real = machine.Machine.compile\n"
    "def compile(self, *texts):\n"
    "    out = real(self, *texts)\n"
    "    compile.count += 1\n"
    "    if compile.count == 3: os.kill(os.getpid(), 9)\n"
    "    return out\n"
    "compile.count = 0\n"
    "machine.Machine.compile = compile\n",
    "writing": "class Cut:\n"
    "    def __init__(self, *args): self.file = open(*args)\n"
    "    def __enter__(self): return self\n"
    "    def __exit__(self, *args): self.file.close()\n"
    "    def write(self, data):\n"
    "        self.file.write(data[:50]); self.file.flush(); os.kill(os.getpid(), 9)\n"
    "store.open = Cut\n",
    "putting in place": "os.replace = lambda *args: os.kill(os.getpid(), 9)\n",
}


@posix
@pytest.mark.parametrize("when", KILLED)
def test_a_process_that_is_killed_does_no_harm(when: str, tmp_path: Path) -> None:
    killed = start(tmp_path, KILLED[when])
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    want = answer(start(tmp_path / "other"))
    assert [answer(start(tmp_path)) for _ in range(2)] == [want, want]


FORK = """
import os, signal, sys, threading, time
import numpy as np
from lazytensor._base import config
from lazytensor._base.module import MODULES
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import machine

config.set(execution="compile", target="llvm")
started = threading.Event()

def wait():
    started.set()
    time.sleep(0.3)

def kernel():
    node = g.sqrt(leaf(np.ones(1000)) + 3.0) * 2.0
    materialize((node,))
    return float(node.value.sum())

def function(count):
    return 4000.0 * float(MODULES["llvm"].exp(np.zeros(count)).mean())

SLOWLY
thread = threading.Thread(target=lambda: WORK)
thread.start()
started.wait()
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(WORK != 4000.0)
thread.join()
print(os.waitpid(child, 0)[1])
"""
SLOW_METHOD = """
real = machine.Machine.METHOD

def slow(self, *args):
    with getattr(self, "_lock", threading.Lock()):
        wait()
        return real(self, *args)

machine.Machine.METHOD = slow
"""
SLOW_IMPORT = """
class Slow:
    def find_spec(self, name, *_):
        if name == "lazytensor.targets.llvm.METHOD":
            wait()

sys.meta_path.insert(0, Slow())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize(
    ("work", "slowly", "what"),
    [
        *((work, SLOW_METHOD, what) for work in ("kernel()", "function(1 << 17)")
          for what in ("__init__", "compile", "link")),
        ("kernel()", SLOW_IMPORT, "writers"),
        ("function(1 << 17)", SLOW_IMPORT, "elements"),
        ("function(3)", SLOW_IMPORT, "elements"),
    ],
)  # fmt: skip
def test_a_fork_while_the_first_code_is_made(
    work: str, slowly: str, what: str, tmp_path: Path
) -> None:
    """The child waited for ever for the compiler's locks, or those of a module."""
    env = {**os.environ, "LAZYTENSOR_CACHE_DIR": str(tmp_path)}
    script = FORK.replace("SLOWLY", slowly.replace("METHOD", what)).replace("WORK", work)
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, text=True, capture_output=True, timeout=120
    )
    assert done.stdout == "0\n", done.stderr
