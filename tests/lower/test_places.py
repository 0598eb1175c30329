"""Elements at places of what kernels compute: losses and gradients go over the scores once."""

import numpy as np
import pytest

import lazytensor as xp
import lazytensor.torch as torch
from lazytensor import inspect
from lazytensor._base import config
from lazytensor.runtime import cache

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


def test_a_loss_is_one_kernel_that_writes_a_number_a_row():
    (step,) = over_scores(loss(xp.asarray(SCORES), xp.asarray(LABELS)))
    assert step.written == 4 * ROWS


def test_a_gradient_is_one_kernel():
    (step,) = over_scores(*gradient(xp.asarray(SCORES), xp.asarray(LABELS)))
    assert step.read <= SCORES.nbytes + 8 * 4 * ROWS + 4 * CLASSES
    assert step.written <= SCORES.nbytes + 2 * 4 * ROWS


def test_a_gradient_of_the_torch_face_is_one_kernel():
    (step,) = over_scores(*torch_gradient(SCORES, LABELS, ROWS))
    assert step.written <= SCORES.nbytes + 4 * 4 * ROWS


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
