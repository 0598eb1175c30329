"""The training step of the small GPT as any script of PyTorch writes it."""

from __future__ import annotations

from typing import Any

from . import gpt
from .row import Row


def modules(torch: Any) -> tuple[type, type]:
    """The classes of the script, over the module that is given as `torch`."""
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):
        """One layer."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def attention(self, x: Any) -> Any:
            batch, length, width = x.shape
            parts = self.qkv(x).view(batch, length, 3, gpt.HEADS, -1).permute(2, 0, 3, 1, 4)
            q, k, v = parts.unbind(0)
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(mixed.transpose(1, 2).reshape(batch, length, width))

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x))
            return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class GPT(nn.Module):
        """The whole."""

        def __init__(self, length: int, width: int, words: int, layers: int) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
            self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

        def forward(self, text: Any) -> Any:
            x = self.token(text) + self.place(torch.arange(text.shape[1], device=text.device))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return Block, GPT


def factory(torch: Any, compile_: Any, state: Any) -> Any:
    """A step with AdamW."""
    parameters = state["p"]
    length, width = parameters["place.weight"].shape
    table = parameters["token.weight"]
    model = modules(torch)[1](length, width, table.shape[0], gpt.layers_of(parameters))
    model.load_state_dict(parameters)
    model.to(table.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=gpt.RATE, weight_decay=gpt.DECAY)

    def step(text: Any, following: Any) -> Any:
        scores = model(text)
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return compile_(step)


# fmt: off
ROWS = [
    Row("gpt_step", gpt.step, gpt.batch, (128, 256, 512), "step", gpt.flops, state=gpt.state,
        numpy=gpt.step_numpy, factory=factory, face=True, tolerance=1e-4),
]
# fmt: on
