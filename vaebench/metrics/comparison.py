"""Which of several models has the higher marginal likelihood, from one value per example."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from vaebench.errors import DataError


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

    Raises:
        DataError: two models have values of different numbers of examples, or one is not finite.
    """
    found = {name: values.double() for name, values in log_likelihoods.items()}
    means = {name: values.mean().item() for name, values in found.items()}
    best = max(means, key=lambda name: means[name])
    rows: list[dict[str, float | str]] = []
    for name in sorted(means, key=lambda name: -means[name]):
        values = found[name]
        if values.shape != found[best].shape or not torch.isfinite(values).all():
            raise DataError(
                f"log p(x) of {name}: {int(torch.isfinite(values).sum())} finite values of "
                f"{len(values)}; allowed: {len(found[best])} finite ones, as of {best}"
            )
        difference = values - found[best]
        spread = difference.std().item() if len(difference) > 1 else math.nan
        rows.append(
            {
                "model": name,
                "log_likelihood": means[name],
                "difference": difference.mean().item(),
                "standard_error": spread / math.sqrt(len(difference)),
                "log_bayes_factor": difference.sum().item(),
            }
        )
    return rows
