"""What stands in which table."""

from collections.abc import Mapping

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.statistics.diagnostics import COLUMNS as DIAGNOSTICS
from vaebench.statistics.diagnostics import REACHED
from vaebench.statistics.variance import SOURCES
from vaebench.tables import Grid, counted, decimals, interval, number, p_value, signed, unit
from vaebench.words import METRICS, RANKED

Truths = Mapping[str, Mapping[str, float]]
"""Data set → metric → the best possible value, where it is known."""

RESULTS = ["strategy", "mean", "interval", "seeds", "difference", "its interval", "d_z", "P(>)"]
RESULTS += ["p", "p Holm", "verdict"]
COMPANIONS = ["strategy", "relative", "bootstrap interval", "p seeds", "p users", "p equivalent"]
COMPANIONS += ["margin", "P(>) interval"]


def named(frame: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """Groups in the order of the study; none of an empty frame."""
    return list(frame.groupby(keys, sort=False)) if len(frame) else []


FAMILY = ["dataset", "model", "metric"]


def without_baselines(frame: pd.DataFrame) -> pd.DataFrame:
    """They have no strategies to compare; :func:`models` has them."""
    return frame[frame["strategy"] != NONE] if len(frame) else frame


def describe(rows: pd.DataFrame, control: str, confidence: float) -> str:
    """What was averaged and tested in a table of results."""
    tested = int(rows["p"].notna().sum())
    test = (
        f"difference to {control} by the crossed test of seeds and examples (t with "
        f"Satterthwaite's degrees of freedom), Holm's correction over {tested} strategies; d_z and "
        "P(>) over seeds"
        if tested
        else "no test: each needs two common seeds and examples, and a control"
    )
    return (
        f"Mean over {counted(rows['seeds'], 'seed')} and "
        f"{counted(rows['examples'], 'test example')} with a {confidence:.0%} interval over both; "
        f"{test}."
    )


def truth_sentence(truth: Mapping[str, float], metric: str) -> str:
    """What is best possible on a planted data set, if known."""
    if metric not in truth:
        return ""
    what = {"elbo": "log p(x) under the true model"}.get(metric, "ranking by the true latents")
    return f" Best possible ({what}): {number(truth[metric], metric)}."


def results(summary: pd.DataFrame, truths: Truths, control: str, confidence: float) -> list[Grid]:
    """A table a family: means and contrasts to the control."""
    grids = []
    for (dataset, model, metric), rows in named(without_baselines(summary), FAMILY):
        lines = []
        for row in rows.itertuples():
            line = [row.strategy, number(row.mean, metric), interval(row.low, row.high, metric)]
            line += [str(row.seeds), signed(row.difference, metric)]
            line += [interval(row.difference_low, row.difference_high, metric)]
            line += [decimals(row.effect), decimals(row.superior), p_value(row.p)]
            line += [p_value(row.p_holm), reading(row.verdict, row.note)]
            lines.append(line)
        caption = describe(rows, control, confidence)
        caption += truth_sentence(truths.get(dataset, {}), metric)
        title = f"{dataset}, {model}: {METRICS[metric]}{unit(metric)}"
        grids.append(Grid("Results", title, RESULTS, lines, caption))
    return grids


MODELS = ["model", "strategy", "mean", "interval", "seeds", "difference", "its interval"]
MODELS += ["p", "p Holm", "verdict"]


def models(frame: pd.DataFrame, control: str, confidence: float) -> list[Grid]:
    """A table a data set and metric: the other models and the baselines against one control."""
    grids = []
    ranked = frame[frame["metric"].isin(RANKED)] if len(frame) else frame
    for (dataset, metric), rows in named(ranked, ["dataset", "metric"]):
        lines = []
        for row in rows.sort_values("mean", ascending=False, kind="stable").itertuples():
            line = [row.model, "baseline" if row.strategy == NONE else row.strategy]
            line += [number(row.mean, metric), interval(row.low, row.high, metric), str(row.seeds)]
            line += [signed(row.difference, metric)]
            line += [interval(row.difference_low, row.difference_high, metric)]
            line += [p_value(row.p), p_value(row.p_holm), reading(row.verdict, row.note)]
            lines.append(line)
        tested = int(rows["p"].notna().sum())
        reference = rows["reference"].iloc[0]
        caption = f"Mean with a {confidence:.0%} interval over seeds and test examples"
        if tested:
            caption += (
                f"; difference to {reference} with {control} by the crossed test, Holm's "
                f"correction over the {tested} of this table"
            )
        caption += ". What draws nothing has one seed, which stands for all."
        title = f"{dataset}: {METRICS[metric]}{unit(metric)} of models and baselines"
        grids.append(Grid("Models and baselines", title, MODELS, lines, caption))
    return grids


def reading(verdict: str, note: object) -> str:
    """The verdict; where there was no test, why."""
    reason = note if isinstance(note, str) else ""
    return reason if verdict == "no test" and reason else verdict


def companions(summary: pd.DataFrame, control: str, confidence: float) -> list[Grid]:
    """A table a family: what else may be said of the same differences."""
    grids = []
    for (dataset, model, metric), rows in named(summary, FAMILY):
        tested = rows[rows["p"].notna()]
        if tested.empty:
            continue
        lines = []
        for row in tested.itertuples():
            line = [row.strategy, relative(row.relative)]
            line += [interval(row.boot_low, row.boot_high, metric), p_value(row.p_seeds)]
            line += [p_value(row.p_users), p_value(row.p_equivalence_holm)]
            line += ["–" if pd.isna(row.margin) else f"±{number(row.margin, metric)}"]
            line += [f"[{decimals(row.superior_low)}, {decimals(row.superior_high)}]"]
            lines.append(line)
        caption = (
            f"Differences to {control}. Bootstrap: {confidence:.0%}, seeds and examples resampled. "
            "p seeds: paired t on seed means, for these test examples. p users: paired t over "
            "examples, conditional on these trained models, no evidence for the strategy. p "
            "equivalent: two one-sided crossed tests that the difference lies within the margin, "
            f"Holm. P(>): share of seeds ahead of {control}, with its exact interval. p seeds and "
            "p users are not corrected."
        )
        title = f"{dataset}, {model}: {METRICS[metric]}{unit(metric)}"
        grids.append(Grid("Companion tests", title, COMPANIONS, lines, caption, aside=True))
    return grids


def relative(value: float) -> str:
    """A share as a signed percentage."""
    return "–" if pd.isna(value) else f"{100 * value:+.2f} %"


def pairs(frame: pd.DataFrame) -> list[Grid]:
    """A table a family: every pair of strategies, exploratory."""
    grids = []
    for (dataset, model, metric), rows in named(frame, FAMILY):
        lines = []
        for row in rows.itertuples():
            line = [f"{row.a} − {row.b}", signed(row.difference, metric)]
            line += [interval(row.difference_low, row.difference_high, metric)]
            line += [decimals(row.effect), decimals(row.superior), p_value(row.p)]
            line += [p_value(row.p_bh)]
            lines.append(line)
        caption = (
            f"Exploratory: all {len(rows)} pairs, none of them planned. Crossed test of seeds and "
            "examples, Benjamini and Hochberg's correction over the pairs of this table."
        )
        title = f"{dataset}, {model}: {METRICS[metric]}{unit(metric)}"
        head = ["pair", "difference", "its interval", "d_z", "P(>)", "p", "p BH"]
        grids.append(Grid("All pairs (exploratory)", title, head, lines, caption, aside=True))
    return grids


def activity(frame: pd.DataFrame, control: str, confidence: float) -> list[Grid]:
    """A table a family of ranking quality: strategies × quartiles of |x_u|."""
    grids = []
    ranking = frame[frame["metric"] == "ndcg@100"] if len(frame) else frame
    for (dataset, model, metric), rows in named(ranking, FAMILY):
        lines = []
        for row in rows.itertuples():
            line = [f"Q{row.group} ({row.fewest} to {row.most})", row.strategy]
            line += [number(row.mean, metric), interval(row.low, row.high, metric)]
            line += [str(row.examples), signed(row.difference, metric)]
            line += [interval(row.difference_low, row.difference_high, metric)]
            line += [p_value(row.p), p_value(row.p_holm)]
            lines.append(line)
        caption = (
            f"Test users by quartile of their interactions |x_u|; {confidence:.0%} intervals over "
            f"{counted(rows['seeds'], 'seed')} and the users of the group; difference to {control} "
            "by the crossed test, Holm's correction over all strategies and groups of this table."
        )
        head = ["users", "strategy", "mean", "interval", "n", "difference", "its interval"]
        title = f"{dataset}, {model}: {METRICS[metric]} by user activity"
        grids.append(Grid("User activity", title, [*head, "p", "p Holm"], lines, caption))
    return grids


RANGES = ", in brackets the smallest and the largest where they differ"


def diagnostics(frame: pd.DataFrame) -> list[Grid]:
    """A table a (data set, model): β and what the latents do."""
    grids = []
    for (dataset, model), rows in named(without_baselines(frame), ["dataset", "model"]):
        shown = {name: title for name, title in DIAGNOSTICS.items() if rows[name].notna().any()}
        lines = [
            [str(row["strategy"]), str(row["seeds"]), *(diagnosed(row, name) for name in shown)]
            for _, row in rows.iterrows()
        ]
        caption = f"Mean over seeds{RANGES}; rate and information in nats per example."
        if "mutual_information" in shown:
            caption += (
                " The estimate of I(x; z) cannot exceed the log of the number of examples, its "
                "cap: near it, it says “at least”."
            )
        if "target" in shown:
            caption += (
                " Reached: what a strategy with a target drives, in the updates of the encoder; "
                f"“not reached”: more than {REACHED:.0%} off in the last epoch."
            )
        title = f"{dataset}, {model}: latents"
        head = ["strategy", "seeds", *shown.values()]
        grids.append(Grid("Latents", title, head, lines, caption))
    return grids


def diagnosed(row: pd.Series, name: str) -> str:
    """A column of :func:`diagnostics`: a target with what it is of, and whether it was reached."""
    if pd.isna(row[name]):
        return "–"
    if name == "target":
        return f"{row['target_of']} {spread(row, name)}"
    if name == "reached" and row["missed"]:
        seeds = f" in {row['missed']:.0f} of {row['seeds']} seeds"
        return f"{spread(row, name)}, not reached{seeds * (row['missed'] < row['seeds'])}"
    return spread(row, name)


def spread(row: pd.Series, name: str) -> str:
    """``1.50 [1.40, 1.60]``; the brackets only where seeds differ."""
    mean, low, high = (f"{row[name + end]:.4g}" for end in ("", "_min", "_max"))
    if pd.isna(row[name]):
        return "–"
    return mean if low == high else f"{mean} [{low}, {high}]"


def seeds(frame: pd.DataFrame, power: float, alpha: float) -> list[Grid]:
    """One table: how many seeds would find a difference."""
    lines = [
        [
            f"{row.dataset}, {row.model}: {METRICS[row.metric]}{unit(row.metric)}",
            number(row.difference, row.metric),
            "more examples" if pd.isna(row.seeds_needed) else str(int(row.seeds_needed)),
            str(row.seeds),
            number(row.detectable, row.metric),
        ]
        for row in frame.itertuples()
        if row.metric in RANKED
    ]
    caption = (
        f"Seeds with which the crossed test at α = {alpha:g}, before Holm's correction, finds a "
        f"difference with {power:.0%} power, from the variance measured over all contrasts to the "
        "control; “more examples”: their part of the error alone is too large, no number of seeds "
        "is enough. Detectable: the smallest difference that the seeds run find with that "
        "power. "
        "Variances of few seeds are uncertain themselves."
    )
    head = ["metric", "difference", "seeds needed", "seeds run", "detectable"]
    return (
        [Grid("How many seeds", "Seeds needed", head, lines, caption, aside=True)] if lines else []
    )


def variance(frame: pd.DataFrame, confidence: float) -> list[Grid]:
    """A table for what was run: where its variance comes from."""
    grids = []
    keys = ["data", "model", "strategy", "training"]
    for place, (_, rows) in enumerate(named(frame, keys), start=1):
        lines = [
            [
                f"{METRICS[row.metric]}{unit(row.metric)}",
                SOURCES.get(row.source, row.source),
                f"{row.variance**0.5:.3g}",
                f"[{row.low**0.5:.3g}, {row.high**0.5:.3g}]",
                "–" if pd.isna(row.share) else f"{100 * row.share:.0f} %",
                str(row.cells),
            ]
            for row in rows.itertuples()
        ]
        caption = (
            "Standard deviation of a cell's test mean when one source varies and the others are "
            f"fixed; {confidence:.0%} intervals by χ²; share of the sum of these variances. "
            "“Streams together”: all but the split vary, as in a usual study."
        )
        title = f"Sources of variance ({place})"
        head = ["metric", "source", "s.d.", "interval", "share", "cells"]
        grids.append(Grid("Sources of variance", title, head, lines, caption))
    return grids


def across(ranks: pd.DataFrame, frame: pd.DataFrame, confidence: float) -> list[Grid]:
    """A table a metric: ranks and scores over data sets."""
    grids = []
    for (metric, model), rows in named(ranks, ["metric", "model"]):
        scores = frame[(frame["metric"] == metric) & (frame["model"] == model)]
        scores = scores.set_index("strategy")
        lines = []
        for row in rows.itertuples():
            line = [row.strategy, decimals(row.rank)]
            if row.strategy in scores.index:
                score = scores.loc[row.strategy]
                line += [decimals(score["iqm"], 4), interval(score["low"], score["high"], "score")]
                line += [decimals(score["probability"])]
                line += [f"[{decimals(score['p_low'])}, {decimals(score['p_high'])}]"]
            else:
                line += ["–"] * 4
            lines.append(line)
        first = rows.iloc[0]
        note = first["note"] if isinstance(first["note"], str) and first["note"] else ""
        test = (
            f"No test: {note}."
            if note
            else (
                f"Friedman p {equals(first['p_friedman'])}; Nemenyi's critical difference "
                f"{decimals(first['critical'])} ranks."
            )
        )
        left = first["left_out"] if isinstance(first["left_out"], str) else ""
        omitted = f" Not on every data set, hence not ranked: {left}." if left else ""
        caption = (
            f"Over {int(first['datasets'])} data sets ({first['names']}). Mean rank, 1 is best. "
            f"{test}{omitted} IQM: mean of the middle half of all runs, relative to the control "
            "(1 = control). P(improvement): a run beats one of the control, mean over data sets. "
            f"{confidence:.0%} intervals by a bootstrap of seeds within data sets: they speak of "
            "new seeds on these data sets, not of new data sets."
        )
        head = ["strategy", "rank", "IQM", "its interval", "P(improvement)", "interval"]
        models = "" if model == "all" else f", {model}"
        title = f"Across data sets: {METRICS[metric]}{models}"
        grids.append(Grid("Across data sets", title, head, lines, caption))
    return grids


def equals(p: float) -> str:
    """``= .012`` or ``< .001``."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def everything(
    frames: Mapping[str, pd.DataFrame], truths: Truths, control: str, confidence: float
) -> list[Grid]:
    """All tables of a study in the order of the report.

    Args:
        frames: by name: see :class:`vaebench.statistics.study.Findings`, and ``diagnostics``,
            ``variance``.
        truths: see :data:`Truths`.
        control: the control.
        confidence: level of the intervals.
    """
    alpha = 1 - confidence
    return [
        *results(frames["results"], truths, control, confidence),
        *models(frames["models"], control, confidence),
        *across(frames["ranks"], frames["across"], confidence),
        *activity(frames["activity"], control, confidence),
        *diagnostics(frames["diagnostics"]),
        *variance(frames["variance"], confidence),
        *seeds(frames["seeds"], 0.8, round(alpha, 6)),
        *companions(frames["results"], control, confidence),
        *pairs(frames["pairs"]),
    ]
