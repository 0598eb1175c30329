"""What a user gets by installing: cheap import, names, types, entry points, true documents."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lazytensor

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Each of these costs milliseconds and is imported when it is first needed.
NOT_WITH_IMPORT = {
    "array_api_compat",
    "argparse",
    "concurrent.futures",
    "llvmlite",
    "ml_dtypes",
    "opt_einsum",
    "rich",
    "scipy",
    "sklearn",
}
OF_OTHERS_AT_MOST = 20  # modules that neither NumPy nor we own, which our import adds
IN_ALL_AT_MOST = 170  # modules that our import adds to NumPy's


def modules_after(statement: str) -> set[str]:
    """What sys.modules holds in a fresh interpreter after a statement."""
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "LAZYTENSOR_"))}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(run.stdout))


def loaded(heavy: set[str], modules: set[str]) -> set[str]:
    """The heavy ones among the modules."""
    return heavy & modules


def test_import_brings_no_heavy_package() -> None:
    numpy = modules_after("import numpy")
    ours = modules_after("import lazytensor")
    assert loaded(NOT_WITH_IMPORT, ours) <= loaded(NOT_WITH_IMPORT, numpy)
    added = ours - numpy
    others = {name for name in added if name.split(".")[0] != "lazytensor"}
    assert len(others) <= OF_OTHERS_AT_MOST, sorted(others)
    assert len(added) <= IN_ALL_AT_MOST, sorted(added)


def test_the_torch_face_brings_no_generators_nor_archives() -> None:
    """NumPy's random numbers take 10 ms, temporary files bring the compression libraries."""
    added = modules_after("import lazytensor.torch") - modules_after("import numpy")
    assert not loaded({"numpy.random", "hashlib", "tempfile", "bz2", "lzma"}, added)


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded(NOT_WITH_IMPORT, modules_after("import numpy, rich, concurrent.futures")) >= {
        "rich",
        "concurrent.futures",
    }


COLLECTED = """
import gc, sys, numpy
if "frozen" in sys.argv:
    gc.freeze()
if "off" in sys.argv:
    gc.disable()
runs, frozen = [], gc.get_freeze_count()
gc.callbacks.append(lambda phase, info: runs.append(phase))
import lazytensor, lazytensor.torch
print(len(runs) // 2 <= int(sys.argv[2]), gc.isenabled(), gc.get_freeze_count() - frozen)
try:
    with lazytensor._base.uncollected.Uncollected():
        import lazytensor.nothing
except ImportError:
    print(gc.isenabled())
"""


