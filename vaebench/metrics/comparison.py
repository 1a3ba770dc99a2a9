"""Which of several models has the higher marginal likelihood, from one value per example."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor


def compare(log_likelihoods: Mapping[str, Tensor]) -> list[dict[str, float | str]]:
    """Models by their log predictive density of the same held-out examples, the best first.

    With equal prior odds the log Bayes factor of two models on the test part is the sum of the
    differences of log p(x|model) (parameters as trained, so that a larger model pays for what it
    learnt of chance). Pairing by example takes the examples' own difficulty out of its error.

    Args:
        log_likelihoods: model → log p(x) per example, (U,), nats, the same examples in one order.

    Returns:
        One row a model: ``model``, ``log_likelihood`` (mean, nats per example), ``difference`` to
        the best (mean) with its ``standard_error``, and ``log_bayes_factor`` (sum) against it.
    """
    best = max(log_likelihoods, key=lambda name: log_likelihoods[name].mean().item())
    rows: list[dict[str, float | str]] = []
    for name, values in log_likelihoods.items():
        difference = values.double() - log_likelihoods[best].double()
        spread = difference.std().item() if len(difference) > 1 else math.nan
        rows.append(
            {
                "model": name,
                "log_likelihood": values.double().mean().item(),
                "difference": difference.mean().item(),
                "standard_error": spread / math.sqrt(len(difference)),
                "log_bayes_factor": difference.sum().item(),
            }
        )
    return sorted(rows, key=lambda row: -torch.tensor(row["log_likelihood"]).item())
