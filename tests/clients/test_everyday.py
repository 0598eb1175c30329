"""What is done with arrays every day by libraries that know NumPy only."""

from __future__ import annotations

import copy
import io
import operator
import pickle
import statistics
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

DTYPES = ("bool", "int8", "uint16", "int64", "float32", "float64", "complex64", "complex128")


def values(xp: Any) -> Any:
    return xp.asarray([1.5, -2.0, 0.25, 4.0])


def table(xp: Any) -> Any:
    return xp.reshape(xp.arange(6.0), (2, 3)) * 2


def test_numpy_functions_compute_and_return_numpys(xp: ModuleType) -> None:
    for function in (np.exp, np.sum, np.sort, np.mean, np.cumsum, np.transpose, np.std):
        result = function(values(xp))
        np.testing.assert_allclose(np.asarray(result), function(values(np)))


@pytest.mark.parametrize("name", DTYPES)
def test_np_asarray_keeps_dtype_and_values(name: str, xp: ModuleType) -> None:
    wanted = np.asarray([1, 0, 1], dtype=name)
    found = np.asarray(xp.asarray(wanted))
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_operators_beside_numpys(xp: ModuleType, same: Same) -> None:
    ours, numpys = values(xp), values(np)
    same(ours + numpys, numpys + numpys)
    same(numpys - ours * 2, numpys - numpys * 2)
    same(np.float64(3) * ours, 3 * numpys)
    same(ours ** np.float64(2), numpys**2)
    same(numpys < ours + 1, numpys < numpys + 1)


def test_np_testing(xp: ModuleType) -> None:
    np.testing.assert_allclose(values(xp), values(np))
    np.testing.assert_array_equal(values(xp), values(np))
    np.testing.assert_equal(table(xp), table(np))
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(values(xp), values(np) + 1)


def test_np_save_and_load(xp: ModuleType) -> None:
    file = io.BytesIO()
    np.save(file, table(xp))
    file.seek(0)
    np.testing.assert_array_equal(np.load(file), table(np))
    several = io.BytesIO()
    np.savez(several, a=values(xp), b=table(xp))
    several.seek(0)
    np.testing.assert_array_equal(np.load(several)["b"], table(np))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int, xp: ModuleType, same: Same) -> None:
    again = pickle.loads(pickle.dumps({"x": table(xp) + 1}, protocol))
    same(again, {"x": table(np) + 1})


def test_copy_and_deepcopy_are_apart(xp: ModuleType, same: Same) -> None:
    x = values(xp)
    shallow, deep = copy.copy(x), copy.deepcopy([x])[0]
    x[0] = 100.0
    same(shallow, values(np))
    same(deep, values(np))


def test_cloudpickle_takes_closures(xp: ModuleType) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    x = values(xp)
    again = pickle.loads(cloudpickle.dumps(lambda y: x + y))
    np.testing.assert_array_equal(np.asarray(again(1.0)), values(np) + 1.0)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_workers(backend: str, xp: ModuleType, same: Same) -> None:
    joblib = pytest.importorskip("joblib")
    jobs = [joblib.delayed(operator.mul)(values(xp) + i, 2) for i in range(4)]
    found = joblib.Parallel(n_jobs=2, backend=backend)(jobs)
    same(found, [(values(np) + i) * 2 for i in range(4)])


def test_joblib_dump_and_hash(xp: ModuleType, same: Same, tmp_path: Any) -> None:
    joblib = pytest.importorskip("joblib")
    joblib.dump({"x": table(xp)}, tmp_path / "x.joblib")
    same(joblib.load(tmp_path / "x.joblib"), {"x": table(np)})
    assert joblib.hash(table(xp)) == joblib.hash(table(xp))
    assert joblib.hash(table(xp)) != joblib.hash(table(xp) + 1)


def test_pandas(xp: ModuleType) -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(values(xp))
    assert series.dtype == "float64"
    assert series.sum() == float(np.sum(values(np)))
    frame = pandas.DataFrame({"a": values(xp), "b": values(xp) * 2})
    frame["c"] = values(xp) + 1
    assert list(frame["c"]) == list(values(np) + 1)
    assert pandas.DataFrame(table(xp)).shape == (2, 3)
    assert list(frame[np.asarray(values(xp) > 0)].index) == [0, 2, 3]


def test_matplotlib(xp: ModuleType) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots(2, 2)
    (line,) = axes[0, 0].plot(values(xp), values(xp) ** 2)
    np.testing.assert_array_equal(line.get_ydata(), values(np) ** 2)
    axes[0, 1].scatter(values(xp), values(xp), c=values(xp))
    axes[1, 0].imshow(table(xp))
    counts, _, _ = axes[1, 1].hist(values(xp), bins=3)
    assert sum(counts) == 4
    axes[1, 1].fill_between(xp.arange(4), values(xp), values(xp) + 1)
    figure.savefig(io.BytesIO(), format="png")


def test_python_itself(xp: ModuleType) -> None:
    x = values(xp)
    assert [float(v) for v in x] == [1.5, -2.0, 0.25, 4.0]
    assert len(x) == 4
    assert sum(x) == 3.75
    assert max(x) == 4.0
    assert sorted(x.tolist()) == [-2.0, 0.25, 1.5, 4.0]
    assert statistics.fmean(x) == pytest.approx(3.75 / 4)
    first, *rest = x
    assert float(first) == 1.5
    assert len(rest) == 3
    assert f"{x[0]:.3f}" == "1.500"
    assert 4.0 in x
    assert [10, 20, 30][xp.asarray(1)] == 20
    assert range(xp.asarray(3)) == range(3)
    assert {x: "by identity"}[x] == "by identity"


def test_trees_take_arrays_for_leaves(xp: ModuleType) -> None:
    optree = pytest.importorskip("optree")
    leaves, structure = optree.tree_flatten({"a": values(xp), "b": [table(xp), 3]})
    assert len(leaves) == 3
    again = optree.tree_unflatten(structure, leaves)
    assert again["b"][0] is leaves[1]


@pytest.mark.cpu("PyTorch is built without CUDA")
def test_torch_reads_ours(xp: ModuleType) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_dlpack(table(xp) + 1)
    np.testing.assert_array_equal(tensor.numpy(), table(np) + 1)
    back = xp.from_dlpack(torch.arange(4.0))
    np.testing.assert_array_equal(np.asarray(back), np.arange(4.0, dtype=np.float32))
