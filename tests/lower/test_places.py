"""Elements at places of what kernels compute: losses and gradients go over the scores once."""

import numpy as np
import pytest

import lazytensor as xp
import lazytensor.torch as torch
from lazytensor import inspect
from lazytensor._base import config
from lazytensor._base.devices import CPU
from lazytensor.ir.node import describe_line, leaf, scalar
from lazytensor.ops import g
from lazytensor.ops.scan import along
from lazytensor.runtime import cache
from lazytensor.runtime.materialize import materialize
from lazytensor.transform import places

ROWS, CLASSES = 600, 100
SCORES = np.random.default_rng(0).standard_normal((ROWS, CLASSES)).astype("float32")
LABELS = np.random.default_rng(1).integers(-CLASSES, CLASSES, ROWS)


@pytest.fixture(autouse=True)
def compiled():
    with config.context(execution="compile", target="llvm"):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


def loss(x, labels):
    logs = xp.log_softmax(x, axis=-1)
    return -xp.mean(xp.take_along_axis(logs, labels[:, None], axis=1))


def gradient(x, labels):
    return xp.value_and_grad(lambda x: loss(x, labels))(x)


def torch_gradient(x, labels, *shape):
    x = torch.tensor(x).requires_grad_()
    labels = torch.tensor(labels % CLASSES)
    found = torch.nn.functional.cross_entropy(x.reshape(*shape, CLASSES).movedim(-1, 1),
                                              labels.reshape(shape))  # fmt: skip
    return found, torch.autograd.grad(found, x)[0]


def over_scores(*results) -> list:
    """The steps of results that read or write as much as the scores."""
    steps = [s.cost for s in inspect.explain(*results).steps]
    return [s for s in steps if max(s.read, s.written) >= SCORES.nbytes]


def there(x) -> xp.Array:
    """An array that has its value, wherever it is."""
    out = xp.asarray(x)
    xp.materialize(out)
    return out


def test_a_loss_is_one_kernel_that_writes_a_number_a_row():
    (step,) = over_scores(loss(there(SCORES), there(LABELS)))
    assert step.written == 4 * ROWS


def test_a_gradient_is_one_kernel():
    (step,) = over_scores(*gradient(there(SCORES), there(LABELS)))
    assert step.read <= SCORES.nbytes + 8 * 4 * ROWS + 4 * CLASSES
    assert step.written <= SCORES.nbytes + 2 * 4 * ROWS


def test_a_gradient_of_the_torch_face_is_one_kernel():
    (step,) = over_scores(*torch_gradient(SCORES, LABELS, ROWS))
    assert step.written <= SCORES.nbytes + 4 * 4 * ROWS


def test_a_small_gradient_is_written_by_a_kernel_too():
    scores, labels = there(SCORES[:64, :10]), there(LABELS[:64] % 10)
    for found in (gradient(scores, labels), torch_gradient(SCORES[:64], LABELS[:64], 64)):
        assert "scatter_add" not in [s.name for s in inspect.explain(*found).steps]


PROGRAMS = {
    "loss": lambda: (loss(xp.asarray(SCORES), xp.asarray(LABELS)),),
    "gradient": lambda: gradient(xp.asarray(SCORES), xp.asarray(LABELS)),
    "torch": lambda: torch_gradient(SCORES, LABELS, ROWS),
    "images": lambda: torch_gradient(SCORES, LABELS, 6, 100),
    "wide": lambda: gradient(xp.asarray(SCORES.astype("float64")), xp.asarray(LABELS)),
}


def plain(x):
    return x.detach() if isinstance(x, torch.Tensor) else x


@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_are_those_of_one_operation_after_another(name):
    for target in ("llvm", "numpy"):
        bits = []
        for execution in ("interpret", "compile"):
            with config.context(execution=execution, target=target):
                bits.append([np.array(r).tobytes() for r in map(plain, PROGRAMS[name]())])
        assert bits[0] == bits[1]


