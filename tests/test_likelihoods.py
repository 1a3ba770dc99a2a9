import itertools
import math

import pytest
import scipy.sparse
import torch

from vaebench import likelihoods
from vaebench.errors import DataError
from vaebench.likelihoods import Bernoulli, Gaussian, Multinomial, OptimalGaussian
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.training.estimators import Estimator


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
    """Central differences; gradcheck itself goes backward twice, see the next test."""
    logits, x = problem()
    variable = logits.clone().requires_grad_()
    Multinomial(variable).log_prob(x).sum().backward()
    for row, item in itertools.product(range(4), range(7)):
        shift = torch.zeros_like(logits)
        shift[row, item] = 1e-6
        up, down = (Multinomial(logits + s).log_prob(x).sum() for s in (shift, -shift))
        assert math.isclose((up - down).item() / 2e-6, variable.grad[row, item], abs_tol=1e-7)


def test_a_second_backward_is_refused() -> None:
    """The first one wrote its gradient over the logits; a wrong gradient must not come out."""
    logits, x = problem()
    value = Multinomial(logits.requires_grad_() * 1).log_prob(x).sum()
    value.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_narrow_logits_are_summed_wide() -> None:
    """bfloat16 logits: the value is that of the same logits in float32, the gradient to 1/256."""
    logits, x = problem()
    narrow = logits.bfloat16().requires_grad_()
    wide = narrow.detach().float().requires_grad_()
    value, expected = Multinomial(narrow).log_prob(x), Multinomial(wide).log_prob(x)
    torch.testing.assert_close(value, expected)
    value.sum().backward()
    expected.sum().backward()
    assert narrow.grad.dtype == torch.bfloat16
    torch.testing.assert_close(narrow.grad.float(), wide.grad, rtol=1 / 128, atol=1 / 128)


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, x = problem()
    found = []
    for size in (1, 14, 2**20):
        monkeypatch.setattr(likelihoods, "CACHED_VALUES", size)
        variable = logits.bfloat16().requires_grad_()
        value = Multinomial(variable).log_prob(x)
        value.sum().backward()
        found.append((value.detach(), variable.grad))
    for other in found[1:]:
        assert torch.equal(found[0][0], other[0])
        assert torch.equal(found[0][1], other[1])


def test_float32_loses_nothing_against_the_textbook() -> None:
    """On 20,000 items, value and gradient are as near to float64 as those of log_softmax."""
    noise = torch_stream("wide")
    logits = torch.empty(6, 20_000).normal_(generator=noise) * 4
    matrix = scipy.sparse.random(6, 20_000, density=0.004, format="csr", random_state=0)
    matrix.data[:] = 1
    x = SparseRows.from_scipy(matrix)
    exact = logits.double().requires_grad_()
    expected = dense_multinomial(exact, x.dense().double())
    expected.sum().backward()
    errors = []
    for formula in (
        lambda s: Multinomial(s).log_prob(x),
        lambda s: dense_multinomial(s, x.dense()),
    ):
        variable = logits.clone().requires_grad_()
        value = formula(variable)
        value.sum().backward()
        errors.append(
            (
                (value - expected).norm() / expected.norm(),
                (variable.grad - exact.grad).norm() / exact.grad.norm(),
            )
        )
    ours, theirs = errors
    assert max(ours) < 4e-6
    assert ours[0] < 4 * theirs[0] + 1e-7
    assert ours[1] < 4 * theirs[1] + 1e-7


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


def gaussian_problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    noise = torch_stream("gaussian")
    means, log_variance, x = (
        torch.empty(5, 7, dtype=torch.float64).normal_(generator=noise) for _ in range(3)
    )
    return means, log_variance, x


def test_gaussian_agrees_with_torch_for_a_shared_and_a_pixels_variance() -> None:
    means, log_variance, x = gaussian_problem()
    for given in (log_variance, log_variance[0], log_variance[0, 0]):
        theirs = torch.distributions.Normal(means, torch.exp(given / 2)).log_prob(x).sum(1)
        torch.testing.assert_close(Gaussian(means, given).log_prob(x), theirs)


def test_the_optimal_variance_is_the_best_one() -> None:
    """No other shared variance gives the batch a higher likelihood; that is its definition."""
    means, _, x = gaussian_problem()
    running = torch.tensor(torch.nan, dtype=torch.float64)
    best = OptimalGaussian(means, running, 1e-6, adapt=True).log_prob(x).sum()
    error = ((x - means) ** 2).mean()
    closed = -0.5 * x.numel() * (torch.log(error) + 1 + math.log(2 * math.pi))
    torch.testing.assert_close(best, closed)
    for factor in (0.5, 0.9, 1.1, 2):
        assert Gaussian(means, torch.log(error * factor)).log_prob(x).sum() < best


