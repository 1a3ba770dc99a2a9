"""β(t) of every open-loop strategy against its closed form, written in plain Python."""

import math
from collections.abc import Callable

import pytest
import torch

from vaebench.errors import ArgumentError
from vaebench.strategies import Stats, Strategy
from vaebench.strategies.constant import Constant
from vaebench.strategies.cosine import Cosine
from vaebench.strategies.cyclical import Cyclical
from vaebench.strategies.decreasing import Decreasing
from vaebench.strategies.example_floor import ExampleFloor
from vaebench.strategies.example_free_bits import ExampleFreeBits
from vaebench.strategies.exponential import Exponential
from vaebench.strategies.free_bits import FreeBits
from vaebench.strategies.linear import Linear
from vaebench.strategies.per_interaction import PerInteraction
from vaebench.strategies.sigmoid import Sigmoid
from vaebench.strategies.step import Step
from vaebench.strategies.tanh import Tanh
from vaebench.strategies.user_scaled import UserScaled

T = 1_003  # no multiple of anything


def stats(step: int, total: int = T, rate: torch.Tensor | None = None) -> Stats:
    rate = torch.ones(3, 2) if rate is None else rate
    counts = torch.arange(1.0, len(rate) + 1)
    return Stats(torch.tensor(step), total, torch.ones(len(rate)), rate, counts)


def schedule(strategy: Strategy, total: int = T) -> list[float]:
    return [strategy(stats(t, total)).item() for t in range(total)]


def cycle(t: int, cycles: int, ramp: float, shape: Callable[[float], float]) -> float:
    tau = (t % math.ceil(T / cycles)) / (T / cycles)
    return shape(tau / ramp) if tau < ramp else 1.0


SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda v: v,
    "sigmoid": lambda v: 1 / (1 + math.exp(-(12 * v - 6))),
    "cosine": lambda v: 0.5 * (1 - math.cos(math.pi * v)),
}

GOLDEN: dict[str, tuple[Strategy, Callable[[int], float]]] = {
    "constant": (Constant(beta=0.3), lambda _: 0.3),
    "linear to a cap": (
        Linear(cap=0.4, start=0.1, warmup=0.25),
        lambda t: min(0.4, 0.1 + 0.3 * t / (0.25 * T)),
    ),
    "Mult-VAE's slope": (
        Linear(cap=0.02, updates_per_unit=20_000),
        lambda t: min(0.02, t / 20_000),
    ),
    "slope with a start": (
        Linear(cap=1, start=0.5, updates_per_unit=1_000),
        lambda t: min(1, 0.5 + t / 1_000),
    ),
    "sigmoid": (
        Sigmoid(cap=0.7, midpoint=0.5, width=0.1),
        lambda t: 0.7 / (1 + math.exp(-(t - 0.5 * T) / (0.1 * T))),
    ),
    "Sentence-VAE's sigmoid": (
        Sigmoid(threshold=250, slope=0.025),
        lambda t: 1 / (1 + math.exp(-0.025 * (t - 250))),
    ),
    "tanh": (
        Tanh(cap=0.7, midpoint=0.5, width=0.1),
        lambda t: 0.7 * (1 + math.tanh((t - 0.5 * T) / (0.1 * T))) / 2,
    ),
    "pytorch_RVAE's tanh": (
        Sigmoid(threshold=350, slope=0.02),
        lambda t: (math.tanh((t - 350) / 100) + 1) / 2,
    ),
    "exponential": (
        Exponential(cap=0.4, warmup=0.25, curvature=3),
        lambda t: 0.4 * (1 - math.exp(-3 * min(1, t / (0.25 * T)))) / (1 - math.exp(-3)),
    ),
    "late exponential": (
        Exponential(cap=0.4, warmup=0.9, curvature=-6),
        lambda t: 0.4 * (math.exp(6 * min(1, t / (0.9 * T))) - 1) / (math.exp(6) - 1),
    ),
    "cosine": (
        Cosine(cap=0.3, warmup=0.4),
        lambda t: 0.3 * (1 - math.cos(math.pi * min(1, t / (0.4 * T)))) / 2,
    ),
    "step": (Step(before=0.1, after=0.6, at=0.3), lambda t: 0.1 if t < 0.3 * T else 0.6),
    "decreasing": (
        Decreasing(start=0.9, end=0.1, horizon=0.8),
        lambda t: max(0.1, 0.9 - 0.8 * t / (0.8 * T)),
    ),
} | {
    f"cyclical {shape}, R = {ramp}": (
        Cyclical(cap=0.2, cycles=4, ramp=ramp, shape=shape),  # type: ignore[arg-type]
        lambda t, ramp=ramp, f=f: 0.2 * cycle(t, 4, ramp, f),  # type: ignore[misc]
    )
    for shape, f in SHAPES.items()
    for ramp in (0.5, 1.0)
}


@pytest.mark.parametrize("name", GOLDEN)
def test_schedule_is_its_formula(name: str) -> None:
    strategy, formula = GOLDEN[name]
    assert schedule(strategy) == pytest.approx([formula(t) for t in range(T)], abs=1e-12)


def test_cycles_may_start_above_zero() -> None:
    """The released experiments of cyclical annealing start at .1."""
    found = schedule(Cyclical(cap=0.9, cycles=3, ramp=0.5, start=0.1))
    ramp = lambda v: 0.1 + 0.8 * v  # noqa: E731
    expected = [ramp(cycle(t, 3, 0.5, SHAPES["linear"])) for t in range(T)]
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_flat_exponential_is_nearly_the_line() -> None:
    assert schedule(Exponential(cap=0.6, warmup=0.7, curvature=1e-6)) == pytest.approx(
        schedule(Linear(cap=0.6, warmup=0.7)), abs=1e-6
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sigmoid(threshold=10), "belong together"),
        (lambda: Sigmoid(slope=0.1), "belong together"),
        (lambda: Sigmoid(threshold=10, slope=1, width=0.1), "exclude midpoint and width"),
        (lambda: Exponential(curvature=0), "linear.Linear"),
        (lambda: Cyclical(cap=0.2, start=0.3), "at most cap = 0.2"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    make: Callable[[], Strategy], words: str
) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()


