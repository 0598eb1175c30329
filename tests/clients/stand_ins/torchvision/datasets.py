"""Datasets that are drawn: blurred digits' strokes as MNIST has, and noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

SIZES = {True: 640, False: 320}


class MNIST(Dataset):
    """Grey images of 28 by 28, of ten kinds: each kind is a picture of its own, with noise."""

    def __init__(
        self,
        root: str,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        kinds = np.random.RandomState(0).rand(10, 28, 28) > 0.8
        drawn = np.random.RandomState(1 + train)
        labels = drawn.randint(0, 10, SIZES[train])
        images = kinds[labels] * 200 + drawn.randint(0, 56, (SIZES[train], 28, 28))
        self.data = torch.from_numpy(images.astype(np.uint8))
        self.targets = torch.from_numpy(labels.astype(np.int64))
        self.transform, self.target_transform = transform, target_transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        image, label = self.data[index].numpy(), int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)


class FakeData(Dataset):
    """Coloured noise."""

    def __init__(
        self, size: int = 128, image_size: Any = (3, 224, 224), transform: Any = None
    ) -> None:
        self.size, self.image_size, self.transform = size, image_size, transform

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        channels, height, width = self.image_size
        drawn = np.random.RandomState(index).randint(0, 256, (height, width, channels))
        image: Any = drawn.astype(np.uint8)
        return self.transform(image) if self.transform is not None else image, index % 10
