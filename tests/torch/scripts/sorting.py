"""A transformer that learns to sort digits, with what small GPT programs use.

A mask in a buffer or fused attention, tied weights, a norm of its own, groups of parameters, layers
in a ModuleDict, a sampler with replacement, clipping, checkpoints, generation among the likeliest.
Options: steps, `fused` or `masked`, dropout, dtype. It prints the losses and what it generates.
"""

import inspect
import io
import math
import sys
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from torch.utils.data.dataloader import DataLoader

LENGTH, DIGITS, PLACES = 6, 3, 11


@dataclass
class Shape:
    width: int = 32
    heads: int = 2
    depth: int = 2
    dropout: float = 0.0
    fused: bool = True


class Norm(nn.Module):
    def __init__(self, width, bias=True):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.scale.shape, self.scale, self.shift, 1e-5)


class Smooth(nn.Module):
    """The tanh form of GELU, written out."""

    def forward(self, x):
        cubic = x + 0.044715 * torch.pow(x, 3.0)
        return x * 0.5 * (torch.tanh(cubic * math.sqrt(2.0 / math.pi)) + 1.0)


class Heads(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.inward = nn.Linear(shape.width, 3 * shape.width)
        self.outward = nn.Linear(shape.width, shape.width)
        self.drop_weights, self.drop = nn.Dropout(shape.dropout), nn.Dropout(shape.dropout)
        self.register_buffer("seen", torch.tril(torch.ones(PLACES, PLACES))[None, None])

    def forward(self, x):
        n, length, width = x.size()
        parts = self.inward(x).split(width, dim=2)
        each = (n, length, self.shape.heads, width // self.shape.heads)
        q, k, v = (part.view(*each).transpose(1, 2) for part in parts)
        out = self.fused(q, k, v) if self.shape.fused else self.masked(q, k, v)
        return self.drop(self.outward(out.transpose(1, 2).contiguous().view(n, length, width)))

    def fused(self, q, k, v):
        chance = self.shape.dropout if self.training else 0
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=None, dropout_p=chance, is_causal=True
        )

    def masked(self, q, k, v):
        length = q.size(-2)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(self.seen[:, :, :length, :length] == 0, float("-inf"))
        return self.drop_weights(F.softmax(scores, dim=-1)) @ v


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.before, self.between = nn.LayerNorm(shape.width), Norm(shape.width)
        self.heads = Heads(shape)
        self.steps = nn.ModuleDict(
            {
                "widen": nn.Linear(shape.width, 4 * shape.width),
                "smooth": Smooth(),
                "narrow": nn.Linear(4 * shape.width, shape.width),
                "drop": nn.Dropout(shape.dropout),
            }
        )

    def forward(self, x):
        x = x + self.heads(self.before(x))
        inner = self.between(x)
        for step in self.steps.values():
            inner = step(inner)
        return x + inner


class Sorter(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embed = nn.ModuleDict(
            {"digit": nn.Embedding(DIGITS, shape.width), "place": nn.Embedding(PLACES, shape.width)}
        )
        self.layers = nn.ModuleList([Layer(shape) for _ in range(shape.depth)])
        self.norm = Norm(shape.width, bias=False)
        self.scores = nn.Linear(shape.width, DIGITS, bias=False)
        self.embed.digit.weight = self.scores.weight
        self.apply(self.begin)
        for name, parameter in self.named_parameters():
            if name.endswith("outward.weight"):
                torch.nn.init.normal_(parameter, mean=0.0, std=0.02 / math.sqrt(2 * shape.depth))

    @staticmethod
    def begin(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if getattr(module, "bias", None) is not None:
            torch.nn.init.zeros_(module.bias)

    def optimizer(self):
        named = {n: p for n, p in self.named_parameters() if p.requires_grad}
        groups = [
            {"params": [p for p in named.values() if p.dim() >= 2], "weight_decay": 0.1},
            {"params": [p for p in named.values() if p.dim() < 2], "weight_decay": 0.0},
        ]
        can_fuse = "fused" in inspect.signature(torch.optim.AdamW).parameters
        more = {"fused": True} if can_fuse and torch.cuda.is_available() else {}
        return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), **more)

    def forward(self, digits, targets=None):
        places = torch.arange(0, digits.size(1), dtype=torch.long, device=digits.device)
        x = self.embed.digit(digits) + self.embed.place(places.unsqueeze(0))
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        if targets is None:
            return self.scores(x[:, [-1], :]), None
        scores = self.scores(x)
        return scores, F.cross_entropy(scores.view(-1, DIGITS), targets.view(-1), ignore_index=-1)

    @torch.no_grad()
    def generate(self, digits, count, top=None):
        for _ in range(count):
            scores = self(digits[:, -PLACES:])[0][:, -1, :]
            if top is None:
                _, found = torch.topk(F.softmax(scores, dim=-1), k=1, dim=-1)
            else:
                best, _ = torch.topk(scores, top)
                scores[scores < best[:, [-1]]] = -float("Inf")
                found = torch.multinomial(F.softmax(scores, dim=-1), num_samples=1)
            digits = torch.cat((digits, found), dim=1)
        return digits


class Sorted(Dataset):
    """Some digits, then the same in order; -1 where nothing is to be foretold."""

    def __len__(self):
        return 10_000

    def __getitem__(self, index):
        given = torch.randint(DIGITS, size=(LENGTH,), dtype=torch.long)
        both = torch.cat((given, torch.sort(given)[0]), dim=0)
        x, y = both[:-1].clone(), both[1:].clone()
        y[: LENGTH - 1] = -1
        return x, y


def train(model, steps):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device)
    data, optimizer = Sorted(), model.optimizer()
    sampler = torch.utils.data.RandomSampler(data, replacement=True, num_samples=int(1e10))
    batches = iter(DataLoader(data, sampler=sampler, shuffle=False, batch_size=16, num_workers=0))
    for step in range(steps):
        x, y = (part.to(device) for part in next(batches))
        _, loss = model(x, y)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print(f"step {step} loss {loss.item()!r}")


def main():
    steps, kind, dropout = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    torch.set_default_dtype(getattr(torch, sys.argv[4]))
    torch.manual_seed(1337)
    shape = Shape(fused=kind == "fused", dropout=dropout)
    model = Sorter(shape)
    print(sum(p.numel() for p in model.parameters()), "parameters")
    print(model)
    train(model, steps)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    again = Sorter(shape)
    print(again.load_state_dict(torch.load(file)))
    again.eval()
    start = torch.tensor([[0, 0, 2, 1, 0, 1]], dtype=torch.long)
    print(again.generate(start, LENGTH)[0, LENGTH:].tolist())
    print(again.generate(start, LENGTH, top=2).shape)


if __name__ == "__main__":
    main()
