"""Mine keeps the contract of a baseline, and its scores are those of a count by hand."""

import numpy as np
from scipy.sparse import csr_matrix

from vaebench.command.templates.baseline import Mine
from vaebench.contracts import check_baseline


def test_it_keeps_the_contract() -> None:
    check_baseline(Mine)


def test_scores_by_hand() -> None:
    x = csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]], np.float32))
    mine = Mine(power=0.5)
    mine.fit(x, np.random.default_rng(0))
    assert mine.scores(x[:1]).tolist() == [[2.0, 1.0, 0.0]]
