"""conformance: against suites of a few tests, each with one kind of outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lazytensor._base import config
from lazytensor.cli import report, suite

from .conftest import ROOT, Run

CONFTEST = """\
def pytest_addoption(parser):
    for name in ("--max-examples", "--skips-file", "--xfails-file"):
        parser.addoption(name)
"""
GOOD = """\
import os, pytest

def test_that_it_is_ours(request):
    import lazytensor
    assert os.environ.get("PYTEST_XDIST_WORKER") != "gw7"
    assert os.environ["ARRAY_API_TESTS_MODULE"] == lazytensor.__name__
    assert os.environ["LAZYTENSOR_TARGET"] == "llvm"
    assert request.config.getoption("--max-examples") == "7"
    for name in ("--skips-file", "--xfails-file"):
        assert open(request.config.getoption(name)).read() == ""

@pytest.mark.parametrize("i", range(3))
def test_several(i):
    pass

def test_that_skips_itself():
    pytest.skip("no such thing here")
"""
BAD = """\
import pytest

def test_failure():
    assert 1 + 1 == 3, "arithmetic"

@pytest.fixture
def broken():
    raise RuntimeError("on purpose")

def test_error(broken):
    pass

@pytest.mark.xfail
def test_that_may_fail():
    assert False
"""


def fake_suite(folder: Path, **files: str) -> Path:
    """A folder like array-api-tests."""
    tests = folder / "array_api_tests"
    tests.mkdir(parents=True)
    (tests / "__init__.py").touch()
    (folder / "conftest.py").write_text(CONFTEST)
    for name, text in files.items():
        (tests / f"{name}.py").write_text(text)
    return folder


def test_a_suite_that_passes(run: Run, tmp_path: Path) -> None:
    folder = fake_suite(tmp_path / "suite", test_good=GOOD)
    before = sorted(p.name for p in folder.rglob("*"))
    words = ("--suite", str(folder), "--max-examples", "7", "--report", "out.md")
    done = run("conformance", *words, PYTEST_XDIST_WORKER="gw7", PYTEST_ADDOPTS="--no-such-option")
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 passed, 0 failed, 0 error, 1 skipped" in done.stdout
    assert "test_good: 5 (5 of 5)" in done.stdout
    assert "skipped: test_that_skips_itself: no such thing here" in done.stdout
    assert sorted(p.name for p in folder.rglob("*")) == before, (
        "nothing is left in the suite's folder"
    )
    document = json.loads((tmp_path / "here" / "out.json").read_text())
    assert document["totals"] == {
        "passed": 4, "failed": 0, "error": 0, "skipped": 1, "xfailed": 0, "xpassed": 0,
    }  # fmt: skip
    assert document["facts"]["examples a test"] == 7
    text = (tmp_path / "here" / "out.md").read_text()
    assert "| test_good | 4 | 0 | 0 | 1 |" in text
    assert "no such thing here" in text


def test_a_suite_that_fails(run: Run, tmp_path: Path) -> None:
    folder = fake_suite(tmp_path / "suite", test_good=GOOD, test_bad=BAD)
    done = run("conformance", "--suite", str(folder), "--max-examples", "7")
    assert done.returncode == 1
    assert "4 passed, 1 failed, 1 error, 1 skipped, 1 xfailed" in done.stdout
    text = (tmp_path / "here" / "conformance-report.md").read_text()
    assert "### array_api_tests/test_bad.py::test_failure (failed)" in text
    assert "arithmetic" in text
    assert "RuntimeError: on purpose" in text
    assert str(tmp_path) not in text


def test_a_module_that_can_not_be_imported(run: Run, tmp_path: Path) -> None:
    folder = fake_suite(tmp_path / "suite", test_broken="import nothing_of_this_name")
    done = run("conformance", "--suite", str(folder))
    assert done.returncode == 1
    assert "1 error" in done.stdout


def test_a_suite_without_tests(run: Run, tmp_path: Path) -> None:
    folder = fake_suite(tmp_path / "suite")
    done = run("conformance", "--suite", str(folder))
    assert done.returncode == 2
    assert "the suite ran no test" in done.stderr


def test_one_test_only_and_the_variable(run: Run, tmp_path: Path) -> None:
    folder = fake_suite(tmp_path / "suite", test_good=GOOD, test_bad=BAD)
    done = run("conformance", "--only", "test_several", ARRAY_API_TESTS=str(folder))
    assert done.returncode == 0
    assert "3 passed" in done.stdout


def test_several_processes(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    folder = fake_suite(tmp_path / "suite", test_good=GOOD)
    done = run("conformance", "--suite", str(folder), "--max-examples", "7", "--jobs", "2")
    assert done.returncode == 0
    assert "4 passed, 0 failed, 0 error, 1 skipped" in done.stdout
    assert "of 5)" in done.stdout


@pytest.mark.parametrize(
    "words", [["--suite", "nowhere"], ["--report", "no/such/folder.md"]], ids=" ".join
)
def test_wrong_folders(run: Run, words: list[str]) -> None:
    done = run("conformance", *words)
    assert done.returncode == 2
    assert words[1].split("/")[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_neither_a_suite_nor_a_network(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "HERE", tmp_path / "a" / "b" / "c" / "d.py")
    monkeypatch.delenv("ARRAY_API_TESTS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(suite.pin()["suite"], "url", str(tmp_path / "no-such-repository"))
    cache = config.context(cache_dir=str(tmp_path / "cache"))
    with cache, pytest.raises(suite.NoSuiteError) as caught:
        suite.find_suite(None)
    assert "git clone" in str(caught.value)
    assert suite.pin()["suite"]["commit"] in str(caught.value)
    assert not list(tmp_path.rglob("cloning-*"))


def commit(folder: Path) -> str:
    """Everything in a folder, as the one commit of a new repository."""
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "all")):
        suite._git(folder, *words)
    return suite._git(folder, "rev-parse", "HEAD")


def test_the_pinned_commits_are_cloned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests, standard = fake_suite(tmp_path / "suite"), tmp_path / "standard"
    standard.mkdir()
    (standard / "signatures").touch()
    for part, folder in (("suite", tests), ("standard", standard)):
        for key, value in (("url", str(folder)), ("commit", commit(folder))):
            monkeypatch.setitem(suite.pin()[part], key, value)
    monkeypatch.setattr(suite, "HERE", tmp_path / "a" / "b" / "c" / "d.py")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ARRAY_API_TESTS", raising=False)
    monkeypatch.chdir(tmp_path)
    with config.context(cache_dir=""):
        found = suite.find_suite(None)
        assert suite.find_suite(None) == found
    assert found.parent == tmp_path / "cache" / "lazytensor"
    assert (found / "array-api" / "signatures").is_file()
    assert "as pinned" in suite.commit_of(found)
    assert [p.name for p in found.parent.iterdir()] == [found.name]


def test_the_lists_are_empty_and_the_pins_are_commits() -> None:
    for name in ("skips.txt", "xfails.txt"):
        assert (ROOT / "conformance" / name).read_bytes() == b""
    for part in ("suite", "standard"):
        assert len(suite.pin()[part]["commit"]) == 40


def test_the_standard_s_commit_is_that_of_the_suite() -> None:
    folder = ROOT.parent / "array-api-tests"
    if not (folder / ".git").exists():
        pytest.skip("the official suite is not beside this checkout")
    if "not the pinned" in suite.commit_of(folder):
        pytest.skip("the official suite beside this checkout is at another commit")
    pinned = suite._git(folder, "ls-tree", "HEAD", suite.pin()["standard"]["path"])
    assert suite.pin()["standard"]["commit"] in pinned


def test_worst_outcome_of_a_test_s_phases() -> None:
    assert report.outcome("call", "failed") == "failed"
    assert report.outcome("teardown", "failed") == "error"
    assert report.outcome("call", "xskipped") == "xfailed"
    assert report.outcome("call", "xpassed") == "xpassed"
    assert report.outcome("setup", "skipped") == "skipped"
