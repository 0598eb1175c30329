"""What is done to an image, an array of bytes, before it is learnt from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch


class Compose:
    """One after another."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    """Channels first, numbers from 0 to 1."""

    def __call__(self, image: Any) -> Any:
        whole = image[:, :, None] if image.ndim == 2 else image
        return torch.from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1))).float().div(255)


class Normalize:
    """Less a mean and over a deviation, by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean, self.std = mean, std

    def __call__(self, image: Any) -> Any:
        mean, std = (torch.tensor(x).view(-1, 1, 1) for x in (self.mean, self.std))
        return image.sub(mean).div(std)


class Lambda:
    """Any function."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)
