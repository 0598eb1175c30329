"""A tour of tensors and automatic differentiation, which ends with a curve fitted to points.

Run it by `python -m lazytensor run examples/tutorial.py`,
or by `python examples/tutorial.py` with PyTorch.

Both print the same, to the last digit.
"""

import numpy as np
import torch
from reporting import Report, options


def tensors():
    """How tensors are made, and what they know of themselves."""
    print("# Tensors")
    print(torch.rand(4, 3))
    print(torch.zeros(4, 3, dtype=torch.long))
    x = torch.tensor([5.5, 3])
    print(x)
    x = x.new_ones(4, 3, dtype=torch.double)
    print(x)
    x = torch.randn_like(x, dtype=torch.float)
    print(x, x.shape, x.dtype)
    print(torch.arange(0, 10, 2), torch.linspace(0, 1, 5), torch.eye(2))
    print(torch.IntTensor([1, 2, 3]), torch.tensor(1.0, dtype=torch.half))


def operations():
    """Addition in four ways, broadcasting, and how shapes are changed."""
    print("# Operations")
    x, y = torch.rand(2, 3), torch.rand(2, 3)
    out = torch.empty(2, 3)
    torch.add(x, y, out=out)
    same = bool((x + y == torch.add(x, y)).all() and (out == x + y).all())
    y.add_(x)
    print(same, torch.equal(y, out))
    print(torch.arange(1, 3).view(1, 2) + torch.arange(1, 4).view(3, 1))
    wide = x.unsqueeze(1)
    print(wide.shape, wide.squeeze(1).shape, wide.squeeze(0).shape, x.view(-1, 2).shape)


def views():
    """A view shares its memory: what is written to one is seen in the other."""
    print("# Views")
    x = torch.randn(4, 4)
    row, flat = x[0, :], x.view(16)
    row += 1
    x[1:, 2] = 0
    print(x)
    print(flat)
    array = np.array([[1, 2, 3], [4, 5, 6]])
    shared = torch.from_numpy(array)
    array[0, 0] = 10
    shared[1] *= 2
    print(shared, array.sum(), torch.tensor(array).numpy().dtype)


def autograd():
    """Gradients, which add up until they are cleared."""
    print("# Gradients")
    x = torch.ones(2, 2, requires_grad=True)
    y = x**2
    z = y * y * 3
    out = z.mean()
    print(y, out, sep="\n")
    out.backward()
    print(x.grad)
    x.sum().backward()
    print(x.grad)
    x.grad.zero_()
    with torch.no_grad():
        print((x**2).requires_grad, x.detach().requires_grad)
    y = torch.randn(3, requires_grad=True)
    doubled = y * 2
    while doubled.data.norm() < 1000:
        doubled = doubled * 2
    doubled.backward(torch.tensor([0.1, 1.0, 0.0001]))
    print(y.grad)


def refusals():
    """Two mistakes, and what they are answered with."""
    print("# Mistakes")
    x = torch.tensor(1.0)
    try:
        print(x.grad.data)
    except AttributeError as error:
        print(error)
    try:
        (x + 2).backward()
    except RuntimeError as error:
        print(error)


def fit(steps, seed):
    """A polynomial of third degree that follows the sine, by gradient descent."""
    print("# A curve through points")
    torch.manual_seed(seed)
    x = torch.linspace(-3, 3, 200)
    y = torch.sin(x) + 0.1 * torch.randn(200)
    powers = torch.stack([torch.ones_like(x), x, x**2, x**3], dim=1)
    scale = torch.tensor([1.0, 3.0, 9.0, 27.0])
    weights = torch.randn(4, requires_grad=True)
    report = Report("polynomial", steps)
    for _ in report:
        loss = ((powers / scale) @ weights - y).pow(2).mean()
        loss.backward()
        with torch.no_grad():
            weights -= 0.5 * weights.grad
            weights.grad.zero_()
        report.loss(loss.item())
    print((weights / scale).detach())
    return report


def main():
    """All chapters."""
    given = options(__doc__.splitlines()[0], steps=200)
    torch.manual_seed(given.seed)
    for chapter in (tensors, operations, views, autograd, refusals):
        chapter()
    fit(given.steps, given.seed).show(given.plot)


if __name__ == "__main__":
    main()
