"""Images in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def save_image(tensor: Any, fp: str, nrow: int = 8, normalize: bool = False) -> None:
    """The images of a batch above one another, as a portable grey map, whatever the name says."""
    images = tensor.detach().cpu().numpy()
    grey = images.reshape(-1, images.shape[-1])
    low, high = (grey.min(), grey.max()) if normalize else (0.0, 1.0)
    data = ((grey - low) / max(high - low, 1e-5) * 255).clip(0, 255).astype(np.uint8)
    Path(fp).parent.mkdir(parents=True, exist_ok=True)
    Path(fp).write_bytes(b"P5 %d %d 255\n" % data.shape[::-1] + data.tobytes())