def test_the_optimal_variance_is_followed_while_training_and_kept_in_evaluation() -> None:
    means, _, x = gaussian_problem()
    running = torch.tensor(torch.nan, dtype=torch.float64)
    OptimalGaussian(means, running, 1e-6, adapt=True).follow(x)
    first = ((x - means) ** 2).mean()
    torch.testing.assert_close(running, first, msg="the first batch alone")
    OptimalGaussian(means, running, 1e-6, adapt=True).follow(3 * x)
    second = ((3 * x - means) ** 2).mean()
    torch.testing.assert_close(running, 0.99 * first + 0.01 * second)
    kept = running.clone()
    evaluated = OptimalGaussian(means, running, 1e-6, adapt=False)
    found = evaluated.log_prob(x)
    evaluated.follow(x)
    torch.testing.assert_close(found, Gaussian(means, torch.log(kept)).log_prob(x))
    assert torch.equal(running, kept)


def test_asking_for_a_probability_changes_nothing() -> None:
    """Twice the same answer, and no state moves; only ``follow`` writes."""
    means, log_variance, x = gaussian_problem()
    running = torch.tensor(0.5, dtype=torch.float64)
    for likelihood in (
        OptimalGaussian(means, running, 1e-6, adapt=True),
        OptimalGaussian(means, running, 1e-6, adapt=False),
        Gaussian(means, log_variance),
        Bernoulli(means),
    ):
        before = dict(vars(likelihood))
        given = means.clone()
        assert torch.equal(likelihood.log_prob(x), likelihood.log_prob(x))
        assert torch.equal(means, given)
        assert vars(likelihood) == before
    assert running == 0.5
    logits, sparse = problem()
    asked = Multinomial(logits)
    assert torch.equal(asked.log_prob(sparse), asked.log_prob(sparse))


@pytest.mark.parametrize("samples", [1, 3])
def test_an_update_moves_the_followed_variance_once(samples: int) -> None:
    """Whatever the number of samples of z."""
    model = ImageMLP(
        6, hidden=[4], latents=2, likelihood=Pixels(family="gaussian", variance="optimal")
    )
    model.initialise(torch_stream("weights"))
    x = torch.rand(5, 6, generator=torch_stream("x"))
    running = dict(model.named_buffers())["decoder.3.running"]
    running.fill_(100.0)
    Estimator(samples=samples).draw(model.train(), x, torch_stream("z"))
    assert 99 < running < 99.1
    kept = running.clone()
    Estimator(samples=samples).draw(model.eval(), x, torch_stream("z"))
    assert running == kept


def test_samples_have_the_mean_and_the_variance_that_are_said() -> None:
    means, log_variance, _ = gaussian_problem()
    running = torch.tensor(0.49, dtype=torch.float64)
    p = torch.sigmoid(means)
    for likelihood, variance in (
        (Gaussian(means, log_variance), torch.exp(log_variance)),
        (OptimalGaussian(means, running, 1e-6, adapt=True), torch.full_like(means, 0.49)),
        (Bernoulli(means), p * (1 - p)),
    ):
        noise, count = torch_stream("samples"), 4_000
        drawn = torch.stack([likelihood.sample(noise) for _ in range(count)])
        error = torch.sqrt(variance / count)
        assert ((drawn.mean(0) - likelihood.mean).abs() < 5 * error).all()
        torch.testing.assert_close(drawn.var(0), variance, rtol=0.15, atol=0)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}


def test_the_optimal_variance_has_a_floor() -> None:
    means, _, _ = gaussian_problem()
    running = torch.tensor(torch.nan, dtype=torch.float64)
    for adapt in (True, False):
        likelihood = OptimalGaussian(means, running, 0.01, adapt=adapt)
        likelihood.follow(means)
        expected = Gaussian(means, torch.tensor(0.01).log()).log_prob(means)
        torch.testing.assert_close(likelihood.log_prob(means), expected)


def test_bernoulli_refuses_grey_pictures() -> None:
    x = torch.tensor([[0.0, 1.0], [0.25, 1.0]])
    with pytest.raises(DataError, match=r"pixels: 0.25 is outside .* \(1 of 4 pixels\); allowed"):
        Bernoulli(x).check(x)
    with pytest.raises(DataError, match="pixels: nan is outside"):
        Bernoulli(x).check(x * torch.nan)
    Bernoulli(x).check(x.round())
