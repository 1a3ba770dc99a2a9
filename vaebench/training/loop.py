"""The algorithm: stochastic gradient variational Bayes with a weight on the rate.

Kingma & Welling 2013 (arXiv:1312.6114), algorithm 1 with estimator B and one sample, where the
rate of each example and latent is weighed by a strategy.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaebench.errors import Diverged
from vaebench.models import RATE, VAE
from vaebench.models.dial import Dialled
from vaebench.sparse import Batch, counts
from vaebench.strategies import Stats, Strategy, Target
from vaebench.training.estimators import Estimator
from vaebench.training.learning_rate import factor
from vaebench.training.orders import PARTS, Draw, Update, UpdateOrder
from vaebench.training.orders.joint import Joint
from vaebench.training.weighing import check_dial, check_weighs

BETA_QUANTILES = {"min": 0.0, "q05": 0.05, "q50": 0.5, "q95": 0.95, "max": 1.0}
"""Quantiles of β logged per epoch, over the epoch's updates, examples and latents."""

BETA_VALUES_PER_UPDATE = 512
"""At most so many of an update's β values, evenly spaced, enter the quantiles (the mean: all)."""


@dataclass(frozen=True)
class Learned:
    """What an update found, detached: tensors alone, so that an update can be recorded.

    Attributes:
        sums: (4,) float64: Σ_i D_i, Σ_ij R_ij, and times the number of examples: the mean of β, and
            what the strategy drives to its target (0 without one); (5,) with Σ_ij P_ij at its end
            where β weighs a penalty of the model's own.
        betas: float32 values of β, evenly spaced, a few hundred at most.
        loss: ().
    """

    sums: Tensor
    betas: Tensor
    loss: Tensor


