"""Closed loops: an error of one sign ends at one end, and a target that can be reached is reached.

The sign: a rate above its target raises β and a rate below it lowers β; a distortion above its
target lowers β and one below it raises β.
"""

import math
from collections.abc import Callable, Iterable

import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

import vaebench.strategies
from tests.learning import train
from tests.linear_gaussian import LinearGaussian, linear_model, observations
from tests.strategies.test_closed_loop import stats
from tests.variants import variants
from vaebench.models.rec_vae import RecVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.strategies import Stats, Strategy, Target
from vaebench.strategies.capacity import Capacity
from vaebench.strategies.geco import GECO, LOG_BOUND
from vaebench.strategies.pid import PID
from vaebench.strategies.soft_free_bits import SoftFreeBits
from vaebench.training.orders import UpdateOrder
from vaebench.training.orders.alternating import Alternating
from vaebench.training.orders.joint import Joint
from vaebench.training.orders.lagging import Lagging

T = 400
HISTORY = some.lists(some.floats(0, 1_000) | some.floats(0, 2), max_size=40)
"""Rates or distortions before the error becomes constant: they make the state a random one."""

drawn = settings(deadline=None, derandomize=True, max_examples=40)


def driven(strategy: Strategy, rates: Iterable[float], distortion: float = 100.0) -> float:
    """β after updates with the given rates, at the end of training, where targets are whole."""
    found = torch.zeros(())
    for rate in rates:
        now = stats(T - 1, rate, distortion)
        found = strategy(now)
        strategy.update(now)
    return found.item()


@drawn
@given(
    some.data(),
    HISTORY,
    some.floats(1, 400),
    some.floats(0.05, 0.95) | some.floats(1.05, 20),
    some.floats(0, 0.5) | some.just(0.01),
    some.floats(0, 0.5),
    some.floats(0.01, 10),
)
def test_pid_ends_at_the_end_that_a_constant_error_asks_for(
    data: some.DataObject,
    history: list[float],
    target: float,
    ratio: float,
    proportional: float,
    low: float,
    width: float,
) -> None:
    error = min(500.0, target * abs(ratio - 1))
    least = (width + proportional) / error / 200  # the way is done after 200 updates
    integral = data.draw(some.floats(least, 100 * least))
    strategy = PID(
        target=target, proportional=proportional, integral=integral, low=low, high=low + width
    )
    driven(strategy, history)
    end = low + width if ratio > 1 else low
    assert driven(strategy, [target * ratio] * 210) == pytest.approx(end, rel=1e-9, abs=1e-12)


@drawn
@given(HISTORY, some.floats(1, 400), some.floats(0.05, 0.99) | some.floats(1.06, 20))
def test_soft_free_bits_ends_at_the_end_that_a_constant_error_asks_for(
    history: list[float], target: float, ratio: float
) -> None:
    strategy = SoftFreeBits(target=target)
    driven(strategy, history)
    assert driven(strategy, [target * ratio] * 150) == (1.0 if ratio > 1 else 1e-6)


@drawn
@given(
    HISTORY,
    some.floats(1, 1_000),
    some.floats(0.1, 0.8) | some.floats(1.2, 10),
    some.floats(0.5, 2),
    some.floats(0, 0.9),
)
def test_geco_ends_at_the_end_that_a_constant_error_asks_for(
    history: list[float], target: float, ratio: float, gain: float, smoothing: float
) -> None:
    strategy = GECO(target=target, gain=gain, smoothing=smoothing, hold=0.0)
    for distortion in history:
        driven(strategy, [1.0], distortion)
    end = -LOG_BOUND if ratio > 1 else LOG_BOUND  # too much distortion asks for less pressure
    assert math.log(driven(strategy, [1.0] * 700, target * ratio)) == pytest.approx(end)


@drawn
@given(HISTORY, some.floats(1, 400), some.floats(0, 0.99) | some.floats(1.01, 20))
def test_capacity_is_at_the_end_that_an_error_asks_for(
    history: list[float], target: float, ratio: float
) -> None:
    strategy = Capacity(gamma=3.0, target=target)
    driven(strategy, history)
    whole = Stats(torch.tensor(T), T, torch.ones(1), torch.tensor([[target * ratio]]))
    assert strategy(whole).item() == (3.0 if ratio > 1 else -3.0)


