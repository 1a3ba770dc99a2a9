"""The contract of a metric: (model, data) → one value per example, never a mean.

Means, intervals and tests are made from the stored values, so that a later question needs no new
training. Metrics need torch and the standard library only.
"""

from torch import Tensor

Values = dict[str, Tensor]
"""Metric name → one value per example, float64, (U,)."""
