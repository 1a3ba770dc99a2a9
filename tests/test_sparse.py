import numpy as np
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaebench.sparse import SparseRows, counts


@given(st.integers(0, 10_000), st.lists(st.integers(0, 8), min_size=0, max_size=12))
def test_any_choice_of_rows_is_scipys(seed: int, chosen: list[int]) -> None:
    matrix = scipy.sparse.random(9, 6, density=0.3, format="csr", random_state=seed)
    rows = SparseRows.from_scipy(matrix)[torch.tensor(chosen, dtype=torch.int64)]
    expected = matrix.astype(np.float32).toarray()[chosen]
    assert np.array_equal(rows.dense().numpy(), expected)
    np.testing.assert_allclose(rows.counts.numpy(), expected.sum(1), rtol=1e-6)
    assert len(rows) == len(chosen)


def test_pictures_have_no_counts() -> None:
    assert counts(torch.ones(2, 3)) is None
