"""A convolutional network is trained, trimmed of its smallest weights, trained on, and kept.

python trimming.py STEPS
"""

import copy
import io
import sys

import torch
import torch.nn.functional as F
import torch.nn.utils.prune as prune
from torch import nn
from torch.nn.utils.parametrizations import orthogonal
from torch.utils.checkpoint import checkpoint

STEPS = int(sys.argv[1])
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


class Block(nn.Module):
    """Two convolutions beside a shortcut, weighed channel by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 3, padding=1, groups=channels, bias=False),
            nn.GroupNorm(2, 2 * channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(2 * channels, channels, 1),
        )
        self.weigh = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As many channels as come in."""
        y = checkpoint(self.inner, x, use_reentrant=False)
        return x + y * self.weigh(y).sigmoid()


model = nn.Sequential(
    nn.Conv2d(1, 4, 3, 2, 1), Block(4), nn.MaxPool2d(2), nn.Flatten(),
    orthogonal(nn.Linear(16, 8)), nn.Hardtanh(), nn.Linear(8, 3),
)  # fmt: skip
print(model)
images, labels = torch.randn(24, 1, 8, 8), torch.randint(0, 3, (24,))
for label in range(3):
    images[labels == label, :, label : label + 3] += 1.5

seen: dict[str, tuple[int, ...]] = {}
handles = [
    layer.register_forward_hook(lambda m, i, o, name=name: seen.update({name: tuple(o.shape)}))
    for name, layer in model.named_children()
]


def train(steps: int) -> None:
    """Steps whose losses are printed."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=steps)
    for step in range(steps):
        picked = torch.randperm(len(images))[:12]
        loss = F.cross_entropy(model(images[picked]), labels[picked], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        print("step", step, "loss", loss.item())


train(STEPS)
for handle in handles:
    handle.remove()
print(seen)
pruned = [(model[0], "weight"), (model[1].inner[3], "weight"), (model[6], "weight")]
prune.global_unstructured(pruned, prune.L1Unstructured, amount=0.3)
prune.ln_structured(model[6], "weight", amount=1, n=2, dim=1)
print([int((getattr(m, n) == 0).sum()) for m, n in pruned], prune.is_pruned(model))
train(STEPS)
for module, name in pruned:
    prune.remove(module, name)
model.eval()
print(sorted(model.state_dict()), int((model[6].weight == 0).sum()))
file = io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)
other = copy.deepcopy(model)
nn.init.zeros_(other[0].weight)
print(other.load_state_dict(torch.load(file)), torch.equal(other(images), model(images)))
try:
    model[6].load_state_dict({"weight": torch.ones(2, 2), "more": torch.ones(1)})
except RuntimeError as error:
    print(error)
print(type(images), type(model[0]), type(model[0].weight), images.dtype)
