"""Recorded updates against the same updates made by Python: bit for bit on a tape of operations.

The tape stands in for a CUDA graph; where there is a GPU, the last test takes the real thing.
"""

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

import vaebench.models
import vaebench.strategies
from tests.learning import train
from tests.tape import Tapes
from tests.variants import variants
from vaebench.models import VAE
from vaebench.models.gated_mult_vae import GatedMultVAE
from vaebench.models.mult_vae import MultVAE
from vaebench.models.rec_vae import RecVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Labelled, SparseRows
from vaebench.strategies import Stats, Strategy
from vaebench.strategies.constant import Constant
from vaebench.strategies.pid import PID
from vaebench.training.cuda_graphs import CUDAGraphs, Recorder
from vaebench.training.estimators import Estimator
from vaebench.training.orders import UpdateOrder
from vaebench.training.orders.alternating import Alternating
from vaebench.training.orders.lagging import Lagging

USERS, ITEMS = 60, 30


class Nothing:
    """A recorder that records nothing: all updates are Python's, on the same padded batches."""

    def stream(self) -> Any:
        return nullcontext()

    def record(self, *_: object) -> Any:
        raise RuntimeError("nothing is recorded")


def users() -> SparseRows:
    matrix = scipy.sparse.random(USERS, ITEMS, density=0.3, format="csr", random_state=1)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix)


