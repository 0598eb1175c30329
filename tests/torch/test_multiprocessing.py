"""Processes share tensors as PyTorch's do."""

from __future__ import annotations

import gc
import os
import pickle
from multiprocessing.reduction import ForkingPickler

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as ours  # noqa: E402
import lazytensor.torch.multiprocessing as mp  # noqa: E402
from lazytensor.torch.multiprocessing.spawn import ProcessContext, _run  # noqa: E402
from lazytensor.torch.sharing import block  # noqa: E402
from tests.torch.running import ROOT, run  # noqa: E402

SCRIPT = str(ROOT / "tests" / "torch" / "scripts" / "processes.py")


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the script prints with PyTorch, however processes are started."""
    done = run(SCRIPT, "fork", cwd=tmp_path_factory.mktemp("torch"), ours=False)
    assert done.returncode == 0 and len(done.stdout.splitlines()) > 8, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_share_memory(method, printed, tmp_path):
    done = run(SCRIPT, method, cwd=tmp_path, ours=True)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr[-2000:]


HOST = pytest.mark.cpu("the host's memory is shared")


@HOST
@pytest.mark.parametrize(
    "make",
    [
        lambda lib: lib.arange(6).reshape(2, 3).T,
        lambda lib: lib.arange(6.0)[1::2],
        lambda lib: lib.ones(0, 3),
        lambda lib: lib.tensor(3 + 1j),
        lambda lib: lib.ones(2, dtype=lib.bfloat16),
        lambda lib: lib.ones(2, 3, 4, 5).contiguous(memory_format=lib.channels_last),
    ],
)
def test_sharing_keeps_a_tensor_as_it_is(make):
    x, y = make(ours), make(torch)
    expected = (y.tolist(), tuple(y.stride()), y.storage_offset())
    assert x.share_memory_() is x and x.is_shared() and block(x._stor).size >= 0
    assert (x.tolist(), tuple(x.stride()), x.storage_offset()) == expected
    again = pickle.loads(ForkingPickler.dumps(x))
    assert (again.tolist(), tuple(again.stride())) == expected[:2]
    assert again.dtype == x.dtype and again.is_shared()
    if x.numel():
        again.fill_(7)
        assert (x == 7).all()


@HOST
def test_storages_are_shared_and_memory_is_let_go():
    x = ours.zeros(5)
    storage = x.untyped_storage()
    assert not storage.is_shared() and not storage.is_pinned()
    assert storage.share_memory_() is storage and x.is_shared()
    again = pickle.loads(ForkingPickler.dumps(storage))
    x[0] = 1
    assert bytes(again.tolist()) == bytes(storage.tolist())
    descriptor = block(x._stor).descriptor
    os.fstat(descriptor)
    del x, storage, again
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_views_and_gradients_go_on():
    x = ours.ones(3, requires_grad=True)
    view = x.detach()[1:]
    x.share_memory_()
    view += 1
    assert x.tolist() == [1, 2, 2] and view.is_shared()
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 4, 4]


def raises(number):
    raise ValueError(f"number {number}")


def test_a_failing_process_reports(tmp_path):
    report = tmp_path / "report"
    with pytest.raises(SystemExit):
        _run(raises, 4, (), str(report))
    assert report.read_text().endswith("ValueError: number 4\n")
    error = mp.ProcessExitedException("it ended", 1, 2, -9, "SIGKILL")
    again = pickle.loads(pickle.dumps(error))
    assert (again.exit_code, again.signal_name, again.error_index) == (-9, "SIGKILL", 1)
    assert pickle.loads(pickle.dumps(mp.ProcessRaisedException("x", 1, 2))).error_pid == 2
    assert ProcessContext([], []).join()


def test_names_and_strategies():
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(AssertionError, match="invalid sharing strategy 'other'"):
        mp.set_sharing_strategy("other")
    assert set(torch.multiprocessing.__all__) <= set(dir(mp)) and callable(mp.Queue)
    with pytest.raises(AttributeError, match="docs/torch_coverage"):
        mp.no_such_name
