"""A policy learns to balance a pole from what it is rewarded for, in a simulation of a few lines.

python balancing.py EPISODES
"""

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)


def moved(state: list[float], action: int) -> list[float]:
    """The cart and the pole a fiftieth of a second later."""
    x, speed, angle, turning = state
    force = 10.0 if action else -10.0
    sine, cosine = math.sin(angle), math.cos(angle)
    push = (force + 0.05 * turning**2 * sine) / 1.1
    turn = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    shift = push - 0.05 * turn * cosine / 1.1
    return [x + 0.02 * speed, speed + 0.02 * shift, angle + 0.02 * turning, turning + 0.02 * turn]


class Policy(nn.Module):
    """Which way to push, and how much reward is to be had from here."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 32)
        self.action, self.value = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, x: torch.Tensor) -> tuple[Categorical, torch.Tensor]:
        h = F.relu(self.inner(x))
        return Categorical(F.softmax(self.action(h), dim=-1)), self.value(h)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
for episode in range(int(sys.argv[1])):
    state, steps = [0.01 * ((7 * episode + i) % 9 - 4) for i in range(4)], []
    while abs(state[2]) < 0.21 and abs(state[0]) < 2.4 and len(steps) < 100:
        choice, value = policy(torch.tensor(state))
        action = choice.sample()
        steps.append((choice.log_prob(action), value))
        state = moved(state, action.item())
    returns, total = [], 0.0
    for _ in steps:
        total = 1 + 0.99 * total
        returns.insert(0, total)
    wanted = torch.tensor(returns)
    scaled = (wanted - wanted.mean()) / (wanted.std() + 1e-6)
    chosen = [-log * (r - v.item()) for (log, v), r in zip(steps, scaled)]
    valued = [F.smooth_l1_loss(v, r.view(1)) for (_, v), r in zip(steps, scaled)]
    loss = torch.stack(chosen).sum() + torch.stack(valued).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {episode} loss {loss.item():.6f}")
    print("balanced for", len(steps))
