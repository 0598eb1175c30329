"""Distributions are fitted: a posterior by its lower bound, a flow, a bounded policy, a mixture.

python inferring.py STEPS
"""

import sys

import torch
from torch import nn
from torch.distributions import (
    AffineTransform,
    Beta,
    Categorical,
    Dirichlet,
    Gamma,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    TanhTransform,
    TransformedDistribution,
    kl_divergence,
)
from torch.nn.functional import softplus

STEPS = int(sys.argv[1])
torch.manual_seed(0)


def trained(name: str, params: list[torch.Tensor], loss_of) -> None:
    """Adam's steps, whose losses are printed."""
    print(name, [type(p).__name__ for p in params])
    optimizer = torch.optim.Adam(params, lr=0.02)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        print("step", step, "loss", loss.item())


class Posterior(nn.Module):
    """Normal about a mean, with a covariance."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(n))
        self.factor = nn.Parameter(torch.eye(n))

    def forward(self) -> MultivariateNormal:
        """The distribution."""
        diagonal = softplus(self.factor.diagonal()) + 1e-3
        return MultivariateNormal(self.mean, scale_tril=self.factor.tril(-1) + diagonal.diag())


points = torch.randn(40, 3)
values = points @ torch.tensor([1.0, -2.0, 0.5]) + 0.1 * torch.randn(40)
posterior, prior = Posterior(3), MultivariateNormal(torch.zeros(3), torch.eye(3))


def bound() -> torch.Tensor:
    """Minus the evidence's lower bound."""
    q = posterior()
    fits = Normal(q.rsample((8,)) @ points.T, 0.5).log_prob(values).sum(-1).mean()
    return kl_divergence(q, prior) - fits


trained("posterior", list(posterior.parameters()), bound)
print(posterior(), posterior().covariance_matrix.diagonal())

policy = nn.Linear(3, 4)


def regret() -> torch.Tensor:
    """How far actions between -2 and 2 are from what is asked for, with a reward for doubt."""
    mean, spread = policy(points).chunk(2, -1)
    base = Normal(mean, softplus(spread) + 0.05)
    moved = [TanhTransform(cache_size=1), AffineTransform(0.0, 2.0)]
    actions = Independent(TransformedDistribution(base, moved), 1)
    drawn = actions.rsample()
    return ((drawn - points[:, :2]) ** 2).sum(-1).mean() + 0.05 * actions.log_prob(drawn).mean()


trained("policy", list(policy.parameters()), regret)

shapes = nn.Parameter(torch.ones(5))


def surprise() -> torch.Tensor:
    """Of draws whose gradients go through gamma, beta and Dirichlet distributions."""
    a = softplus(shapes)
    gamma, beta, shares = Gamma(a[0], a[1]), Beta(a[2], a[3]), Dirichlet(a)
    loss = (gamma.rsample((16,)) - 2).square().mean() + (beta.rsample((16,)) - 0.7).square().mean()
    loss = loss + (shares.rsample((16,)) - 0.2).square().sum(-1).mean()
    return loss + 0.01 * kl_divergence(gamma, Gamma(1.0, 1.0))


trained("shapes", [shapes], surprise)

weights, centres = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.tensor([-1.0, 0.0, 1.0]))
heights = torch.cat([torch.randn(30) - 3, torch.randn(30) + 3])


def unlikely() -> torch.Tensor:
    """Of a mixture of three normal distributions."""
    mixture = MixtureSameFamily(Categorical(logits=weights), Normal(centres, 1.0))
    return -mixture.log_prob(heights).mean()


trained("mixture", [weights, centres], unlikely)
print(MixtureSameFamily(Categorical(logits=weights), Normal(centres, 1.0)))
