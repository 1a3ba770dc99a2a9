"""Tables for people: frame in, Markdown or LaTeX out. Nothing is computed here."""

from collections.abc import Callable

import pandas as pd

from vaebench.words import METRICS, NATS

SIGNIFICANT = 0.05


def number(value: float, metric: str) -> str:
    """Four decimals for ranking metrics, two for nats; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{2 if metric in NATS else 4}f}"


def p_value(p: float) -> str:
    """Two significant digits; never 0."""
    if pd.isna(p):
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")  # noqa: PLR2004


def unit(metric: str) -> str:
    """`` (nats)`` for metrics in nats."""
    return " (nats)" if metric in NATS else ""


def describe(rows: pd.DataFrame, control: str, confidence: float) -> str:
    """One sentence that says what was averaged and tested."""
    seeds, examples = int(rows["seeds"].max()), int(rows["examples"].max())
    return (
        f"Mean over {seeds} seeds and {examples} test examples with a {confidence:.0%} interval "
        f"over both; difference to {control} with its interval, Cohen's d_z and p from a "
        "paired t test on seed means; Holm's correction over the strategies of this table."
    )


def body(rows: pd.DataFrame, metric: str) -> list[list[str]]:
    """The cells of one table, strategy by strategy."""
    lines = []
    for row in rows.itertuples():
        line = [
            str(row.strategy),
            number(row.mean, metric),
            f"[{number(row.low, metric)}, {number(row.high, metric)}]",
            str(row.seeds),
        ]
        if pd.isna(row.difference):
            line += ["control" if pd.isna(row.pairs) else "–", "", "", "", ""]
        else:
            sign = "+" if row.difference >= 0 else ""
            line += [
                f"{sign}{number(row.difference, metric)}",
                f"[{number(row.difference_low, metric)}, {number(row.difference_high, metric)}]",
                "–" if pd.isna(row.effect) else f"{row.effect:.2f}",
                p_value(row.p),
                p_value(row.p_holm),
            ]
        lines.append(line)
    return lines


HEAD = ["strategy", "mean", "interval", "seeds", "difference", "interval", "d_z", "p", "p Holm"]


def families(summary: pd.DataFrame) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """(data set, model, metric) → its rows, in the order of the study."""
    if summary.empty:
        return []
    grouped = summary.groupby(["dataset", "model", "metric"], sort=False)
    return [(key, rows) for key, rows in grouped]


def truth_sentence(truth: dict[str, float], metric: str) -> str:
    """What is best possible on a planted data set, if known."""
    if metric not in truth:
        return ""
    what = {"elbo": "log p(x) under the true model"}.get(metric, "ranking by the true latents")
    return f" Best possible ({what}): {number(truth[metric], metric)}."


def markdown(
    summary: pd.DataFrame,
    failed: pd.DataFrame,
    truths: dict[str, dict[str, float]],
    control: str,
    confidence: float,
) -> str:
    """All tables of a study as Markdown, failures first."""
    parts = [failure_list(failed)]
    for (dataset, model, metric), rows in families(summary):
        parts.append(f"## {dataset}, {model}: {METRICS[metric]}{unit(metric)}\n")
        parts.append(grid(HEAD, body(rows, metric)))
        sentence = describe(rows, control, confidence) + truth_sentence(truths[dataset], metric)
        parts.append(f"{sentence}\n")
    return "\n".join(parts)


def failure_list(failed: pd.DataFrame) -> str:
    """Every cell that did not finish and why, or that there is none."""
    if failed.empty:
        return "All cells finished.\n"
    lines = [
        f"- {row.dataset}/{row.model}/{row.strategy}/seed-{row.seed}: {row.status}: {row.reason}"
        for row in failed.itertuples()
    ]
    return "\n".join(
        [f"**{len(failed)} cells failed and are left out of the tables:**\n", *lines, ""]
    )


def grid(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *lines))


TEX = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "–": "--",
    "<": "$<$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
}


def tex(text: str) -> str:
    """Text as LaTeX."""
    return "".join(TEX.get(character, character) for character in text)


def latex(summary: pd.DataFrame, control: str, confidence: float) -> str:
    r"""Tables (booktabs) for each data set and model: a row a strategy, a column a metric.

    Metrics of ranking and metrics in nats stand apart, so that a table fits the width of a page.
    After them, one table of contrasts to the control for each data set, model and metric.

    The best mean is bold; * marks a difference to the control with Holm-adjusted p < .05. The
    preamble needs ``\usepackage{booktabs}``.
    """
    parts = ["% needs \\usepackage{booktabs}"]
    if summary.empty:
        return parts[0] + "\n% no cell finished\n"
    in_nats = summary["metric"].isin(NATS)
    for (dataset, model, _), rows in summary.groupby(["dataset", "model", in_nats], sort=False):
        metrics = list(dict.fromkeys(rows["metric"]))
        cell = _latex_cell(rows)
        lines = [
            " & ".join([tex(strategy), *(cell(strategy, metric) for metric in metrics)]) + r" \\"
            for strategy in dict.fromkeys(rows["strategy"])
        ]
        head = " & ".join(["strategy", *(tex(METRICS[m] + unit(m)) for m in metrics)]) + r" \\"
        seeds, examples = int(rows["seeds"].max()), int(rows["examples"].max())
        caption = (
            f"{dataset}, {model}: mean $\\pm$ half a {confidence:.0%} interval over {seeds} seeds "
            f"and {examples} test examples. Best mean in bold; * differs from {control} (paired t "
            f"test on seed means, Holm-adjusted p < {SIGNIFICANT})."
        )
        parts.append(_latex_table(caption, "l" + "r" * len(metrics), head, lines))
    parts += [
        _latex_contrasts(key, rows, control, confidence)
        for key, rows in families(summary)
        if rows["difference"].notna().any()
    ]
    return "\n\n".join(parts) + "\n"


def _latex_table(caption: str, columns: str, head: str, lines: list[str]) -> str:
    """One ``table`` environment."""
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{tex(caption)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _latex_contrasts(
    key: tuple[str, str, str], rows: pd.DataFrame, control: str, confidence: float
) -> str:
    """One family's contrasts to the control: difference, interval, effect size, p, Holm's p."""
    dataset, model, metric = key
    tested = rows[rows["difference"].notna()]
    lines = [" & ".join(map(tex, [line[0], *line[4:]])) + r" \\" for line in body(tested, metric)]
    head = r"strategy & difference & interval & $d_z$ & $p$ & $p$ (Holm) \\"
    title = f"{dataset}, {model}: {METRICS[metric]}{unit(metric)}. "
    return _latex_table(title + describe(rows, control, confidence), "lrrrrr", head, lines)


def _latex_cell(rows: pd.DataFrame) -> Callable[[str, str], str]:
    """(strategy, metric) → the cell's LaTeX."""
    table = rows.set_index(["strategy", "metric"])
    higher_is_better = [metric for metric in METRICS if metric not in ("distortion", "rate")]
    best = {
        metric: group.loc[group["mean"].idxmax(), "strategy"]
        for metric, group in rows.groupby("metric")
        if metric in higher_is_better
    }

    def cell(strategy: str, metric: str) -> str:
        if (strategy, metric) not in table.index:
            return "--"
        row = table.loc[(strategy, metric)]
        text = number(row["mean"], metric)
        if best.get(metric) == strategy:
            text = rf"\textbf{{{text}}}"
        if pd.notna(row["low"]):
            text += rf" $\pm$ {number(row['high'] - row['mean'], metric)}"
        return tex(text) + ("*" if row["p_holm"] < SIGNIFICANT else "")

    return cell
