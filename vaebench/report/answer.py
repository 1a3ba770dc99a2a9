"""What a study found, first of all: its question, a sentence a data set, and what to do.

A sentence names one strategy, its difference to the control and the simultaneous interval of the
difference. All the other strategies follow by verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaebench.report.findings import SAID, main_metric, title_of
from vaebench.statistics.measures import MEASURES, Measure, Measures
from vaebench.tables import interval, number, signed
from vaebench.tables.content import named, without_baselines

KINDS = {
    "better": "better",
    "worse": "worse",
    "different, but equal within the margin": "equal",
    "equal within the margin": "equal",
    "undecided": "open",
    "not tested": "none",
}
"""A finding → how a page shows it."""


@dataclass(frozen=True)
class Group:
    """Who has one verdict.

    Attributes:
        word: the verdict in print.
        kind: one of the values of :data:`KINDS`.
        names: of strategies or models.
    """

    word: str
    kind: str
    names: list[str]


@dataclass(frozen=True)
class Answer:
    """What was found of one data set and model, or of the models of a data set.

    Attributes:
        place: data set and model, in print.
        against: what all others are compared with.
        sentence: the verdict.
        groups: everybody by verdict.
        measure: the primary metric.
        rows: of the table of results, tested or not, in the order of the study; ``name`` is in
            print, ``finding`` a key of :data:`KINDS`.
    """

    place: str
    against: str
    sentence: str
    groups: list[Group]
    measure: Measure
    rows: pd.DataFrame

    def who(self, *words: str) -> list[str]:
        """Those with one of these findings."""
        return list(self.rows["name"][self.rows["finding"].isin(words)])


def answers(
    results: pd.DataFrame, models: pd.DataFrame, control: str, measures: Measures = MEASURES
) -> list[Answer]:
    """An answer a (data set, model) with its control, then one a data set with several models.

    Args:
        results: see :class:`vaebench.statistics.study.Findings`.
        models: likewise.
        control: the control.
        measures: the metrics.
    """
    found = []
    for (dataset, model), rows in named(without_baselines(results), ["dataset", "model"]):
        metric, main = main_metric(rows)
        if control in set(main["strategy"]) and len(main) > 1:
            main = main[main["strategy"] != control]
            place = f"{dataset}, {model}"
            found.append(_answer(place, control, main["strategy"], main, measures[metric]))
    for (dataset,), rows in named(models, ["dataset"]):
        metric, main = main_metric(rows)
        if main["reference"].isna().any():
            continue
        main = main[main["verdict"] != "control"]
        names = pd.Series([title_of(row) for row in main.itertuples()], main.index)
        against = f"{main['reference'].iloc[0]} with {control}" if len(main) else control
        if len(main):
            place = f"{dataset}, models and baselines"
            found.append(_answer(place, against, names, main, measures[metric]))
    return found


def _answer(
    place: str, against: str, names: pd.Series, rows: pd.DataFrame, measure: Measure
) -> Answer:
    """Of the rows of one family."""
    said = dict(SAID)
    if measure.sign < 0:
        said |= {"higher": SAID["lower"], "lower": SAID["higher"]}
    rows = rows.assign(name=names, finding=rows["verdict"].map(said).fillna("not tested"))
    groups = []
    for word, kind in KINDS.items():
        who = [_marked(row) for row in rows[rows["finding"] == word].itertuples()]
        if who:
            groups.append(Group(word, kind, who))
    return Answer(place, against, _sentence(against, rows, measure), groups, measure, rows)


def _marked(row: Any) -> str:  # noqa: ANN401 (a row of pandas)
    """A name; one that was not registered, where others were, says so."""
    unregistered = getattr(row, "registered", None) is False
    return f"{row.name} (exploratory)" if unregistered else str(row.name)


def _sentence(against: str, rows: pd.DataFrame, measure: Measure) -> str:
    """Who is better and by how much; else who comes nearest to it."""
    known = rows.get("registered", pd.Series(None, rows.index, dtype=object)).dropna().astype(bool)
    confirmed = rows.loc[known.index[known]] if known.any() else rows
    tested = confirmed[confirmed["difference"].notna()]
    if tested.empty:
        return f"Nothing could be tested against “{against}”."
    gain = (measure.sign or 1) * tested["difference"]
    better = tested["finding"] == "better"
    best = tested.loc[(gain[better] if better.any() else gain).idxmax()]
    effect = _effect(best, measure)
    if better.sum() == 1:
        return f"{best['name']} is better than “{against}”: {effect}."
    if better.any():
        return (
            f"{better.sum()} of {len(tested)} are better than “{against}”, "
            f"most of all {best['name']}: {effect}."
        )
    if len(tested) == 1:
        finding = best["finding"]
        word = {"undecided": "not decided", "worse": "worse"}.get(finding, finding)
        return f"{best['name']} against “{against}”: {word}, {effect}."
    if (tested["finding"] == "worse").all():
        return f"All {len(tested)} are worse than “{against}”, {best['name']} the least: {effect}."
    within = "equal" in best["finding"]
    margin = f", within the margin of ±{number(best['margin'], measure)}" if within else ""
    return (
        f"None of {len(tested)} is shown to be better than “{against}”; the nearest to it is "
        f"{best['name']}: {effect}{margin}."
    )


def _effect(row: pd.Series, measure: Measure) -> str:
    """``+0.0123 NDCG@100 [0.0101, 0.0145]``."""
    what = f" nats of {measure.title}" if measure.nats else f" {measure.title}"
    bounds = interval(row["joint_low"], row["joint_high"], measure)
    return f"{signed(row['difference'], measure)}{what}{'' if bounds == '–' else f' {bounds}'}"


def question(found: Sequence[Answer], control: str) -> str:
    """The study's question in one sentence."""
    strategies = [answer for answer in found if answer.against == control]
    names = list(dict.fromkeys(name for answer in strategies for name in answer.rows["name"]))
    if len(names) == 1:
        return f"Is {names[0]} better than “{control}”?"
    if names:
        return f"Is any of {len(names)} ways to set β better than “{control}”?"
    if found:
        return f"Is another model better than “{found[0].against}”?"
    return f"What does “{control}” reach?"


