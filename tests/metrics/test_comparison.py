"""Models against each other, example by example."""

import math

import pytest
import torch

from vaebench.errors import DataError
from vaebench.metrics.comparison import compare


def test_the_best_comes_first_and_differences_are_paired() -> None:
    base = torch.tensor([-1.0, -5.0, -9.0], dtype=torch.float64)
    step = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    rows = compare({"worse": base - step, "best": base, "near": base - 1e-9})
    assert [row["model"] for row in rows] == ["best", "near", "worse"]
    assert rows[2]["difference"] == pytest.approx(-0.2)
    assert rows[2]["standard_error"] == pytest.approx(0.1 / math.sqrt(3))
    assert rows[2]["log_bayes_factor"] == pytest.approx(-0.6)


@pytest.mark.parametrize("other", [[-1.0], [-1.0, math.nan, -2.0], [-1.0, -math.inf, -2.0]])
def test_values_that_cannot_be_paired_are_refused(other: list[float]) -> None:
    with pytest.raises(DataError, match=r"log p\(x\) of b: . finite values of .; allowed: 3"):
        compare({"a": torch.zeros(3), "b": torch.tensor(other)})
