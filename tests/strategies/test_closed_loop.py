"""Closed-loop and objective-shaped strategies: their recurrences, gradients, targets, extremes."""

import math

import pytest
import torch

from tests.learning import train
from tests.linear_gaussian import linear_model, observations
from vaebench.seeds import torch_stream
from vaebench.strategies import Stats, Strategy
from vaebench.strategies.cap_search import CapSearch
from vaebench.strategies.capacity import Capacity
from vaebench.strategies.constant import Constant
from vaebench.strategies.dynamic_pid import DynamicPID
from vaebench.strategies.example_floor import ExampleFloor
from vaebench.strategies.free_bits import FreeBits
from vaebench.strategies.geco import GECO
from vaebench.strategies.pid import PID
from vaebench.strategies.rate_target import RateTarget
from vaebench.strategies.soft_free_bits import SoftFreeBits

T = 400


def stats(step: int, rate: float, distortion: float = 100.0, total: int = T) -> Stats:
    """Four examples and two latents with a given batch-mean rate per example."""
    share = torch.tensor([0.5, 1.5, 0.75, 1.25], dtype=torch.float64)
    rates = rate / 2 * share[:, None].expand(-1, 2)
    return Stats(torch.tensor(step), total, distortion * share, rates, torch.tensor([1.0, 2, 3, 4]))


RATES = [0.1, 3.0, 8.0, 25.0, 24.0, 19.0, 9.0, 2.0, 0.0, 21.0] * 20


def test_soft_free_bits_moves_by_tenths() -> None:
    strategy, gamma = SoftFreeBits(target=10.0), 1.0
    for step, rate in enumerate(RATES):
        assert strategy(stats(step, rate)).item() == pytest.approx(gamma, rel=1e-12)
        strategy.update(stats(step, rate))
        gamma *= 1.1 if rate > 10.5 else 0.9 if rate < 10 else 1.0
        gamma = min(1.0, max(1e-6, gamma))


def test_pid_is_its_formula_and_its_integral_rests_where_it_would_leave_the_range() -> None:
    options = {"target": 10.0, "proportional": 0.3, "integral": 0.02, "low": 0.05, "high": 0.4}
    strategy, integral, last, rested = PID(**options), 0.0, 0.05, {"low": 0, "high": 0}
    for step, rate in enumerate(RATES):
        error = 10.0 - rate
        outwards = {"low": last < 0.05 and error > 0, "high": last > 0.4 and error < 0}
        rested = {end: count + outwards[end] for end, count in rested.items()}
        if not any(outwards.values()):
            integral = min(0.35, max(-0.3, integral - 0.02 * error))
        last = 0.3 / (1 + math.exp(error)) + integral + 0.05
        found = strategy(stats(step, rate)).item()
        assert found == pytest.approx(min(0.4, max(0.05, last)), abs=1e-12)
        strategy.update(stats(step, rate))
    assert min(rested.values()) > 0, "both ends must be tested"


def test_dynamic_pid_is_its_recurrence_behind_a_set_point_in_stages() -> None:
    """The controller of the authors' file as published, which none of these updates clips."""
    strategy = DynamicPID(
        target=20.0, first_target=2.0, warmup=0.5, stages=4, ramp=0.25, window=3,
        proportional=0.3, integral=0.02, start=9.0, low=0.0, high=40.0,
    )  # fmt: skip
    weight, last, rates, points = 9.0, 0.0, list[float](), list[float]()
    for step, rate in enumerate(RATES):
        stage, within = divmod(min(step, 200), 50)  # four stages in half of 400 updates
        rises = min(3, max(0, stage - 1 + min(1, within / 12.5)))
        points.append(2 + 18 * rises / 3)
        rates.append(rate)
        error = points[-1] - sum(rates[-3:]) / len(rates[-3:])
        weight += 0.3 * (1 / (1 + math.exp(error)) - 1 / (1 + math.exp(last))) - 0.02 * error
        last = error
        assert 0 < weight < 40, "the ends are another test's"
        assert strategy.set_point(stats(step, rate)).item() == pytest.approx(points[-1], rel=1e-12)
        assert strategy(stats(step, rate)).item() == pytest.approx(weight, rel=1e-12)
        strategy.update(stats(step, rate))
    assert points[0] == 2
    assert points[-1] == 20