@pytest.mark.parametrize("bad", [CLASSES, -CLASSES - 1])
@pytest.mark.parametrize("program", [loss, gradient], ids=["loss", "gradient"])
def test_an_index_outside_is_refused_as_before(program, bad):
    labels = LABELS.copy()
    labels[17] = bad
    texts = []
    for execution in ("interpret", "compile"):
        with config.context(execution=execution):
            found = program(xp.asarray(SCORES), xp.asarray(labels))
            with pytest.raises(IndexError) as caught:
                np.asarray(found[1] if isinstance(found, tuple) else found)
        texts.append(str(caught.value).split(" (array made at")[0])
    assert texts[0] == texts[1] == f"index {bad} is out of bounds for axis 1 of size {CLASSES}"


# --- at random ------------------------------------------------------------------------------------


SPECIAL = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 3.0, 0.25]


def operand(rng, shape, dtype):
    """An array that is the same along some axes, or lacks the first ones."""
    own = [n if rng.random() < 0.8 else 1 for n in shape][rng.integers(0, 2) :]
    return leaf(rng.choice(SPECIAL, own).astype(dtype))


def computed(rng, shape, dtype):
    """A few elementwise operations of a shape."""
    x = leaf(rng.choice(SPECIAL, shape).astype(dtype))
    for _ in range(rng.integers(1, 4)):
        x = rng.choice([g.add, g.multiply, g.maximum])(x, operand(rng, shape, dtype))
        x = g.negative(x) if rng.random() < 0.3 else x
    return x


def indices(rng, shape, axis, many):
    """An index of an axis, others counting along theirs; and the shape of the places."""
    k = rng.integers(axis + 1, len(shape) + 1)
    where = tuple(many if a == axis else n for a, n in enumerate(shape[:k]))
    n = shape[axis]
    found = [along(g, where, a, CPU) for a in range(k)]
    found[axis] = leaf(rng.integers(-n, n, where))
    if many == 1 and rng.random() < 0.5:
        where = (*where[:axis], *where[axis + 1 :])
        found = [g.reshape(i, where) for i in found]
    return found, where


