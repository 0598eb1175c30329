"""SciPy's own test suite over a foreign namespace: `python -m tests.clients.scipy_suite --help`.

Enters: the name of a namespace, the parts of SciPy, a sample size. Leaves: counts, the failures
grouped by their last line, on the terminal or as Markdown. The work is `scipy_plugin`'s.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).resolve().parent
PARTS = (
    "special", "stats", "signal", "ndimage", "cluster", "fft", "integrate", "_lib",
    "spatial", "optimize", "interpolate", "differentiate", "linalg", "constants",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run's account: how many tests ended how, and each failure's name and text."""

    counts: dict[str, int]
    failures: list[dict[str, str]]
    log: str

    @property
    def ran(self) -> int:
        """Tests that ran to an end on the candidate, skips not counted."""
        return sum(n for outcome, n in self.counts.items() if outcome != "skipped")


def scipys(parts: Iterable[str] = PARTS) -> tuple[str, ...]:
    """The packages of SciPy's parts."""
    return tuple(f"scipy.{part}" for part in parts)


def run(
    module: str,
    packages: tuple[str, ...],
    *,
    one_in: int = 1,
    workers: int = 2,
    keyword: str = "",
    stop: bool = False,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Run the tests that `packages` ship over `module`, one in `one_in`, and read the account.

    With an empty `module` all of them run as they are, in an `environment` that says what to test.
    """
    with tempfile.TemporaryDirectory() as folder:
        outcome = Path(folder, "outcome.json")
        command = [*_pytest(folder, packages, workers), *["--xp-module", module] * bool(module)]
        command += ["--xp-one-in", str(one_in), "--xp-outcome", str(outcome)]
        command += ["-k", keyword] * bool(keyword) + ["-x"] * stop
        log = _output(command, folder, environment)
        if not outcome.exists():
            raise RuntimeError(f"the tests did not start over {module!r}:\n{log[-4000:]}")
        return Run(**json.loads(outcome.read_text()), log=log)


def _pytest(folder: str, packages: tuple[str, ...], workers: int) -> list[str]:
    """The command but for the plugin's options; an empty configuration file shields the run from
    that of the folder it is started in."""
    config = Path(folder, "pytest.ini")
    config.write_text("[pytest]\n")
    options = ["-q", "-c", str(config), "--rootdir", sysconfig.get_path("purelib")]
    options += ["-p", "scipy_plugin", "-p", "no:cacheprovider", "--timeout", "120"]
    options += ["-n", str(workers)] * (workers > 1)
    return [sys.executable, "-m", "pytest", "--pyargs", *packages, *options]


def _output(command: list[str], folder: str, environment: Mapping[str, str]) -> str:
    """What pytest wrote; that a test failed is in the account, not in the exit status."""
    keep = {"cwd": folder, "env": _environment() | environment, "capture_output": True}
    done = subprocess.run(command, text=True, check=False, **keep)
    return done.stdout + done.stderr


def _environment() -> dict[str, str]:
    """SciPy's switch must be set before SciPy is imported; the candidate must be importable."""
    path = [str(HERE), str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")]
    joined = os.pathsep.join(filter(None, path))
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **one, "PYTHONPATH": joined, "SCIPY_ARRAY_API": "1"}


def grouped(failures: list[dict[str, str]]) -> dict[str, list[str]]:
    """Test names by the error's first line, the commonest error first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for failure in failures:
        errors = [line[4:] for line in failure["text"].splitlines() if line.startswith("E   ")]
        groups[errors[0].strip() if errors else "(no error line)"].append(failure["test"])
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def summary(result: Run, *, names: int = 3) -> str:
    """The account as Markdown: one line of counts, then a bullet an error with some test names."""
    counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(result.counts.items()))
    lines = [f"{result.ran} ran: {counts}"]
    for error, tests in grouped(result.failures).items():
        lines.append(f"- {len(tests)} x `{error}`")
        lines += [f"    - {test}" for test in tests[:names]]
    return "\n".join(lines)


def main() -> int:
    """Exit status 1 where a test failed."""
    parser = argparse.ArgumentParser(description="SciPy's own tests over a foreign namespace")
    default = os.environ.get("LAZYTENSOR_CLIENT_MODULE", "lazytensor")
    parser.add_argument("--module", default=default, help="the namespace (default: %(default)s)")
    parser.add_argument("--parts", default=",".join(PARTS), help="SciPy's subpackages, by commas")
    parser.add_argument("--one-in", type=int, default=1, help="a fixed sample: one test in N")
    parser.add_argument("--workers", type=int, default=2, help="processes (pytest-xdist)")
    parser.add_argument("-k", dest="keyword", default="", help="pytest's own selection by name")
    parser.add_argument("-x", dest="stop", action="store_true", help="stop at the first failure")
    parser.add_argument("--names", type=int, default=3, help="test names shown an error")
    parser.add_argument("--report", type=Path, help="write all failures, with their text, here")
    a = parser.parse_args()
    options = {name: getattr(a, name) for name in ("one_in", "workers", "keyword", "stop")}
    done = run(a.module, scipys(a.parts.split(",")), **options)
    print(summary(done, names=a.names))
    print(done.log.strip().splitlines()[-1])
    if a.report:
        texts = (f"\n## {f['test']}\n\n```\n{f['text']}\n```\n" for f in done.failures)
        a.report.write_text(summary(done, names=1_000_000) + "\n" + "".join(texts))
    return bool(done.failures)


if __name__ == "__main__":
    raise SystemExit(main())
