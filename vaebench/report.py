"""The report: one HTML page that opens without a network."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from vaebench import provenance, published
from vaebench.captions import FIGURES
from vaebench.cells.folder import NONE
from vaebench.cells.reading import failures
from vaebench.images.figures import embedded
from vaebench.paper import shown
from vaebench.tables import content
from vaebench.tables.content import named, without_baselines
from vaebench.tuning import report as tuning
from vaebench.words import METRICS


def page(
    config: Mapping[str, Any],
    frames: Mapping[str, pd.DataFrame],
    truths: Mapping[str, Mapping[str, float]],
    figures: Path,
    images: Path | None = None,
    choices: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page as HTML.

    Args:
        config: the study's configuration.
        frames: the study's tables by name.
        truths: data set → what is best possible, for planted data.
        figures: the folder with a PNG for every figure.
        images: the list of figures of picture VAEs, if there are any.
        choices: of the tuning stage, if there was one.
    """
    control, confidence, cells = config["control"], config["confidence"], frames["cells"]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vaebench", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    grids = [
        *content.everything(frames, truths, control, confidence),
        *published.grids(frames.get("published", pd.DataFrame()), published.load()),
        *tuning.grids(choices),
    ]
    wanted = [name for name in FIGURES if shown(name, frames)]
    pictures = {
        name: base64.b64encode((figures / f"{name}.png").read_bytes()).decode()
        for name in [*wanted, *(tuning.FIGURES if choices else ())]
    }
    drawn, captions = embedded(images) if images else ({}, {})
    return environment.get_template("report.html.jinja").render(
        name=config["name"],
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
        sections={
            section: [grid for grid in grids if grid.section == section]
            for section in dict.fromkeys(grid.section for grid in grids)
        },
        findings=findings(frames["results"], frames["models"], control, confidence),
        pictures=pictures | drawn,
        captions=FIGURES | tuning.FIGURES | captions,
        cells=len(cells),
        failures=failures(cells).to_dict("records"),
        minutes=cells["seconds"].sum() / 60,
        times=cells.groupby(["dataset", "model", "strategy"], sort=False)["seconds"]
        .agg(["count", "median", "max"])
        .reset_index()
        .to_dict("records"),
        devices=sorted(set(cells["device"].dropna())),
        versions=provenance.versions(),
        commit=provenance.commit(),
        machine=provenance.machine(),
    )


def findings(
    results: pd.DataFrame, models: pd.DataFrame, control: str, confidence: float
) -> list[str]:
    """The main metric's verdicts: a sentence a (data set, model), and one for several models."""
    sentences: list[str] = []
    if results.empty:
        return sentences
    for (dataset, model), rows in named(without_baselines(results), ["dataset", "model"]):
        metric, main = main_metric(rows)
        if control not in set(main["strategy"]) and len(models):
            continue  # compared with the other models, below
        said = verdicts(main["strategy"], main["verdict"])
        sentences.append(f"{dataset}, {model}, {METRICS[metric]} against {control}: {said}.")
    for (dataset,), rows in named(models, ["dataset"]):
        metric, main = main_metric(rows)
        if main["reference"].isna().any():
            continue
        labels = [
            row.model if row.strategy == NONE else f"{row.model} with {row.strategy}"
            for row in main.itertuples()
        ]
        said = verdicts(pd.Series(labels, index=main.index), main["verdict"])
        sentences.append(
            f"{dataset}, {METRICS[metric]} of other models and baselines against "
            f"{main['reference'].iloc[0]} with {control}: {said}."
        )
    level = f"{1 - confidence:.2g}".removeprefix("0")
    return [*sentences, f"Crossed test of seeds and examples, Holm-adjusted p < {level}."]


def main_metric(rows: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The first metric that was measured, and its rows."""
    metric = next(name for name in METRICS if name in set(rows["metric"]))
    return metric, rows[rows["metric"] == metric]


def verdicts(names: pd.Series, found: pd.Series) -> str:
    """``better: a, b; worse: c``: each of ``names`` under its verdict in ``found``."""
    said = [
        f"{words}: {', '.join(names[found.str.startswith(verdict)])}"
        for verdict, words in SAID.items()
        if found.str.startswith(verdict).any()
    ]
    return "; ".join(said) or "nothing to compare"


SAID = {
    "higher": "better",
    "lower": "worse",
    "equivalent": "equal within the margin",
    "undecided": "undecided",
    "no test": "not tested",
}
"""A verdict on a metric of which more is better, as a finding."""


def made() -> str:
    """One sentence: versions, commit and machine."""
    commit, machine = provenance.commit(), provenance.machine()
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions().items())
    state = " with uncommitted changes" if commit["dirty"] else ""
    return (
        f"Commit {commit['commit'] or 'unknown'}{state}; {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}; {versions}."
    )