@dataclass
class Learner:
    """What learns, on one device, and how: everything that an update changes or goes by.

    Attributes:
        model: the VAE; its device is the device of training.
        strategy: β.
        optimizer: over the model's parameters.
        update_order: which batches come and what learns from them; by default everything
            from each.
        estimator: how distortion and rate are estimated; by default one sample of algorithm 1.
    """

    model: VAE
    strategy: Strategy
    optimizer: torch.optim.Optimizer
    update_order: UpdateOrder = field(default_factory=Joint)
    estimator: Estimator = Estimator()  # noqa: RUF009 (frozen)


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes:
        epochs: passes over the examples, as the order of updates defines them.
        batch_size: B; T = epochs · passes · ⌈examples / B⌉ updates that count.
        learning_rate_cycles: see :func:`vaebench.training.learning_rate.factor`.
    """

    epochs: int
    batch_size: int
    learning_rate_cycles: int | None = None

    def updates(self, examples: int, passes: int) -> int:
        """T, the updates that count, with ``passes`` over the examples an epoch."""
        return self.epochs * passes * math.ceil(examples / self.batch_size)


@dataclass(frozen=True)
class Streams:
    """The random numbers of training: ``batches`` their order (CPU), ``noise`` dropout and ε."""

    batches: torch.Generator
    noise: torch.Generator


Learn = Callable[[Update], Learned]
"""Makes an update: one function that reads and writes tensors and never waits for their values."""


@dataclass
class Epoch:
    """What happened in one epoch, summed on the device and read once at its end."""

    number: int = 1
    updates: int = 0
    examples: int = 0
    sums: Tensor | float = 0.0
    acted: int = 0
    driven: Tensor | float = 0.0
    betas: list[Tensor] = field(default_factory=list)
    first: Tensor | None = None
    started: float = field(default_factory=time.perf_counter)

    def add(self, learned: Learned, size: int, *, acts: bool) -> None:
        """Count one update on ``size`` examples; ``acts``: β had something to do in it."""
        if self.first is None:
            self.first = learned.sums / size
        if acts:
            self.acted += size
            self.driven = self.driven + learned.sums[3]
        self.sums = self.sums + learned.sums
        self.betas.append(learned.betas)
        self.updates += 1
        self.examples += size

    def record(self, updates: int, *, aims: bool = False, bound: bool = True) -> dict[str, float]:
        """The epoch as one row of the trace; nats per example.

        Args:
            updates: t, the updates that counted so far.
            aims: add ``reached``, the mean over the encoder's updates of what the strategy drives
                to its target (over all of them where the encoder learned in none).
            bound: add ``elbo``, −(D + R).

        Raises:
            Diverged: distortion, rate, penalty or β is not finite.
        """
        assert isinstance(self.sums, Tensor)  # noqa: S101 (there is no epoch without an update)
        distortion, rate, beta, driven, *own = (self.sums / self.examples).tolist()
        if isinstance(self.driven, Tensor):
            driven = (self.driven / self.acted).item()
        penalty = {"penalty": own[0]} if own else {}
        if not all(map(math.isfinite, (distortion, rate, beta, driven, *own))):
            more = "".join(f", {name} {value}" for name, value in penalty.items())
            raise Diverged(
                f"training diverged in epoch {self.number} (up to update {updates}): distortion "
                f"{distortion}, rate {rate}{more}, β {beta}; allowed: finite numbers"
            )
        values = torch.cat(self.betas).cpu()
        levels = torch.tensor(list(BETA_QUANTILES.values()))
        # sorted values at the nearest rank: torch.quantile refuses more than 2^24 values
        ranks = torch.round(levels * (len(values) - 1)).long()
        quantiles = values.sort().values[ranks].tolist()
        return {
            "epoch": self.number,
            "updates": updates,
            "distortion": distortion,
            "rate": rate,
            **penalty,
            **({"elbo": -(distortion + rate)} if bound else {}),
            "beta": beta,
            **{f"beta_{name}": q for name, q in zip(BETA_QUANTILES, quantiles, strict=True)},
            **({"reached": driven} if aims else {}),
            "seconds": time.perf_counter() - self.started,
        }


@dataclass
class Progress:
    """How far training is; all it depends on with model, strategy, order, optimiser and streams.

    Attributes:
        updates: t, the updates that counted so far.
        done: the updates of this epoch so far, counted or not.
        order: the state of the order stream at the epoch's start, from which its batches are drawn
            again when training goes on in the middle of the epoch.
        losses: of this epoch's updates, for update orders that look at them.
        start: distortion and rate of the very first batch.
        epoch: the epoch under way.
    """

    updates: int = 0
    done: int = 0
    order: Tensor | None = None
    losses: list[Tensor] = field(default_factory=list)
    start: dict[str, float] = field(default_factory=dict)
    epoch: Epoch = field(default_factory=Epoch)


def batches(examples: Batch, size: int, order: torch.Generator) -> Iterator[Batch]:
    """All examples once, in random order, ``size`` at a time; the last batch may be smaller."""
    for chosen in torch.randperm(len(examples), generator=order).split(size):
        yield examples[chosen]


@dataclass(frozen=True)
class Batches:
    """The examples and their batches: see :class:`vaebench.training.orders.Draw`."""

    examples: Batch
    size: int
    order: torch.Generator

    def __call__(self) -> Iterator[Batch]:
        """:func:`batches` in a new order."""
        return batches(self.examples, self.size, self.order)


def train(
    learner: Learner,
    examples: Batch,
    budget: Budget,
    streams: Streams,
    after_epoch: Callable[[dict[str, float]], float | None],
    *,
    progress: Progress | None = None,
    ends: Callable[[int], bool] = lambda _: False,
    after_update: Callable[[], None] = lambda: None,
    recorded: Callable[[Learn], Learn] = lambda learn: learn,
) -> dict[str, float]:
    """Train in place; ``after_epoch`` gets each epoch's row of the trace.

    Args:
        learner: model, strategy, optimiser, update order and estimator.
        examples: the training examples, on the model's device.
        budget: epochs and batches.
        streams: the random numbers.
        after_epoch: validation, logging; returns the validation metric, higher is better.
        progress: where to go on; the other arguments must be in the state they had there.
        ends: whether training ends after so many epochs, although the budget is not spent.
        after_update: called after each update, when ``progress`` is true to the model: checkpoints.
        recorded: makes of an update one that is replayed (:mod:`vaebench.training.cuda_graphs`).

    Returns:
        Distortion and rate of the very first batch before any update, nats per example: the same
        for all strategies of a seed.

    Raises:
        Diverged: an epoch's distortion, rate or validation metric is not finite.
        ConfigError: the estimator does not go with the strategy's weight or the model's penalty,
            or the strategy does not go with what β weighs or with what the model is told.
    """
    model, strategy, optimizer = learner.model, learner.strategy, learner.optimizer
    _check(learner)
    update_order, progress = learner.update_order, progress or Progress()
    total = budget.updates(len(examples), update_order.passes)
    number = torch.zeros((), dtype=torch.int64, device=next(model.parameters()).device)
    layers = model.layers if model.weighs == RATE and len(model.layers) > 1 else None
    draw, aim = Batches(examples, budget.batch_size, streams.batches), strategy.aim()

    def learn(update: Update) -> Learned:
        x = update.x
        if model.adversarial and "encoder" in update.parts:
            contest(model, x, optimizer, streams.noise)
        for part in PARTS:
            getattr(model, part).requires_grad_(part in update.parts)
        dial = strategy.dial(len(x), streams.noise)
        told = nullcontext() if dial is None else _turned(model, dial)
        with told:
            terms = learner.estimator.draw(model, x, streams.noise)
        seen = terms.distortion.detach(), terms.penalty.detach()
        stats = Stats(number, total, *seen, counts(x), layers=layers, dial=dial)
        beta = strategy(stats)
        loss = (strategy.example_weights(stats) * learner.estimator.loss(terms, beta)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate = None if terms.penalties is None else terms.rate.detach()
        learned = summed(stats, beta.detach(), loss.detach(), aim, rate)
        if "encoder" in update.parts:
            strategy.update(stats)
        return learned

    step = recorded(learn)
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", float(group["lr"]))
    while not ends(progress.epoch.number - 1) and progress.epoch.number <= budget.epochs:
        for update in _updates(update_order, model, draw, streams.batches, progress):
            number.fill_(progress.updates)
            scale = factor(progress.updates, total, budget.learning_rate_cycles)
            set_learning_rate(optimizer, scale)
            learned = step(update)
            progress.epoch.add(learned, len(update.x), acts="encoder" in update.parts)
            progress.losses.append(learned.loss)
            update_order.observe(learned.loss)
            progress.updates += update.counts
            progress.done += 1
            after_update()
        if progress.epoch.first is not None and not progress.start:
            first = progress.epoch.first.tolist()[:2]
            progress.start = dict(zip(("distortion", "rate"), first, strict=True))
        row = progress.epoch.record(progress.updates, aims=aim is not None, bound=model.has_bound)
        validation = after_epoch(row)
        if validation is not None:
            strategy.observe(validation)
        progress.epoch = Epoch(progress.epoch.number + 1)
        progress.done, progress.losses = 0, []
    return progress.start


def _check(learner: Learner) -> None:
    """Refuse what does not go together."""
    learner.estimator.check_weight(learner.strategy)
    learner.estimator.check_model(learner.model)
    check_weighs(learner.strategy, learner.model)
    check_dial(learner.strategy, learner.model)


def _turned(model: VAE, dial: Tensor) -> AbstractContextManager[None]:
    assert isinstance(model, Dialled)  # noqa: S101 (check_dial)
    return model.turned(dial)


def contest(model: VAE, x: Batch, optimizer: torch.optim.Optimizer, noise: torch.Generator) -> None:
    """An update of the critic alone, which then rests."""
    for part in (*PARTS, "critic"):
        getattr(model, part).requires_grad_(part == "critic")
    optimizer.zero_grad()
    model.contest(x, noise).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    model.critic.requires_grad_(requires_grad=False)


def summed(
    stats: Stats,
    beta: Tensor,
    loss: Tensor,
    aim: Target | None = None,
    rate: Tensor | None = None,
) -> Learned:
    """What the log keeps of an update; β is broadcastable to (B, P).

    Args:
        stats: what the strategy saw.
        beta: its answer.
        loss: ().
        aim: what it drives to a target.
        rate: (B, Z) where β weighs something else.
    """
    size = len(stats.distortion)
    rates = stats.rate if rate is None else rate
    sums = torch.stack([stats.distortion.sum(), rates.sum(), beta.mean() * size]).double()
    driven = aim.measure(stats) * size if aim else torch.zeros_like(sums[0])
    own = [] if rate is None else [stats.rate.sum().double()[None]]
    sums = torch.cat([sums, driven[None], *own])
    values = beta.flatten()
    values = values[:: math.ceil(len(values) / BETA_VALUES_PER_UPDATE)]
    return Learned(sums, values.to(torch.float32, copy=True), loss)


def set_learning_rate(optimizer: torch.optim.Optimizer, scale: float) -> None:
    """``scale`` times the initial learning rate; in place where it is a tensor."""
    for group in optimizer.param_groups:
        rate = group["initial_lr"] * scale
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _updates(
    update_order: UpdateOrder, model: VAE, draw: Draw, order: torch.Generator, progress: Progress
) -> Iterator[Update]:
    """The updates of the epoch under way that are not done yet.

    In the middle of an epoch its beginning is drawn again, without training: the order stream and
    the update order then stand where they stood.
    """
    if not progress.done:
        progress.order = order.get_state()
    elif progress.order is not None:
        order.set_state(progress.order)
    updates = update_order.epoch(model, draw)
    for _, loss in zip(range(progress.done), progress.losses, strict=True):
        next(updates)
        update_order.observe(loss)
    return updates
