"""Reports of a run of the official suite, as JSON and as Markdown.

What enters: results of tests and facts about the run. What leaves: text. It must not know how the
suite is run.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
SLOWEST = 10
# Lines of a failure's text that a report repeats: the last ones say what was wrong.
LONGEST_TEXT = 40


@dataclass(frozen=True)
class Result:
    """One test: its name within the suite, its outcome (one of OUTCOMES), and why."""

    name: str
    outcome: str
    seconds: float
    text: str = ""

    @property
    def chapter(self) -> str:
        """The file it stands in, without folder and ending."""
        return self.name.split("::")[0].split("/")[-1].removesuffix(".py")

    @property
    def short(self) -> str:
        """The name without the file."""
        return self.name.split("::", 1)[-1]


def outcome(when: str, said: str) -> str:
    """The outcome of a test from that of a phase: failing outside of the test is an error."""
    if said.startswith("x"):
        return "xfailed" if said == "xskipped" else "xpassed"
    return "error" if said == "failed" and when != "call" else said


def counts(results: Sequence[Result]) -> Counter[str]:
    """How many tests ended how."""
    return Counter(result.outcome for result in results)


def bad(results: Sequence[Result]) -> list[Result]:
    """Those that make a run fail."""
    return [r for r in results if r.outcome in ("failed", "error", "xpassed")]


def by_chapter(results: Sequence[Result]) -> list[tuple[str, Counter[str], float]]:
    """(chapter, how many ended how, seconds), in order of appearance."""
    names = dict.fromkeys(r.chapter for r in results)
    parts = {name: [r for r in results if r.chapter == name] for name in names}
    return [(name, counts(part), sum(r.seconds for r in part)) for name, part in parts.items()]


def summary(results: Sequence[Result]) -> str:
    """`1,245 passed, 5 skipped`; outcomes that did not occur are left out, but for failures."""
    found = counts(results)
    always = ("passed", "failed", "error")
    return ", ".join(f"{found[o]:,} {o}" for o in OUTCOMES if found[o] or o in always)


def as_json(facts: dict[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Everything, for machines."""
    totals = {o: counts(results)[o] for o in OUTCOMES}
    return {"facts": facts, "totals": totals, "tests": [asdict(r) for r in results]}


def as_markdown(facts: dict[str, Any], results: Sequence[Result]) -> str:
    """What a person reads: facts, totals by chapter, each failure, each skip with its reason."""
    parts = [
        "# Conformance to the array API standard",
        f"**{summary(results)}**",
        _rows(("", ""), facts.items()),
        "## By chapter",
        _chapters(results),
        *_failures(results),
        *_reasons("Skipped", [r for r in results if r.outcome == "skipped"]),
        *_reasons("Failing as listed", [r for r in results if r.outcome == "xfailed"]),
        "## Slowest",
        _slowest(results),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(columns: Sequence[str], rows: Any) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    cells = ([str(cell).replace("|", r"\|").replace("\n", " ") for cell in row] for row in rows)
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells)])


def _chapters(results: Sequence[Result]) -> str:
    rows = [
        (name, *(found[o] for o in OUTCOMES), f"{seconds:.1f}")
        for name, found, seconds in by_chapter(results)
    ]
    return _rows(("chapter", *OUTCOMES, "s"), rows)


def _failures(results: Sequence[Result]) -> list[str]:
    found = bad(results)
    texts = [f"### {r.name} ({r.outcome})\n\n```text\n{tail(r.text)}\n```" for r in found]
    return ["## Failures", *texts] if found else []


def tail(text: str) -> str:
    """The last lines of a text."""
    return "\n".join(text.rstrip().splitlines()[-LONGEST_TEXT:])


def _reasons(title: str, found: Sequence[Result]) -> list[str]:
    if not found:
        return []
    return [
        f"## {title}",
        _rows(("test", "reason"), [(r.name, r.text.removeprefix("Skipped: ")) for r in found]),
    ]


def _slowest(results: Sequence[Result]) -> str:
    worst = sorted(results, key=lambda r: -r.seconds)[:SLOWEST]
    return _rows(("test", "s"), [(r.name, f"{r.seconds:.1f}") for r in worst])
