"""The advice: trials in their order, the choice, and its sentences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vaebench.advice.prior import Expected, ahead, combined, transferred
from vaebench.advice.trials import (
    ANNEALED,
    MORE,
    Chooses,
    OutOfTimeError,
    Trained,
    Trials,
    Tried,
)
from vaebench.advice.verdict import Difference, alike, difference

ONE = {"class": "constant.Constant", "beta": 1.0}
MOST_SEEDS = 3
OTHERS = ("constant-cyclical-lr", "annealed", "user-scaled")
"""Strategies that are tried beside those that studies show to be better than a constant."""

WORDS = {"one": "β = 1", "published": "the published annealing"}
FORM = "EASE^R"
NOTHING = (
    "No trial came to its end within the budget, so there is no advice from your own data: allow "
    "more --minutes."
)


@dataclass
class Advice:
    """What is advised, and why.

    Attributes:
        chosen: the way: its seed-0 training; None where no trial ended.
        tried: everything that was tried.
        against: ``one``, ``published``, ``ease`` → the chosen way minus it, on test users.
        alike: constant βs that cannot be told from the best.
        shape: of the training part.
        metric: that judges.
        band: what studies lead to expect: ``beta, middle, low, high``.
    """

    chosen: Trained | None
    tried: Tried
    shape: Mapping[str, float]
    metric: str
    against: dict[str, Difference] = field(default_factory=dict)
    alike: list[float] = field(default_factory=list)
    band: pd.DataFrame = field(default_factory=pd.DataFrame)

    def sentences(self) -> list[str]:
        """Three: what to set, what it is worth, and whether a closed form is better."""
        if self.chosen is None:
            return [NOTHING]
        return [self._what(), self._worth(), self._closed()]

    def _what(self) -> str:
        chosen, n = self.chosen, self.shape["mean_n"]
        assert chosen is not None  # noqa: S101 (asked for with one)
        options = chosen.strategy
        if "gamma" in options:
            way = (
                f"Let β grow with a user's interactions: β_u = {options['gamma']:.3g}·n_u, "
                f"{options['gamma'] * n:.3g} on average"
            )
        elif "cap" in options:
            way = (
                f"Raise β from 0 to {options['cap']:g} over the first {options['warmup']:.0%} of "
                "training"
            )
        else:
            way = f"Set β = {options['beta']:g} throughout training"
        if cycles := chosen.training.get("learning_rate_cycles"):
            way += f", with a learning rate that is cycled {cycles} times"
        units = f"{chosen.beta / n:.2g} per interaction; rate {chosen.rate / n:.2g} nats each"
        if len(self.alike) > 1 and chosen.name == "constant":
            span = f"; β from {self.alike[0]:g} to {self.alike[-1]:g} cannot be told from it"
        else:
            span = ""
        return f"{way} ({units}{span})."

    def _worth(self) -> str:
        known = {name: self.against[name] for name in WORDS if name in self.against}
        if not known:
            return "The budget ended before it could be compared with β = 1 and the annealing."
        first = next(iter(known.values()))
        many = "training" if first.trainings == 1 else "trainings"
        base = f"{first.users:,} test users, {first.trainings} {many} each"
        if not any(each.told for each in known.values()):
            said = ", ".join(f"{WORDS[name]} {each}" for name, each in known.items())
            return f"Your data cannot tell it from {said} ({self.metric.upper()}; {base})."
        parts = []
        for name, each in known.items():
            how = "cannot be told from" if not each.told else "is ahead of"
            how = "is behind" if each.told and each.mean < 0 else how
            parts.append(f"{how} {WORDS[name]}, {each}")
        return f"In {self.metric.upper()} it {' and '.join(parts)} ({base})."

    def _closed(self) -> str:
        found = self.against.get("ease")
        if found is None:
            why = self.tried.why_not_closed
            return f"{FORM}, the closed form to compare with, was not fitted: {why}."
        if not found.told:
            return (
                f"Your data cannot tell a closed form ({FORM}) from it: it is at {_turned(found)}."
            )
        if found.mean < 0:
            return (
                f"A closed form ({FORM}) is expected to be better, by {_turned(found)}: take that "
                "unless you need a VAE."
            )
        return f"A closed form ({FORM}) is expected to be worse: {_turned(found)}."


def _turned(found: Difference) -> str:
    return str(Difference(-found.mean, -found.high, -found.low, found.users, found.trainings))


def advise(trials: Trials, prior: Expected, metric: str) -> Advice:
    """Make the trials and choose; what is done when time ends or Ctrl-C comes is what counts."""
    tried = trials.tried
    try:
        _try(trials, prior)
    except OutOfTimeError:
        tried.ended = "time"
    except KeyboardInterrupt:
        tried.ended = "interrupted"
    return concluded(tried, prior, metric)


def chooser(prior: Expected) -> Chooses:
    """The order of trials by :func:`vaebench.advice.prior.combined`."""

    def choose(trained: Sequence[Trained]) -> list[int]:
        if not trained:
            return []
        betas = [each.strategy["beta"] for each in trained]
        other = prior.centred(betas) if prior.enough else None
        values = combined(np.stack([each.users for each in trained]), other)
        return [int(place) for place in np.argsort(-values, kind="stable")]

    return choose


def _try(trials: Trials, prior: Expected) -> None:
    trials.fit()
    trials.constants(chooser(prior))
    best = best_constant(trials.tried, prior)
    if best is None:
        return
    if trials.judged:
        trials.closed_form()
    trials.train("published", ANNEALED)
    trials.train("one", ONE)
    beta, known = best.strategy["beta"], prior.studies if prior.enough else []
    others = dict.fromkeys([*ahead(known), *OTHERS])
    for name in list(others)[:MORE]:
        trials.train(name, transferred(name, beta, prior.shape, known))
    if not trials.judged:
        return
    chosen = choice(trials.tried, prior)
    assert chosen is not None  # noqa: S101 (there is a best constant)
    for seed in range(1, MOST_SEEDS):
        ways = {"one": ONE, "published": ANNEALED} | {chosen.name: chosen.strategy}
        for name, strategy in ways.items():
            trials.train(name, strategy, seed)


def best_constant(tried: Tried, prior: Expected) -> Trained | None:
    """The whole constant β that trials and studies together say is best; None without one."""
    whole = [each for each in tried.whole if each.name == "constant" and not each.seed]
    return whole[chooser(prior)(whole)[0]] if whole else None


def choice(tried: Tried, prior: Expected) -> Trained | None:
    """The best whole constant β, unless another way is ahead on validation by more than 1 s.e.

    The standard error is that of the mean difference of the validation users, first training
    against first training; of several ways that are so far ahead the one with the best score. It is
    a rule to choose by, not a test: whether the data can tell is said by users that did not choose.
    """
    best = best_constant(tried, prior)
    if best is None:
        return None
    others = [each for each in tried.whole if each.name != "constant" and not each.seed]
    ahead_of = [each for each in others if _ahead(each.users - best.users)]
    return max(ahead_of, key=lambda each: each.score, default=best)


def _ahead(d: np.ndarray) -> bool:
    """Whether the mean of the finite differences is above its standard error."""
    known = d[np.isfinite(d)]
    return len(known) > 1 and bool(known.mean() > known.std(ddof=1) / math.sqrt(len(known)))


def concluded(tried: Tried, prior: Expected, metric: str) -> Advice:
    """The choice and its comparisons, from what was tried."""
    chosen = choice(tried, prior)
    advice = Advice(chosen, tried, prior.shape, metric)
    if chosen is None:
        return advice
    if prior.enough:
        betas = [each.strategy["beta"] for each in tried.rungs[0]]
        level = float(np.mean([each.score for each in tried.rungs[0]]))
        advice.band = prior.band(betas, level)
    best = best_constant(tried, prior)
    assert best is not None  # noqa: S101 (else nothing is chosen)
    advice.alike = alike(tried.rungs, best)
    mine = _tests(tried, chosen.name, chosen.strategy)
    others = {name: _tests(tried, name) for name in WORDS if name != chosen.name}
    if tried.closed is not None and tried.closed.test is not None:
        others["ease"] = {0: tried.closed.test}
    others = {name: tests for name, tests in others.items() if tests}
    for name, tests in others.items():
        seeds = sorted(mine) if name == "ease" else sorted(set(mine) & set(tests))
        theirs = [tests[0]] if name == "ease" else [tests[seed] for seed in seeds]
        if seeds:
            advice.against[name] = difference([mine[s] for s in seeds], theirs, len(others))
    return advice


def _tests(
    tried: Tried, name: str, strategy: Mapping[str, Any] | None = None
) -> dict[int, np.ndarray]:
    """Seed → values of the test users."""
    return {
        each.seed: each.test
        for each in tried.whole
        if each.name == name
        and each.test is not None
        and (strategy is None or each.strategy == strategy)
    }


def table(tried: Tried) -> list[dict[str, Any]]:
    """A row a state of a trial: what it was and what validation said; test where it was read."""
    rows = []
    whole = {id(each) for each in tried.whole}
    states: Sequence[tuple[int | None, Trained]] = [
        *((number, each) for number, rung in enumerate(tried.rungs, 1) for each in rung),
        *((None, each) for each in tried.whole if id(each) in whole),
        *([(None, tried.closed)] if tried.closed else []),
    ]
    for rung, each in states:
        row: dict[str, Any] = {"rung": rung, "name": each.name, "seed": each.seed}
        row |= {"options": {k: v for k, v in each.strategy.items() if k != "class"}}
        row |= {"epochs": each.epochs, "validation": each.score, "beta": each.beta}
        row |= {"rate": each.rate}
        row["test"] = math.nan if each.test is None else float(np.nanmean(each.test))
        rows.append(row)
    return rows