def setting(
    config: Mapping[str, Any], found: Sequence[Answer], cells: pd.DataFrame, repeats: str
) -> str:
    """On what data, in which metric and how often; ``repeats``: seeds or replicates."""
    metrics = list(dict.fromkeys(answer.measure.title for answer in found))
    datasets = list(dict.fromkeys(cells["dataset"]))
    each = int(cells.groupby(["dataset", "model", "strategy"], sort=False)["seed"].nunique().max())
    several = f"{len(datasets)} data sets" if len(datasets) > 1 else "1 data set"
    parts = [
        f"{several}: {', '.join(datasets)}",
        f"measured by {' and '.join(metrics)}" if metrics else "",
        f"{each} {repeats}{'s' * (each != 1)} a strategy",
        f"level {config['confidence']:.0%}",
    ]
    return " · ".join(filter(None, parts))


def how_sure(found: Sequence[Answer], confidence: float) -> str:
    """What the sentences are based on, and what they do not say."""
    counts = sorted({int(answer.rows["p"].notna().sum()) for answer in found})
    over = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    level = f"{1 - confidence:.2g}".removeprefix("0")
    return (
        f"A verdict needs p < {level} after Holm's correction over the {over} comparisons of its "
        "data set, by both the crossed test and the seeds' t. The intervals hold all of these "
        f"differences at once ({confidence:.0%}, Bonferroni). Only the primary metric of a data "
        "set has a verdict here; all others are secondary. It holds for these data sets and models."
    )


def to_do(
    found: Sequence[Answer], seeds: pd.DataFrame, failed: int, study: str, repeats: str
) -> list[str]:
    """What follows from the answers, a sentence each.

    Args:
        found: the answers.
        seeds: what the study's seeds find, see :class:`vaebench.statistics.study.Findings`.
        failed: cells that did not finish.
        study: the folder of the study.
        repeats: what a result is repeated over: seeds or replicates.
    """
    said = [
        f"{answer.place}: {sentence}" if len(found) > 1 else sentence[0].upper() + sentence[1:]
        for answer in found
        for sentence in _advice(answer, seeds, repeats)
    ]
    if any(answer.who("undecided") for answer in found):
        said.append(
            f"How many {repeats}s decide a difference: vaebench power {study} --difference NUMBER."
        )
    if failed:
        cells = f"{failed} cell{'s' * (failed != 1)}"
        said.append(f"Run the study again for the {cells} that failed, or say why not.")
    return said


def _advice(answer: Answer, seeds: pd.DataFrame, repeats: str) -> Iterator[str]:
    """Of one answer."""
    better = answer.who("better")
    if better:
        rows = answer.rows[answer.rows["finding"] == "better"]
        gain = (answer.measure.sign or 1) * rows["difference"]
        best = rows["name"][gain.idxmax()]
        rest = f"; which of the {len(better)} better ones is best is not tested here"
        yield f"use {best}{rest if len(better) > 1 else ''}."
    equal = answer.who("equal within the margin", "different, but equal within the margin")
    if not better and not equal:
        yield f"keep “{answer.against}”."
    elif not better:
        yield (
            f"keep “{answer.against}”, or take any of the {len(equal)} that are equal within "
            "the margin, whichever costs least."
        )
    worse = answer.who("worse")
    if worse:
        yield f"do not use {', '.join(worse)}."
    unsure = answer.who("undecided")
    if unsure:
        finds = _detectable(answer, seeds)
        small = f" {finds}" if finds else ""
        yield f"conclude nothing about {', '.join(unsure)}: more {repeats}s are needed.{small}"


def _detectable(answer: Answer, seeds: pd.DataFrame) -> str:
    """The difference that the study would have found, where it is known."""
    first = answer.rows.iloc[0]
    keys = ("dataset", "model", "metric")
    if "strategy" not in answer.rows or not set(keys) <= set(answer.rows) or seeds.empty:
        return ""
    mine = seeds[(seeds[list(keys)] == [first[key] for key in keys]).all(axis=1)]
    found = mine["detectable"].dropna()
    if answer.place != f"{first['dataset']}, {first['model']}" or found.empty:
        return ""
    unit = " nats" if answer.measure.nats else ""
    return (
        f"This study finds a difference of {number(found.iloc[0], answer.measure)}{unit} with "
        "probability .8."
    )