def test_a_rate_target_ascends_its_dual() -> None:
    strategy, multiplier = RateTarget(target=10.0, gain=0.05, start=0.3, high=2.0), 0.3
    ends = set()
    for step, rate in enumerate(RATES):
        assert strategy(stats(step, rate)).item() == pytest.approx(multiplier, abs=1e-12)
        strategy.update(stats(step, rate))
        multiplier = min(2.0, max(0.0, multiplier + 0.05 * (rate - 10)))
        ends |= {multiplier} & {0.0, 2.0}
    assert ends == {0.0, 2.0}, "both ends must be tested"


def test_a_rate_target_finds_the_multiplier_of_its_constraint() -> None:
    """At rest β = −dD/dR: training at that constant β alone has the same rate."""
    found = fitted(RateTarget(target=2.0, gain=0.1))
    assert found["rate"] == pytest.approx(2.0, rel=0.02)
    assert found["beta"] > 1, "the plain VAE's rate is about 2.34 nats"
    assert fitted(Constant(beta=found["beta"]))["rate"] == pytest.approx(found["rate"], rel=0.005)


def test_a_rate_that_is_low_by_itself_has_no_weight() -> None:
    assert fitted(RateTarget(target=50.0, gain=0.1))["beta"] == 0


def test_dynamic_pid_reaches_its_last_set_point() -> None:
    found = fitted(
        DynamicPID(
            target=2.5, first_target=0.2, stages=5, warmup=0.5, integral=0.02, start=8.0, low=0.0
        )
    )
    assert found["rate"] == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize("per_interaction", [False, True])
def test_geco_is_its_recurrence(per_interaction: bool) -> None:  # noqa: FBT001
    strategy = GECO(target=50.0, gain=0.3, smoothing=0.9, hold=0.1, per_interaction=per_interaction)
    log_multiplier, average = 0.0, None
    for step in range(100):
        given = stats(step, 1.0, distortion=80.0 - step)
        assert strategy(given).item() == pytest.approx(math.exp(-log_multiplier), rel=1e-12)
        strategy.update(given)
        distortion = given.distortion / given.counts if per_interaction else given.distortion
        constraint = distortion.mean().item() / 50 - 1
        average = constraint if average is None else 0.9 * average + 0.1 * constraint
        if step >= 0.1 * T:
            log_multiplier += math.log(min(1.1, max(0.9, math.exp(0.3 * average))))


def test_capacity_has_the_gradient_of_its_objective() -> None:
    """γ·|R̄ − C(t)| by autograd, below and above the target."""
    noise = torch.Generator().manual_seed(0)
    for step in (0, 30, 399):
        rate = torch.rand(30, 5, generator=noise).double() * 4
        direct, weighed = (rate.clone().requires_grad_() for _ in range(2))
        capacity = 15.0 * min(1, step / (0.5 * T))
        (7.0 * (direct.sum(1).mean() - capacity).abs()).backward()
        given = Stats(torch.tensor(step), T, torch.ones(30), rate)
        beta = Capacity(gamma=7.0, target=15.0, warmup=0.5)(given)
        (beta * weighed).sum(1).mean().backward()
        torch.testing.assert_close(direct.grad, weighed.grad)


def test_example_floor_has_the_gradient_of_its_objective() -> None:
    rate = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)).double()
    direct, weighed = (rate.clone().requires_grad_() for _ in range(2))
    torch.clamp(direct.sum(1), min=1.5).mean().backward()
    beta = ExampleFloor(floor=1.5)(Stats(torch.tensor(0), T, torch.ones(50), rate))
    (beta * weighed).sum(1).mean().backward()
    assert torch.equal(direct.grad, weighed.grad)
    assert 0 < beta.sum() < 50


