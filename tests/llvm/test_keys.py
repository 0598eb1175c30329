"""Code is found by what it is of: keys tell kernels apart as their texts do, in every process, and
what is found so is written by these very sources.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base.record import replace
from lazytensor._base.store import Store
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.kernel import Launch
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import keys, objects, run, sources
from lazytensor.targets.llvm.form import SAME, UNIT, Form

from .test_kernels import anew, fuzz
from .test_store import again, folder
from .test_store import run as run_program

assert folder  # a fixture
FLAT = Form((UNIT, UNIT), 0)


def kernel(program: Any, *shape: int) -> Any:
    x = leaf(np.ones(shape or (40,), np.float32))
    with config.context(target="llvm"):
        (step,) = [s for s in lower(linearize([program(x)])).steps if isinstance(s, Launch)]
    return step.kernel


def test_one_key_is_one_text(effort: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """Of what random programs are made of; what is all the same to the text is in no key."""
    anew(monkeypatch, tmp_path)
    texts: dict[str | None, set[str]] = {}
    made = run.Functions._made

    def noted(self: Any, key: Any) -> Any:
        out = made(self, key)
        texts.setdefault(keys.key_of(*key), set()).add(objects.writers().emit(*key, self.host))
        return out

    monkeypatch.setattr(run.Functions, "_made", noted)
    fuzz(effort(100, 2000))
    cache.CACHE.clear()
    assert len(texts) > 50 and None not in texts
    assert all(len(found) == 1 for found in texts.values())
    assert len(texts) < 1.1 * len(set.union(*texts.values()))


APART = {
    "op": lambda x: g.sqrt(x),
    "another": lambda x: g.exp(x),
    "constant": lambda x: x + 0.5,
    "its sign": lambda x: x * -0.5,
    "zero": lambda x: g.where(g.less(x, 0.0), x, 3.0),
    "zero's sign": lambda x: g.where(g.less(x, -0.0), x, 3.0),
    "parameter": lambda x: g.cast(x, np.dtype("float64")),
    "its value": lambda x: g.cast(x, np.dtype("int32")),
    "folded": lambda x: g.sum(x, (0,)),
    "another fold": lambda x: g.max(x, (0,)),
    "order": lambda x: g.subtract(x, g.sqrt(x)),
    "another order": lambda x: g.subtract(g.sqrt(x), x),
}


def test_what_differs_has_another_key() -> None:
    found = [keys.key_of(kernel(program), FLAT) for program in APART.values()]
    found += [keys.key_of(kernel(g.sqrt), form) for form in (Form((SAME, UNIT), 0), Form((), 1))]
    assert len(set(found)) == len(found) and None not in found


def test_how_many_axes_there_are_is_no_part() -> None:
    assert keys.key_of(kernel(g.sqrt), FLAT) == keys.key_of(kernel(g.sqrt, 4, 5), FLAT)
    shapes = ((3, 5), (1, 5), (3, 1))
    some, one, single = [keys.key_of(kernel(lambda x: g.sum(x, (1,)), *n), FLAT) for n in shapes]
    assert some == one != single, "along which of those that are folded something varies is one"


def test_a_row_is_told_by_what_it_does(monkeypatch: Any) -> None:
    before = keys.key_of(kernel(g.sqrt), FLAT)
    op = kernel(g.sqrt).stages[0].op
    monkeypatch.setattr(op, "body", lambda s, x: s.sqrt(s.sqrt(x)))
    assert keys.key_of(kernel(g.sqrt), FLAT) != before


def test_what_cannot_be_told_has_no_key() -> None:
    whole = kernel(g.sqrt)
    assert keys.key_of(replace(whole, totals=(object(),)), FLAT) is None
    stage = replace(whole.stages[0], op=g.sum(leaf(np.ones((2, 2))), (0,)).op)
    gather = replace(stage, op=type("Op", (), {"name": "take", "kind": "gather"})())
    assert keys.key_of(replace(whole, stages=(gather,)), FLAT) is None


PROGRAM = """
import sys
import numpy as np
from lazytensor._base import config
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize
x = leaf(np.ones((300, 40), "float32"))
with config.context(target="llvm", execution="compile"), counting() as done:
    y = g.exp(x) / g.reshape(g.sum(g.exp(x), (1,)), (300, 1))
    z = g.tanh(leaf(np.ones(3)))
    materialize((y,))
with config.context(target="llvm", execution="interpret"), counting() as moved:
    materialize((z,))
    places = [leaf(np.arange(300) % n) for n in (300, 40)]
    some = g.gather([leaf(np.ones((300, 40, 50))), *places])
    materialize((g.scatter([leaf(np.ones((300, 40, 50))), some, *places]),))
