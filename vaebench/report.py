"""The report: one HTML page that opens without a network."""

import base64
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from vaebench import provenance
from vaebench.results import failures
from vaebench.tables import HEAD, body, describe, families, truth_sentence, unit
from vaebench.words import METRICS

CAPTIONS = {
    "differences": "Difference to the control on the test examples, with its interval over seeds.",
    "ranking": "Ranking quality on the test users: mean and interval over seeds and users.",
    "elbo": "ELBO at β = 1 on the test examples, whatever β was used in training.",
    "curves": "The validation metric that selects the model: median and range over seeds.",
    "beta": "β as used: mean of each epoch, band from the 5 % to the 95 % quantile of its values.",
    "rate_distortion": "Test distortion against test rate, one point a cell; grey: equal ELBO.",
}


def page(
    config: dict[str, Any],
    summary: pd.DataFrame,
    cells: pd.DataFrame,
    truths: dict[str, dict[str, float]],
    figures: Path,
) -> str:
    """The page as HTML.

    Args:
        config: the study's configuration.
        summary: see :func:`vaebench.analysis.summary`.
        cells: see :meth:`vaebench.results.Cells.table`.
        truths: data set → what is best possible, for planted data.
        figures: the folder with a PNG for every name in ``CAPTIONS``.
    """
    control, confidence = config["control"], config["confidence"]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vaebench", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    tables = [
        {
            "title": f"{dataset}, {model}: {METRICS[metric]}{unit(metric)}",
            "head": HEAD,
            "rows": body(rows, metric),
            "caption": describe(rows, control, confidence)
            + truth_sentence(truths[dataset], metric),
        }
        for (dataset, model, metric), rows in families(summary)
    ]
    pictures = {
        name: base64.b64encode((figures / f"{name}.png").read_bytes()).decode() for name in CAPTIONS
    }
    return environment.get_template("report.html.jinja").render(
        name=config["name"],
        config=yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
        tables=tables,
        findings=findings(summary, control),
        pictures=pictures,
        captions=CAPTIONS,
        cells=len(cells),
        failures=failures(cells).to_dict("records"),
        hours=cells["seconds"].sum() / 3600,
        times=cells.groupby(["dataset", "model", "strategy"], sort=False)["seconds"]
        .agg(["count", "median", "max"])
        .reset_index()
        .to_dict("records"),
        devices=sorted(set(cells["device"])),
        versions=provenance.versions(),
        commit=provenance.commit(),
        machine=provenance.machine(),
    )


def findings(summary: pd.DataFrame, control: str) -> list[str]:
    """One sentence per (data set, model): who differs from the control in its main metric."""
    sentences: list[str] = []
    if summary.empty:
        return sentences
    for (dataset, model), rows in summary.groupby(["dataset", "model"], sort=False):
        metric = next(name for name in METRICS if name in set(rows["metric"]))
        main = rows[rows["metric"] == metric]
        tested = main[main["p_holm"] < 0.05]  # noqa: PLR2004 (the level said in the sentence)
        better = tested.loc[tested["difference"] > 0, "strategy"]
        worse = tested.loc[tested["difference"] < 0, "strategy"]
        sentences.append(
            f"{dataset}, {model}, {METRICS[metric]}: better than {control}: "
            f"{', '.join(better) or 'none'}; worse: {', '.join(worse) or 'none'} "
            "(Holm-adjusted p < .05)."
        )
    return sentences
