"""Examples to try components with."""

import torch
from scipy.sparse import csr_matrix

from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, SparseRows

EXAMPLES = 7


def some_examples(kind: str, features: int) -> Batch:
    """Seven users or binary pictures."""
    noise = torch_stream("examples")
    pictures = (torch.rand(EXAMPLES, features, generator=noise) < 0.5).float()  # noqa: PLR2004
    return pictures if kind == "images" else SparseRows.from_scipy(csr_matrix(pictures.numpy()))
