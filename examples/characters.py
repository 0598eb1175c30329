"""A small transformer that learns to write sonnets, one character after another.

Run it by `python -m lazytensor run examples/characters.py`,
or by `python examples/characters.py` with PyTorch.
"""

import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from reporting import Report, options

TEXT = Path(__file__).resolve().parent / "data" / "sonnets.txt"
CONTEXT, BATCH, WIDTH, HEADS, LAYERS = 48, 16, 64, 4, 2
RATE, WARM_UP = 3e-3, 10


class Attention(nn.Module):
    """Each place looks at itself and at what was before it."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        """(batch, time, width) to the same shape."""
        b, t, c = x.shape
        q, k, v = self.qkv(x).split(c, dim=2)
        q, k, v = (a.view(b, t, HEADS, c // HEADS).transpose(1, 2) for a in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    """Attention and a small network, each added to what came in."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x):
        """(batch, time, width) to the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """Characters (batch, time) to scores of the next ones (batch, time, vocabulary)."""

    def __init__(self, vocabulary):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, vocabulary, bias=False)
        self.apply(self._start)

    @staticmethod
    def _start(module):
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, x, targets=None):
        """Scores, and the mean loss where targets are given."""
        places = torch.arange(x.size(1), device=x.device)
        h = self.tokens(x) + self.places(places)
        for block in self.blocks:
            h = block(h)
        scores = self.head(self.norm(h))
        if targets is None:
            return scores, None
        return scores, F.cross_entropy(scores.view(-1, scores.size(-1)), targets.view(-1))


def batch(text):
    """Pieces of the text at random, and the same a character later."""
    starts = torch.randint(len(text) - CONTEXT, (BATCH,))
    x = torch.stack([text[i : i + CONTEXT] for i in starts])
    y = torch.stack([text[i + 1 : i + 1 + CONTEXT] for i in starts])
    return x, y


def rate(step, steps):
    """A factor of the learning rate: up over the first steps, then down along a cosine."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def write(model, letters, length):
    """Text that the model makes up."""
    model.eval()
    x = torch.full((1, 1), letters.index("\n"))
    for _ in range(length):
        scores, _ = model(x[:, -CONTEXT:])
        chances = F.softmax(scores[:, -1, :] / 0.8, dim=-1)
        x = torch.cat([x, torch.multinomial(chances, num_samples=1)], dim=1)
    return "".join(letters[i] for i in x[0].tolist()).strip()


def main():
    """Train, tell the losses, write a few lines."""
    given = options(__doc__.splitlines()[0], steps=400)
    torch.manual_seed(given.seed)
    written = TEXT.read_text(encoding="utf-8")
    letters = sorted(set(written))
    text = torch.tensor([letters.index(c) for c in written])
    model = Transformer(len(letters))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: rate(s, given.steps))
    report = Report("characters", given.steps)
    for _ in report:
        _, loss = model(*batch(text))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        report.loss(loss.item())
    report.show(given.plot)
    print(write(model, letters, 200))


if __name__ == "__main__":
    main()
