import itertools
import math

import scipy.sparse
import torch

from vaebench.likelihoods import Bernoulli, Multinomial
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows


def problem() -> tuple[torch.Tensor, SparseRows]:
    """Logits (4, 7) and counts, one row empty."""
    noise = torch_stream("likelihood")
    logits = torch.empty(4, 7, dtype=torch.float64).normal_(generator=noise) * 3
    counts = torch.tensor([[1, 0, 2, 0, 0, 0, 1], [0] * 7, [1] * 7, [0, 0, 0, 5, 0, 0, 0]])
    return logits, SparseRows.from_scipy(scipy.sparse.csr_matrix(counts.numpy()))


def dense_multinomial(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The textbook: Σ x log softmax."""
    return (x * torch.log_softmax(logits, 1)).sum(1)


def test_multinomial_agrees_with_the_dense_formula_and_its_gradient() -> None:
    logits, x = problem()
    ours, textbook = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    value = Multinomial(ours).log_prob(x)
    expected = dense_multinomial(textbook, x.dense().double())
    torch.testing.assert_close(value, expected)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0])
    (value * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(ours.grad, textbook.grad)


def test_multinomial_gradient_is_the_numerical_one() -> None:
    logits, x = problem()
    assert torch.autograd.gradcheck(lambda s: Multinomial(s).log_prob(x), logits.requires_grad_())


def test_multinomial_probabilities_of_all_histories_sum_to_one() -> None:
    """Without the coefficient it is the probability of an ordered history of n interactions."""
    logits, n = torch.tensor([[0.3, -1.0, 2.0]], dtype=torch.float64), 4
    total = 0.0
    for history in itertools.product(range(3), repeat=n):
        counts = [[history.count(item) for item in range(3)]]
        x = SparseRows.from_scipy(scipy.sparse.csr_matrix(counts))
        total += math.exp(Multinomial(logits).log_prob(x).item())
    assert math.isclose(total, 1, rel_tol=1e-9)


def test_multinomial_survives_extreme_logits() -> None:
    x = SparseRows.from_scipy(scipy.sparse.csr_matrix([[1, 0, 1]]))
    logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    value = Multinomial(logits).log_prob(x)
    value.sum().backward()
    assert value.item() == -1e4
    assert torch.isfinite(logits.grad).all()


def test_bernoulli_agrees_with_torch_and_sums_to_one() -> None:
    logits = torch.tensor([[0.4, -2.0, 3.0]], dtype=torch.float64)
    pictures = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)), dtype=torch.float64)
    ours = Bernoulli(logits.expand(8, -1)).log_prob(pictures)
    theirs = torch.distributions.Bernoulli(logits=logits).log_prob(pictures).sum(1)
    torch.testing.assert_close(ours, theirs)
    assert math.isclose(ours.exp().sum().item(), 1, rel_tol=1e-12)
