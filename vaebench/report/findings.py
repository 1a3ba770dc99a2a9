"""What a study found, in sentences; without figures, whose libraries take seconds to load."""

from typing import Any

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.statistics.measures import MEASURES, Measure, Measures
from vaebench.tables.content import named, without_baselines


def findings(
    results: pd.DataFrame,
    models: pd.DataFrame,
    control: str,
    confidence: float,
    measures: Measures = MEASURES,
) -> list[str]:
    """The primary metric's verdicts: a sentence a (data set, model), one for several models."""
    sentences: list[str] = []
    if results.empty:
        return sentences
    for (dataset, model), rows in named(without_baselines(results), ["dataset", "model"]):
        metric, main = main_metric(rows)
        if control not in set(main["strategy"]) and len(models):
            continue  # compared with the other models, below
        said = both(main["strategy"], main, measures[metric])
        sentences.append(f"{dataset}, {model}, {measures[metric].title} against {control}: {said}.")
    for (dataset,), rows in named(models, ["dataset"]):
        metric, main = main_metric(rows)
        if main["reference"].isna().any():
            continue
        labels = [title_of(row) for row in main.itertuples()]
        said = both(pd.Series(labels, index=main.index), main, measures[metric])
        sentences.append(
            f"{dataset}, {measures[metric].title} of other models and baselines against "
            f"{main['reference'].iloc[0]} with {control}: {said}."
        )
    level = f"{1 - confidence:.2g}".removeprefix("0")
    test = f"Crossed test and seeds' t, both; Holm-adjusted p < {level}."
    return [*sentences, f"{test} Primary metrics alone: all others are secondary."]


def title_of(row: Any) -> str:  # noqa: ANN401 (a row of pandas)
    """A baseline by its name, a model with its strategy."""
    return str(row.model) if row.strategy == NONE else f"{row.model} with {row.strategy}"


def main_metric(rows: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The primary metric and its rows."""
    main = rows[rows["primary"]]
    return str(main["metric"].iloc[0]), main


def both(names: pd.Series, rows: pd.DataFrame, measure: Measure | None = None) -> str:
    """The verdicts; where something was registered, of that first, and then of the rest."""
    known = rows.get("registered", pd.Series(None, rows.index, dtype=object)).dropna().astype(bool)
    if known.empty:
        return verdicts(names, rows["verdict"], measure)
    parts = {"registered": known.index[known], "exploratory": known.index[~known]}
    return ". ".join(
        f"{what.capitalize()}: {verdicts(names[place], rows['verdict'][place], measure)}"
        for what, place in parts.items()
        if len(place)
    )


def verdicts(names: pd.Series, found: pd.Series, measure: Measure | None = None) -> str:
    """``better: a, b; worse: c``: each of ``names`` under its verdict in ``found``.

    A difference within the margin of equivalence is neither better nor worse.
    """
    said = SAID
    if measure is not None and measure.sign < 0:
        said = SAID | {"higher": SAID["lower"], "lower": SAID["higher"]}
    words = found.map(said)
    parts = [
        f"{word}: {', '.join(names[words == word])}"
        for word in dict.fromkeys(SAID.values())
        if (words == word).any()
    ]
    return "; ".join(parts) or "nothing to compare"


SAID = {
    "higher": "better",
    "lower": "worse",
    "higher, within margin": "different, but equal within the margin",
    "lower, within margin": "different, but equal within the margin",
    "equivalent": "equal within the margin",
    "undecided": "undecided",
    "no test": "not tested",
}
"""A verdict on a metric of which more is better, as a finding."""
