"""Sphinx: MyST pages, and the page of public names, written from `__all__` at the build."""

import inspect
import re
import types
from collections.abc import Iterator

from sphinx.application import Sphinx

import lazytensor

project = "lazytensor"
author = "lazytensor developers"
copyright = "2026, lazytensor developers"
version = release = lazytensor.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "lazytensor"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
suppress_warnings = ["config.cache"]

MARK = "<!-- every public name -->"


def public(module: types.ModuleType) -> Iterator[tuple[str, object]]:
    """Names and objects of a module's `__all__`."""
    return ((name, getattr(module, name)) for name in module.__all__)


def chapter(thing: object) -> str:
    """The heading an object stands under: the file that defines it."""
    home = (getattr(thing, "__module__", None) or "").split(".")
    if home[0] != "lazytensor" or len(home) < 2:
        return "Constants and data types"
    return home[-1].strip("_").replace("_", " ").capitalize()


def directive(full: str, thing: object) -> str:
    """How autodoc is asked for one name."""
    if inspect.isclass(thing):
        base = "tuple" if issubclass(thing, tuple) else "object"
        return f".. autoclass:: {full}\n   :members:\n   :inherited-members: {base}\n"
    if callable(thing):
        return f".. autofunction:: {full}\n"
    return f".. py:data:: {full}\n   :no-index-entry:\n\n   ``{thing!r}``\n"


def section(title: str, entries: list[str]) -> str:
    """One heading with its directives, in MyST."""
    return f"## {title}\n\n```{{eval-rst}}\n" + "\n".join(entries) + "```\n"


def every_public_name() -> str:
    """The body of the page: the namespace by chapter, then each of its modules."""
    chapters: dict[str, list[str]] = {}
    modules = []
    for name, thing in public(lazytensor):
        if isinstance(thing, types.ModuleType):
            modules.append((name, thing))
        elif not name.startswith("__"):
            entry = directive(f"lazytensor.{name}", thing)
            chapters.setdefault(chapter(thing), []).append(entry)
    pages = [section(title, chapters[title]) for title in sorted(chapters)]
    for name, module in modules:
        full = f"lazytensor.{name}"
        pages.append(
            section(full, [directive(f"{full}.{n}", thing) for n, thing in public(module)])
        )
    return "\n".join(pages)


def fill(app: Sphinx, page: str, content: list[str]) -> None:
    """Put the public names where the page says so."""
    content[0] = content[0].replace(MARK, every_public_name()) if page == "api" else content[0]


def literal(line: str) -> str:
    """A line of a docstring, in which only `code` is marked up, for reStructuredText."""
    words = re.split(r"(`+[^`]+`+)", line)
    words[::2] = [re.sub(r"([*|]|_\b)", r"\\\1", word) for word in words[::2]]
    words[1::2] = [f"``{word.strip('`')}``" for word in words[1::2]]
    return "".join(words)


def mark_up(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Docstrings are plain text with `code`; a name's own docstring may have `>>>` examples."""
    lines[:] = [line if line.lstrip().startswith(">>>") else literal(line) for line in lines]


def setup(app: Sphinx) -> None:
    app.connect("source-read", fill)
    app.connect("autodoc-process-docstring", mark_up)