def test_free_bits_of_groups_has_the_gradient_of_its_objective() -> None:
    """Seven latents in groups of three: the last group has one."""
    rate = torch.rand(40, 7, generator=torch.Generator().manual_seed(2)).double()
    rate[:, :3] *= 0.2
    direct, weighed = (rate.clone().requires_grad_() for _ in range(2))
    means = direct.mean(0)
    groups = torch.stack([means[:3].sum(), means[3:6].sum(), means[6:].sum()])
    torch.clamp(groups, min=0.5).sum().backward()
    beta = FreeBits(floor=0.5, group=3)(Stats(torch.tensor(0), T, torch.ones(40), rate))
    (beta * weighed).sum(1).mean().backward()
    torch.testing.assert_close(direct.grad, weighed.grad)
    assert beta.tolist() == [0, 0, 0, 1, 1, 1, beta[6].item()]


def fitted(strategy: Strategy) -> dict[str, float]:
    """The last epoch of a linear-Gaussian model trained with a strategy."""
    model, trace = linear_model(), list[dict[str, float]]()
    train(
        model,
        strategy,
        torch.optim.Adam(model.parameters(), 1e-2),
        observations(),
        epochs=150,
        batch_size=100,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=trace.append,
    )
    return trace[-1]


def test_geco_reaches_its_distortion() -> None:
    """Within 2 %: the plain VAE's distortion on these data is about 9.4 nats."""
    assert fitted(GECO(target=10.5, gain=0.5))["distortion"] == pytest.approx(10.5, rel=0.02)


def test_pid_reaches_its_rate() -> None:
    """Within 5 %: the plain VAE's rate on these data is about 3.6 nats."""
    found = fitted(PID(target=2.5, proportional=0.1, integral=0.01, high=10.0))
    assert found["rate"] == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize(
    "strategy",
    [SoftFreeBits(), GECO(), PID(), DynamicPID(), RateTarget(), Capacity()],
    ids=lambda s: type(s).__name__,
)
@pytest.mark.parametrize("extreme", [0.0, 1e4, 1e30])
def test_nothing_overflows(strategy: Strategy, extreme: float) -> None:
    for step in range(300):
        given = stats(step, extreme, distortion=extreme)
        beta = strategy(given)
        assert torch.isfinite(beta).all()
        strategy.update(given)


def test_a_controllers_range_is_not_upside_down() -> None:
    with pytest.raises(ValueError, match="less than high"):
        PID(low=0.5, high=0.5)


def searched(strategy: CapSearch, validation: list[float], updates: int = 10) -> list[list[float]]:
    """β of every update, epoch by epoch, with the given validation metrics."""
    betas, t = [], 0
    for value in validation:
        betas.append([])
        for _ in range(updates):
            betas[-1].append(strategy(stats(t, 1.0)).item())
            strategy.update(stats(t, 1.0))
            t += 1
        strategy.observe(value)
    return betas


def test_cap_search_rises_until_validation_falls_and_goes_back_to_the_peak() -> None:
    strategy = CapSearch(updates_per_unit=100, cap=1.0, patience=2)
    found = searched(strategy, [0.1, 0.3, 0.2, 0.25, 0.9, 0.1])
    rising = [[t / 100 for t in range(10 * epoch, 10 * epoch + 10)] for epoch in range(4)]
    peak = 19 / 100  # the last update of the second epoch, whose metric was the best
    assert found[:4] == [pytest.approx(epoch) for epoch in rising]
    assert found[4:] == [pytest.approx([peak] * 10)] * 2, "a later best does not start it again"


def test_cap_search_without_a_fall_ends_at_its_cap() -> None:
    strategy = CapSearch(updates_per_unit=100, cap=0.25, patience=2)
    found = searched(strategy, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert found[2][4:] == [0.24] + [0.25] * 5
    assert found[4] == [0.25] * 10
