"""`torch.backends`: switches of libraries that aren't used here, accepted and remembered."""

from .._missing import missing
from . import cpu, cuda, cudnn, mha, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mha", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
__getattr__ = missing("torch.backends")