def settled(strategy: Strategy, plant: Callable[[float, float], float], updates: int) -> float:
    """The mean of what is driven over the last tenth of a loop with ``plant(value, β)``."""
    aim = strategy.aim()
    assert aim is not None
    value, last = 0.5 * aim.nats, []
    for step in range(updates):
        rate = value if aim.of == "rate" else 1.0
        now = stats(step, rate, distortion=value, total=updates)
        value = plant(value, strategy(now).item())
        strategy.update(now)
        last.append(value)
    return sum(last[-updates // 10 :]) / (updates // 10)


@settings(drawn, max_examples=12)
@given(
    some.floats(1, 300),
    some.floats(0.1, 0.9),
    some.floats(0.05, 1),
    some.floats(0, 0.4),
    some.floats(0.02, 0.5),
)
def test_pid_reaches_a_rate_that_can_be_reached(
    target: float, place: float, lag: float, proportional: float, integral: float
) -> None:
    """A rate that falls by S nats per unit of β and follows with a lag; loop gains below 1.

    Linearised at the target the loop is stable for lag·(1 + P) < 2 and lag·(2 + 2P + I) < 4 with
    P = S·Kp/4 and I = S·Ki (Jury's criterion).
    """
    slope = target / 2
    strategy = PID(target=target, proportional=4 * proportional / slope, integral=integral / slope)

    def plant(rate: float, beta: float) -> float:
        return rate + lag * (target + slope * (place - beta) - rate)

    assert settled(strategy, plant, 1_000) == pytest.approx(target, rel=0.01)


@settings(drawn, max_examples=12)
@given(some.floats(1, 300), some.floats(0.01, 0.3), some.floats(-10, -0.5))
def test_soft_free_bits_reaches_a_rate_that_can_be_reached(
    target: float, slope: float, place: float
) -> None:
    """A rate linear in log β: a nudge of a tenth is smaller than the band of a twentieth."""

    def plant(_: float, beta: float) -> float:
        return target * (1.025 - slope * (math.log(beta) - place))

    assert settled(SoftFreeBits(target=target), plant, 400) == pytest.approx(target, rel=0.051)


@settings(drawn, max_examples=12)
@given(some.floats(1, 300), some.floats(0.1, 0.5), some.floats(-5, 5), some.floats(0, 0.9))
def test_geco_reaches_a_distortion_that_can_be_reached(
    target: float, slope: float, place: float, smoothing: float
) -> None:
    strategy = GECO(target=target, gain=0.2, smoothing=smoothing)

    def plant(_: float, beta: float) -> float:
        return target * (1 + slope * (math.log(beta) - place))

    assert settled(strategy, plant, 1_500) == pytest.approx(target, rel=0.01)


@settings(drawn, max_examples=8)
@given(some.floats(5, 300), some.floats(0.1, 0.8) | some.floats(1.2, 2))
def test_capacity_reaches_its_rate_where_gamma_beats_the_slope_and_stays_above_elsewhere(
    target: float, slope: float
) -> None:
    """Gradient descent on D(R) + β·R with −dD/dR = slope·target/R."""

    def plant(rate: float, beta: float) -> float:
        return max(1e-3, rate - 0.01 * target * (beta - slope * target / rate))

    strategy = Capacity(gamma=1.0, target=target, warmup=0.5)
    held = 1.0 if slope < 1 else slope  # the rate with −dD/dR = γ
    assert settled(strategy, plant, 800) == pytest.approx(held * target, rel=0.03)


def whitened(features: int = 96, variance: float = 20.0) -> torch.Tensor:
    """(2000, F) normal pictures; the best rate at β is about F/2·log(variance/β)."""
    noise = torch.Generator().manual_seed(0)
    return variance**0.5 * torch.randn(2_000, features, generator=noise)


def trace_of(
    model: LinearGaussian, strategy: Strategy, x: torch.Tensor, epochs: int
) -> list[dict[str, float]]:
    trace: list[dict[str, float]] = []
    train(
        model,
        strategy,
        torch.optim.Adam(model.parameters(), 1e-2),
        x,
        epochs=epochs,
        batch_size=100,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=trace.append,
    )
    return trace


@pytest.mark.parametrize(
    ("target", "integral"), [(170, 1e-4), (180, 1e-4), (200, 1e-4), (200, 1e-3)]
)
def test_control_vae_runs_with_its_published_settings(target: float, integral: float) -> None:
    """Kp = .01 and the CelebA targets, in a real training that starts with no rate at all."""
    model = LinearGaussian(96, latents=96)
    model.initialise(torch_stream("linear"))
    with torch.no_grad():
        model.encoder.weight.mul_(0.01)
    trace = trace_of(
        model, PID(target=target, proportional=0.01, integral=integral), whitened(), 45
    )
    assert trace[-1]["reached"] == pytest.approx(target, rel=0.02)
    assert trace[-1]["rate"] == pytest.approx(trace[-1]["reached"])
    assert 0 < trace[-1]["beta"] < 1


@pytest.mark.parametrize(
    ("strategy", "nats", "within"),
    [
        (SoftFreeBits(target=5.0), 5.0, 0.1),  # it swings: a tenth an update is fast
        (Capacity(gamma=10.0, target=2.5, warmup=0.1), 2.5, 0.05),
        (Capacity(gamma=10.0, target=5.0, warmup=0.1), 5.0, 0.05),
    ],
    ids=["soft free bits", "capacity below", "capacity above"],
)
def test_a_loop_reaches_its_target_in_training(
    strategy: Strategy, nats: float, within: float
) -> None:
    """The plain VAE has a rate of about 3.6 nats on these data."""
    trace = trace_of(linear_model(), strategy, observations(), 150)
    assert trace[-1]["reached"] == pytest.approx(nats, rel=within)


def test_a_target_says_what_it_is_a_target_of() -> None:
    aims = {found.__name__: found().aim() for found in variants(vaebench.strategies, Strategy)}
    assert {name: aim.of for name, aim in aims.items() if aim} == {
        "Capacity": "rate",
        "DynamicPID": "rate",
        "GECO": "distortion",
        "PID": "rate",
        "RateTarget": "rate",
        "SoftFreeBits": "rate",
    }
    now = stats(0, rate=8.0, distortion=100.0)
    assert Target("rate", 1.0).measure(now).item() == pytest.approx(8)
    assert Target("distortion", 1.0).measure(now).item() == pytest.approx(100)
    expected = (50 / 1 + 150 / 2 + 75 / 3 + 125 / 4) / 4
    assert Target("distortion", 1.0, per_interaction=True).measure(now).item() == expected


def test_a_user_without_interactions_does_not_break_the_loop() -> None:
    strategy = GECO(target=5.0, per_interaction=True, hold=0.0)
    counts = torch.tensor([0.0, 4.0])
    now = Stats(torch.tensor(1), 10, torch.tensor([0.0, 30.0]), torch.ones(2, 3), counts)
    strategy.update(now)
    assert math.isfinite(strategy(now).item())


class Watched(PID):
    """Counts the updates that its integral saw."""

    seen = 0

    def update(self, stats: Stats) -> None:
        """Count."""
        type(self).seen += 1
        super().update(stats)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Joint(), 2 * 4),
        (Alternating(encoder_passes=3, decoder_passes=1), 2 * 3 * 4),  # no decoder pass
        (Lagging(inner=3, window=10), 2 * 3 * 4),  # the encoder's updates, which do not count
    ],
    ids=["joint", "alternating", "lagging"],
)
def test_a_loop_moves_where_the_encoder_learns_and_nowhere_else(
    order: UpdateOrder, expected: int
) -> None:
    """Where the decoder learns alone, β moves nothing (and RecVAE drops no input)."""
    matrix = scipy.sparse.random(40, 15, density=0.3, format="csr", random_state=1)
    matrix.data[:] = 1
    model = RecVAE(15, hidden=6, latents=3, layers=3)
    model.initialise(torch_stream("weights"))
    Watched.seen = 0
    trace: list[dict[str, float]] = []
    train(
        model,
        Watched(),
        torch.optim.Adam(model.parameters(), 1e-2),
        SparseRows.from_scipy(matrix),
        epochs=2,
        batch_size=10,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=trace.append,
        update_order=order,
    )
    assert Watched.seen == expected
    apart = abs(trace[0]["reached"] / trace[0]["rate"] - 1) > 1e-5
    assert apart == (not isinstance(order, Joint)), "reached is measured where the loop moves"