def test_one_full_cycle_is_the_linear_warm_up() -> None:
    assert schedule(Cyclical(cap=0.6, cycles=1, ramp=1.0)) == pytest.approx(
        schedule(Linear(cap=0.6, warmup=1.0)), abs=1e-12
    )


def test_warm_up_never_leaves_start_and_cap() -> None:
    values = schedule(Linear(cap=0.2, start=0.05, warmup=0.3))
    assert min(values) == 0.05
    assert max(values) == 0.2


def test_user_scaled_is_gamma_times_interactions() -> None:
    beta = UserScaled(gamma=0.005)(stats(7))
    assert torch.equal(beta, torch.tensor([[0.005], [0.010], [0.015]]))


def test_the_ablation_scales_by_the_root_of_the_interactions() -> None:
    beta = UserScaled(gamma=0.5, exponent=0.5)(stats(7))
    torch.testing.assert_close(beta[:, 0], 0.5 * torch.tensor([1.0, 2.0, 3.0]).sqrt())


def test_per_interaction_is_the_distortion_per_interaction_plus_the_rate() -> None:
    """w_i (D_i + Σ_j β_ij R_ij) = D_i/n_i + β·R_i, value and gradient."""
    strategy, given = PerInteraction(beta=0.3), stats(7)
    distortion = torch.tensor([3.0, 8.0, 30.0], requires_grad=True)
    rate = torch.rand(3, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weighed = strategy.example_weights(given) * (distortion + (strategy(given) * rate).sum(1))
    direct = distortion / torch.tensor([1.0, 2.0, 3.0]) + 0.3 * rate.sum(1)
    torch.testing.assert_close(weighed, direct)
    for variable in (distortion, rate):
        ours, theirs = (
            torch.autograd.grad(f.sum(), variable, retain_graph=True) for f in (weighed, direct)
        )
        torch.testing.assert_close(ours, theirs)


def test_free_bits_has_the_gradient_of_the_clamped_rate() -> None:
    """∂/∂R of Σ_j max(λ, R̄_j) is 1[R̄_j > λ]/B: what β gives in mean_i Σ_j β_j R_ij."""
    rate = torch.rand(50, 20, generator=torch.Generator().manual_seed(1)).double() ** 3
    floor = 0.25
    clamped, weighed = (rate.clone().requires_grad_() for _ in range(2))
    torch.clamp(clamped.mean(0), min=floor).sum().backward()
    beta = FreeBits(floor=floor)(stats(0, rate=rate))
    (beta * weighed).sum(1).mean().backward()
    assert torch.equal(clamped.grad, weighed.grad)
    assert 0 < beta.sum() < 20, "both sides of the floor must be tested"


def test_free_bits_of_examples_has_the_gradient_of_the_rate_clamped_before_the_mean() -> None:
    """∂/∂R of mean_i Σ_j max(λ, R_ij): another one than that of the clamped batch mean."""
    rate = torch.rand(50, 20, generator=torch.Generator().manual_seed(1)).double() ** 3
    clamped, weighed = (rate.clone().requires_grad_() for _ in range(2))
    torch.clamp(clamped, min=0.25).sum(1).mean().backward()
    beta = ExampleFreeBits(floor=0.25)(stats(0, rate=rate))
    (beta * weighed).sum(1).mean().backward()
    assert torch.equal(clamped.grad, weighed.grad)
    assert (beta.std(0) > 0).any(), "a latent must be free for some examples alone"
    assert (beta.std(1) > 0).any(), "an example must have free latents and others"


def test_both_free_bits_agree_on_one_example_and_on_one_latent_with_the_floor_of_examples() -> None:
    rate = torch.rand(50, 1, generator=torch.Generator().manual_seed(2))
    own = ExampleFreeBits(floor=0.4)(stats(0, rate=rate))
    assert torch.equal(own, ExampleFloor(floor=0.4)(stats(0, rate=rate)))
    assert torch.equal(
        ExampleFreeBits(floor=0.4)(stats(0, rate=rate.T))[0],
        FreeBits(floor=0.4)(stats(0, rate=rate.T)),
    )


def test_free_bits_without_a_floor_is_the_plain_vae() -> None:
    rate = torch.rand(5, 4) + 1e-6
    assert torch.equal(FreeBits(floor=0)(stats(0, rate=rate)), torch.ones(4))
    assert torch.equal(ExampleFreeBits(floor=0)(stats(0, rate=rate)), torch.ones(5, 4))


def test_a_warm_up_has_one_length() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        Linear(warmup=0.5, updates_per_unit=100)
    with pytest.raises(ValueError, match="at most cap"):
        Linear(start=0.5, cap=0.1)
    with pytest.raises(ValueError, match="at least end"):
        Decreasing(start=0.1, end=0.5)
    with pytest.raises(ValueError, match="end and ratio exclude each other"):
        Decreasing(end=0.5, ratio=0.5)


def test_the_end_of_a_fall_is_a_weight_or_a_share_of_its_start() -> None:
    assert (Decreasing().end, Decreasing(start=0.9, end=0.1).end) == (0.2, 0.1)
    assert Decreasing(start=0.03, ratio=0.5).end == 0.015
    assert Decreasing(start=5.0, ratio=1.0).end == 5.0
