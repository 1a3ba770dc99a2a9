"""Short trainings inside a time budget, on one split: rungs of constant β, then whole ones.

A training is that of a cell: the same model, loop, streams and selection of the epoch. It is kept
in memory between rungs, and every update looks at the clock. One epoch is timed first; where the
plan does not fit into the budget there are fewer points, then shorter trainings.
"""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaebench.baselines.ease import EASE
from vaebench.cells import baseline, vae
from vaebench.cells.built import features
from vaebench.cells.metrics import created, logits, ranked
from vaebench.errors import Diverged
from vaebench.metrics.bound import elbo
from vaebench.seeds import numpy_stream, torch_stream
from vaebench.training.data import Data
from vaebench.training.loop import Budget, Progress, train

POINTS = tuple(0.005 * 1000 ** (n / 8) for n in range(9))
"""β from .005 to 5, three decades as in every study, even in log β."""

RUNGS = ((1 / 9, 6), (2 / 9, 2), (1.0, 1))
"""The end of each rung as a share of training, and how many go on from it."""

FEWER, FEWER_RUNGS = POINTS[::2], ((1 / 9, 3), (2 / 9, 1), (1.0, 1))
"""Where time is short: five points, of which one goes to the end."""

FEWEST_EPOCHS = 9
"""Of a whole training, one for each ninth."""

COMPARED = 2
"""Whole trainings that the choice is compared with at least: β = 1 and the published annealing."""

OWN = {"constant-cyclical-lr": {"learning_rate_cycles": 4}}
"""Strategies whose training differs, as in the published studies."""

MORE = 3
"""Whole trainings of other strategies."""

SAFE = 0.9
"""The share of the time left that a plan may fill."""

SPARE = 0.03
"""The share of the budget that is kept for the sentences and the figure, at least a fifth of it or
:data:`SPARE_SECONDS`, whichever is less."""

SPARE_SECONDS = 5
CUBE = 1e-10
"""Seconds a cubed item that a fit of EASE^R takes at most; measured anew after the first one."""

L2 = (30.0, 100.0, 300.0, 1000.0, 3000.0)
"""λ of EASE^R that are tried."""

EASE_ITEMS = 8_000
"""Items up to which the closed form is fitted: 8,000 take .5 GiB and about a minute."""

ANNEALED = {"class": "linear.Linear", "cap": 0.2, "warmup": 0.855}
"""The published annealing: at its cap after .855 of training."""


class OutOfTimeError(Exception):
    """The budget is spent."""


