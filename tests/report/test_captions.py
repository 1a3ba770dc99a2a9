"""Captions say how much was seen, at what level, and how it was corrected."""

import re

import numpy as np

from tests.summaries import empty, frames
from vaebench.captions import FIGURES
from vaebench.report.figures import captions


def test_every_caption_names_n_level_and_correction() -> None:
    found = captions(frames(), 0.9)
    assert list(found) == list(FIGURES)
    assert found["differences"].endswith(
        "n: 3 to 4 seeds, 40 test examples; level 90% by Bonferroni over the 5 comparisons of a "
        "panel."
    ) or found["differences"].endswith(
        "n: 4 seeds, 40 test examples; level 90% by Bonferroni over the 5 comparisons of a panel."
    )
    assert "20 comparisons" in found["activity"]
    assert found["ranks"].endswith(
        "n: 5 data sets; level 90%, corrected for all pairs of strategies by Nemenyi."
    )
    for name, text in found.items():
        assert re.search(r"(\bn: |comparisons)", text), name
        assert re.search(r"(level|no test)", text), name


def test_what_nothing_was_measured_of_has_no_caption_but_of_the_grid() -> None:
    assert set(captions(empty(frames()) | {"cells": frames()["cells"]}, 0.95)) == {
        "differences",
        "elbo",
        "curves",
        "beta",
        "rate_distortion",
    }


def test_ranks_that_decide_nothing_are_not_drawn() -> None:
    made = frames()
    made["ranks"]["critical"] = np.inf
    assert "ranks" not in captions(made, 0.95)