def trained(
    model: VAE,
    strategy: Strategy,
    recorder: Recorder | None,
    *,
    device: str = "cpu",
    update_order: UpdateOrder | None = None,
    epochs: int = 5,
    **options: Any,
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Weights, buffers and trace of a training on users or pictures, in batches of 20."""
    model.initialise(torch_stream("weights"))
    model, strategy = model.to(device), strategy.to(device)
    x: Any = users() if model.data_kind == "interactions" else torch.rand(USERS, ITEMS).round()
    x = (
        SparseRows(x.indices.to(device), x.offsets.to(device), x.values.to(device), ITEMS)
        if (isinstance(x, SparseRows))
        else x.to(device)
    )
    if model.classes is not None:
        x = Labelled(x, torch.arange(USERS, device=device) % model.classes)
    rate = torch.tensor(1e-2, device=device)
    trace: list[dict[str, float]] = []
    train(
        model,
        strategy,
        torch.optim.Adam(model.parameters(), rate, fused=True, capturable=device == "cuda"),
        x,
        epochs=epochs,
        batch_size=20,
        order=torch_stream("order"),
        noise=torch_stream("noise", device=torch.device(device)),
        after_epoch=lambda row: trace.append(row) or -row["distortion"],
        update_order=update_order,
        recorder=recorder,
        **options,
    )
    for row in trace:
        row.pop("seconds")
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    return state | {f"strategy.{k}": v for k, v in strategy.state_dict().items()}, trace


def same(
    make: Callable[[], tuple[VAE, Strategy]],
    update_order: Callable[[], UpdateOrder | None] = lambda: None,
    **options: Any,
) -> Tapes:
    """Check that recorded training is Python's, and that updates were in fact recorded."""
    runs, tapes = [], Tapes()
    for recorder in (Nothing(), tapes):
        torch.manual_seed(0)
        runs.append(trained(*make(), recorder, update_order=update_order(), **options))
    (state, trace), (state_, trace_) = runs
    assert trace_ == trace
    for name, value in state.items():
        torch.testing.assert_close(state_[name], value, rtol=0, atol=0, equal_nan=True, msg=name)
    assert tapes.tapes
    assert max(tape.replays for tape in tapes.tapes) > 2
    return tapes


def mult_vae() -> MultVAE:
    return MultVAE(ITEMS, hidden=8, latents=4)


@pytest.mark.parametrize(
    "strategy", variants(vaebench.strategies, Strategy), ids=lambda c: c.__name__
)
def test_every_strategy_can_be_recorded(strategy: type[Strategy]) -> None:
    tells = strategy.dial is not Strategy.dial
    gated = GatedMultVAE(ITEMS, hidden=8, latents=4)
    same(lambda: (copy.deepcopy(gated) if tells else mult_vae(), strategy()))


SMALL: dict[str, dict[str, Any]] = {
    "MultVAE": {"hidden": 8, "latents": 4},
    "RecVAE": {"hidden": 8, "latents": 4},
    "GatedMultVAE": {"hidden": 8, "latents": 4},
    "HierarchicalMLP": {"hidden": [[8], [4]], "latents": [3, 2]},
    "VQVAE": {"positions": 2, "width": 2},
}
"""Options of models that are large or have no number of latents."""


@pytest.mark.parametrize("model", variants(vaebench.models, VAE), ids=lambda c: c.__name__)
def test_every_model_can_be_recorded(model: type[VAE]) -> None:
    options = SMALL.get(model.__name__, {"latents": 4})
    same(lambda: (model(ITEMS, **options), Constant(beta=0.5)))


def test_turns_of_encoder_and_decoder_are_recorded_apart() -> None:
    tapes = same(
        lambda: (RecVAE(ITEMS, hidden=8, latents=4, layers=3), PID()),
        update_order=Alternating,
        epochs=3,
    )
    assert len(tapes.tapes) >= 2


def test_updates_that_do_not_count_are_recorded_apart() -> None:
    same(lambda: (mult_vae(), PID()), update_order=lambda: Lagging(inner=4, window=2))


@pytest.mark.parametrize("kind", ["sgvb_a", "importance"])
def test_every_estimator_can_be_recorded(kind: Any) -> None:
    same(lambda: (mult_vae(), Constant()), estimator=Estimator(kind, 3))


def test_a_learning_rate_that_moves_is_seen_by_the_recording() -> None:
    same(lambda: (mult_vae(), Constant()), learning_rate_cycles=2)


def test_bfloat16_can_be_recorded() -> None:
    def make() -> tuple[VAE, Strategy]:
        model = mult_vae()
        model.narrow(bfloat16=True)
        return model, Constant()

    same(make)


class Replacing(Strategy):
    """Its buffer is replaced instead of written in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, stats: Stats) -> Tensor:
        return self.weight + 0 * stats.rate.mean()

    def update(self, stats: Stats) -> None:  # noqa: ARG002
        self.weight = self.weight + 0.1


class Counting(Replacing):
    """Counts in Python."""

    def update(self, stats: Stats) -> None:
        self.weight.fill_(stats.total / 100)
        self.calls = getattr(self, "calls", 0) + 1

    def forward(self, stats: Stats) -> Tensor:
        return self.weight * getattr(self, "calls", 0) + 0 * stats.rate.mean()


class Looking(Replacing):
    """Looks at a value."""

    def update(self, stats: Stats) -> None:
        self.weight.fill_(0.1 if stats.rate.mean() > 1 else 0.2)


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (Replacing, "is replaced in an update instead of written in place"),
        (Counting, "a replayed update differs from the same update made by Python"),
        (Looking, "_local_scalar_dense cannot be recorded"),
    ],
)
def test_what_cannot_be_recorded_is_made_by_python(
    strategy: type[Strategy], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused, trace = trained(mult_vae(), strategy(), Tapes())
    assert [record.levelname for record in caplog.records] == ["WARNING"], "said once"
    assert reason in caplog.text
    if strategy is not Counting:  # what is tried leaves Python's own state behind
        expected, trace_ = trained(mult_vae(), strategy(), Nothing())
        assert trace == trace_
        assert all(torch.equal(refused[name], value) for name, value in expected.items())


def test_a_wrong_replay_is_found_out(caplog: pytest.LogCaptureFixture) -> None:
    class Forgetful(Tapes):
        """Its replays leave the step of Adam out."""

        def record(self, work: Any, noise: Any) -> Any:
            learned, replay = super().record(work, noise)
            adam = [op for op in self.tapes[-1].operations if "adam" in str(op[0])]
            self.tapes[-1].operations.remove(adam[-1])
            return learned, replay

    state, _ = trained(mult_vae(), Constant(), Forgetful())
    assert "a replayed update differs" in caplog.text
    expected, _ = trained(mult_vae(), Constant(), Nothing())
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def test_zeros_at_the_end_change_nothing() -> None:
    x = users()
    padded = x.padded()
    assert len(padded.indices) > len(x.indices)
    assert len(padded.indices) <= math.ceil(len(x.indices) * 9 / 8)
    assert torch.equal(padded.dense(), x.dense())
    assert torch.equal(padded.counts, x.counts)
    model = MultVAE(ITEMS, hidden=8, latents=4, dropout=0)
    model.initialise(torch_stream("weights"))
    grads = []
    for rows in (x, padded):
        model.zero_grad()
        posterior = model.encode(rows)
        log_prob = model.decode(posterior.mean).log_prob(rows)
        log_prob.sum().backward()
        grads.append(
            [log_prob.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]
        )
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)


def test_batches_of_a_training_come_in_few_shapes() -> None:
    rng = np.random.default_rng(0)
    sizes = {
        len(
            SparseRows(torch.zeros(n, dtype=torch.int64), torch.tensor([0, n]), torch.ones(n), 9)
            .padded()
            .indices
        )
        for n in rng.normal(34_000, 2_000, 1_000).astype(int)
    }
    assert len(sizes) <= 8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("strategy", [Constant, PID])
def test_cuda_graphs_are_pythons_updates(
    strategy: type[Strategy], caplog: pytest.LogCaptureFixture
) -> None:
    runs = [
        trained(mult_vae(), strategy(), recorder, device="cuda")
        for recorder in (Nothing(), CUDAGraphs())
    ]
    assert "a replayed update differs" not in caplog.text
    assert "CUDA graphs: nothing is recorded" in caplog.text
    assert len(caplog.records) == 1
    for name, value in runs[0][0].items():
        torch.testing.assert_close(runs[1][0][name], value, rtol=1e-4, atol=1e-5, msg=name)
