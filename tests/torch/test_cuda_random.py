"""What is drawn on CUDA devices: PyTorch's own numbers, over virtual devices.

Figures that PyTorch printed on GPUs are from public pages, of the kind that is said beside each.
What they don't show is compared with threads that draw one after another, as PyTorch's sources and
NVIDIA's documentation of cuRAND describe them.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor.ops import philox
from lazytensor.runtime.counters import counting
from lazytensor.torch import _device_draws, _philox, nn
from lazytensor.torch._dispatch import FUNCTIONS
from lazytensor.torch.nn import functional as F

FLOATING = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


@pytest.fixture(autouse=True)
def two_devices():
    with config.context(virtual_cuda=2, default_device="cpu"):
        torch.manual_seed(0)
        yield


@pytest.fixture
def held(monkeypatch):
    """Lets devices hold so many threads."""
    return lambda n: monkeypatch.setattr(_philox, "_most", lambda of, index: n)


def near(found, want, atol=5e-5):
    np.testing.assert_allclose(found.cpu().numpy(), np.array(want), rtol=0, atol=atol)


# --- what PyTorch prints --------------------------------------------------------------------------


def test_rand():
    """Seed 0: printed in many programs' comments, and asserted by a test of another library; the
    second draw by a binding of PyTorch for Scala. Seed 42: a textbook.
    """
    near(torch.rand(2, 3, device="cuda"), [[0.3990, 0.5167, 0.0249], [0.9401, 0.9459, 0.7967]])
    torch.manual_seed(0)
    near(
        torch.rand(3, 3, device="cuda"),
        [[0.3990, 0.5167, 0.0249], [0.9401, 0.9459, 0.7967], [0.4150, 0.8203, 0.2290]],
    )
    near(
        torch.rand(3, 3, device="cuda")[:, :2],
        [[0.9722, 0.7910], [0.3300, 0.3345], [0.7640, 0.6405]],
    )
    torch.manual_seed(42)
    near(
        torch.rand(3, 4, device="cuda"),
        [
            [0.6130, 0.0101, 0.3984, 0.0403],
            [0.1563, 0.4825, 0.7362, 0.4060],
            [0.5189, 0.2867, 0.2416, 0.9228],
        ],
    )


def test_randn():
    """Seed 0: the output of a tutorial on fused kernels. Seed 42: the documentation of a library of
    attention kernels, which draws a second time after something that moved the offset to 16, and
    divides by the sums of rows; and the arguments of a reproduced bug, drawn one after another.
    """
    want = [
        [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284],
        [-1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.1820],
        [-0.1271, 1.2169, 1.4353, 1.0605, -0.4941, -1.4244, -0.7244, -1.2973],
        [0.0697, -0.0074, 1.8969, 0.6878, -0.0779, -0.8373, 1.3506, -0.2879],
    ]
    near(torch.randn(4, 8, device="cuda"), want)
    torch.manual_seed(42)
    near(
        torch.randn(2, 5, device="cuda"),
        [[0.1940, 2.1614, -0.1721, 0.8491, -1.9244], [0.6530, -0.6494, -0.8175, 0.5280, -1.2753]],
    )
    torch.cuda.default_generators[0].set_offset(16)
    drawn = torch.randn(2, 5, device="cuda")
    near(
        drawn / drawn.sum(-1, keepdim=True),
        [[2.8827, 0.0870, 0.2340, -3.2731, 1.0694], [0.3526, 0.0928, 0.1601, -0.1737, 0.5683]],
        1e-3,
    )
    torch.manual_seed(42)
    near(
        torch.stack([torch.randn(4, device="cuda") for _ in range(6)]),
        [
            [0.1940, 2.1614, -0.1721, 0.8491], [0.1391, -0.1082, -0.7174, 0.7566],
            [-0.5187, 1.2268, 0.6255, -0.9117], [-0.6974, -1.8688, -0.8832, -1.6627],
            [-1.2682, -0.0383, -0.1029, 1.4400], [1.4640, -0.3238, 0.7740, 1.5892],
        ],
    )  # fmt: skip


def test_randn_beyond_what_a_gpu_holds(held):
    """An issue of PyTorch's, about a GPU that holds fewer threads than there are elements."""
    held(21 * 2048)
    g = torch.Generator("cuda").manual_seed(42)
    found = torch.randn([1, 64, 2048], generator=g, device="cuda")[0]
    near(
        found[:3, :3],
        [[0.1940, 2.1614, -0.1721], [-0.4574, 0.8063, 0.1580], [1.1346, -0.6329, -0.9147]],
    )
    near(
        found[:3, -3:],
        [[1.4540, -2.7733, -0.8932], [0.1124, 0.2769, -1.2535], [-1.0001, -1.1552, -0.6955]],
    )
    near(
        found[-3:, :3],
        [[-0.4861, 0.3358, 1.0578], [0.7881, 0.8339, -1.1424], [-1.2356, -0.4083, -0.4695]],
    )
    near(
        found[-3:, -3:],
        [[-0.7282, 0.5087, 0.1318], [-0.6297, -1.1112, -0.4091], [-0.4841, 1.2850, -0.0282]],
    )
    assert g.get_offset() == 4


