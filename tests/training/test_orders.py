"""Orders of updates: what comes when, and what learns from it."""

import copy
import math
from itertools import pairwise

import pytest
import scipy.sparse
import torch

from tests.learning import train
from tests.linear_gaussian import linear_model, observations
from vaebench.components import options
from vaebench.errors import ArgumentError
from vaebench.models.rec_vae import RecVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.strategies import Stats
from vaebench.strategies.constant import Constant
from vaebench.training.loop import Batches
from vaebench.training.orders import Draw, UpdateOrder
from vaebench.training.orders.alternating import Alternating
from vaebench.training.orders.joint import Joint
from vaebench.training.orders.lagging import Lagging


def draw(x: torch.Tensor | SparseRows, size: int = 250) -> Draw:
    return Batches(x, size, torch_stream("order"))


@pytest.mark.parametrize("order", [Joint, Alternating, Lagging])
def test_defaults_pass_the_check_of_the_config(order: type[UpdateOrder]) -> None:
    options(order, {})


def test_joint_is_every_batch_once() -> None:
    updates = list(Joint().epoch(linear_model(), draw(observations())))
    assert [update.parts for update in updates] == [("encoder", "decoder")] * 4
    seen = torch.cat([update.x for update in updates])
    assert torch.equal(seen.sort(0).values, observations().sort(0).values)


def users() -> SparseRows:
    matrix = scipy.sparse.random(40, 15, density=0.3, format="csr", random_state=1)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix)


def rec_vae() -> RecVAE:
    model = RecVAE(15, hidden=6, latents=3, layers=3)
    model.initialise(torch_stream("weights"))
    return model


def test_alternating_trains_the_encoder_remembers_it_and_trains_the_decoder() -> None:
    """Seen from outside, through a real training: which weights moved in which updates."""
    model, weights = rec_vae(), []

    def keep() -> None:
        weights.append(copy.deepcopy(model.state_dict()))

    keep()
    train(
        model,
        Constant(),
        torch.optim.Adam(model.parameters(), 1e-2),
        users(),
        epochs=1,
        batch_size=20,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=lambda _: None,
        update_order=Alternating(encoder_passes=3, decoder_passes=1),
        after_update=keep,
    )
    moved = [
        {
            part
            for part in ("encoder", "decoder", "old_encoder")
            for key in now
            if key.startswith(f"{part}.") and not torch.equal(before[key], now[key])
        }
        for before, now in pairwise(weights)
    ]
    assert moved == [{"encoder"}] * 6 + [{"decoder", "old_encoder"}, {"decoder"}]
    for key, value in model.encoder.state_dict().items():
        assert torch.equal(value, model.old_encoder.state_dict()[key])


def test_alternating_drops_input_for_the_encoder_alone() -> None:
    model = rec_vae()
    modes = [model.training for _ in Alternating().epoch(model, draw(users(), 40))]
    assert modes == [True, True, True, False]


def test_lagging_trains_the_encoder_until_its_loss_stops_falling() -> None:
    order = Lagging(inner=100, window=2)
    losses = iter([9.0, 8, 7, 6, 6, 7.5, 0, 0, 0, 0])  # windows 8.5, 6.5, 6.75: ended after six
    inner = []
    for update in order.epoch(linear_model(), draw(observations())):
        if update.parts != ("encoder",):
            break
        assert not update.counts, "schedules wait while the encoder catches up"
        inner.append(update)
        order.observe(torch.tensor(next(losses)))
    assert len(inner) == 6
    assert update.parts == ("decoder",)
    assert update.counts


def test_lagging_stops_after_inner_updates() -> None:
    order = Lagging(inner=5, window=2)
    parts = []
    for number, update in enumerate(order.epoch(linear_model(), draw(observations(), 1_000))):
        parts.append(update.parts)
        order.observe(torch.tensor(-float(number)))
    assert parts == [("encoder",)] * 5 + [("decoder",)]


def test_lagging_becomes_joint_when_the_information_no_longer_rises() -> None:
    """A model that learns nothing has the same information after every epoch."""
    order, model = Lagging(inner=1, window=1), linear_model()
    for expected in (True, False):
        for _ in order.epoch(model, draw(observations())):
            order.observe(torch.tensor(0.0))
        assert order.aggressive.item() is expected
    updates = list(order.epoch(model, draw(observations())))
    assert [update.parts for update in updates] == [("encoder", "decoder")] * 4
    assert all(update.counts for update in updates)


def test_lagging_goes_on_while_the_information_rises_beyond_that_of_a_batch() -> None:
    """Batches of five know at most log 5 nats; the estimate is on 500 examples, as is its cap."""
    order, model = Lagging(inner=1, window=1, examples=500), linear_model()
    with torch.no_grad():
        model.encoder.weight.mul_(10)
    batches = draw(observations(), 5)
    found = []
    for log_variance in (-1.0, -2.0, -3.0):
        with torch.no_grad():
            model.log_variance.fill_(log_variance)
        for _ in order.epoch(model, batches):
            order.observe(torch.tensor(0.0))
        found.append(order.information.item())
        assert order.aggressive, "the information has risen"
    assert math.log(5) < found[0] < found[1] < found[2] < math.log(500)


def test_an_order_of_updates_checks_its_options() -> None:
    with pytest.raises(ArgumentError, match=r"^Lagging: inner: 0 is not allowed; it should be"):
        Lagging(inner=0)
    with pytest.raises(ArgumentError, match=r"^Lagging: examples: 5000 is not allowed"):
        Lagging(examples=5_000)


def test_schedules_count_all_passes_of_an_epoch() -> None:
    totals = []

    class Listening(Constant):
        def forward(self, stats: Stats) -> torch.Tensor:
            totals.append((stats.step.item(), stats.total))
            return super().forward(stats)

    model = rec_vae()
    train(
        model,
        Listening(),
        torch.optim.Adam(model.parameters(), 1e-2),
        users(),
        epochs=2,
        batch_size=20,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=lambda _: None,
        update_order=Alternating(),
    )
    assert totals == [(t, 16) for t in range(16)]
