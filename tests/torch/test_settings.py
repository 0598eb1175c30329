"""Switches, devices and what they say where there is no accelerator, beside PyTorch."""

from __future__ import annotations

import importlib
import pickle

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as ours  # noqa: E402
from lazytensor.torch._missing import ABSENT  # noqa: E402

LIBRARIES = [ours, torch]


def outcome(f, lib):
    """What a call gives, as text; an exception as its class and text."""
    try:
        found = f(lib)
    except Exception as error:
        return type(error).__name__, str(error)
    return str(found)


WITHOUT_A_GPU = [
    *(
        lambda lib, name=name: getattr(lib.accelerator, name)()
        for name in (
            "is_available", "device_count", "current_accelerator", "current_device_index",
            "current_device_idx", "current_stream", "empty_cache", "empty_host_cache",
            "get_device_capability", "memory_allocated", "memory_stats", "synchronize",
            "max_memory_allocated", "memory_reserved", "reset_peak_memory_stats",
        )
    ),
    lambda lib: lib.accelerator.set_device_index(0),
    lambda lib: lib.accelerator.device_index(0).__enter__(),
    lambda lib: lib.cuda.is_available(),
    lambda lib: lib.cuda.device_count(),
    lambda lib: lib.cuda.get_rng_state_all(),
    lambda lib: lib.get_device_module() is lib.cpu,
    lambda lib: lib.backends.cuda.is_built(),
]

SAME = [
    lambda lib: lib.accelerator.device_index(None).__enter__(),
    lambda lib: lib.cpu.is_available(),
    lambda lib: lib.cpu.device_count(),
    lambda lib: lib.cpu.current_device(),
    lambda lib: lib.cpu.synchronize(),
    lambda lib: lib.cuda.manual_seed_all(3),
    lambda lib: lib.cuda.OutOfMemoryError is lib.OutOfMemoryError,
    lambda lib: lib.get_device_module("cuda") is lib.cuda,
    lambda lib: lib.get_device_module("nosuch"),
    lambda lib: lib.accelerator.set_device_index("cpu"),
    lambda lib: lib.accelerator.set_device_idx(0),
    lambda lib: lib.get_deterministic_debug_mode(),
    lambda lib: lib.set_deterministic_debug_mode("loud"),
    lambda lib: lib.set_deterministic_debug_mode(5),
    lambda lib: lib.set_deterministic_debug_mode([]),
    lambda lib: lib.is_storage(lib.ones(2).untyped_storage()),
    lambda lib: lib.is_storage(lib.ones(2)),
    lambda lib: lib.is_inference(lib.ones(2)),
    lambda lib: [c.__mro__[1] for c in (lib.AcceleratorError, lib.OutOfMemoryError)],
    lambda lib: (lib.pi, lib.e, lib.inf, lib.nan),
    lambda lib: lib.backends.cudnn.enabled,
    lambda lib: lib.backends.cudnn.version(),
    lambda lib: lib.backends.cuda.math_sdp_enabled(),
    lambda lib: lib.backends.mps.is_available(),
    lambda lib: lib.backends.mha.get_fastpath_enabled(),
    lambda lib: lib.backends.opt_einsum.is_available(),
]


BUILT = "PyTorch is built without CUDA"


@pytest.mark.parametrize(
    "call", [*(pytest.param(call, marks=pytest.mark.cpu(BUILT)) for call in WITHOUT_A_GPU), *SAME]
)
def test_as_pytorch(call):
    assert outcome(call, ours) == outcome(call, torch)


@pytest.mark.parametrize("lib", LIBRARIES)
def test_deterministic_mode(lib):
    before = lib.get_deterministic_debug_mode()
    found = []
    try:
        for mode in ("warn", "error", 0, 1):
            lib.set_deterministic_debug_mode(mode)
            found.append(
                (
                    lib.get_deterministic_debug_mode(),
                    lib.are_deterministic_algorithms_enabled(),
                    lib.is_deterministic_algorithms_warn_only_enabled(),
                )
            )
    finally:
        lib.set_deterministic_debug_mode(before)
    assert found == [(1, True, True), (2, True, False), (0, False, False), (1, True, True)]


def test_switches():
    lib = ours
    cudnn = importlib.import_module(f"{lib.__name__}.backends.cudnn")
    assert lib.backends.cudnn is cudnn
    cudnn.benchmark = True
    with cudnn.flags(enabled=False, benchmark=False):
        assert (cudnn.enabled, cudnn.benchmark) == (False, False)
    assert (cudnn.enabled, cudnn.benchmark) == (True, True)
    cudnn.benchmark = False
    lib.backends.cuda.enable_math_sdp(False)
    assert not lib.backends.cuda.math_sdp_enabled()
    lib.backends.cuda.enable_math_sdp(True)
    assert lib.backends.cuda.math_sdp_enabled()


def test_attention_switches_are_set_back():
    cuda = ours.backends.cuda
    with cuda.sdp_kernel(enable_flash=False, enable_math=False):
        assert (cuda.flash_sdp_enabled(), cuda.math_sdp_enabled()) == (False, False)
    assert (cuda.flash_sdp_enabled(), cuda.math_sdp_enabled()) == (True, True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        ours.backends.cudnn.flags(speed=1).__enter__()
    with ours.backends.mkl.verbose(ours.backends.mkl.VERBOSE_ON):
        assert not ours.backends.mkl.is_available()


@pytest.mark.cpu("what is where there is no GPU")
def test_without_a_gpu_streams_are_none():
    with ours.cuda.stream(None), ours.cuda.device(None), ours.cuda.device(-1):
        assert ours.cuda.memory_stats() == {}
    for refused in (ours.cuda.current_stream, ours.cuda.Event, ours.cuda.device(0).__enter__):
        with pytest.raises(RuntimeError, match="no CUDA device is available"):
            refused()
    with ours.cpu.stream(ours.cpu.current_stream()) as stream:
        assert isinstance(stream, ours.cpu.Stream)


MISSING = ["", ".accelerator", ".backends.cudnn", ".cpu", ".cuda", ".jit", ".linalg", ".utils"]
MISSING += [".nn", ".nn.functional", ".nn.init", ".nn.utils", ".optim", ".autograd", ".testing"]
MISSING += [".optim.lr_scheduler", ".utils.data", ".special", ".random", ".backends"]


@pytest.mark.parametrize("path", MISSING)
def test_what_is_missing_says_where_to_look(path):
    module = importlib.import_module(f"lazytensor.torch{path}")
    with pytest.raises(AttributeError, match=r"no_such_name.*docs/torch_coverage\.md"):
        module.no_such_name
    assert not hasattr(module, "__wrapped__")


def test_a_missing_method_says_where_to_look():
    x = ours.ones(2)
    with pytest.raises(AttributeError, match=r"'Tensor' .* no attribute 'to_sparse' .*docs/"):
        x.to_sparse()
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'no_such'$"):
        x.no_such
    x.values = 3
    assert x.values == 3 and not hasattr(x, "indices")
    public = {n for n in dir(torch.Tensor) if not n.startswith("_")}
    assert {n for n in public if not hasattr(ours.Tensor, n)} - {"dtype"} == set(ABSENT)
    assert pickle.loads(pickle.dumps(ours.ones(2))).tolist() == [1, 1]
