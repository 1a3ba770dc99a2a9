import numpy as np
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows, counts, weighted_rows


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


@given(st.integers(0, 10_000), st.integers(0, 12))
def test_weighted_rows_and_their_gradient_are_the_dense_product(seed: int, users: int) -> None:
    """Empty rows, items that nobody has, a user twice, and no users at all."""
    matrix = scipy.sparse.random(9, 6, density=0.3, format="csr", random_state=seed)
    chosen = torch.randint(9, (users,), generator=torch_stream("rows", seed))
    x = SparseRows.from_scipy(matrix)[chosen]
    noise = torch_stream("numbers", seed)
    rows, weights, grad = (
        torch.empty(shape).normal_(generator=noise) for shape in ((6, 4), len(x.values), (users, 4))
    )
    rows.requires_grad_()
    found = weighted_rows(x, rows, weights)
    found.backward(grad)
    dense = SparseRows(x.indices, x.offsets, weights, 6).dense()
    torch.testing.assert_close(found, dense @ rows)
    torch.testing.assert_close(rows.grad, dense.t() @ grad)


def test_stored_zeros_at_the_end_change_no_gradient() -> None:
    matrix = scipy.sparse.random(41, 6, density=0.5, format="csr", random_state=1)
    x = SparseRows.from_scipy(matrix)
    assert len(x.padded().indices) > len(x.indices)
    grads = []
    for batch in (x, x.padded()):
        rows = torch.ones(6, 3, requires_grad=True)
        weighted_rows(batch, rows, batch.values).square().sum().backward()
        grads.append(rows.grad)
    torch.testing.assert_close(*grads)