@dataclass
class Clock:
    """A budget of seconds, from now on."""

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds until trials must have ended."""
        spare = max(SPARE * self.seconds, min(SPARE_SECONDS, self.seconds / 5))
        return self.seconds - spare - (time.monotonic() - self.started)

    def check(self) -> None:
        """Called often.

        Raises:
            OutOfTimeError: nothing is left.
        """
        if self.left <= 0:
            raise OutOfTimeError


@dataclass
class Trained:
    """One training, at the end of as many epochs as it has.

    Attributes:
        name: of its strategy.
        strategy: class and options.
        seed: of weights, batches and noise.
        epochs: that are done.
        score: the mean validation NDCG of the selected epoch.
        users: (U,) of the validation users there; NaN where one has nothing held out.
        beta: the mean β of the selected epoch.
        rate: nats an example on the validation users there.
        test: (U,) of the test users, once they were looked at.
        training: settings of its own, over those of all.
    """

    name: str
    strategy: dict[str, Any]
    seed: int = 0
    epochs: int = 0
    score: float = -math.inf
    users: np.ndarray = field(default_factory=lambda: np.zeros(0))
    beta: float = math.nan
    rate: float = math.nan
    test: np.ndarray | None = None
    training: dict[str, Any] = field(default_factory=dict)


class Training:
    """A training that stops at the end of a rung and goes on from there."""

    def __init__(self, trained: Trained, split: Path, training: Mapping[str, Any], k: int) -> None:
        self.trained, self.k = trained, k
        strategy = {"name": trained.name, **trained.strategy}
        spec = {
            "study": "advice",
            "dataset": "ratings",
            "model": {"name": "mult-vae", "class": "mult_vae.MultVAE"},
            "strategy": strategy,
            "seed": trained.seed,
            "training": {**training, **trained.training},
            "select": {"name": f"ndcg@{k}", "class": "ndcg.NDCG", "k": k},
        }
        self.prepared = vae.prepare(vae.resolve(spec), split)
        self.data = Data(split, self.prepared.device)
        self.progress = Progress()
        self.best: dict[str, torch.Tensor] = {}

    @property
    def epochs(self) -> int:
        """Of the whole training."""
        return self.prepared.settings.epochs

    def go_on(self, until: int, tick: Callable[[], None] = lambda: None) -> None:
        """Train to the end of epoch ``until``.

        Args:
            until: an epoch.
            tick: called after every update; may raise.

        Raises:
            Diverged: a number is not finite.
        """
        prepared = self.prepared
        settings = prepared.settings
        budget = Budget(settings.epochs, settings.batch_size, settings.learning_rate_cycles)
        train(
            prepared.learner,
            prepared.examples,
            budget,
            prepared.streams,
            self._validate,
            progress=self.progress,
            ends=lambda epoch: epoch >= until,
            after_update=tick,
        )

    def _validate(self, row: dict[str, float]) -> float:
        prepared, trained = self.prepared, self.trained
        model, part = prepared.learner.model, prepared.validation
        found = ranked(prepared.metrics, logits(model), part).examples[f"ndcg@{self.k}"]
        score = float(np.nanmean(found))
        trained.epochs = int(row["epoch"])
        if score > trained.score:
            noise = torch_stream("validation", *prepared.noise, device=prepared.device)
            rate = elbo(model, part.examples, noise)["rate"]
            trained.score, trained.users, trained.beta = score, found, row["beta"]
            trained.rate = float(rate.mean())
            self.best = vae.snapshot(model)
        return score

    def test(self) -> None:
        """Look at the test users with the weights of the selected epoch."""
        model = copy.deepcopy(self.prepared.learner.model)
        model.load_state_dict(self.best)
        part = self.data.held_out("test")
        found = ranked(self.prepared.metrics, logits(model), part)
        self.trained.test = found.examples[f"ndcg@{self.k}"]


Chooses = Callable[[Sequence[Trained]], list[int]]
"""Trainings of one rung → their places, the most promising first."""


def by_score(trained: Sequence[Trained]) -> list[int]:
    """The best score first; of equal ones the first."""
    return sorted(range(len(trained)), key=lambda n: -trained[n].score)


@dataclass
class Tried:
    """All that was tried.

    Attributes:
        rungs: the state of each constant β at the end of each rung that it was in, rung by rung.
        whole: whole trainings, those of :attr:`rungs` that came so far among them.
        closed: EASE^R, once fitted: λ and the values of validation and test users.
        ended: why it ended: ``all``, ``time`` or ``interrupted``.
    """

    rungs: list[list[Trained]] = field(default_factory=list)
    whole: list[Trained] = field(default_factory=list)
    closed: Trained | None = None
    ended: str = "all"
    why_not_closed: str = "the budget ended before"


Said = Callable[[str, float, float], None]
"""What is under way, the epochs done and all that are planned."""


class Trials:
    """Trials on one split, in the order of their use, until the clock says stop.

    Without ``judged`` they end with the choice: the test part stays shut, no closed form is fitted.
    """

    def __init__(
        self,
        split: Path,
        training: Mapping[str, Any],
        k: int,
        clock: Clock,
        said: Said = lambda *_: None,
        *,
        judged: bool = True,
    ) -> None:
        self.judged = judged
        self.split, self.training, self.k = split, dict(training), k
        self.clock, self.said = clock, said
        self.tried = Tried()
        self.points: Sequence[float] = POINTS
        self.rungs: Sequence[tuple[float, int]] = RUNGS
        self.done, self.planned = 0.0, 1.0

    @property
    def epochs(self) -> int:
        """Of a whole training."""
        return int(self.training["epochs"])

    def fit(self) -> float:
        """Time an epoch, and make the plan fit into what is left; returns the epoch's seconds.

        The rungs, two whole trainings to compare with and those of other strategies should fit
        into :data:`SAFE` of the time; if not, the other strategies, then points, then epochs go.
        """
        probe = self._training(Trained("probe", {"class": "constant.Constant", "beta": 0.2}))
        started = time.monotonic()
        probe.go_on(1, self.clock.check)
        seconds = time.monotonic() - started
        epochs = SAFE * self.clock.left / seconds
        if epochs < self.needed():
            self.points, self.rungs = FEWER, FEWER_RUNGS
            while epochs < self.needed() and self.epochs > FEWEST_EPOCHS:
                self.training["epochs"] -= 1
        self.planned = min(epochs, self.needed() + (MORE + 3 * 2) * self.epochs)
        return seconds

    def needed(self) -> int:
        """Epochs of the rungs, and of the trainings that the choice is compared with."""
        places = [len(self.points), *(places for _, places in self.rungs)]
        begins = [0, *self.ends()]
        rungs = sum(n * (e - b) for n, b, e in zip(places, begins, begins[1:], strict=False))
        return rungs + COMPARED * self.epochs

    def ends(self) -> list[int]:
        """The last epoch of each rung, ½ rounded up, each at least one more than the one before."""
        found: list[int] = []
        for share, _ in self.rungs:
            end = max(1, math.floor(share * self.epochs + 0.5))
            found.append(max(end, found[-1] + 1 if found else 1))
        return found

    def constants(self, choose: Chooses = by_score) -> None:
        """Rungs of constant β; the state of each at the end of each is in :attr:`tried`."""
        ends, points = self.ends(), self.points
        trained = [
            Trained("constant", {"class": "constant.Constant", "beta": float(f"{beta:.3g}")})
            for beta in points
        ]
        live = {n: self._training(each) for n, each in enumerate(trained)}
        for (_, places), end in zip(self.rungs, ends, strict=True):
            state: list[Trained] = []
            self.tried.rungs.append(state)
            for n in list(live):
                if self._go_on(live[n], end):
                    state.append(copy.copy(trained[n]))
                else:
                    del live[n]
            order = choose(state)
            by_beta = {each.strategy["beta"]: n for n, each in enumerate(trained)}
            goes_on = [by_beta[state[place].strategy["beta"]] for place in order[:places]]
            if end == self.epochs:
                for each in live.values():
                    self._finish(each)
                return
            live = {n: live[n] for n in sorted(goes_on)}

    def train(self, name: str, strategy: Mapping[str, Any], seed: int = 0) -> Trained | None:
        """One whole training, tested; None if it diverged. :data:`OWN` settings go by its name."""
        own = OWN.get(name, {})
        training = self._training(Trained(name, dict(strategy), seed, training=dict(own)))
        if not self._go_on(training, self.epochs):
            return None
        self._finish(training)
        return training.trained

    def _training(self, trained: Trained) -> Training:
        return Training(trained, self.split, self.training, self.k)

    def _finish(self, training: Training) -> None:
        if self.judged:
            training.test()
        self.tried.whole.append(training.trained)

    def _go_on(self, training: Training, until: int) -> bool:
        """Train further; False if it left the finite numbers."""
        updates = math.ceil(len(training.prepared.examples) / self.training["batch_size"])

        def tick() -> None:
            self.clock.check()
            self.done += 1 / updates
            self.said(training.trained.name, self.done, self.planned)

        try:
            training.go_on(until, tick)
        except Diverged:
            return False
        return True

    def closed_form(self, most_items: int = EASE_ITEMS) -> None:
        """EASE^R with the λ that validates best, if there are not too many items."""
        data = Data(self.split, torch.device("cpu"))
        examples = data.train()
        items = features(examples)
        if items > most_items:
            self.tried.why_not_closed = f"{items:,} items are more than {most_items:,}"
            return
        if 2 * CUBE * items**3 > self.clock.left:
            return
        metrics = created({f"ndcg@{self.k}": {"class": "ndcg.NDCG", "k": self.k}})
        best: Trained | None = None
        for l2 in L2:
            started = time.monotonic()
            model = EASE(l2=l2)
            try:
                baseline.fit(model, data, numpy_stream("advice"), "ratings")
                part = data.held_out("validation")
                found = baseline.evaluate(model, part, metrics, "validation")
            except (ValueError, Diverged):
                continue
            values = found.examples[f"ndcg@{self.k}"]
            score = float(np.nanmean(values))
            if best is None or score > best.score:
                best = Trained("ease", {"class": "ease.EASE", "l2": l2}, score=score, users=values)
                part = data.held_out("test")
                tested = baseline.evaluate(model, part, metrics, "test")
                best.test = tested.examples[f"ndcg@{self.k}"]
            self.tried.closed = best
            if 2 * (time.monotonic() - started) > self.clock.left:
                break
