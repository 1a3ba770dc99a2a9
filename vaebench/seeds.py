"""Randomness is a name: every random stream is seeded by what it is for.

Leaving the strategy out of the names gives all strategies of a seed the same initial weights,
batches and noise, so that their results are paired.
"""

import hashlib

import numpy as np
import torch


def seed(*names: object) -> int:
    """A 63-bit seed from names, e.g. ``seed("weights", "ml-1m", 3)``; the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def torch_stream(*names: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator on ``device`` seeded by ``names``."""
    return torch.Generator(device).manual_seed(seed(*names))


def numpy_stream(*names: object) -> np.random.Generator:
    """A NumPy generator seeded by ``names``."""
    return np.random.default_rng(seed(*names))
