"""`torch.distributions`: random variables, drawn and asked for probabilities with gradients."""

from . import constraints, kl, utils
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .kl import kl_divergence, register_kl
from .normal import Normal
from .uniform import Uniform

__all__ = [
    "Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "constraints", "kl",
    "kl_divergence", "register_kl", "utils",
]  # fmt: skip
