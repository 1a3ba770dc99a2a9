r"""What a paper takes from a study: every number as a command, and a skeleton that compiles."""

from collections.abc import Mapping
from typing import Any

import jinja2
import pandas as pd

from vaebench.report.figures import captions
from vaebench.statistics.measures import MEASURES, Measure, Measures
from vaebench.tables import decimals, number, p_value, signed
from vaebench.tables.latex import tex

PLAIN = {"mean", "low", "high", "difference_low", "difference_high", "joint_low", "joint_high"}
"""Quantities in the unit of the metric."""


def numbers(results: pd.DataFrame, control: str, measures: Measures = MEASURES) -> str:
    r"""Every number of the results as a LaTeX command, formatted as in the tables.

    ``\result{data set}{model}{strategy}{metric}{quantity}``; a name that is not there is an error
    of the compilation, not a gap in the text.

    Args:
        results: see :class:`vaebench.statistics.study.Findings`.
        control: has no contrast.
        measures: the metrics.
    """
    lines = [
        r"% Made by vaebench; edit the study, not this file.",
        r"\newcommand{\result}[5]{\ifcsname vaebench:#1:#2:#3:#4:#5\endcsname",
        r"  \csname vaebench:#1:#2:#3:#4:#5\endcsname\else",
        r"  \errmessage{vaebench: there is no number #1, #2, #3, #4, #5}\fi}",
        rf"\newcommand{{\control}}{{{tex(control)}}}",
    ]
    for row in results.to_dict("records"):
        names = (row["dataset"], row["model"], row["strategy"], row["metric"])
        for quantity, text in quantities(row, measures[row["metric"]]).items():
            key = ":".join(["vaebench", *map(str, names), quantity])
            lines.append(rf"\expandafter\newcommand\csname {key}\endcsname{{{tex(text)}}}")
    return "\n".join(lines) + "\n"


def quantities(row: Mapping[str, Any], measure: Measure) -> dict[str, str]:
    """What of a row of results can be quoted: quantity → text; what is missing is left out."""
    texts = {name: number(row[name], measure) for name in PLAIN}
    texts |= {name: str(int(row[name])) for name in ("seeds", "failed", "examples")}
    texts["difference"] = signed(row["difference"], measure)
    texts["relative"] = decimals(100 * row["relative"])
    texts |= {name: decimals(row[name]) for name in ("effect", "superior")}
    texts |= {name: p_value(row[name]) for name in ("p", "p_holm")}
    return {name: texts[name] for name in sorted(texts) if texts[name] != "–"}


def skeleton(
    config: Mapping[str, Any],
    frames: Mapping[str, pd.DataFrame],
    made: str,
    measures: Measures = MEASURES,
) -> str:
    """``paper.tex``: results quoted by command, all tables and figures, how it was made.

    Args:
        config: the study's configuration.
        frames: the study's tables by name.
        made: one sentence: versions, commit, machine.
        measures: the metrics.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vaebench.report", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (LaTeX, escaped by tex)
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        trim_blocks=True,
    )
    figures = [
        {"name": name, "caption": tex(caption)}
        for name, caption in captions(frames, config["confidence"]).items()
    ]
    return environment.get_template("paper.tex.jinja").render(
        name=config["name"],
        title=tex(f"Study {config['name']}"),
        sentences=sentences(frames["results"], config["control"], measures),
        figures=figures,
        made=tex(made),
    )


def sentences(results: pd.DataFrame, control: str, measures: Measures = MEASURES) -> list[str]:
    """For each data set, its primary metric quoted by command: the best and the control."""
    found: list[str] = []
    if results.empty:
        return found
    for (dataset, model), block in results.groupby(["dataset", "model"], sort=False):
        rows = block[block["primary"]]
        metric = rows["metric"].iloc[0]
        if control not in set(rows["strategy"]):
            continue
        measure = measures[metric]
        best = rows.loc[((measure.sign or 1) * rows["mean"]).idxmax()]

        def quoted(strategy: str, *wanted: str, names: Any = (dataset, model, metric)) -> list[str]:  # noqa: ANN401
            where = "".join(f"{{{name}}}" for name in (*names[:2], strategy, names[2]))
            return [rf"\result{where}{{{quantity}}}" for quantity in wanted]

        unit = " nats" if measure.nats else ""
        mean, low, high = quoted(control, "mean", "low", "high")
        text = tex(f"On {dataset} ({model}), {control} reaches {measure.title} ")
        text += f"{mean}{unit} [{low}, {high}]"
        if best["strategy"] != control and pd.notna(best["p_holm"]):
            mean, difference, p = quoted(best["strategy"], "mean", "difference", "p_holm")
            text += tex(f"; {best['strategy']} reaches ") + f"{mean}{unit}, a difference of "
            text += f"{difference} ($p$ after Holm's correction: {p})"
        found.append(text + ".")
    return found
