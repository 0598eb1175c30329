"""The shape of the package: imports run downwards, functions are short, op names live in ops/.

Every check is a function from sources to complaints, so that each is also run on a planted bug.
"""

from __future__ import annotations

import ast
import importlib
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "lazytensor"
ROOT = Path(__file__).resolve().parent.parent / PACKAGE

# An import goes to a strictly lower floor or stays in its own folder. Folders with one number are
# siblings and do not know one another. Files directly in the package are on the floor "".
FLOORS = {
    "_base": 0,
    "ir": 1,
    "ops": 2,
    "lang": 3,
    "transform": 3,
    "lower": 4,
    "targets": 5,
    "runtime": 6,
    "array_api": 7,
    "torch": 7,
    "viz": 7,
    "extra": 8,
    "": 9,
    "cli": 10,
    "__main__": 11,
}

# Imports of the package's own modules inside functions, (module, target), each with its reason.
HIDDEN: dict[tuple[str, str], str] = {
    ("runtime.native", f"targets.llvm.{name}"): "a target is loaded when it is first needed"
    for name in ("calls", "drawn", "whole")
}
HIDDEN["targets.llvm.objects", "targets.llvm.writers"] = "texts are written where there is no code"
HIDDEN["targets.llvm.objects", "targets.llvm.elements"] = "the same, for elementary functions alone"
HIDDEN["runtime.gpus", "runtime.gpu.steps"] = "it is loaded with the first question for a GPU"

# Packages that cost too much to come with `import lazytensor`; functions may import them.
HEAVY = {
    "array_api_compat",
    "concurrent",
    "cupy",
    "cupy_backends",
    "cupyx",
    "llvmlite",
    "matplotlib",
    "ml_dtypes",
    "opt_einsum",
    "pynvml",
    "rich",
    "sklearn",
}
# Modules of the standard library that are imported inside functions, because few users need them.
HIDDEN_STDLIB: dict[tuple[str, str], str] = {
    ("_base.pytree", "dataclasses"): "who has data classes has loaded it",
    ("torch._graph", "traceback"): "only where anomalies are looked for",
    ("torch.sharing", "tempfile"): "it loads the compression libraries",
}

# Where names of rows may stand together outside ops/, each with its reason.
NAMES_OF_OPS: dict[str, str] = {
    "ir.scalar": "scalar instructions, of which some are called like the rows made of one",
    "torch.pointwise": "PyTorch's functions, of which some are called like the rows they are",
}

LONGEST_FUNCTION, MEDIAN_FUNCTION, LONGEST_FILE = 60, 10, 600


class Import(NamedTuple):
    """One import of a module of the package."""

    module: str
    target: str
    line: int
    hidden: bool
    typing: bool


Sources = dict[str, str]  # "ops.elementwise" or "ops.__init__" -> source


def read_package() -> Sources:
    """The package's sources by dotted name, without the package's own name in front."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(ROOT.rglob("*.py"))
    }


def part(module: str) -> str:
    """The floor's key for a module: its folder, "" for a file beside them."""
    if module == "__main__":
        return module
    return module.split(".")[0] if "." in module else ""


def _absolute(module: str, node: ast.ImportFrom) -> str:
    """The dotted name an `import from` starts at, with the package's name in front."""
    if not node.level:
        return node.module or ""
    here = [PACKAGE, *module.split(".")]
    return ".".join(here[: len(here) - node.level] + ([node.module] if node.module else []))


def _resolve(name: str, known: Sources) -> str | None:
    """The module of the package that a dotted name means, None if it is none of ours."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    inner = parts[1:]
    while inner:
        for candidate in (".".join(inner), ".".join([*inner, "__init__"])):
            if candidate in known:
                return candidate
        inner = inner[:-1]
    return "__init__"


def _walk(
    node: ast.AST, hidden: bool = False, typing: bool = False
) -> Iterator[tuple[ast.AST, bool, bool]]:
    """All nodes, with whether each is inside a function and whether only a type checker sees it."""
    for child in ast.iter_child_nodes(node):
        inside = hidden or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        seen = typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test))
        yield child, inside, seen
        yield from _walk(child, inside, seen)


def _named(module: str, node: ast.AST) -> list[str]:
    """The dotted names that an import statement, or a call of import_module, asks for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _absolute(module, node)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        if function in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def all_imports(sources: Sources) -> list[tuple[str, str, int, bool, bool]]:
    """(module, dotted name, line, hidden, typing) of every import statement."""
    return [
        (module, name, getattr(node, "lineno", 0), hidden, typing)
        for module, text in sources.items()
        for node, hidden, typing in _walk(ast.parse(text))
        for name in _named(module, node)
    ]


