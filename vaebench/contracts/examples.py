"""Examples to try components with."""

import torch
from scipy.sparse import csr_matrix

from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, Labelled, SparseRows
from vaebench.strategies import Stats

EXAMPLES = 7

TOTAL = 100
"""T of a strategy's example."""

SIZES = ((5, 4), (4, 4), (1, 4), (3, 1))
"""(B, Z): examples apart from latents, as many of both, one of either."""


def some_examples(kind: str, features: int, classes: int | None = None) -> Batch:
    """Seven users or binary pictures, with classes for a model that looks at them."""
    noise = torch_stream("examples")
    pictures = (torch.rand(EXAMPLES, features, generator=noise) < 0.5).float()  # noqa: PLR2004
    if kind != "images":
        return SparseRows.from_scipy(csr_matrix(pictures.numpy()))
    return pictures if classes is None else Labelled(pictures, torch.arange(EXAMPLES) % classes)


def some_stats(step: int, *, scale: float = 1.0, size: tuple[int, int] = SIZES[0]) -> Stats:
    """Statistics of an update as training gives them: (B, Z) is ``size``.

    ``scale`` multiplies the rate and the distortion; the first user has no interactions.
    """
    noise = torch.Generator().manual_seed(step)
    examples, latents = size
    return Stats(
        torch.tensor(step),
        TOTAL,
        torch.rand(examples, generator=noise) * 50 * scale,
        torch.rand(examples, latents, generator=noise) * scale,
        torch.arange(examples, dtype=torch.float32),
    )
