"""`lazytensor conformance`: runs the official suite in a process of its own, and reports.

What enters: where the suite is, the target, how many examples. What leaves: a Markdown and a JSON
report, and an exit code: 0 when all passed, 1 when anything failed, 2 when there was nothing to
run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import lazytensor

from .._base import config
from . import console
from .report import Result, as_json, as_markdown, bad, by_chapter, counts, outcome, summary, tail
from .suite import EVENTS, PLUGIN, NoSuiteError, commit_of, find_suite, folder_of_lists, pin

POLL_SECONDS = 0.1
# What the suite imports.
NEEDED = ("pytest", "hypothesis", "ndindex")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    targets = config.TABLE["target"].choices
    parser.add_argument("--suite", metavar="DIR", help="folder of array-api-tests")
    parser.add_argument("--target", metavar="NAME", choices=targets, default=config.get("target"),
                        help="code generator (default: %(default)s)")  # fmt: skip
    parser.add_argument("--max-examples", metavar="N", type=_positive, default=200,
                        help="examples for each test (default: %(default)s)")  # fmt: skip
    parser.add_argument("--report", metavar="FILE", default="conformance-report.md",
                        help="Markdown; JSON goes beside it (default: %(default)s)")  # fmt: skip
    parser.add_argument("--only", metavar="EXPR", help="tests whose names match, as pytest's -k")
    parser.add_argument("--jobs", metavar="N", type=_positive, default=1,
                        help="processes, by pytest-xdist (default: %(default)s)")  # fmt: skip


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {number}")
    return number


def run(options: argparse.Namespace) -> int:
    """Find the suite, run it, report. Returns the exit code."""
    report = Path(options.report)
    try:
        _check(report)
        suite = find_suite(options.suite)
        facts = _facts(suite, options)
    except NoSuiteError as error:
        console.complain(str(error))
        return 2
    console.heading("Conformance to the array API standard")
    console.table(("", ""), list(facts.items()))
    start = time.monotonic()
    results, code, said = _run_suite(suite, options)
    facts["seconds"] = round(time.monotonic() - start, 1)
    if not results:
        console.complain(f"the suite ran no test (pytest's exit code {code}):\n{tail(said)}")
        return 2
    _write(report, facts, results)
    _tell(results, report)
    return 1 if bad(results) or code not in (0, 1) else 0


def _check(report: Path) -> None:
    """What the run needs. Raises NoSuiteError naming what is not there."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise NoSuiteError(f"the suite needs {', '.join(missing)}: pip install {' '.join(missing)}")
    if not report.absolute().parent.is_dir():
        raise NoSuiteError(f"there is no folder for the report {report}")


def _facts(suite: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What a reader needs to repeat the run."""
    skips, xfails = (_entries(name) for name in ("skips.txt", "xfails.txt"))
    return {
        "lazytensor": lazytensor.__version__,
        "standard": pin()["version"],
        "suite": commit_of(suite),
        "target": options.target,
        "examples a test": options.max_examples,
        "tests": options.only or "all",
        "skipped or excused by list": f"{skips} and {xfails}",
        "NumPy": np.__version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }


def _entries(name: str) -> int:
    lines = (folder_of_lists() / name).read_text(encoding="utf-8").splitlines()
    return sum(bool(line.strip()) and not line.startswith("#") for line in lines)


def _command(options: argparse.Namespace) -> list[str]:
    lists = folder_of_lists()
    command = [sys.executable, "-m", "pytest", "array_api_tests", "-q", "--tb=short"]
    command += ["-p", PLUGIN, "-p", "no:cacheprovider", f"--max-examples={options.max_examples}"]
    command += [f"--skips-file={lists / 'skips.txt'}", f"--xfails-file={lists / 'xfails.txt'}"]
    command += ["-k", options.only] if options.only else []
    return command + (["-n", str(options.jobs)] if options.jobs > 1 else [])


def _environment(options: argparse.Namespace, scratch: str) -> dict[str, str]:
    """The suite tests the package that runs this, and leaves nothing in its own folder.

    Nothing of a pytest that may be running this goes on to the suite's.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    paths = [str(Path(lazytensor.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return kept | {
        "ARRAY_API_TESTS_MODULE": "lazytensor",
        "ARRAY_API_TESTS_VERSION": pin()["version"],
        "LAZYTENSOR_TARGET": options.target,
        "HYPOTHESIS_STORAGE_DIRECTORY": str(Path(scratch, "hypothesis")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        EVENTS: str(Path(scratch, "events")),
    }


def _run_suite(suite: Path, options: argparse.Namespace) -> tuple[list[Result], int, str]:
    """(results, pytest's exit code, what it wrote)."""
    found: dict[str, Result] = {}
    with tempfile.TemporaryDirectory(prefix="lazytensor-") as scratch:
        said, events = Path(scratch, "output"), Path(scratch, "events")
        events.touch()
        with said.open("wb") as output, console.progress("starting") as bar:
            process = subprocess.Popen(
                _command(options), cwd=suite, env=_environment(options, scratch),
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                for event in _follow(events, process):
                    _note(event, found, bar, str(suite))
            finally:
                process.terminate()
                process.wait()
        return list(found.values()), process.returncode, said.read_text("utf-8", "replace")


def _follow(path: Path, process: "subprocess.Popen[bytes]") -> Iterator[dict[str, Any]]:
    """Events as they are written, until the process has ended and all were read."""
    with path.open(encoding="utf-8") as file:
        partial = ""
        while True:
            ended = process.poll() is not None
            for line in file:
                partial += line
                if partial.endswith("\n"):
                    yield json.loads(partial)
                    partial = ""
            if ended:
                return
            time.sleep(POLL_SECONDS)


def _note(event: dict[str, Any], found: dict[str, Result], bar: console.Bar, suite: str) -> None:
    """Put an event into the results; of several for one test the worst stays, which comes last."""
    if "total" in event:
        bar.total(event["total"])
        return
    name, text = event["id"], event["text"].replace(suite + os.sep, "")
    result = Result(name, outcome(event["when"], event["outcome"]), event["seconds"], text)
    if name not in found:
        bar.step(result.chapter)
    found[name] = result


def _write(report: Path, facts: dict[str, Any], results: Sequence[Result]) -> None:
    report.write_text(as_markdown(facts, results), encoding="utf-8")
    document = json.dumps(as_json(facts, results), indent=1, ensure_ascii=False)
    report.with_suffix(".json").write_text(document + "\n", encoding="utf-8")


def _tell(results: Sequence[Result], report: Path) -> None:
    """The run in the terminal: a line for each chapter, the failures, the totals."""
    columns = ("chapter", "passed", "failed", "error", "skipped", "s")
    rows = [
        (name, *(found[c] for c in columns[1:-1]), f"{seconds:.1f}")
        for name, found, seconds in by_chapter(results)
    ]
    console.table(columns, rows, right=range(1, len(columns)))
    for result in bad(results):
        last = (result.text.strip().splitlines() or [""])[-1]
        console.say(f"{result.outcome}: {result.name}: {last}", style="red")
    for result in (r for r in results if r.outcome == "skipped"):
        console.say(f"skipped: {result.short}: {result.text.removeprefix('Skipped: ')}")
    style = "red" if bad(results) else "green"
    console.say(summary(results), style=f"bold {style}")
    console.say(f"reports: {report} and {report.with_suffix('.json')}")
    if counts(results)["xfailed"]:
        console.say("xfails.txt is not empty: what it lists is no pass")