def test_words():
    """The known answers that come with the generator's authors' own library, Random123."""
    for (c0, c1, c2, c3), (k0, k1), want in (
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ):  # fmt: skip
        given = [np.array([lo | hi << 32], np.uint64) for lo, hi in ((c0, c1), (c2, c3))]
        found = philox.words(k0 | k1 << 32, *given)
        assert tuple(int(x[0]) for x in found) == want


# --- threads that draw one after another ----------------------------------------------------------


def curand4(seed: int, thread: int, offset: int) -> Iterator[list[int]]:
    """The words of one thread, four at a time."""
    counter = offset // 4
    while True:
        c, k = (
            [counter % 2**32, counter >> 32, thread % 2**32, thread >> 32],
            [seed % 2**32, seed >> 32],
        )
        for _ in range(10):
            x, y = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
            c = [y >> 32 ^ c[1] ^ k[0], y % 2**32, x >> 32 ^ c[3] ^ k[1], x % 2**32]
            k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
        yield c
        counter += 1


def over(n: int, most: int, take, per: int, seed: int = 7, offset: int = 0, run: int = 1) -> list:
    """What a grid of threads makes of n elements: each takes `run` neighbours, again and again."""
    threads = min(-(-n // 256) * 256, most)
    out = [None] * n
    for t in range(min(threads, n)):
        words, left, at = curand4(seed, t, offset), [], t * run
        while at < n:
            for k in range(run):
                left = left or [take(w) for w in [next(words)]][0][:per]
                out[min(at + k, n - 1)] = left.pop(0)
            at += threads * run
    return out


def unit(w: int) -> np.float32:
    return np.float32(w) * np.float32(2**-32) + np.float32(2**-33)


def units(words):
    return [unit(w) for w in words]


def wide(x: int, y: int) -> float:
    return (x ^ y << 21) * 2.0**-53 + 2.0**-54


def doubles(w):
    return [wide(w[0], w[1]), wide(w[2], w[3])]


def long_words(w):
    return [w[0] << 32 | w[1], w[2] << 32 | w[3]]


def box_muller(w):
    out = []
    for x, y in (w[:2], w[2:]):
        s, v = math.sqrt(-2 * math.log(unit(x))), float(unit(y)) * 2 * math.pi
        out += [s * math.sin(v), s * math.cos(v)]
    return out


def box_muller_doubles(w):
    s = math.sqrt(-2 * math.log(wide(w[0], w[1])))
    v = ((w[2] ^ w[3] << 21) * 2.0**-52 + 2.0**-53) * math.pi
    return [s * math.sin(v), s * math.cos(v)]


@pytest.mark.parametrize("n", [1, 300, 2500])
def test_elements_are_of_pytorchs_threads(n, held):
    """Of a GPU that holds 512 threads."""
    held(512)
    made = {}
    for name, draw in {
        "rand": lambda: torch.rand(n, device="cuda"),
        "rand64": lambda: torch.rand(n, device="cuda", dtype=torch.float64),
        "randint": lambda: torch.randint(-3, 10, (n,), device="cuda"),
        "wide": lambda: torch.randint(-5, 2**40, (n,), device="cuda"),
        "all": lambda: torch.empty(n, device="cuda", dtype=torch.int64).random_(-(2**63), None),
        "bernoulli": lambda: torch.empty(n, device="cuda").bernoulli_(0.3),
    }.items():
        torch.manual_seed(7)
        made[name] = draw().cpu().numpy()
        per = 2 if name in ("rand64", "wide", "all") else 4
        assert torch.cuda.default_generators[0].get_offset() == 4 * -(
            -n // (min(-(-n // 256) * 256, 512) * per)
        )
    u, words = over(n, 512, units, 4), over(n, 512, list, 4)
    assert made["rand"].tolist() == [float(x % 1) for x in u]
    assert made["rand64"].tolist() == over(n, 512, doubles, 2)
    assert made["randint"].tolist() == [w % 13 - 3 for w in words]
    longs = over(n, 512, long_words, 2)
    assert made["wide"].tolist() == [w % (2**40 + 5) - 5 for w in longs]
    assert made["all"].tolist() == np.array(longs, np.uint64).astype(np.int64).tolist()
    assert made["bernoulli"].tolist() == [float(x < np.float32(0.3)) for x in u]


@pytest.mark.parametrize("dtype", FLOATING)
def test_normal_numbers_are_of_pytorchs_threads(dtype, held):
    held(512)
    torch.manual_seed(7)
    found = torch.randn(2500, device="cuda", dtype=dtype).cpu().double().numpy()
    single = dtype is not torch.float64
    want = over(2500, 512, box_muller if single else box_muller_doubles, 4 if single else 2)
    digits = {torch.float16: 2e-3, torch.bfloat16: 2e-2, torch.float32: 3e-6}.get(dtype, 1e-14)
    np.testing.assert_allclose(found, want, rtol=digits, atol=digits)


def in_parts(n: int, size: int, most: int, take, per: int, limit: int) -> list:
    """As `over`, where 32 bits count so many bytes: PyTorch halves what is longer, and first takes
    the counters of the whole.
    """

    def counters(count: int) -> int:
        return 4 * -(-count // (min(-(-count // 256) * 256, most) * per))

    def drawn(count: int) -> None:
        nonlocal offset
        if 1 + (count - 1) * size > limit:
            drawn(count // 2)
            drawn(count - count // 2)
            return
        out.extend(over(count, most, take, per, offset=offset))
        offset += counters(count)

    out: list = []
    offset = counters(n) if 1 + (n - 1) * size > limit else 0
    drawn(n)
    return [*out, offset]


def test_large_tensors_are_drawn_in_parts(held, monkeypatch):
    held(256)
    monkeypatch.setattr(_device_draws, "MOST_BYTES", 999)
    for n, parts in ((250, 1), (251, 2), (777, 4)):
        assert len(_device_draws._parts(n, 4)) == parts
        for dtype, size, take, per in (
            (torch.float32, 4, units, 4), (torch.float64, 8, doubles, 2),
        ):  # fmt: skip
            torch.manual_seed(7)
            found = torch.rand(n, device="cuda", dtype=dtype).tolist()
            want = in_parts(n, size, 256, take, per, 999)
            offset = torch.cuda.default_generators[0].get_offset()
            assert [*found, offset] == [*(float(x % 1) for x in want[:-1]), want[-1]]
    torch.manual_seed(7)
    normals = torch.randn(3, 259, device="cuda", dtype=torch.float64).reshape(-1).tolist()
    want = in_parts(777, 8, 256, box_muller_doubles, 2, 999)[:-1]
    np.testing.assert_allclose(normals, want, rtol=1e-14, atol=1e-14)
    torch.manual_seed(7)
    coins = torch.empty(2500, device="cuda", dtype=torch.bool).bernoulli_(0.3).tolist()
    assert coins == [bool(x < np.float32(0.3)) for x in in_parts(2500, 1, 256, units, 4, 999)[:-1]]


def test_uniform_numbers_are_rounded_once():
    torch.manual_seed(3)
    u = torch.rand(1000, device="cuda").double().cpu().numpy()
    torch.manual_seed(3)
    found = torch.empty(1000, device="cuda").uniform_(-0.1, 0.3).cpu().numpy()
    low, high = np.float32(-0.1), np.float32(0.3)
    want = (u * float(high - low) + float(low)).astype(np.float32)
    assert found.tolist() == want.tolist()
    assert torch.empty(5, device="cuda").uniform_(2, 2).tolist() == [2.0] * 5


@pytest.mark.parametrize(
    ("dtype", "n", "offset", "run"),
    [
        (torch.float32, 4000, 0, 4), (torch.float32, 4002, 0, 2), (torch.float32, 4001, 0, 1),
        (torch.float32, 4000, 2, 2), (torch.float32, 4000, 1, 1), (torch.float64, 4000, 0, 2),
        (torch.float16, 4000, 0, 8), (torch.bfloat16, 4004, 0, 4),
    ],
)  # fmt: skip
def test_dropout_is_of_pytorchs_threads(dtype, n, offset, run, held):
    """How many neighbours a thread has at a time depends on how a tensor lies."""
    held(512)
    torch.manual_seed(7)
    x = torch.ones(n + offset, device="cuda", dtype=dtype)[offset:].requires_grad_()
    found = F.dropout(x, 0.3)
    assert found.grad_fn.name() == "NativeDropoutBackward0"
    found.sum().backward()
    assert torch.cuda.default_generators[0].get_offset() == 4 * -(-n // 2048)
    keep = 0.7 if dtype is torch.float64 else np.float32(0.7)
    u = over(n, 512, units, 2 if run == 2 else 4, run=run)
    want = torch.tensor([float(1 / keep) if v < keep else 0.0 for v in u], dtype=torch.float64)
    for got in (found, x.grad):
        assert got.dtype is dtype and got.detach().cpu().tolist() == want.to(dtype).tolist()


def test_dropout_in_the_order_of_memory():
    torch.manual_seed(5)
    plain = F.dropout(torch.ones(6, 8, device="cuda"), 0.5)
    torch.manual_seed(5)
    across = F.dropout(torch.ones(8, 6, device="cuda").t().contiguous().t().T, 0.5)
    torch.manual_seed(5)
    turned = F.dropout(torch.ones(6, 8, device="cuda").t(), 0.5)
    assert plain.equal(across) and turned.t().equal(plain) and turned.stride() == (1, 8)


def test_dropout_of_a_mask_first():
    """In place, and of whole channels: as `bernoulli_` draws."""
    torch.manual_seed(9)
    mask = torch.empty(40, device="cuda").bernoulli_(1 - 0.25)
    torch.manual_seed(9)
    found = torch.dropout_(torch.ones(40, device="cuda"), 0.25, True)
    assert found.equal(mask / 0.75)
    torch.manual_seed(9)
    channels = F.dropout2d(torch.ones(5, 8, 2, 2, device="cuda"), 0.25)
    assert channels[..., 0, 0].flatten().equal(mask / 0.75)
    out, kept = torch.native_dropout(torch.ones(8, device="cuda"), 1.0, True)
    assert not out.any() and not kept.any() and kept.dtype is torch.bool


def test_bernoulli_of_probabilities():
    """Four neighbours a thread; the offset moves by 12."""
    p = torch.linspace(0, 1, 3001)
    torch.manual_seed(7)
    found = torch.bernoulli(p.cuda())
    assert torch.cuda.default_generators[0].get_offset() == 12
    u = over(3001, 1 << 20, units, 4, run=4)
    assert found.tolist() == [float(v <= q) for v, q in zip(u, p.numpy())]
    torch.manual_seed(7)
    assert torch.empty(3001, device="cuda").bernoulli_(p.cuda()).equal(found)


def permuted(n: int, seed: int) -> list[int]:
    """`randperm` by its keys, where equal ones are exchanged one after another."""
    bits = math.ceil(math.log2(n - (6.0 * n * n + 1) / (math.log(0.9) * 12)))
    keys = [w % (2**32 - 1) - 2**31 for w in over(n, 132 * 2048, long_words, 2, seed)]
    low = [k % 2**bits for k in keys]
    found = sorted(range(n), key=lambda i: low[i])
    at = 0
    while at < n:
        end = at
        while end < n and low[found[end]] == low[found[at]]:
            end += 1
        words = next(curand4(seed, at, 4))
        for k, w in zip(range(end - at - 1, 0, -1), words):
            a, b = at + k, at + w % (k + 1)
            found[a], found[b] = found[b], found[a]
        at = end
    return found


def test_permutations():
    exchanged = 0
    for n in (1, 2, 3, 5, 17, 300):
        for seed in range(12):
            torch.manual_seed(seed)
            found = torch.randperm(n, device="cuda").tolist()
            assert found == permuted(n, seed)
            assert torch.cuda.default_generators[0].get_offset() == 4 + -(-n // 4) * 4
            exchanged += n < 4 and found != sorted(found)
    assert exchanged
    assert sorted(torch.randperm(20000, device="cuda").tolist()) == list(range(20000))


def test_samples_are_of_pytorchs_threads():
    """One thread for each sample of each row, in blocks of 128, for several with replacement; the
    greatest of weights over exponential numbers for one sample, or without.
    """
    weights = torch.tensor([[1.0, 2, 0, 5], [0, 3, 1, 0], [0, 0, 0, 1]], device="cuda")
    sums = (weights / weights.sum(1, keepdim=True)).cumsum(1).cpu().numpy()
    torch.manual_seed(7)
    found = torch.multinomial(weights, 300, replacement=True).tolist()
    assert torch.cuda.default_generators[0].get_offset() == 4
    u = [unit(next(curand4(7, t, 0))[0]) for t in range(3 * 384)]
    for row, line in enumerate(found):
        assert line == [int(np.searchsorted(sums[row], v)) for v in u[384 * row :][:300]]
    torch.manual_seed(7)
    once = torch.multinomial(weights, 1)
    torch.manual_seed(7)
    waits = torch.empty_like(weights).exponential_()
    assert once.equal((weights / waits).argmax(1, keepdim=True))


# --- distributions --------------------------------------------------------------------------------


def distance(found: np.ndarray, cumulative) -> float:
    """Of Kolmogorov and Smirnov, times √n: over 2 for one in 1,500 good samples."""
    x = np.sort(found.astype(np.float64))
    f = cumulative(x)
    steps = np.arange(len(x) + 1) / len(x)
    return float(np.maximum(f - steps[:-1], steps[1:] - f).max() * math.sqrt(len(x)))


normal = np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)))
DISTRIBUTIONS = {
    "uniform_": ((-2.0, 5.0), lambda x: (x + 2) / 7),
    "normal_": ((1.0, 2.0), lambda x: normal((x - 1) / 2)),
    "exponential_": ((2.0,), lambda x: 1 - np.exp(-2 * x)),
    "cauchy_": ((1.0, 3.0), lambda x: np.arctan((x - 1) / 3) / math.pi + 0.5),
    "log_normal_": ((0.5, 1.5), lambda x: normal((np.log(x) - 0.5) / 1.5)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_distributions(name, dtype):
    parameters, cumulative = DISTRIBUTIONS[name]
    torch.manual_seed(11)
    x = getattr(torch.empty(20000, device="cuda", dtype=dtype), name)(*parameters)
    assert x.device.type == "cuda" and distance(x.cpu().numpy(), cumulative) < 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_moments_of_halves(dtype):
    torch.manual_seed(11)
    for name, mean, std in (("uniform_", 0.5, 12**-0.5), ("normal_", 0, 1), ("exponential_", 1, 1)):
        x = getattr(torch.empty(20000, device="cuda", dtype=dtype), name)().cpu().double()
        assert abs(x.mean() - mean) < 0.02 and abs(x.std() - std) < 0.03
    assert (torch.rand(20000, device="cuda", dtype=dtype) < 1).all()


def test_counts():
    torch.manual_seed(11)
    tries = torch.empty(20000, device="cuda").geometric_(0.25)
    assert tries.min() == 1 and abs(tries.mean().item() - 4) < 0.1
    weights = torch.tensor([[1.0, 2.0, 0.0, 5.0], [0.0, 3.0, 1.0, 0.0]], device="cuda")
    often = torch.multinomial(weights, 20000, replacement=True)
    for row, w in zip(often.cpu(), weights.cpu()):
        np.testing.assert_allclose(row.bincount(minlength=4) / 20000, w / w.sum(), atol=0.02)
    once = torch.stack([torch.multinomial(weights[0], 3) for _ in range(50)])
    assert (once.sort(1)[0] == torch.tensor([0, 1, 3], device="cuda")).all()
    with pytest.raises(RuntimeError, match="probability tensor contains either"):
        torch.multinomial(torch.tensor([1.0, -1.0], device="cuda"), 1)
    with pytest.raises(RuntimeError, match="sum of probabilities <= 0"):
        torch.multinomial(torch.zeros(2, device="cuda"), 1)
    rates = torch.full((4000,), 3.0, device="cuda")
    assert abs(torch.poisson(rates).mean().item() - 3) < 0.15
    assert abs(FUNCTIONS["_standard_gamma"](rates).mean().item() - 3) < 0.15
    assert abs(torch.binomial(rates * 2, rates / 6).mean().item() - 3) < 0.15
    assert torch.poisson(rates).device == rates.device


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_numbers_are_pairs(dtype):
    torch.manual_seed(2)
    z = torch.rand(3, 2, dtype=dtype, device="cuda")
    torch.manual_seed(2)
    real = torch.float32 if dtype is torch.complex64 else torch.float64
    assert torch.view_as_real(z).equal(torch.rand(3, 2, 2, dtype=real, device="cuda"))
    assert abs(torch.randn(5000, dtype=dtype, device="cuda").abs().square().mean().item() - 1) < 0.1


def test_slopes():
    x = torch.linspace(-1, 1, 1000, device="cuda").requires_grad_()
    y = F.rrelu(x, 0.25, 0.5, training=True)
    y.sum().backward()
    ratio = (y / x).detach()
    assert (ratio[x > 0] == 1).all() and ratio[x < 0].std() > 0.05
    assert ((ratio[x < 0] > 0.2499) & (ratio[x < 0] < 0.5001)).all()


# --- states ---------------------------------------------------------------------------------------


def test_states():
    g = torch.Generator("cuda").manual_seed(2**63 + 5)
    torch.rand(3, generator=g, device="cuda")
    state = g.get_state()
    assert state.dtype is torch.uint8 and state.shape == (16,) and state.device.type == "cpu"
    assert state.numpy().view(np.uint64).tolist() == [2**63 + 5, 4] and g.get_offset() == 4
    want = torch.rand(3, generator=g, device="cuda")
    for other in (torch.Generator("cuda"), g, pickle.loads(pickle.dumps(g))):
        other.set_state(state)
        assert torch.rand(3, generator=other, device="cuda").equal(want)
    copied = g.clone_state()
    assert copied.get_offset() == 8 and copied.set_offset(0).get_offset() == 0 == g.get_offset() - 8
    g.set_state(state[:8])
    assert (g.initial_seed(), g.get_offset()) == (2**63 + 5, 0)
    assert g.manual_seed(-1).initial_seed() == 2**64 - 1
    assert g.seed() == g.initial_seed() < 2**53
    with pytest.raises(RuntimeError, match="RNG state is wrong size"):
        g.set_state(torch.get_rng_state())
    with pytest.raises(RuntimeError, match="offset must be a multiple of 4"):
        g.set_offset(6)
    h = torch.Generator("cuda").graphsafe_set_state(g)
    torch.rand(3, generator=h, device="cuda")
    assert g.get_offset() == h.get_offset() == 4
    with pytest.raises(RuntimeError, match="Expected a CUDA Generator"):
        g.graphsafe_set_state(torch.Generator())
    with pytest.raises(RuntimeError, match="CPU Generator does not use offset"):
        torch.default_generator.get_offset()


def test_default_generators():
    torch.manual_seed(5)
    assert torch.cuda.initial_seed() == 5
    state = torch.cuda.get_rng_state(1)
    first = torch.rand(3, device="cuda:1")
    with torch.random.fork_rng():
        torch.rand(100, device="cuda:1")
    second = torch.rand(3, device="cuda:1")
    torch.cuda.set_rng_state(state, 1)
    assert torch.rand(3, device="cuda:1").equal(first)
    assert torch.rand(3, device="cuda:1").equal(second)
    assert torch.cuda.default_generators[0].get_offset() == 0


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints_draw_the_same_again(reentrant):
    x = torch.ones(50, device="cuda:1", requires_grad=True)
    f = lambda t: torch.sin(F.dropout(t * 2, 0.5))  # noqa: E731
    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=reentrant)
    after = torch.cuda.get_rng_state(1)
    torch.rand(3, device="cuda:1")
    y.sum().backward()
    assert x.grad.ne(0).equal(y.detach().ne(0)) and 0 < y.ne(0).sum() < 50
    torch.cuda.set_rng_state(after, 1)
    assert torch.cuda.default_generators[1].get_offset() == 4


def test_nothing_is_taken_for_no_elements():
    for shape in ((0,), (3, 0)):
        x = torch.rand(shape, device="cuda")
        assert (
            x.shape == shape and x.normal_().bernoulli_(0.5).exponential_().tolist() == x.tolist()
        )
        F.dropout(x, 0.5), torch.randint(3, shape, device="cuda"), torch.bernoulli(x)
    assert torch.randperm(0, device="cuda").tolist() == []
    assert torch.cuda.default_generators[0].get_offset() == 0


def test_the_place_is_taken_at_the_call():
    torch.manual_seed(1)
    a, b = torch.rand(3, device="cuda"), torch.rand(3, device="cuda")
    torch.manual_seed(1)
    again = [torch.rand(3, device="cuda") for _ in range(2)]
    assert again[1].equal(b) and again[0].equal(a)


def test_refused():
    x = torch.zeros(3, device="cuda")
    with pytest.raises(RuntimeError, match="normal expects std >= 0.0, but found std -1"):
        x.normal_(0, -1)
    with pytest.raises(RuntimeError, match="bernoulli_ expects p to be in"):
        x.bernoulli_(1.5)
    with pytest.raises(RuntimeError, match="random_ expects 'from' to be less than 'to'"):
        torch.randint(3, 3, (2,), device="cuda")
    with pytest.raises(NotImplementedError, match="fused_dropout"):
        F.dropout(torch.ones(3, dtype=torch.int64, device="cuda"), 0.5)
    with pytest.raises(RuntimeError, match="dropout probability has to be between 0 and 1"):
        torch.dropout(x, 1.5, True)


# --- what is computed -----------------------------------------------------------------------------


def test_a_step_with_dropout_compiles_once():
    """Seed and offset are inputs of the plan."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 4)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x = torch.ones(64, 32, device="cuda")
    found = []
    with config.context(execution="compile"):
        for step in range(4):
            with counting() as done:
                optimizer.zero_grad()
                out = model(x)
                loss = out.square().mean()
                loss.backward()
                optimizer.step()
                found.append(out.detach().clone())
                loss.item()
            assert step == 0 or done.compilations == 0
            assert step < 2 or done.plans == 0
    rows = [t.cpu().numpy().tobytes() for t in found]
    assert len(set(rows)) == 4 and found[0][0].ne(found[0][1]).any()


def test_dropout_is_drawn_once_and_one_kernel():
    """Forward and backward read the same words."""
    x = torch.ones(4096, device="cuda").requires_grad_()
    with config.context(execution="compile"), counting() as done:
        y = F.dropout(x * 2.0, 0.5)
        (y * y).sum().backward()
        torch.stack([y.detach(), x.grad]).tolist()
    assert (x.grad == 8 * y.detach()).all() and y.eq(0).any()
    assert done.kernels <= 3 and done.calls <= 2


DRAWN = {
    "rand": lambda: torch.rand(3000, device="cuda"),
    "rand64": lambda: torch.rand(3000, device="cuda", dtype=torch.float64),
    "half": lambda: torch.rand(3000, device="cuda", dtype=torch.float16),
    "uniform": lambda: torch.empty(3000, device="cuda").uniform_(-0.3, 0.1),
    "randint": lambda: torch.randint(-7, 100, (3000,), device="cuda"),
    "wide": lambda: torch.randint(-(2**60), 2**60, (3000,), device="cuda"),
    "dropout": lambda: F.dropout(torch.arange(3000.0, device="cuda"), 0.4),
    "bernoulli": lambda: torch.empty(3000, device="cuda").bernoulli_(0.4),
    "randperm": lambda: torch.randperm(3000, device="cuda"),
    "randn": lambda: torch.randn(3000, device="cuda"),
    "randn64": lambda: torch.randn(3000, device="cuda", dtype=torch.float64),
    "exponential": lambda: torch.empty(3000, device="cuda").exponential_(),
    "cauchy": lambda: torch.empty(3000, device="cuda").cauchy_(),
}
INEXACT = {"randn", "randn64", "exponential", "cauchy"}


@pytest.mark.parametrize("name", DRAWN)
def test_targets_and_ways_to_run_agree(name, held):
    held(512)
    found = []
    for target in ("llvm", "numpy"):
        for execution in ("interpret", "compile"):
            with config.context(target=target, execution=execution):
                torch.manual_seed(4)
                found.append(DRAWN[name]().cpu().numpy())
    assert all(a.tobytes() == b.tobytes() for a, b in zip(found[::2], found[1::2]))
    if name in INEXACT:
        np.testing.assert_array_max_ulp(found[0], found[2], 8 if name == "cauchy" else 4)
    else:
        assert found[0].tobytes() == found[2].tobytes()


def test_mapped_functions_draw():
    torch.manual_seed(3)
    x = torch.zeros(4, 3, device="cuda")
    noise = lambda row: row + torch.rand(3, device="cuda")  # noqa: E731
    same = torch.func.vmap(noise, randomness="same")(x)
    assert same[0].equal(same[3])
    different = torch.func.vmap(noise, randomness="different")(x)
    assert not different[0].equal(different[3])
    with pytest.raises(RuntimeError, match="random"):
        torch.func.vmap(noise)(x)