def own_imports(sources: Sources) -> list[Import]:
    """The imports of the package's own modules."""
    found = []
    for module, name, line, hidden, typing in all_imports(sources):
        target = _resolve(name, sources)
        if target is not None and target != module:
            found.append(Import(module, target, line, hidden, typing))
    return found


def check_floors(sources: Sources) -> list[str]:
    """Imports that go up or sideways, and folders without a floor."""
    lost = {part(m) for m in sources} - set(FLOORS)
    complaints = [f"{name}/ has no floor: give it one in FLOORS" for name in sorted(lost)]
    for use in own_imports(sources):
        here, there = part(use.module), part(use.target)
        if here == there or {here, there} & lost:
            continue
        if FLOORS[here] <= FLOORS[there]:
            complaints.append(
                f"{use.module}:{use.line} imports {use.target}, which is not below it"
            )
    return complaints


def _reach(graph: dict[str, set[str]], start: str) -> set[str]:
    """All modules that `start` imports, directly or not."""
    seen: set[str] = set()
    todo = list(graph.get(start, ()))
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo.extend(graph.get(module, ()))
    return seen


def check_cycles(sources: Sources) -> list[str]:
    """Modules that import themselves in the end; imports for a type checker alone do not count."""
    graph: dict[str, set[str]] = {module: set() for module in sources}
    for use in own_imports(sources):
        if not use.typing and not use.hidden:
            graph[use.module].add(use.target)
    return [f"{m} imports itself in the end" for m in sorted(graph) if m in _reach(graph, m)]


def check_hidden(
    sources: Sources, allowed: dict[tuple[str, str], str], library: dict[tuple[str, str], str]
) -> list[str]:
    """Imports inside functions that are on no list, and names that are listed for nothing."""
    complaints, used = [], set()
    for module, name, line, hidden, typing in all_imports(sources):
        if not hidden or typing or name.split(".")[0] in HEAVY:
            continue
        ours = _resolve(name, sources)
        key = (module, name if ours is None else ours)
        used.add(key)
        if key not in (library if ours is None else allowed):
            complaints.append(f"{module}:{line} hides the import of {name} in a function")
    unused = sorted({*allowed, *library} - used)
    return complaints + [f"{key} is named but no function imports it" for key in unused]


