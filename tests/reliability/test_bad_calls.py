"""Bad calls are refused where they stand, by NumPy's classes, in words; nothing is half done."""

import builtins
import re
import traceback
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config

from . import foreign
from .bad_calls import ARRAYS, TABLE, Arrays, Case


def namespace(m: Any, make: Any) -> dict[str, Any]:
    return {"m": m, "a": Arrays(make), "np": np, "Fraction": Fraction, "Decimal": Decimal}


def run(call: str, names: dict[str, Any]) -> Any:
    """The value of an expression, None of a statement."""
    try:
        code = compile(call, "<call>", "eval")
    except SyntaxError:
        return exec(compile(call, "<call>", "exec"), names)
    return eval(code, names)


def outcome(case: Case, names: dict[str, Any]) -> Exception | None:
    """What a call raises, or for a late one what computing everything in sight raises; on a GPU
    what reading it does.
    """
    try:
        out = run(case.call, names)
        if case.late:
            found = [v for v in [out, *vars(names["a"]).values()] if type(v) is xp.Array]
            xp.materialize(*found)
            for v in found:
                v.to_device("cpu").tolist()
    except Exception as error:
        return error
    return None


def wanted(case: Case) -> type[Exception]:
    return np.linalg.LinAlgError if case.error == "LinAlgError" else getattr(builtins, case.error)


