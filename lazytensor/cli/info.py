"""`lazytensor info`: what is here and what is not.

What enters: the environment. What leaves: tables on standard output. Nothing is imported that is
only looked for.
"""

import argparse
import os
import platform
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import lazytensor

from .._base import config
from .._base.devices import devices
from .._base.folders import cache_folder
from ..runtime.buffers import memory_stats
from . import console
from .suite import NoSuiteError, find_beside, how_to_get_it

# (import name, distribution, extra that brings it, what it is for)
OPTIONAL = (
    ("array_api_compat", "array-api-compat", "", "library calls over other namespaces"),
    ("ml_dtypes", "ml_dtypes", "", "bfloat16"),
    ("opt_einsum", "opt_einsum", "", "the order of contractions in einsum"),
    ("rich", "rich", "", "this program's tables and bars"),
    ("pytest", "pytest", "conformance", "conformance, and the tests"),
    ("hypothesis", "hypothesis", "conformance", "conformance, and the tests"),
    ("ndindex", "ndindex", "conformance", "conformance"),
    ("xdist", "pytest-xdist", "test", "conformance --jobs"),
    ("array_api_strict", "array-api-strict", "test", "the tests' oracle"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb has no options."""


def run(options: argparse.Namespace) -> int:
    """Print all of it."""
    console.heading("Versions")
    console.table(("", ""), _versions())
    console.heading("Targets and devices")
    console.table(("", ""), _machine())
    console.heading("Settings")
    console.table(("name", "value", "from", "what it is"), _settings())
    console.heading("Other packages")
    console.table(("package", "version", "for"), _packages())
    missing = [row for row in OPTIONAL if find_spec(row[0]) is None]
    for _, name, extra, purpose in missing:
        wanted = f"'lazytensor[{extra}]'" if extra else name
        console.say(f"missing: {name} ({purpose}): pip install {wanted}")
    _suite()
    return 0


def _versions() -> list[tuple[str, Any]]:
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return [
        ("lazytensor", lazytensor.__version__),
        ("array API standard", lazytensor.__array_api_version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("NumPy", np.__version__),
        ("BLAS of NumPy", f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()),
        ("system", f"{platform.system()} {platform.machine()}"),
    ]


def _machine() -> list[tuple[str, Any]]:
    memory = memory_stats()
    return [
        ("targets", ", ".join(config.TABLE["target"].choices)),
        ("devices", ", ".join(devices())),
        ("processors", _processors()),
        ("memory of this machine", _physical()),
        ("pool of buffers", f"{_size(memory['held'])} held, at most {_size(memory['cap'])}"),
        ("cache folder", _cache()),
    ]


def _processors() -> str:
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    return f"{usable} of {count}"


def _physical() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return _size(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _size(nbytes: int) -> str:
    """`1.5 GB`, in powers of 1000."""
    value = float(nbytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def _cache() -> str:
    folder = Path(cache_folder())
    if not folder.is_dir():
        return f"{folder} (not there yet)"
    files = [f for f in folder.rglob("*") if f.is_file()]
    return f"{folder} ({len(files)} files, {_size(sum(f.stat().st_size for f in files))})"


def _settings() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, row in config.TABLE.items():
        source = row.env if row.env in os.environ else "default"
        rows.append((name, repr(config.get(name)), source, row.doc))
    return rows


def _packages() -> list[tuple[str, str, str]]:
    return [(name, _version(name), purpose) for _, name, _, purpose in OPTIONAL]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _suite() -> None:
    """Where `conformance` would find the official suite."""
    console.heading("Official suite")
    try:
        found = find_beside()
    except NoSuiteError as error:
        console.say(str(error))
        return
    console.say(str(found) if found else how_to_get_it())
