"""Where the official suite is: a folder that is named, or beside us, or a clone of the pinned
commit.

What enters: a folder or nothing. What leaves: a folder with the suite in it, or NoSuiteError,
whose text says how to get it. It must not know how the suite is run.
"""

import os
import shutil
import subprocess
import tempfile
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from .._base.folders import cache_folder

HERE = Path(__file__).resolve()
# In a checkout the lists stand at its top; a wheel brings them along.
LISTS = (HERE.parents[2] / "conformance", HERE.parent / "data" / "conformance")
# What the plugin writes to, and how pytest is told of it.
EVENTS = "LAZYTENSOR_SUITE_EVENTS"
PLUGIN = "lazytensor.cli.suite_plugin"
MARK = Path("array_api_tests", "__init__.py")


class NoSuiteError(Exception):
    """There is no suite to run."""


def folder_of_lists() -> Path:
    """The folder with `pin.toml`, `skips.txt` and `xfails.txt`. Raises NoSuiteError."""
    for folder in LISTS:
        if (folder / "pin.toml").is_file():
            return folder
    raise NoSuiteError("conformance/pin.toml is missing from this installation")


@cache
def pin() -> dict[str, Any]:
    """Which version of the standard, and which commits."""
    with (folder_of_lists() / "pin.toml").open("rb") as file:
        return tomllib.load(file)


def find_suite(named: str | None) -> Path:
    """The suite's folder; a clone where it is nowhere else. Raises NoSuiteError."""
    found = _there(Path(named), "--suite") if named is not None else find_beside()
    return found if found is not None else _clone()


def find_beside() -> Path | None:
    """The suite where it is looked for unnamed. Raises NoSuiteError for a wrong variable."""
    variable = os.environ.get("ARRAY_API_TESTS")
    if variable:
        return _there(Path(variable), "$ARRAY_API_TESTS")
    beside = [parent / "array-api-tests" for parent in (Path.cwd().parent, HERE.parents[3])]
    places = [*beside, _cloned()]
    return next((folder.resolve() for folder in places if (folder / MARK).is_file()), None)


def _there(folder: Path, source: str) -> Path:
    if not (folder / MARK).is_file():
        raise NoSuiteError(
            f"{source} is {folder}, which holds no {MARK.as_posix()}\n{how_to_get_it()}"
        )
    return folder.resolve()


def how_to_get_it() -> str:
    """Commands that bring the suite."""
    suite = pin()["suite"]
    return (
        "To get the suite:\n"
        f"    git clone {suite['url']} ../array-api-tests\n"
        f"    git -C ../array-api-tests checkout {suite['commit']}\n"
        "    git -C ../array-api-tests submodule update --init\n"
        "It is looked for in --suite DIR, $ARRAY_API_TESTS and ../array-api-tests, in this order."
    )


def _cloned() -> Path:
    """Where a clone of the pinned commit is kept."""
    return Path(cache_folder()) / f"array-api-tests-{pin()['suite']['commit'][:12]}"


def _clone() -> Path:
    """The pinned commits in the cache folder; nothing half-done is left there."""
    suite, standard = pin()["suite"], pin()["standard"]
    home = _cloned()
    home.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=home.parent, prefix="cloning-"))
    try:
        _checkout(scratch / "suite", suite)
        _checkout(scratch / "suite" / standard["path"], standard)
        (scratch / "suite").replace(home)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        text = f"there is no copy of the official suite here, and cloning it failed: {said.strip()}"
        raise NoSuiteError(f"{text}\n{how_to_get_it()}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return home


def _checkout(folder: Path, source: dict[str, str]) -> None:
    """One commit of a repository. Raises CalledProcessError, or OSError where there is no git."""
    folder.mkdir(parents=True, exist_ok=True)
    for words in (
        ("init", "--quiet"),
        ("fetch", "--quiet", "--depth=1", source["url"], source["commit"]),
        ("checkout", "--quiet", "FETCH_HEAD"),
    ):
        _git(folder, *words)


def _git(folder: Path, *words: str) -> str:
    quiet = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=quiet, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit_of(suite: Path) -> str:
    """The commit of a checkout and whether it is the pinned one; or that it is no checkout."""
    try:
        top = _git(suite, "rev-parse", "--show-toplevel")
        commit = _git(suite, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return "no checkout of git"
    if Path(top).resolve() != suite.resolve():
        return "no checkout of git"
    pinned = commit == pin()["suite"]["commit"]
    return f"array-api-tests {commit[:12]}, {'as pinned' if pinned else 'not the pinned commit'}"