def program(seed):
    """Something of what is at places, or of an array with something written there."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 12, rng.integers(1, 4)).tolist())
    dtype, axis = rng.choice(["float32", "float64", "int32"]), int(rng.integers(0, len(shape)))
    if dtype == "int32":
        shape = tuple(n + 1 for n in shape)
    at, where = indices(rng, shape, axis, int(rng.choice([1, 1, 2])))
    x = computed(rng, shape, "float32" if dtype == "int32" else dtype)
    if rng.random() < 0.5:
        out = g.gather([x, *at])
        return [out * 2.0, *([x] if rng.random() < 0.3 else [])]
    x = x if rng.random() < 0.5 else g.broadcast_to(scalar(0, x.dtype), shape)
    u = leaf(rng.choice(SPECIAL, (*where, *shape[len(at) :])).astype(x.dtype))
    u = u * 2.0 if rng.random() < 0.5 else u
    out = rng.choice([g.scatter, g.scatter_add])([x, u, *at])
    return [out, g.sum(out, (axis,)), g.sum(g.negative(out), (axis,)), g.exp(out)]


def bits(nodes):
    """Of values, whichever NaN it is."""
    materialize(nodes)
    values = [node.value for node in nodes]
    return [np.where(np.isnan(x), np.array(np.nan, x.dtype), x).tobytes() for x in values]


@pytest.mark.parametrize("seed", range(200))
def test_bits_of_programs_at_random(seed, monkeypatch):
    monkeypatch.setattr(places, "WORTH", 1)
    found = bits(program(seed))
    with config.context(execution="interpret"):
        assert found == bits(program(seed))


# --- rows that are added --------------------------------------------------------------------------


def bags(kind: str):
    """Sums of rows in bags: forward, and their gradients."""
    rng = np.random.default_rng(2)
    table = torch.tensor(rng.standard_normal((500, 70)).astype("float32")).requires_grad_()
    ids, begins = torch.tensor(rng.integers(0, 500, 900)), torch.tensor(np.arange(0, 900, 9))
    weights = torch.tensor(rng.standard_normal(900).astype("float32")).requires_grad_()
    call, own = torch.nn.functional.embedding_bag, [table]
    if kind == "mean":
        out = call(ids, table, begins)
    elif kind == "weighted":
        out = call(ids, table, begins, mode="sum", per_sample_weights=weights)
        own.append(weights)
    elif kind == "equal":
        out = call(ids.reshape(100, 9), table, mode="sum")
    else:  # messages along edges
        out = torch.zeros(500, 70).index_add(0, ids[:-1], table[ids[1:]] * weights[1:, None])
    cotangent = torch.tensor(rng.standard_normal(out.shape).astype("float32"))
    return out, *torch.autograd.grad(out, own, cotangent)


BAGS = ("mean", "weighted", "equal", "edges")


@pytest.mark.parametrize("kind", BAGS)
def test_rows_that_are_added_are_not_stored(kind):
    """Neither forward nor back: nothing as large as all rows is written, but for what the gradient
    of weights reads again.
    """
    steps = inspect.explain(bags(kind)[0]).steps
    assert [s.name for s in steps].count("gather_add") == 1
    assert kind == "weighted" or max(s.cost.written for s in steps) < 4 * 70 * 890
    names = [s.name for s in inspect.explain(*bags(kind)).steps]
    assert names.count("gather_add") == 2


@pytest.mark.parametrize("kind", BAGS)
def test_bits_of_rows_that_are_added(kind):
    for target in ("llvm", "numpy"):
        bits = []
        for execution in ("interpret", "compile"):
            with config.context(execution=execution, target=target):
                bits.append([np.array(plain(r)).tobytes() for r in bags(kind)])
        assert bits[0] == bits[1]


@pytest.mark.parametrize("bad", [500, -501])
@pytest.mark.parametrize("wrong", ["taken", "written", "both"])
@pytest.mark.parametrize("target", ["llvm", "numpy"])
def test_a_row_outside_is_refused_as_before(bad, wrong, target):
    """At the line that took it, or that wrote it."""
    places = {name: np.append(np.arange(899) % 500, 0) for name in ("taken", "written")}
    for name, at in places.items():
        at[-1] = bad if wrong in (name, "both") else 0
    texts = []
    for execution in ("interpret", "compile"):
        with config.context(execution=execution, target=target):
            x, y = leaf(np.zeros((500, 70))), leaf(np.ones((500, 70)))
            rows = g.gather([y, leaf(places["taken"])])
            node = g.scatter_add([x, rows, leaf(places["written"])])
            with pytest.raises(IndexError) as caught:
                materialize((node,))
        assert type(caught.value) is IndexError
        texts.append(str(caught.value))
    line = describe_line((rows if wrong != "written" else node).where)
    text = f"index {bad} is out of bounds for axis 0 of size 500 (array made at {line})"
    assert texts == [text] * 2


def test_what_is_no_weight_of_rows_stays():
    x, y, u = (leaf(np.ones(s)) for s in ((100, 70), (500, 70), (900, 70)))
    i, j = leaf(np.arange(900) % 500), leaf(np.arange(900) % 100)
    rows = g.gather([y, i])
    for value in (g.multiply(rows, u), g.add(rows, u), g.multiply(rows, g.reshape(
        g.slice(u, (0, 0), (1, 70), (1, 1)), (70,)))):  # fmt: skip
        steps = inspect.explain(xp.Array(g.scatter_add([x, value, j]))).steps
        assert "gather_add" not in [s.name for s in steps]


def test_places_of_another_shape_stay():
    """Rows of two axes that are made of rows of one."""
    y, of, to = np.arange(350.0).reshape(7, 50), np.arange(1200).reshape(400, 3) % 7, np.arange(400)
    want = np.zeros((10, 3, 50))
    np.add.at(want, to % 10, y[of])
    for execution in ("interpret", "compile"):
        with config.context(execution=execution):
            rows = g.gather([leaf(y), leaf(of)])
            node = g.scatter_add([leaf(np.zeros((10, 3, 50))), rows, leaf(to % 10)])
            assert np.array_equal(np.array(xp.Array(node)), want)