def _strings(node: ast.AST) -> list[str]:
    """The strings of a list, tuple, set, of a dictionary's keys, or of "a b c".split()."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "split"
    ):
        text = node.func.value
        return (
            text.value.split()
            if isinstance(text, ast.Constant) and isinstance(text.value, str)
            else []
        )
    items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return [i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str)]


def check_op_names(sources: Sources, rows: set[str], allowed: dict[str, str]) -> list[str]:
    """Collections outside ops/ of three or more strings that are all names of rows."""
    complaints, used = [], set()
    for module, text in sources.items():
        if part(module) == "ops":
            continue
        tree = ast.parse(text)
        exempt = {id(a.value) for a in ast.walk(tree) if isinstance(a, ast.Assign) and _is_all(a)}
        for node in ast.walk(tree):
            names = _strings(node)
            if len(names) < 3 or not rows.issuperset(names) or id(node) in exempt:
                continue
            used.add(module)
            if module not in allowed:
                line = getattr(node, "lineno", 0)
                complaints.append(f"{module}:{line} lists ops by name: {', '.join(names[:5])}")
    return complaints + [f"{m} is named but lists no ops" for m in sorted(set(allowed) - used)]


def _is_all(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)


def function_lengths(sources: Sources) -> dict[str, int]:
    """Lines of every function, decorators left out."""
    return {
        f"{module}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module, text in sources.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def check_sizes(sources: Sources) -> list[str]:
    """Functions and files that are too long."""
    lengths = function_lengths(sources)
    complaints = [
        f"{name} has {n} lines, more than {LONGEST_FUNCTION}"
        for name, n in lengths.items()
        if n > LONGEST_FUNCTION
    ]
    median = statistics.median(lengths.values()) if lengths else 0
    if median >= MEDIAN_FUNCTION:
        complaints.append(f"the median function has {median} lines, not under {MEDIAN_FUNCTION}")
    return complaints + [
        f"{module} has {n} lines, more than {LONGEST_FILE}"
        for module, text in sources.items()
        if (n := len(text.splitlines())) > LONGEST_FILE
    ]


def check_docstrings(sources: Sources) -> list[str]:
    """Modules that do not say what they are."""
    return [
        f"{module} has no docstring"
        for module, text in sources.items()
        if not (ast.get_docstring(ast.parse(text)) or "").strip()
    ]


def rows_of_the_table() -> set[str]:
    """The names of all primitives, from the table itself."""
    if not (ROOT / "ops" / "__init__.py").exists():
        pytest.skip("lazytensor/ops is not there yet")
    importlib.import_module(f"{PACKAGE}.ops")
    return set(importlib.import_module(f"{PACKAGE}.ir.op").ROWS)


@pytest.fixture(scope="module")
def sources() -> Sources:
    """The package as it stands."""
    return read_package()


def test_imports_run_strictly_downwards(sources: Sources) -> None:
    assert check_floors(sources) == []


def test_no_module_imports_itself_in_the_end(sources: Sources) -> None:
    assert check_cycles(sources) == []


def test_no_import_is_hidden_in_a_function(sources: Sources) -> None:
    assert check_hidden(sources, HIDDEN, HIDDEN_STDLIB) == []


def test_names_of_ops_live_in_the_table(sources: Sources) -> None:
    assert check_op_names(sources, rows_of_the_table(), NAMES_OF_OPS) == []


def test_functions_and_files_are_short(sources: Sources) -> None:
    assert check_sizes(sources) == []


def test_every_module_says_what_it_is(sources: Sources) -> None:
    assert check_docstrings(sources) == []


# Planted bugs: a check that could not fail would prove nothing.

UPWARD = [
    ("ir.node", "from ..runtime import pool"),
    ("ir.node", "from lazytensor.runtime.pool import take"),
    ("ir.node", "import lazytensor.runtime.pool"),
    ("ir.node", "def f():\n    from ..runtime import pool"),
    (
        "ir.node",
        "def f():\n    import importlib\n    importlib.import_module('lazytensor.runtime.pool')",
    ),
    (
        "ir.node",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..runtime import pool",
    ),
    ("transform.grad", "from ..lang import nn"),
    ("lang.nn", "from ..transform.grad import vjp"),
    ("runtime.run", "import lazytensor"),
    ("runtime.run", "from .. import array_api"),
    ("array_api.array", "from ..extra import random"),
    ("__init__", "from . import cli"),
    ("shiny.new", "x = 1"),
]


@pytest.mark.parametrize(("module", "text"), UPWARD)
def test_an_upward_import_is_found(module: str, text: str) -> None:
    planted = {
        "__init__": "",
        "runtime.__init__": "",
        "runtime.pool": "",
        "lang.__init__": "",
        "lang.nn": "",
        "transform.__init__": "",
        "transform.grad": "",
        "array_api.__init__": "",
        "extra.__init__": "",
        "cli.__init__": "",
        module: text,
    }
    assert len(check_floors(planted)) == 1


DOWNWARD = [
    ("runtime.run", "from .pool import take\nfrom . import pool\nimport numpy"),
    ("runtime.run", "from ..ir.node import Node\nfrom lazytensor.ir import node"),
    ("extra.random", "from ..array_api.array import Array"),
    ("__init__", "from .array_api import array\nfrom .extra import random"),
    ("cli.demo", "import lazytensor as xp\nfrom .. import array_api"),
    ("__main__", "from .cli import main"),
]


@pytest.mark.parametrize(("module", "text"), DOWNWARD)
def test_a_downward_import_is_let_through(module: str, text: str) -> None:
    names = "__init__ runtime.pool ir.__init__ ir.node array_api.__init__ array_api.array"
    names += " extra.random cli.__init__"
    assert check_floors({**dict.fromkeys(names.split(), ""), module: text}) == []


@pytest.mark.parametrize(
    "planted",
    [
        {"ir.a": "from . import b", "ir.b": "from .a import f", "ir.__init__": ""},
        {"ir.a": "from .b import g", "ir.b": "from .c import g", "ir.c": "import lazytensor.ir.a"},
        {"ir.__init__": "from .a import f", "ir.a": "from . import nothing_of_its_own"},
    ],
)
def test_a_cycle_is_found(planted: Sources) -> None:
    assert len(check_cycles(planted)) >= 2


def test_a_line_of_imports_is_no_cycle() -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import f"
    assert (
        check_cycles({"ir.a": "from .b import g", "ir.b": "from .c import h", "ir.c": typed}) == []
    )


@pytest.mark.parametrize(
    "body",
    [
        "from ..ir import node",
        "import lazytensor.ir.node",
        "import json",
        "from concurrently import futures",
        "return lambda: __import__('json')",
        "import importlib\n    return importlib.import_module('lazytensor.ir.node')",
    ],
)
def test_a_hidden_import_is_found(body: str) -> None:
    planted = {"ir.node": "", "runtime.run": f"def f():\n    {body}"}
    assert check_hidden(planted, {}, {})


def test_heavy_packages_and_named_imports_may_hide() -> None:
    planted = {
        "ir.node": "",
        "runtime.run": "def f():\n    import rich.table\n    from ..ir import node",
    }
    named = {("runtime.run", "ir.node"): "for this test"}
    assert check_hidden(planted, named, {}) == []
    assert check_hidden(planted, {**named, ("runtime.run", "ir.gone"): "stale"}, {})


@pytest.mark.parametrize(
    "text",
    [
        "FUSED = {'sin', 'cos', 'tan'}",
        "f = frozenset(['sin', 'cos', 'tan'])",
        "def f(op):\n    return op.name in ('sin', 'cos', 'tan')",
        "TEXT = {'sin': 1, 'cos': 2, 'tan': 3}",
        "for name in 'sin cos tan'.split():\n    pass",
    ],
)
def test_a_list_of_op_names_is_found(text: str) -> None:
    rows = {"sin", "cos", "tan", "exp"}
    assert len(check_op_names({"lower.fuse": text}, rows, {})) == 1
    assert check_op_names({"ops.elementwise": text}, rows, {}) == []
    assert check_op_names({"lower.fuse": text}, rows, {"lower.fuse": "for this test"}) == []


def test_other_strings_are_no_list_of_op_names() -> None:
    rows = {"sin", "cos", "tan"}
    text = "__all__ = ['sin', 'cos', 'tan']\nPAIR = ('sin', 'cos')\nOTHER = ['sin', 'cos', 'axis']"
    assert check_op_names({"array_api.elementwise": text}, rows, {}) == []
    assert check_op_names({"lower.fuse": text}, rows, {"lower.fuse": "stale"})


def test_a_long_function_and_a_long_file_are_found() -> None:
    short = "def f():\n    return 1\n" * 20
    assert check_sizes({"ir.a": short}) == []
    assert check_sizes({"ir.a": short + "def g():\n" + "    x = 1\n" * LONGEST_FUNCTION})
    assert check_sizes({"ir.a": short + "x = 1\n" * LONGEST_FILE})
    assert check_sizes({"ir.a": "def g():\n" + "    x = 1\n" * MEDIAN_FUNCTION})


def test_a_module_without_docstring_is_found() -> None:
    assert check_docstrings({"ir.a": "x = 1", "ir.b": '"""What enters."""'}) == [
        "ir.a has no docstring"
    ]
