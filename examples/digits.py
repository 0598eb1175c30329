"""A convolutional network that tells handwritten digits apart.

Run it by `python -m lazytensor run examples/digits.py`,
or by `python examples/digits.py` with PyTorch.
"""

from itertools import chain, repeat
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from reporting import Report, options
from torch.utils.data import DataLoader, TensorDataset, random_split

DATA = Path(__file__).resolve().parent.parent / "lazytensor" / "cli" / "data" / "digits.npz"


class Network(nn.Module):
    """Two convolutions, then two linear layers: images (n, 1, 8, 8) to scores (n, 10)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.norm = nn.BatchNorm2d(16)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        """Scores of the ten digits."""
        x = self.pool(F.relu(self.norm(self.conv1(x))))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        return self.fc2(F.relu(self.fc1(x)))


def data():
    """Images to learn from and images to be told apart, as data sets."""
    with np.load(DATA) as file:
        images = torch.from_numpy(file["pixels"].astype(np.float32)).view(-1, 1, 8, 8) / 16
        labels = torch.from_numpy(file["labels"].astype(np.int64))
    return random_split(TensorDataset(images, labels), [1500, len(labels) - 1500])


def accuracy(model, loader):
    """The share of images that the model names correctly."""
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    return right / total


def main():
    """Train, tell the losses, test."""
    given = options(__doc__.splitlines()[0], steps=300)
    torch.manual_seed(given.seed)
    training, test = data()
    loader = DataLoader(training, batch_size=50, shuffle=True)
    model = Network()
    print(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=100, gamma=0.5)
    batches = chain.from_iterable(repeat(loader))
    report = Report("digits", given.steps)
    for _, (images, labels) in zip(report, batches):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        report.loss(loss.item())
    report.show(given.plot)
    print(f"accuracy {accuracy(model, DataLoader(test, batch_size=100)):.4f}")


if __name__ == "__main__":
    main()