@pytest.mark.parametrize(
    ("state", "most", "told"),
    [
        ("as it is", 0, "True True 0 True"),
        ("frozen", 4, "True True 0 True"),
        ("off", 0, "True False 0 False"),
    ],
)
def test_nothing_is_collected_while_the_package_is_imported(
    state: str, most: int, told: str
) -> None:
    """What users have set is as it was. Where they have frozen what they have, what is imported is
    looked through after that.
    """
    done = subprocess.run(
        [sys.executable, "-c", COLLECTED, state, str(most)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == told.split()


def third_party(text: str) -> set[str]:
    """Packages a module imports outside functions, neither ours nor of the standard library."""
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(text)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo.extend(ast.iter_child_nodes(node))
    return found - sys.stdlib_module_names - {"lazytensor"}


def test_only_numpy_is_imported_outside_functions() -> None:
    for path in (ROOT / "lazytensor").rglob("*.py"):
        # The plugin runs inside the pytest process that the conformance command starts.
        allowed = {"numpy", "pytest"} if path.name == "suite_plugin.py" else {"numpy"}
        assert third_party(path.read_text(encoding="utf-8")) <= allowed, path


def test_a_foreign_import_outside_functions_would_be_seen() -> None:
    text = "import numpy.linalg, json\ndef f():\n    import rich\nif json:\n    import cupy.cuda\n"
    assert third_party(text) == {"numpy", "cupy"}


def test_one_version_everywhere() -> None:
    assert lazytensor.__version__ == PROJECT["version"]
    assert f"\n## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert lazytensor.__array_api_version__ == "2025.12"


def installed() -> importlib.metadata.Distribution:
    """The installed distribution, or a skipped test."""
    try:
        return importlib.metadata.distribution("lazytensor")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("lazytensor is on the path but not installed")


def test_installed_version() -> None:
    assert installed().version == PROJECT["version"]


def test_entry_points() -> None:
    points = {(p.group, p.name): p for p in installed().entry_points}
    assert points["array_api", "lazytensor"].load() is lazytensor
    assert callable(points["console_scripts", "lazytensor"].load())


def test_entry_points_in_the_source() -> None:
    assert PROJECT["entry-points"]["array_api"] == {"lazytensor": "lazytensor"}
    module, _, name = PROJECT["scripts"]["lazytensor"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_type_information_is_shipped() -> None:
    assert (Path(lazytensor.__file__).parent / "py.typed").exists()


def public_modules() -> list[types.ModuleType]:
    """The namespace and the modules in it."""
    things = [getattr(lazytensor, name) for name in lazytensor.__all__]
    return [lazytensor, *(t for t in things if isinstance(t, types.ModuleType))]


def undocumented(module: types.ModuleType) -> list[str]:
    """Public functions, classes and modules with under 40 characters of documentation."""
    things = {name: getattr(module, name) for name in module.__all__}
    return [
        f"{module.__name__}.{name}"
        for name, thing in things.items()
        if (callable(thing) or isinstance(thing, types.ModuleType))
        and len(inspect.getdoc(thing) or "") < 40
    ]


def unsigned(module: types.ModuleType) -> list[str]:
    """Public functions without a signature, or with a parameter that has no annotation."""
    out = []
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            parameters = inspect.signature(thing).parameters.values()
            if any(p.annotation is p.empty for p in parameters):
                out.append(f"{module.__name__}.{name}")
    return out


@pytest.mark.parametrize("module", public_modules(), ids=lambda m: m.__name__)
def test_public_names_exist_once_and_are_documented(module: types.ModuleType) -> None:
    names = list(module.__all__)
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []
    assert undocumented(module) == []
    assert unsigned(module) == []


def test_an_undocumented_name_would_be_seen() -> None:
    module = types.ModuleType("planted")
    exec("__all__ = ['f']\ndef f(x):\n    'Too short.'", module.__dict__)
    assert undocumented(module) == ["planted.f"]
    assert unsigned(module) == ["planted.f"]


class Block(NamedTuple):
    """One fenced block of a page."""

    language: str
    line: int
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown page."""
    for fence in re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield Block(fence[1], page.count("\n", 0, fence.start()) + 1, fence[2])


def run_examples(page: str, name: str) -> int:
    """Run a page's python and pycon blocks in order in one namespace; how many there were."""
    scope: dict[str, object] = {"__name__": name}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    count, report = 0, list[str]()
    for block in blocks(page):
        if block.language == "python":
            exec(compile("\n" * block.line + block.text, name, "exec"), scope)
        elif block.language == "pycon":
            parser = doctest.DocTestParser()
            test = parser.get_doctest(block.text, scope, name, name, block.line)
            runner.run(test, out=report.append, clear_globs=False)
            scope.update(test.globs)
        count += block.language in ("python", "pycon")
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    return count


def page(path: Path) -> Any:
    """A page, with the mark of what it shows of the CPU."""
    mark = [pytest.mark.cpu("plans of the CPU are shown")] if path.name == "inspect.md" else []
    return pytest.param(path, marks=mark, id=path.name)


@pytest.mark.parametrize("path", [*map(page, PAGES)])
def test_examples_of_the_pages_are_true(path: Path) -> None:
    run_examples(path.read_text(encoding="utf-8"), path.name)


def test_the_pages_have_examples() -> None:
    have = {p.name: list(blocks(p.read_text(encoding="utf-8"))) for p in PAGES}
    shown = {name for name, found in have.items() if any(b.language[:2] == "py" for b in found)}
    assert {"README.md", "quickstart.md", "laziness.md", "numerics.md"} <= shown


@pytest.mark.parametrize(
    "page",
    [
        "```python\nassert 1 + 1 == 3\n```\n",
        "```pycon\n>>> 1 + 1\n3\n```\n",
        "```pycon\n>>> x = 1\n```\n\n```python\nassert x == 2\n```\n",
    ],
)
def test_an_untrue_example_would_be_seen(page: str) -> None:
    with pytest.raises(AssertionError):
        run_examples(page, "planted.md")
    assert run_examples(page.replace("3", "2").replace("x == 2", "x == 1"), "planted.md") > 0


def documented() -> list[tuple[str, object]]:
    """All public objects whose documentation has an example."""
    things = [
        (f"{module.__name__}.{name}", getattr(module, name))
        for module in public_modules()
        for name in module.__all__
    ]
    things += [(f"lazytensor.Array.{n}", m) for n, m in inspect.getmembers(lazytensor.Array)]
    return [(name, thing) for name, thing in things if ">>>" in (inspect.getdoc(thing) or "")]


@pytest.mark.parametrize(
    ("name", "thing"), documented(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_examples_of_docstrings_are_true(name: str, thing: object) -> None:
    scope = {"lazytensor": lazytensor, "xp": lazytensor}
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(thing) or "", scope, name, name, 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test, out=report.append).failed == 0, "".join(report)


def test_the_readme_starts_with_the_two_commands() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shell = [block.text for block in blocks(page) if block.language == "sh"]
    assert "pip install .\n" in shell[0]
    assert "python -m lazytensor demo" in shell[0]
    assert "pip install -e '.[test]'" in shell[1]
    assert "python -m pytest" in shell[1]


def dead_links(page: str, folder: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page)
    return [target for target in targets if not (folder / target).exists()]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    assert dead_links(path.read_text(encoding="utf-8"), path.parent) == []


def test_a_dead_link_would_be_seen() -> None:
    assert dead_links("[a](README.md) [b](gone.md) [c](https://x.y)", ROOT) == ["gone.md"]
