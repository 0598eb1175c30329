"""Which values of a kernel are known to be at most 0."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor.ir.graph import linearize
from lazytensor.ir.node import leaf, scalar
from lazytensor.lower.kernel import Launch
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.targets.llvm.signs import never_positive

X = leaf(np.ones((8, 8), np.float32))
K = leaf(np.ones((8, 8), np.int32))
GREATEST = g.reshape(g.max(X, (1,)), (8, 1))
SUM = g.reshape(g.sum(X, (1,)), (8, 1))
TWO = scalar(2.0, X.dtype, X.device)


def last_is(node):
    """Whether the argument of an exp is known not to be positive."""
    (launch,) = [s for s in lower(linearize([g.exp(node)])).steps if isinstance(s, Launch)]
    *_, stage = [s for s in launch.kernel.stages if s.op.name == "exp"]
    return stage.args[0] in never_positive(launch.kernel)


@pytest.mark.parametrize(
    "node",
    [
        X - GREATEST,
        -(X * X),
        -g.abs(X),
        -(X * X) / TWO,
        -g.sqrt(X) * TWO,
        g.minimum(X, -g.abs(X)),
        -g.exp(X) - X * X,
        -g.reshape(g.sum(X * X, (1,)), (8, 1)),
    ],
)
def test_known(node):
    assert last_is(node)


@pytest.mark.parametrize(
    "node",
    [
        X,
        X * X,
        GREATEST - X,
        X - SUM,
        X * TWO - GREATEST,
        X - g.reshape(g.min(X, (1,)), (8, 1)),
        -(X * X) / g.abs(X),
        -(X * X) + TWO,
        g.maximum(-g.abs(X), X),
        g.cast(-(K * K), X.dtype),
    ],
)
def test_not_known(node):
    assert not last_is(node)
