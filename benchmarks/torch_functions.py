"""Functions that PyTorch has kernels of its own for, in the PyTorch interface beside PyTorch eager
in the same run, at one thread: forward, and forward with backward; steps of optimisers; small
operations by themselves.

    python benchmarks/torch_functions.py
    python benchmarks/torch_functions.py pool norm --rounds 9

Words are parts of the names of the rows to run. A line has microseconds of each library and the
ratio, forward, then with backward. Time is the processor's, the least of the rounds, in which both
libraries take turns; results and gradients are compared first. Inputs are the library's own: where
they are memory of NumPy's, which others may write to, each operation would look at it again.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from timing import beside_torch

import lazytensor.torch as ours

Call = Callable[[], Any]
BUDGET = 0.02  # seconds that a measurement takes at least
WARM = 10  # calls before anything is measured: by then a program has been compiled


class Program(NamedTuple):
    """What is made of a library: a call that gives arrays."""

    name: str
    make: Callable[[Any], Call]


class Row(NamedTuple):
    """What is called, of which inputs; gradients are those of the leading inputs."""

    name: str
    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    gradients: int = 1


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers in single precision."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def whole(high: int, *shape: int, seed: int = 1) -> np.ndarray:
    """Numbers from 0 up to high."""
    return np.random.default_rng(seed).integers(0, high, shape)


def places(high: int, *shape: int) -> np.ndarray:
    """Numbers up to high that differ along the last axis."""
    rng, lines = np.random.default_rng(2), math.prod(shape[:-1])
    return np.stack([rng.permutation(high)[: shape[-1]] for _ in range(lines)]).reshape(shape)


IMAGES = normal(8, 32, 56, 56)
MATRIX = normal(1024, 1024)
LOGITS = normal(256, 1000)
TABLE = normal(10_000, 64)
BAGS = np.arange(0, 8192, 8)


def rows_of_embeddings() -> Iterator[Row]:
    """Rows of a table, and sums of them."""
    ids = whole(10_000, 8192)
    pairs = whole(10_000, 512, 16)
    yield Row("embedding", lambda f, w, i: f.nn.functional.embedding(i, w), (TABLE, pairs))
    for mode in ("sum", "mean", "max"):
        yield Row(
            f"embedding_bag_{mode}",
            lambda f, w, i, o, mode=mode: f.nn.functional.embedding_bag(i, w, o, mode=mode),
            (TABLE, ids, BAGS),
        )
    yield Row(
        "embedding_bag_weighted",
        lambda f, w, s, i, o: f.nn.functional.embedding_bag(
            i, w, o, mode="sum", per_sample_weights=s
        ),
        (TABLE, normal(8192), ids, BAGS), 2,
    )  # fmt: skip
    yield Row("one_hot", lambda f, i: f.nn.functional.one_hot(i, 100), (whole(100, 4096),), 0)


def rows_of_sequences() -> Iterator[Row]:
    """What goes over time."""
    lengths, steps = np.full(16, 100), normal(100, 16, 30)
    yield Row(
        "ctc_loss",
        lambda f, x, t, n, m: f.nn.functional.ctc_loss(
            f.nn.functional.log_softmax(x, 2), t, n, m
        ),
        (steps, whole(29, 16, 20) + 1, lengths, np.full(16, 20)),
    )  # fmt: skip
    for kind, gates in (("lstm", 4), ("gru", 3)):
        weights = [normal(gates * 128, n) * 0.1 for n in (64, 128)]
        biases = [normal(gates * 128) * 0.1 for _ in range(2)]
        states = [np.zeros((1, 32, 128), np.float32)] * (2 if kind == "lstm" else 1)

        def run(f: Any, x: Any, a: Any, b: Any, c: Any, d: Any, *h: Any, kind: str = kind) -> Any:
            hx = h if kind == "lstm" else h[0]
            return getattr(f, kind)(x, hx, [a, b, c, d], True, 1, 0.0, True, False, False)[0]

        yield Row(kind, run, (normal(35, 32, 64), *weights, *biases, *states), 5)


def rows_of_distances() -> Iterator[Row]:
    """Distances of all pairs."""
    x, y = normal(256, 32), normal(256, 32, seed=1)
    yield Row("pdist", lambda f, x: f.pdist(x), (x,))
    yield Row("pdist_1", lambda f, x: f.pdist(x, 1.0), (x,))
    yield Row("cdist", lambda f, x, y: f.cdist(x, y), (x, y), 2)
    yield Row("cdist_1", lambda f, x, y: f.cdist(x, y, 1.0), (x, y), 2)
    yield Row("cdist_few", lambda f, x, y: f.cdist(x, y), (x[:20], y[:20]), 2)
    yield Row("cosine", lambda f, x, y: f.nn.functional.cosine_similarity(x, y), (x, y), 2)


def rows_of_places() -> Iterator[Row]:
    """Elements at places: taken, written, added."""
    ids, few = whole(1024, 512), normal(512, 1024)
    line = places(1024, 1024, 256)
    yield Row("index_select_0", lambda f, x, i: f.index_select(x, 0, i), (MATRIX, ids))
    yield Row("index_select_1", lambda f, x, i: f.index_select(x, 1, i), (MATRIX, ids))
    yield Row(
        "index_pairs",
        lambda f, x, i, j: x[i, j],
        (MATRIX, whole(1024, 100_000), whole(1024, 100_000)),
    )
    yield Row("gather", lambda f, x, i: f.gather(x, 1, i), (MATRIX, line))
    yield Row(
        "scatter_add",
        lambda f, x, s, i: x.scatter_add(1, i, s),
        (MATRIX, normal(1024, 256), line),
        2,
    )
    yield Row("index_add", lambda f, x, s, i: x.index_add(0, i, s), (MATRIX, few, ids), 2)
    yield Row("index_put_add", lambda f, x, s, i: x.index_put((i,), s, True), (MATRIX, few, ids), 2)
    yield Row("masked_fill", lambda f, x, m: x.masked_fill(m, 0.0), (MATRIX, MATRIX > 0))
    yield Row("masked_select", lambda f, x, m: f.masked_select(x, m), (MATRIX, MATRIX > 0))
    yield Row("nonzero", lambda f, m: f.nonzero(m), (MATRIX > 1,), 0)
    yield Row("take_along_dim", lambda f, x, i: f.take_along_dim(x, i, 1), (MATRIX, line))
    yield Row("repeat_interleave", lambda f, x: f.repeat_interleave(x, 2, 1), (MATRIX,))
    yield Row("tril", lambda f, x: f.tril(x), (MATRIX,))
    yield Row("roll", lambda f, x: f.roll(x, 3, 1), (MATRIX,))
    yield Row("flip", lambda f, x: f.flip(x, (1,)), (MATRIX,))


def rows_of_orders() -> Iterator[Row]:
    """Sorted, counted, summed one after another."""
    yield Row("sort", lambda f, x: f.sort(x, stable=True)[0], (MATRIX,))
    yield Row("topk", lambda f, x: f.topk(x, 10)[0], (MATRIX,))
    yield Row("unique", lambda f, x: f.unique(x), (whole(1000, 100_000),), 0)
    yield Row("bincount", lambda f, x: f.bincount(x), (whole(1000, 100_000),), 0)
    yield Row("histc", lambda f, x: f.histc(x, 100, -3, 3), (normal(100_000),), 0)
    yield Row(
        "searchsorted",
        lambda f, x, y: f.searchsorted(x, y),
        (np.sort(normal(1000)), normal(100_000)),
        0,
    )
    for name in ("cumsum", "logcumsumexp", "cumprod", "cummax"):
        x = np.abs(MATRIX) * 0.1 + 0.95 if name == "cumprod" else MATRIX

        def run(f: Any, x: Any, name: str = name) -> Any:
            out = getattr(f, name)(x, 1)
            return out[0] if name == "cummax" else out

        yield Row(name, run, (x,))
    yield Row("cumsum_0", lambda f, x: f.cumsum(x, 0), (MATRIX,))
    yield Row("median", lambda f, x: f.median(x, 1)[0], (MATRIX,))
    yield Row("quantile", lambda f, x: f.quantile(x, 0.3, 1), (MATRIX,))
    yield Row("cov", lambda f, x: f.cov(x), (normal(256, 1000),))
    yield Row("corrcoef", lambda f, x: f.corrcoef(x), (normal(256, 1000),))
    yield Row("norm", lambda f, x: f.linalg.vector_norm(x, 2, 1), (MATRIX,))
    yield Row("max_dim", lambda f, x: f.max(x, 1)[0], (MATRIX,))
    yield Row("var_0", lambda f, x: f.var(x, 0), (MATRIX,))
    yield Row("prod_1", lambda f, x: f.prod(x, 1), (MATRIX,))


def rows_of_images() -> Iterator[Row]:
    """Pooling and resizing; what goes by windows."""

    def pool(name: str, *args: Any, **more: Any) -> Row:
        return Row(
            name,
            lambda f, x: getattr(f.nn.functional, name.partition("/")[0])(x, *args, **more),
            (IMAGES,),
        )

    yield pool("max_pool2d", 2)
    yield pool("max_pool2d/3", 3, 2, 1)
    yield pool("avg_pool2d", 2)
    yield pool("avg_pool2d/3", 3, 2, 1)
    yield pool("adaptive_avg_pool2d", 7)
    yield pool("adaptive_avg_pool2d/1", 1)
    yield pool("adaptive_max_pool2d", 7)
    yield pool("lp_pool2d", 2.0, 2)
    yield pool("interpolate", scale_factor=2)
    yield pool("interpolate/bilinear", scale_factor=2, mode="bilinear")
    yield pool("interpolate/bicubic", scale_factor=2, mode="bicubic")
    yield pool("interpolate/half", scale_factor=0.5, mode="bilinear")
    yield pool("interpolate/area", scale_factor=0.5, mode="area")
    yield pool("pad", (1, 1, 1, 1))
    yield pool("pad/reflect", (1, 1, 1, 1), mode="reflect")
    yield pool("pad/replicate", (1, 1, 1, 1), mode="replicate")
    yield pool("pad/circular", (1, 1, 1, 1), mode="circular")
    yield pool("unfold", 3, padding=1)
    yield pool("pixel_unshuffle", 2)
    yield pool("pixel_shuffle", 2)
    yield Row(
        "fold", lambda f, x: f.nn.functional.fold(x, (56, 56), 3, padding=1), (normal(8, 72, 3136),)
    )
    yield from rows_of_grids()


def rows_of_grids() -> Iterator[Row]:
    """Samples of images, and convolutions that are rarer than those of images."""
    grid = np.random.default_rng(4).uniform(-1.1, 1.1, (8, 28, 28, 2)).astype(np.float32)
    for mode in ("bilinear", "nearest"):
        yield Row(
            f"grid_sample/{mode}",
            lambda f, x, g, mode=mode: f.nn.functional.grid_sample(x, g, mode, align_corners=False),
            (IMAGES, grid), 2 if mode == "bilinear" else 1,
        )  # fmt: skip
    yield Row(
        "affine_grid",
        lambda f, t: f.nn.functional.affine_grid(t, [8, 3, 56, 56], False),
        (normal(8, 2, 3),),
    )
    yield Row(
        "conv_transpose2d",
        lambda f, x, w: f.nn.functional.conv_transpose2d(x, w, stride=2, padding=1),
        (IMAGES[:4, :, ::2, ::2], normal(32, 16, 4, 4)),
        2,
    )
    yield Row(
        "conv1d",
        lambda f, x, w: f.nn.functional.conv1d(x, w, padding=1),
        (normal(16, 32, 400), normal(64, 32, 3)),
        2,
    )
    yield Row(
        "conv3d",
        lambda f, x, w: f.nn.functional.conv3d(x, w, padding=1),
        (normal(2, 8, 16, 16, 16), normal(16, 8, 3, 3, 3)),
        2,
    )


def rows_of_normalisations() -> Iterator[Row]:
    """Normalised images and rows."""
    w, b = normal(32), normal(32, seed=1)
    yield Row(
        "batch_norm",
        lambda f, x, w, b: f.nn.functional.batch_norm(x, None, None, w, b, True),
        (IMAGES, w, b),
        3,
    )
    yield Row(
        "batch_norm/eval",
        lambda f, x, w, b, m, v: f.nn.functional.batch_norm(x, m, v, w, b),
        (IMAGES, w, b, normal(32), np.abs(normal(32)) + 1),
        3,
    )
    yield Row(
        "batch_norm/1d",
        lambda f, x, w, b: f.nn.functional.batch_norm(x, None, None, w, b, True),
        (normal(4096, 32), w, b),
        3,
    )
    yield Row(
        "group_norm", lambda f, x, w, b: f.nn.functional.group_norm(x, 8, w, b), (IMAGES, w, b), 3
    )
    yield Row(
        "instance_norm",
        lambda f, x, w, b: f.nn.functional.instance_norm(x, None, None, w, b),
        (IMAGES, w, b),
        3,
    )
    yield Row(
        "layer_norm",
        lambda f, x, w, b: f.nn.functional.layer_norm(x, (1024,), w, b),
        (MATRIX, normal(1024), normal(1024)),
        3,
    )
    yield Row(
        "rms_norm",
        lambda f, x, w: f.nn.functional.rms_norm(x, (1024,), w),
        (MATRIX, normal(1024)),
        2,
    )
    yield Row("normalize", lambda f, x: f.nn.functional.normalize(x), (MATRIX,))
    yield Row(
        "local_response_norm", lambda f, x: f.nn.functional.local_response_norm(x, 5), (IMAGES,)
    )
    yield Row("softmax", lambda f, x: f.softmax(x, 1), (MATRIX,))
    yield Row("softmax/1", lambda f, x: f.softmax(x, 1), (IMAGES,))
    yield Row("prelu", lambda f, x, w: f.nn.functional.prelu(x, w), (IMAGES, w), 2)
    yield Row("glu", lambda f, x: f.nn.functional.glu(x), (MATRIX,))


def rows_of_losses() -> Iterator[Row]:
    """Losses of classes, probabilities, differences."""
    classes = whole(1000, 256)
    images, labels = normal(4, 21, 64, 64), whole(21, 4, 64, 64)
    chances = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)

    def loss(name: str, *inputs: np.ndarray, **more: Any) -> Row:
        return Row(
            name, lambda f, *x: getattr(f.nn.functional, name.partition("/")[0])(*x, **more), inputs
        )

    yield loss("cross_entropy", LOGITS, classes)
    yield loss("cross_entropy/smooth", LOGITS, classes, label_smoothing=0.1)
    yield loss("cross_entropy/images", images, labels)
    yield loss("cross_entropy/soft", LOGITS, chances)
    yield loss("nll_loss", LOGITS, classes)
    yield loss("kl_div", LOGITS, chances, reduction="batchmean")
    yield loss("huber_loss", LOGITS, LOGITS + 1)
    yield loss("smooth_l1_loss", LOGITS, LOGITS + 1)
    yield loss("mse_loss", LOGITS, LOGITS + 1)
    yield loss("l1_loss", LOGITS, LOGITS + 1)
    yield loss("binary_cross_entropy", chances, chances)
    yield loss("binary_cross_entropy_with_logits", LOGITS, chances)
    yield loss("gaussian_nll_loss", LOGITS, LOGITS + 1, chances + 1)
    yield loss("poisson_nll_loss", LOGITS, LOGITS + 1)
    yield loss("multi_margin_loss", LOGITS, classes)
    yield loss("multilabel_margin_loss", LOGITS[:, :50], places(50, 256, 50))
    yield loss("triplet_margin_loss", LOGITS, LOGITS + 1, LOGITS[::-1].copy())
    yield loss("cosine_embedding_loss", LOGITS, LOGITS[::-1].copy(), np.ones(256, np.float32))


def rows_of_products() -> Iterator[Row]:
    """Attention and sums of products."""
    heads = tuple(normal(4, 8, 128, 32, seed=i) for i in range(3))
    mask = np.zeros((128, 128), np.float32)
    attend = lambda f, *x, **m: f.nn.functional.scaled_dot_product_attention(*x, **m)  # noqa: E731
    yield Row("attention", attend, heads, 3)
    yield Row("attention/causal", lambda f, *x: attend(f, *x, is_causal=True), heads, 3)
    yield Row("attention/mask", attend, (*heads, mask), 3)
    yield Row("attention/bool", attend, (*heads, np.tri(128, dtype=bool)), 3)
    yield Row(
        "multi_head",
        multi_head,
        (
            normal(64, 16, 128),
            normal(384, 128) * 0.1,
            normal(384),
            normal(128, 128) * 0.1,
            normal(128),
        ),
        5,
    )
    for form, shapes in {
        "bij,bjk->bik": ((32, 64, 64), (32, 64, 64)),
        "bhqd,bhkd->bhqk": ((4, 8, 64, 32), (4, 8, 64, 32)),
        "bqhd,bkhd->bhqk": ((4, 64, 8, 32), (4, 64, 8, 32)),
        "bij->b": ((32, 64, 64),),
        "i,j->ij": ((1000,), (1000,)),
        "bi,ij,bj->b": ((64, 64), (64, 64), (64, 64)),
        "ii->i": ((512, 512),),
    }.items():
        inputs = tuple(normal(*s, seed=i) for i, s in enumerate(shapes))
        yield Row(
            f"einsum/{form}", lambda f, *x, form=form: f.einsum(form, *x), inputs, len(inputs)
        )
    yield Row(
        "bilinear",
        lambda f, x, y, w: f.nn.functional.bilinear(x, y, w),
        (normal(64, 32), normal(64, 32), normal(16, 32, 32)),
        3,
    )
    yield Row(
        "baddbmm",
        lambda f, a, x, y: f.baddbmm(a, x, y),
        (normal(32, 64, 64), normal(32, 64, 64), normal(32, 64, 64)),
        3,
    )


def multi_head(f: Any, x: Any, w: Any, b: Any, v: Any, c: Any) -> Any:
    """Attention of a sequence to itself."""
    call = f.nn.functional.multi_head_attention_forward
    return call(x, x, x, 128, 8, w, b, None, None, False, 0.0, v, c, need_weights=False)[0]


def rows_of_draws() -> Iterator[Row]:
    """What is drawn, by the same numbers in both libraries."""
    yield Row("dropout", lambda f, x: seeded(f).nn.functional.dropout(x, 0.5), (MATRIX,))
    yield Row("dropout2d", lambda f, x: seeded(f).nn.functional.dropout2d(x, 0.5), (IMAGES,))
    yield Row("multinomial", lambda f, x: seeded(f).multinomial(x, 20, True), (np.abs(LOGITS),), 0)
    yield Row("randperm", lambda f, x: seeded(f).randperm(100_000), (LOGITS,), 0)
    yield Row("bernoulli", lambda f, x: seeded(f).bernoulli(x), (np.abs(MATRIX).clip(0, 1),), 0)


SIZES = [(128, 128), (128,)] * 20


def parameters(torch: Any) -> list[Any]:
    """40 tensors with gradients."""
    found = [torch.nn.Parameter(torch.tensor(normal(*n, seed=i))) for i, n in enumerate(SIZES)]
    for i, p in enumerate(found):
        p.grad = torch.tensor(normal(*p.shape, seed=100 + i))
    return found


def optimizer(name: str, **settings: Any) -> Program:
    """Steps over 40 tensors, to the value of the last."""

    def make(torch: Any) -> Call:
        given = parameters(torch)
        made = getattr(torch.optim, name)(given, **settings)

        def call() -> Any:
            made.step()
            return given[-1].detach().sum().numpy()

        return call

    return Program("/".join(["optim", name, *settings]), make)


def programs_of_optimizers() -> Iterator[Program]:
    """Steps, and gradients clipped."""
    yield optimizer("SGD", lr=0.01)
    yield optimizer("SGD", lr=0.01, momentum=0.9)
    yield optimizer("SGD", lr=0.01, momentum=0.9, weight_decay=1e-4, nesterov=True)
    yield optimizer("Adam", lr=1e-3, amsgrad=True)
    for name in ("Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"):
        yield optimizer(name, lr=1e-3)

    def clip(torch: Any) -> Call:
        given = parameters(torch)
        clipped = torch.nn.utils.clip_grad_norm_
        return lambda: (clipped(given, 1.0), given[-1].grad.sum().numpy())[1]

    yield Program("clip_grad_norm", clip)


SMALL: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add_": lambda torch, x, y: x.add_(y),
    "mul_": lambda torch, x, y: x.mul_(0.9),
    "lerp_": lambda torch, x, y: x.lerp_(y, 0.1),
    "copy_": lambda torch, x, y: x.copy_(y),
    "clamp": lambda torch, x, y: x.clamp(-1, 1),
    "div": lambda torch, x, y: x / y,
    "gt": lambda torch, x, y: x > y,
    "where": lambda torch, x, y: torch.where(x > y, x, y),
    "exp": lambda torch, x, y: x.exp(),
    "sum": lambda torch, x, y: x.sum(),
    "item_of": lambda torch, x, y: x[0],
    "part": lambda torch, x, y: x[2:5],
    "view": lambda torch, x, y: x.view(5, 2),
}


def programs_of_small() -> Iterator[Program]:
    """100 operations on 10 elements, to the value of the last: what each costs by itself."""

    def program(name: str, f: Callable[[Any, Any, Any], Any]) -> Program:
        def make(torch: Any) -> Call:
            y = torch.full((10,), 0.5)

            def call() -> Any:
                x = torch.ones(10)
                for _ in range(100):
                    out = f(torch, x, y)
                return out.numpy()

            return call

        return Program(f"small/{name}", make)

    for name, f in SMALL.items():
        yield program(name, f)


def seeded(f: Any) -> Any:
    """A library whose generator begins anew."""
    f.manual_seed(0)
    return f


def table() -> Iterator[Row | Program]:
    """All rows."""
    for make in (
        rows_of_embeddings, rows_of_sequences, rows_of_distances, rows_of_places, rows_of_orders,
        rows_of_images, rows_of_normalisations, rows_of_losses, rows_of_products, rows_of_draws,
        programs_of_optimizers, programs_of_small,
    ):  # fmt: skip
        yield from make()


def calls(library: Any, row: Row | Program) -> tuple[Call, Call | None]:
    """The row forward, to the value; and with gradients, to their values."""
    if isinstance(row, Program):
        return row.make(library), None
    tensors = [library.tensor(x) for x in row.inputs]
    leaves = [t.clone().requires_grad_() for t in tensors[: row.gradients]]
    rest = tensors[row.gradients :]

    def forward() -> np.ndarray:
        return row.call(library, *tensors).numpy()  # type: ignore[no-any-return]

    if not row.gradients:
        return forward, None
    found = forward()
    cotangent = library.tensor(normal(*found.shape, seed=9).astype(found.dtype))

    def backward() -> list[np.ndarray]:
        out = row.call(library, *leaves, *rest)
        grads = library.autograd.grad(out, leaves, cotangent)
        return [out.detach().numpy(), *(x.numpy() for x in grads)]

    return forward, backward


def least(contestants: dict[str, Call], rounds: int) -> dict[str, float]:
    """Seconds of processor time of a call, the least of the rounds, by contestant."""
    times, best = {}, dict.fromkeys(contestants, math.inf)
    for name, call in contestants.items():
        for _ in range(WARM):
            call()
        times[name] = max(1, round(BUDGET / max(once(call, 1), 1e-7)))
    for _ in range(rounds):
        for name, call in contestants.items():
            best[name] = min(best[name], once(call, times[name]))
    return best


def once(call: Call, times: int) -> float:
    """Seconds of processor time of a call, of so many."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def compare(mine: Any, theirs: Any, name: str) -> None:
    """Raises AssertionError where results are apart."""
    for a, b in zip(
        *([x] if isinstance(x, np.ndarray) else x for x in (mine, theirs)), strict=True
    ):
        scale = max(float(np.abs(b).max(initial=0)), 1e-3) if b.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * scale, err_msg=name)


def measured(row: Row | Program, libraries: dict[str, Any], rounds: int) -> list[dict[str, float]]:
    """Seconds by library: forward, and with backward where there are gradients."""
    made = {name: calls(library, row) for name, library in libraries.items()}
    out = []
    for place in (0, 1):
        forms = {name: each[place] for name, each in made.items()}
        given = {name: f for name, f in forms.items() if f is not None}
        if not given:
            continue
        results = [f() for f in given.values()]
        for other in results[1:]:
            compare(results[0], other, row.name)
        out.append(least(given, rounds))
    return out


def said(times: dict[str, float]) -> str:
    """Microseconds, and the ratio."""
    line = " ".join(f"{seconds * 1e6:9.0f}" for seconds in times.values())
    return f"{line} {times['lazytensor'] / times['torch']:6.2f}" if "torch" in times else line


def main() -> None:
    """Print the table: microseconds of each library and the ratio, forward and with backward."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of names of rows; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found = beside_torch(ours)
    with threadpool_limits(1):
        for row in table():
            if not options.words or any(word in row.name for word in options.words):
                times = measured(row, found, options.rounds)
                print(f"{row.name:34}" + "   |".join(map(said, times)), flush=True)


if __name__ == "__main__":
    main()
