"""A recurrent network reads sequences of several lengths and says what they have in common.

python reading.py STEPS {LSTM,GRU,RNN}
"""

import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, RandomSampler

torch.manual_seed(0)
steps, kind = int(sys.argv[1]), sys.argv[2]


class Sums(Dataset):
    """Digits, and whether their sum is even."""

    def __len__(self) -> int:
        return 500

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        digits = torch.zeros(2 + i % 5, dtype=torch.long)
        digits[:] = i
        digits[1:] = torch.arange(len(digits) - 1) * i
        return digits % 10, int(digits.sum() % 2)


def collated(samples: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, ...]:
    """Digits filled up, lengths, answers."""
    digits, answers = zip(*samples)
    lengths = torch.tensor([len(d) for d in digits])
    return pad_sequence(digits, batch_first=True), lengths, torch.tensor(answers)


class Reader(nn.Module):
    """Embeds, reads in both directions, answers from the mean of what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.digits = nn.Embedding(10, 8)
        self.read = getattr(nn, kind)(8, 12, 2, batch_first=True, bidirectional=True, dropout=0.1)
        self.answer = nn.Linear(24, 2)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(self.digits(x), lengths, True, enforce_sorted=False)
        read, sizes = pad_packed_sequence(self.read(packed)[0], batch_first=True)
        return self.answer(read.sum(1) / sizes.unsqueeze(1))


data = Sums()
draws = RandomSampler(data, replacement=True, num_samples=10**10)
batches = iter(DataLoader(data, 16, sampler=draws, collate_fn=collated))
net = nn.DataParallel(Reader())
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for step in range(steps):
    x, lengths, answers = next(batches)
    loss = nn.functional.cross_entropy(net(x, lengths), answers)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    print(f"step {step} loss {loss.item():.6f}")
print(net)
print(scaler.state_dict())
