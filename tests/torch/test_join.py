"""Tensors joined, cut, repeated and broadcast agree with PyTorch's: values, strides, histories,
gradients, errors."""

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402
from tests.torch.expressions import outcome  # noqa: E402

VALUES = """
cat([x, w])
cat([x, w, x], 1)
cat([x, w], dim=-1)
cat([x, f])
cat([x, torch.ones(0)])
cat([torch.ones(0), torch.ones(0)])
cat([torch.ones(2, dtype=torch.int8), torch.ones(2, dtype=torch.uint8)])
concat([x, x]) + 0
concatenate((x, w), axis=1)
stack([x, w])
stack([x, w], 1)
stack([x, w], -1)
stack([y, z * y])
hstack([x, w])
hstack([z, z])
vstack([y, x])
row_stack([y, y])
dstack([x, w])
dstack([y, y])
column_stack([y, x.t()])
block_diag(x, y, z)
block_diag()
block_diag(torch.ones(0, 2), x)
meshgrid(y, y * 2)
meshgrid(y, z, indexing="xy")
meshgrid([y, z, y])
cartesian_prod(y, y)
cartesian_prod(y) * 1
combinations(y)
combinations(y, 2, True)
combinations(y, 0)
combinations(y, 4)
atleast_1d(z)
atleast_2d(z)
atleast_2d(y)
atleast_3d(z)
atleast_3d(y)
atleast_3d(x)
atleast_2d([z, y])
broadcast_tensors(x * 1, y)
broadcast_shapes((2, 1), 3)
broadcast_shapes()
hsplit(x, 3)
hsplit(y, (1, 2))
vsplit(x, 2)
dsplit(c, [1, 3])
repeat_interleave(x, 2)
repeat_interleave(x, 2, dim=1)
repeat_interleave(x, i + 1, dim=0)
repeat_interleave(x, torch.tensor([2]), dim=0)
repeat_interleave(torch.tensor([1, 2, 0]))
tile(x, (2,))
tile(x, (2, 1, 3))
""".strip().split("\n")
METHODS = """
x.repeat(2, 1)
x.repeat((1, 2, 2))
y.repeat(3)
z.repeat(2)
x.repeat(2, 0)
x.tile(2)
x.tile(1, 2, 2)
""".strip().split("\n")
ERRORS = """
cat([])
cat([z, z])
cat([x, y])
cat([x, torch.ones(2, 2)])
cat([x, w], 2)
cat([x, 1])
cat(x)
stack([])
stack([x, y])
stack([x, x], 5)
stack(x)
hstack([])
vstack([x, torch.ones(3, 2)])
column_stack([y, torch.ones(2)])
block_diag(x, c)
meshgrid()
meshgrid(y, i)
meshgrid(y, y, indexing="foo")
cartesian_prod(x)
combinations(x)
combinations(y, -1)
broadcast_tensors(x, torch.ones(4))
broadcast_shapes((2,), (3,))
broadcast_shapes(-1)
hsplit(z, 1)
hsplit(x, 2)
vsplit(y, 1)
vsplit(x, 0)
dsplit(x, 1)
repeat_interleave(x, -1)
repeat_interleave(x, torch.tensor([1, 2, 3]))
repeat_interleave(x, torch.tensor([1, -2]), dim=0)
repeat_interleave(x, torch.tensor([1.0, 2]), dim=0)
repeat_interleave(torch.tensor([[1, 2]]))
repeat_interleave(x, 2, dim=0, output_size=5)
repeat_interleave(x, torch.tensor([1, 2]), dim=0, output_size=5)
""".strip().split("\n")


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize(
    "expression", [*(f"torch.{e}" for e in VALUES), *METHODS]
)
def test_values(expression, grad):
    assert outcome(lazy, expression, grad) == outcome(torch, expression, grad)


@pytest.mark.parametrize("expression", [*(f"torch.{e}" for e in ERRORS), "x.repeat(2)",
                                        "x.repeat(2, -1)", "x.repeat()"])  # fmt: skip
def test_errors(expression):
    assert outcome(lazy, expression, False) == outcome(torch, expression, False)


def test_channels_last_stays():
    for lib in (lazy, torch):
        a = lib.zeros(2, 3, 4, 5).to(memory_format=lib.channels_last)
        assert lib.cat([a, a]).stride() == (60, 1, 15, 3)
        assert lib.cat([a, lib.zeros(2, 3, 4, 5)]).stride() == (60, 20, 5, 1)


def test_out():
    for lib in (lazy, torch):
        out = lib.empty(4, 3)
        assert lib.cat([lib.ones(2, 3), lib.zeros(2, 3)], out=out) is out
        assert out.tolist() == [[1.0] * 3] * 2 + [[0.0] * 3] * 2
