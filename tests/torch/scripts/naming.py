"""Models that foretell the next letter of a name, with what small character models use.

Cells that run step by step, a masked mean, a rolled window, a table; a loader without end, a test
in inference mode, samples, a checkpoint on disk. Options: steps, kind. It prints the losses, and
what it samples.
"""

import itertools
import os
import sys
import tempfile

import torch
import torch.nn as nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

WORDS = """ada alan alonzo annie barbara bernhard carl charles claude david emmy ernst evariste
felix george grace hedy henri henry hermann isaac jean john joseph karl katherine kurt leonhard
maria mary max niels noam pafnuty paul peter pierre ralph richard rozsa sofia stephen tim vera
werner wilhelm""".split()
LETTERS = " " + "".join(sorted(set("".join(WORDS))))
LONGEST = max(map(len, WORDS))
SIZE, HIDDEN = 16, 24


class Table(nn.Module):
    """The scores of the next letter depend on the last alone."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros((len(LETTERS), len(LETTERS))))

    def forward(self, x):
        return self.scores[x]


class Mean(nn.Module):
    """The letters so far, with equal weights."""

    def __init__(self):
        super().__init__()
        size = LONGEST + 1
        self.letters, self.places = nn.Embedding(len(LETTERS), SIZE), nn.Embedding(size, SIZE)
        self.register_buffer("seen", torch.tril(torch.ones(size, size)).view(1, size, size))
        self.out = nn.Linear(SIZE, len(LETTERS))

    def forward(self, x):
        n, length = x.shape
        h = self.letters(x) + self.places(torch.arange(length, device=x.device).unsqueeze(0))
        weights = torch.zeros((n, length, length), device=x.device)
        weights = weights.masked_fill(self.seen[:, :length, :length] == 0, float("-inf"))
        return self.out(h + torch.tanh(F.softmax(weights, dim=-1) @ h))


class Window(nn.Module):
    """The last letters side by side; those before the first have a number of their own."""

    def __init__(self, width=4):
        super().__init__()
        self.width = width
        self.letters = nn.Embedding(len(LETTERS) + 1, SIZE)
        self.net = nn.Sequential(
            nn.Linear(width * SIZE, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, len(LETTERS))
        )

    def forward(self, x):
        seen = []
        for _ in range(self.width):
            seen.append(self.letters(x))
            x = torch.roll(x, 1, 1)
            x[:, 0] = len(LETTERS)
        return self.net(torch.cat(seen, -1))


class Plain(nn.Module):
    """A recurrent cell."""

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(SIZE + HIDDEN, HIDDEN)

    def forward(self, x, state):
        return F.tanh(self.net(torch.cat([x, state], dim=1)))


class Gated(nn.Module):
    """A recurrent cell with gates."""

    def __init__(self):
        super().__init__()
        self.gates, self.net = nn.Linear(SIZE + HIDDEN, 2 * HIDDEN), Plain()

    def forward(self, x, state):
        keep, reset = F.sigmoid(self.gates(torch.cat([x, state], dim=1))).chunk(2, dim=1)
        return keep * state + (1 - keep) * self.net(x, reset * state)


class Recurrent(nn.Module):
    """A cell, from letter to letter."""

    def __init__(self, cell):
        super().__init__()
        self.first = nn.Parameter(torch.zeros(1, HIDDEN))
        self.letters, self.cell = nn.Embedding(len(LETTERS), SIZE), cell
        self.out = nn.Linear(HIDDEN, len(LETTERS))

    def forward(self, x):
        h, state, states = self.letters(x), self.first.expand((x.size(0), -1)), []
        for place in range(x.size(1)):
            state = self.cell(h[:, place, :], state)
            states.append(state)
        return self.out(torch.stack(states, 1))


KINDS = {
    "table": Table,
    "mean": Mean,
    "window": Window,
    "plain": lambda: Recurrent(Plain()),
    "gated": lambda: Recurrent(Gated()),
}


class Names(Dataset):
    """Letters, and the letters after them; -1 after the end."""

    def __init__(self, words):
        self.words = words

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        word = torch.tensor([LETTERS.index(c) for c in self.words[index]], dtype=torch.long)
        x = torch.zeros(LONGEST + 1, dtype=torch.long)
        y = torch.zeros(LONGEST + 1, dtype=torch.long)
        x[1 : 1 + len(word)] = word
        y[: len(word)] = word
        y[len(word) + 1 :] = -1
        return x, y


def loss_of(model, x, y):
    scores = model(x)
    return F.cross_entropy(scores.view(-1, scores.size(-1)), y.view(-1), ignore_index=-1)


def endless(data):
    sampler = torch.utils.data.RandomSampler(data, replacement=True, num_samples=1000)
    loader = DataLoader(data, sampler=sampler, batch_size=8, pin_memory=False)
    return itertools.chain.from_iterable(itertools.repeat(loader))


@torch.inference_mode()
def test(model, data):
    model.eval()
    losses = [loss_of(model, x, y).item() for x, y in DataLoader(data, 4, shuffle=True)]
    model.train()
    return torch.tensor(losses).mean().item()


@torch.no_grad()
def sample(model, count):
    x = torch.zeros(count, 1, dtype=torch.long)
    for _ in range(LONGEST):
        scores = model(x)[:, -1, :] / 0.9
        x = torch.cat((x, torch.multinomial(F.softmax(scores, dim=-1), num_samples=1)), dim=1)
    return ["".join(LETTERS[i] for i in row).split(" ")[0] for row in x[:, 1:].tolist()]


def main():
    steps, kind = int(sys.argv[1]), sys.argv[2]
    torch.manual_seed(3407)
    order = torch.randperm(len(WORDS)).tolist()
    words = [WORDS[i] for i in order]
    model = KINDS[kind]()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=5e-3, weight_decay=0.01, betas=(0.9, 0.99), eps=1e-8
    )
    for step, (x, y) in zip(range(steps), endless(Names(words[8:]))):
        loss = loss_of(model, x.to("cpu"), y.to("cpu"))
        model.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item()!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pt")
        torch.save(model.state_dict(), path)
        model.load_state_dict(torch.load(path))
    print(f"test {test(model, Names(words[:8])):.3f}")
    print(sample(model, 3))


if __name__ == "__main__":
    main()