def package_frames(error: BaseException) -> list[str]:
    """The functions of the package that a traceback names."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [frame.f_globals.get("__name__", "") for frame in frames]
    return [f.f_code.co_qualname for f, m in zip(frames, modules) if m.startswith("lazytensor.")]


def check(case: Case) -> None:
    names = namespace(xp, xp.asarray)
    error = outcome(case, names)
    assert error is not None, "was accepted"
    assert isinstance(error, wanted(case)), repr(error)
    missing = [w for w in case.words if w not in str(error)]
    assert not missing, f"{missing} not in {error!r}"
    assert len(package_frames(error)) <= 2, package_frames(error)
    if not case.late:
        frames = traceback.extract_tb(error.__traceback__)
        assert any(f.filename == "<call>" for f in frames), "the user's line is not to be seen"
        for name, array in ARRAYS.items():
            after = np.asarray(getattr(names["a"], name))
            assert after.dtype == array.dtype and after.tobytes() == array.tobytes(), name


def test_the_table_is_long_enough_and_without_doubles():
    assert len({case.call for case in TABLE}) == len(TABLE) >= 263


# What GPUs take: themselves, streams, which consumers know by any number.
TAKEN = {
    'm.ones(3, device="cuda:0")', "a.v3.__dlpack__(stream=5)", "a.v3.__dlpack__(dl_device=(2, 0))",
}  # fmt: skip


def anywhere(case: Case) -> Any:
    """A case with the mark of what is refused on the CPU alone."""
    mark = [pytest.mark.cpu("a GPU takes it")] if case.call in TAKEN else []
    return pytest.param(case, marks=mark, id=case.call)


@pytest.mark.parametrize("case", [*map(anywhere, TABLE)])
def test_is_refused_when_called(case):
    check(case)


LATE = [case for case in TABLE if case.late]


@pytest.mark.parametrize("case", LATE, ids=lambda case: case.call)
@pytest.mark.parametrize("mode", ["interpret", "compile"])
def test_late_errors_are_the_same_however_computed_and_each_time(case, mode):
    with config.context(execution=mode):
        names = namespace(xp, xp.asarray)
        texts = []
        for _ in range(2):
            error = outcome(case, names)
            assert isinstance(error, wanted(case)), repr(error)
            texts.append(str(error))
        assert texts[0] == texts[1]
        np.testing.assert_array_equal(np.asarray(names["a"].m34 + 1.0), ARRAYS["m34"] + 1.0)


@pytest.mark.parametrize("case", [c for c in TABLE if c.like_numpy], ids=lambda case: case.call)
@pytest.mark.filterwarnings("ignore")
def test_numpy_refuses_it_by_a_class_of_the_same_family(case):
    if case.error == "MemoryError":
        pytest.skip("NumPy may really try to have that memory")
    names = namespace(np, np.copy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = outcome(case, names)
    assert error is not None, "NumPy accepts it"
    ours = wanted(case)
    assert issubclass(type(error), ours) or issubclass(ours, type(error)), repr(error)


def test_all_frames_are_shown_on_request():
    with config.context(traceback="full"), pytest.raises(ValueError) as caught:
        xp.reshape(xp.ones(3), (2, 2))
    assert len(package_frames(caught.value)) > 2


def test_the_frames_of_a_traced_function_are_shown():
    def inner(x: xp.Array) -> xp.Array:
        return xp.reshape(x, (7,))

    with pytest.raises(ValueError, match="reshape") as caught:
        xp.vmap(lambda x: inner(x))(xp.ones((2, 3)))
    shown = [f.name for f in traceback.extract_tb(caught.value.__traceback__)]
    assert "inner" in shown and len(package_frames(caught.value)) <= 2


@pytest.mark.parametrize("call", ["a.v3 + a.v3", "m.sum(a.m34, axis=1)", "a.v3[1]", "m.zeros(3)"])
def test_the_check_fails_on_a_good_call(call):
    with pytest.raises(AssertionError, match="was accepted"):
        check(Case(call, "ValueError", (), False, False))


def test_the_check_fails_on_words_that_are_not_there():
    with pytest.raises(AssertionError, match="not in"):
        check(Case("a.v3 + a.v4", "ValueError", ("elephant",), False, False))


def test_the_check_fails_where_something_is_half_done():
    call = "a.m33.__iadd__(1.0) + a.v4"
    with pytest.raises(AssertionError, match="m33"):
        check(Case(call, "ValueError", (), False, False))


# --- foreign objects ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", foreign.SEQUENCES)
def test_foreign_objects_are_refused(name):
    make, errors = foreign.SEQUENCES[name]
    made = make()
    for _ in range(2):
        with pytest.raises(errors) as caught:
            xp.asarray(made)
        assert str(caught.value) or caught.type is MemoryError


@pytest.mark.parametrize("name", foreign.PRODUCERS)
def test_malformed_dlpack_producers_are_refused(name):
    for copy in (None, True):
        with pytest.raises(foreign.REFUSED) as caught:
            xp.from_dlpack(foreign.PRODUCERS[name](), copy=copy)
        assert str(caught.value)


def test_good_foreign_objects_are_taken():
    """So the tests above are of what is wrong with theirs."""
    for made in (foreign.interface(), foreign.Gives(np.arange(3.0)), foreign.Sized(3, 3)):
        assert xp.asarray(made).tolist() == [0.0, 1.0, 2.0]
    data = bytearray(np.arange(4.0).tobytes())
    assert xp.asarray(foreign.interface(data=data, offset=8)).tolist() == [1.0, 2.0, 3.0]
    taken = xp.from_dlpack(foreign.Producer(foreign.capsule))
    assert taken.tolist() == [1.0, 2.0, 3.0]


# --- settings -------------------------------------------------------------------------------------

SETTINGS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"nonsense": 1}, ValueError, "unknown setting 'nonsense'; the settings are target"),
    ({"target": "tpu"}, ValueError, "'target' must be one of .*'numpy'.*, got 'tpu'"),
    ({"execution": "maybe"}, ValueError, "'execution' must be one of .*, got 'maybe'"),
    ({"num_threads": "two"}, TypeError, "'num_threads' must be int, got str: 'two'"),
    ({"num_threads": -1}, ValueError, "'num_threads' must not be negative, got -1"),
    ({"num_threads": 1.5}, TypeError, "'num_threads' must be int, got float: 1.5"),
    ({"fuse": 1}, TypeError, "'fuse' must be bool, got int: 1"),
    ({"cache_dir": None}, TypeError, "'cache_dir' must be str, got NoneType"),
    ({"pool_bytes": True}, TypeError, "'pool_bytes' must be int, got bool"),
]


@pytest.mark.parametrize(("given", "error", "text"), SETTINGS, ids=lambda v: str(v)[:40])
def test_settings_are_refused_and_stay_as_they_were(given, error, text):
    before = {name: config.get(name) for name in config.TABLE}
    with pytest.raises(error, match=text):
        config.set(block_bytes=77, **given)
    with pytest.raises(error, match=text), config.context(**given):
        raise AssertionError("was accepted")
    assert {name: config.get(name) for name in config.TABLE} == before


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("LAZYTENSOR_NUM_THREADS", "many"),
        ("LAZYTENSOR_FUSE", "perhaps"),
        ("LAZYTENSOR_TARGET", "tpu"),
        ("LAZYTENSOR_POOL_BYTES", "-5"),
    ],
)
def test_environment_variables_are_named(variable, text, monkeypatch):
    monkeypatch.setenv(variable, text)
    name = variable.removeprefix("LAZYTENSOR_").lower()
    monkeypatch.delitem(config._values, name, raising=False)
    with pytest.raises(ValueError, match=re.escape(f"{variable}='{text}'")):
        config.get(name)
