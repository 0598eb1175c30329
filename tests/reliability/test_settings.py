"""The tests of values pass under every setting that turns an optimisation off or a limit down.

Each setting is given by its environment variable to a process of its own. By default programs over
all dtypes are run and their bits compared, and a few tests with all settings at once; with --full
all tests of values, and those of the compiler where a setting leaves what they count as it is.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SAMPLE = ("tests/array_api/test_statistical.py", "tests/array_api/test_sorting.py")
VALUES = (
    "tests/array_api",
    "tests/conformance",
    "tests/extra",
    "tests/lang",
    "tests/programs",
    "tests/table",
    "tests/test_transforms.py",
    "tests/transform",
    "tests/reliability/test_bad_calls.py",
    "tests/reliability/test_bits.py",
    "tests/reliability/test_failures.py",
)
COMPILER = ("tests/lower", "tests/runtime", "tests/test_new_row.py", "tests/test_simplify.py")

# What counts plans, kernels, looks or bytes, and so says something else under a setting.
COUNTS: dict[str, tuple[str, ...]] = {
    "LAZYTENSOR_GRAPH_CACHE=0": (
        "test_second_time_makes_no_plan_and_compiles_nothing",
        "test_scalars_are_inputs_and_compile_nothing",
        "test_auto_interprets_first_and_plans_what_comes_again",
        "test_a_warm_program_compiles_nothing",
        "test_another_draw_is_the_same_program",
        "(test_what_each_debug_level_tells and words1)",
    ),
    "LAZYTENSOR_KERNEL_CACHE=0": ("test_one_new_kernel_that_many_want_at_once",),
    # Planted rows are not in the table, which the verifier sees before they can do harm.
    "LAZYTENSOR_VERIFY=1": ("test_a_planted_bug_is_found",),
    "LAZYTENSOR_MAX_PENDING=2": (
        "test_nothing_is_computed_unasked",
        "test_a_mask_is_assigned_to_without_its_value",
        "test_arrays_among_sequences_stay_pending",
        "test_constants_take_no_memory",
        "test_an_index_can_be_pending",
        "(test_manipulation and test_as_numpy)",
        "test_html_starts_no_work",
        "computed_once",
        "test_nonzero_computes_a_pending_array_once",
        "test_pending_arguments_are_not_computed_and_closures_are_constants",
        "test_a_gradient_reads_values_that_were_computed_before",
        "test_another_draw_is_the_same_program",
        # These want an error, or a lack of memory, when the value is asked for: it comes earlier.
        "test_an_index_out_of_range_names_the_line",
        "test_what_only_data_can_show_is_raised_when_computed",
        "test_matrices_that_fail_name_the_users_line",
        "test_places_outside_name_index_size_and_line",
        "(test_is_refused_when_called and 30)",
        "test_the_kth_allocation_fails",
        "test_an_exception_in_a_thread_reaches_whoever_asks_each_time",
    ),
    # A block an element: what is interrupted here would not have begun in time.
    "LAZYTENSOR_BLOCK_BYTES=2": ("test_an_interrupt_is_heard_soon_and_everything_stays_usable",),
}
# Settings under which the compiler's own tests, golden plans and counts, are about something else.
OTHER_PLANS = (
    "LAZYTENSOR_FUSE=0",
    "LAZYTENSOR_MAX_PENDING=2",
    "LAZYTENSOR_EXECUTION=interpret",
    "LAZYTENSOR_EXECUTION=compile",
)
SETTINGS = (
    "LAZYTENSOR_FUSE=0",
    "LAZYTENSOR_GRAPH_CACHE=0",
    "LAZYTENSOR_KERNEL_CACHE=0",
    "LAZYTENSOR_CACHE_BYTES=0",
    "LAZYTENSOR_BLOCK_BYTES=2",
    "LAZYTENSOR_POOL_BYTES=0",
    "LAZYTENSOR_MAX_PENDING=2",
    "LAZYTENSOR_NUM_THREADS=2",
    "LAZYTENSOR_EXECUTION=compile",
    "LAZYTENSOR_EXECUTION=interpret",
    "LAZYTENSOR_VERIFY=1",
)


def environment(*settings: str) -> dict[str, str]:
    """That of this process under settings, without what was added to its own pytest."""
    mine = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    return {**mine, **dict(setting.split("=") for setting in settings)}


def run(settings: tuple[str, ...], paths: tuple[str, ...], deselected: tuple[str, ...] = ()) -> str:
    """The report of a pytest under settings; passes if all of its tests do."""
    words = " and ".join(f"not {test}" for test in deselected)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n0"),
            *(["-k", words] if words else []),
            *paths,
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(*settings),
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    return done.stdout


def digests(*settings: str) -> str:
    """Digests of the bits of the programs over all dtypes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.programs", "3,5,130"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(*settings),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plain() -> str:
    return digests()


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_changes_a_bit(setting, plain):
    assert digests(setting) == plain


def test_a_sample_of_the_suite_passes_under_all_settings_at_once():
    together = [s for s in SETTINGS if s != "LAZYTENSOR_EXECUTION=interpret"]
    assert " passed" in run(tuple(together), SAMPLE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_suite_passes(setting):
    paths = VALUES if setting in OTHER_PLANS else VALUES + COMPILER
    assert " passed" in run((setting,), paths, COUNTS.get(setting, ()))


def test_a_setting_reaches_the_other_process():
    with pytest.raises(AssertionError, match="LAZYTENSOR_EXECUTION='never'"):
        run(("LAZYTENSOR_EXECUTION=never",), SAMPLE)