done.compilations += moved.compilations
written = ("writers", "elements", "functions", "loops", "scalar", "whole")
print(done.compilations, any(f"lazytensor.targets.llvm.{n}" in sys.modules for n in written))
"""


def test_another_process_writes_nothing(tmp_path: Path) -> None:
    """Not even what writes texts is loaded, whatever the order of its sets is."""
    said = []
    for seed in ("1", "2"):
        env = {**os.environ, "LAZYTENSOR_CACHE_DIR": str(tmp_path), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True
        )
        said.append(done.stdout.split())
    assert int(said[0][0]) > 0 and said == [[said[0][0], "True"], ["0", "False"]]


SMALL = """
import numpy as np
import lazytensor.targets.llvm.machine
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime.materialize import materialize
x, places = leaf(np.ones((3, 4, 5))), [leaf(np.arange(3)) for _ in range(2)]
materialize((g.scatter([x, g.gather([x, *places]), *places]),))
print(lazytensor.targets.llvm.machine._machine is None)
"""


def test_no_processor_is_asked_for_a_few_elements_at_places() -> None:
    done = subprocess.run([sys.executable, "-c", SMALL], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


# --- sources --------------------------------------------------------------------------------------


def test_other_sources_find_nothing(folder: Path, monkeypatch: Any) -> None:
    assert run_program() > 0
    assert again(monkeypatch, folder) == 0
    monkeypatch.setattr(objects, "digest", lambda store: "others")
    assert again(monkeypatch, folder) > 0
    assert again(monkeypatch, folder) == 0


def test_without_sources_code_is_found_by_its_text(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(objects, "digest", lambda store: None)
    assert run_program() > 0
    monkeypatch.setattr(keys, "key_of", lambda *_: pytest.fail("asked"))
    assert again(monkeypatch, folder) == 0


def test_the_digest_of_sources(tmp_path: Path, monkeypatch: Any) -> None:
    path, found = tmp_path / "a.py", []
    monkeypatch.setattr(sources, "files", lambda: [str(path)])
    for text, age in [("x = 1", 10), ("x = 2", 10), ("x = 1", 10), ("x = 1", -10)]:
        path.write_text(text)
        os.utime(path, (0, sources.STARTED - age))
        found.append(sources.digest.__wrapped__(None))
    assert found[0] == found[2] and found[0] != found[1] and found[3] is None
    path.unlink()
    assert sources.digest.__wrapped__(None) is None


def test_the_digest_is_kept_for_files_that_were_not_touched(
    tmp_path: Path, monkeypatch: Any
) -> None:
    path, store, found = tmp_path / "a.py", Store(tmp_path / "kept"), []
    monkeypatch.setattr(sources, "files", lambda: [str(path)])
    read = []
    real = sources._read
    monkeypatch.setattr(sources, "_read", lambda paths: read.append(paths) or real(paths))
    for text in ("x = 1", "x = 1", "x = 2"):
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        os.utime(path, (0, 1000))  # as an archive sets it: the length is the same as well
        found.append(sources.digest.__wrapped__(store))
        found.append(sources.digest.__wrapped__(store))
    assert found[0] == found[1] == found[2] == found[3] != found[4] == found[5]
    assert len(read) == 3  # setting the time anew is a change too
    path.write_text("x = 1")
    assert sources.digest.__wrapped__(store) is None


def test_the_sources_are_all_that_decide_texts() -> None:
    """What the target's modules take of other packages is in the digest, but for what runs."""
    runs = {"_base/config.py", "_base/processors.py", "_base/threads.py", "_base/module.py"}
    runs |= {"_base/digests.py", "_base/store.py", "ir/op.py", "lower/totals.py"}
    here = Path(sources.__file__).parent
    package = here.parent.parent
    taken = set()
    for path in here.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level > len(path.relative_to(here).parts):
                up = path.parents[node.level - 1].relative_to(package)
                name = (up / (node.module or "").replace(".", "/")).as_posix()
                whole = (package / name).is_dir()
                taken |= {f"{name}/{a.name}.py" for a in node.names} if whole else {f"{name}.py"}
    taken = {name for name in taken if not name.startswith("targets/")}
    assert taken - runs == set(sources.BESIDES)
    assert {Path(p).name for p in sources.files()} >= {p.name for p in here.rglob("*.py")}


def test_keys_are_compiled_once_for_however_many_axes(folder: Path) -> None:
    def compiled(*shape: int) -> int:
        x: Node = leaf(np.ones(shape, np.float32))
        with config.context(target="llvm", execution="compile"), counting() as done:
            materialize((g.sqrt(x) + 2.5,))
        return done.compilations

    assert compiled(300) > 0 and compiled(30, 10) == 0
