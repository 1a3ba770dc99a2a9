"""The metrics of ranking that every study has, from scores."""

import torch
from torch import Tensor

from vaebench.cells.metrics import created, logits, ranked
from vaebench.metrics import Ranking, lists
from vaebench.models import VAE
from vaebench.sparse import SparseRows
from vaebench.study.keys import SHIPPED
from vaebench.training.data import HeldOut

METRICS = {name: m for name, m in created(SHIPPED).items() if isinstance(m, Ranking)}


def from_scores(scores: Tensor, fold_in: SparseRows, held_out: SparseRows) -> dict[str, Tensor]:
    """Metric → one value a user; the fold-in's scores are overwritten."""
    best = lists(scores, fold_in, held_out, 100)
    return {name: metric.values(best) for name, metric in METRICS.items()}


def ranking(model: VAE, fold_in: SparseRows, held_out: SparseRows) -> dict[str, Tensor]:
    """The same by the logits at the posterior mean."""
    part = HeldOut(fold_in, fold_in, held_out)
    found = ranked(METRICS, logits(model), part).examples
    return {name: torch.from_numpy(values) for name, values in found.items()}
