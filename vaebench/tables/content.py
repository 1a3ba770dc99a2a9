"""What stands in which table. A table is a list of columns, and a column is one line."""

from collections.abc import Mapping

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.statistics.contrasts import SEEDS
from vaebench.statistics.diagnostics import COLUMNS as DIAGNOSTICS
from vaebench.statistics.diagnostics import REACHED
from vaebench.statistics.measures import MEASURES, Measure, Measures
from vaebench.statistics.variance import SOURCES
from vaebench.tables import (
    Column,
    Grid,
    counted,
    decimals,
    full,
    heads,
    interval,
    lines,
    number,
    p_value,
    signed,
)

Truths = Mapping[str, Mapping[str, float]]
"""Data set → metric → the best possible value, where it is known."""


def named(frame: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """Groups in the order of the study; none of an empty frame."""
    return list(frame.groupby(keys, sort=False)) if len(frame) else []


FAMILY = ["dataset", "model", "metric"]


def without_baselines(frame: pd.DataFrame) -> pd.DataFrame:
    """They have no strategies to compare; :func:`models` has them."""
    return frame[frame["strategy"] != NONE] if len(frame) else frame


def selects_of(rows: pd.DataFrame) -> str:
    """What selected the epochs of a table on validation, in print; empty if nothing did."""
    found = rows["selecting"].iloc[0] if "selecting" in rows and len(rows) else ""
    return found if isinstance(found, str) else ""


def epoch_of(measure: Measure, selects: str) -> str:
    """Whose weights the values of a metric are, as a sentence; empty where nothing selects."""
    if measure.epoch == "last":
        return " Tested are the weights of the last epoch."
    if not selects:
        return ""
    return f" Tested are the weights of the epoch with the best validation {selects}."


def heading(measure: Measure, rows: pd.DataFrame, selects: str) -> str:
    """A metric in a table's title: its unit, its rank in the study, and whose weights it tests."""
    rank = ("primary" if rows["primary"].iloc[0] else "secondary") if "primary" in rows else ""
    chosen = ""
    if measure.nats and measure.epoch == "selected" and selects and selects != measure.title:
        chosen = f"epoch chosen by {selects}"
    return ", ".join(filter(None, [full(measure), rank, chosen]))


def test_of(rows: pd.DataFrame) -> str:
    """What the p-values of a table are."""
    if (rows["test"] == SEEDS).any():
        return (
            "p by the paired t on seed means alone, as the metric has one value a cell and no "
            "examples"
        )
    return (
        "p is the larger of the crossed test of seeds and examples and of the paired t on seed "
        "means"
    )


def joint_of(tested: int, confidence: float) -> str:
    """What the joint intervals of a table are."""
    return (
        f"the joint intervals hold all {tested} at once ({confidence:.0%}, Bonferroni), so Holm's "
        "p, which steps down, can decide where one just holds 0"
    )


def lost(rows: pd.DataFrame) -> str:
    """What missing seeds mean for a table; empty where none is missing."""
    if not rows["failed"].any():
        return ""
    return (
        " Failed: planned seeds without a result; a mean is over the other seeds, a difference "
        "over the pairs that both strategies have, so the two need not agree."
    )


def margin_of(rows: pd.DataFrame, measure: Measure) -> str:
    """The margin of equivalence, and whether the design can decide it."""
    margin, reachable = rows["margin"].dropna(), rows["reachable"].dropna()
    if margin.empty or reachable.empty:
        return ""
    least, most = (number(value, measure) for value in (reachable.min(), reachable.max()))
    span = f"±{least}" if least == most else f"±{least} to ±{most}"
    return (
        f" Margin of equivalence ±{number(margin.iloc[0], measure)}; no margin below {span} can be "
        "decided with these standard errors."
    )


def describe(rows: pd.DataFrame, control: str, confidence: float, measure: Measure) -> str:
    """What was averaged and tested in a table of results."""
    tested = int(rows["p"].notna().sum())
    test = (
        f"difference to {control} over the common seeds (pairs); {test_of(rows)}, Holm's "
        f"correction over {tested} strategies; {joint_of(tested, confidence)}"
        if tested
        else "no test: each needs two common seeds and examples, and a control"
    )
    shown = rows[rows["seeds"] > 0]
    over = f"Mean over {counted(shown['seeds'], 'seed')}" if len(shown) else "No seed finished"
    if measure.per == "example" and len(shown):
        over += f" and {counted(shown['examples'], 'test example')}"
        over += f" with a {confidence:.0%} interval over both"
    elif len(shown):
        over += f", one value a cell, with a {confidence:.0%} interval over seeds"
    return f"{over}; {test}.{lost(rows)}{margin_of(rows, measure)}"


def truth_sentence(truth: Mapping[str, float], metric: str) -> str:
    """What is best possible on a planted data set, if known."""
    if metric not in truth:
        return ""
    what = {"elbo": "log p(x) under the true model"}.get(metric, "ranking by the true latents")
    return f" Best possible ({what}): {number(truth[metric], metric)}."


def mean_columns(m: Measure) -> list[Column]:
    """A strategy by itself."""
    return [
        Column("mean", lambda row: number(row.mean, m)),
        Column("interval", lambda row: interval(row.low, row.high, m)),
        Column("seeds", lambda row: str(row.seeds)),
        Column("failed", lambda row: str(row.failed)),
    ]


def difference_columns(m: Measure) -> list[Column]:
    """A strategy against the control, corrected for all of its table."""
    return [
        Column("difference", lambda row: signed(row.difference, m)),
        Column("joint interval", lambda row: interval(row.joint_low, row.joint_high, m)),
        Column("pairs", lambda row: "–" if pd.isna(row.pairs) else f"{row.pairs:.0f}"),
        Column("p", lambda row: p_value(row.p)),
        Column("p Holm", lambda row: p_value(row.p_holm)),
        Column("verdict", lambda row: reading(row.verdict, row.note)),
    ]


STRATEGY = Column("strategy", lambda row: row.strategy)
REGISTERED = Column("registered", lambda row: {True: "yes", False: "no"}.get(row.registered, ""))


REGISTRATION = (
    " What was registered before the test part was opened is corrected for itself alone, and so is "
    "the rest, which is exploratory."
)


def registered_columns(rows: pd.DataFrame) -> list[Column]:
    """What was registered, where anything was."""
    known = "registered" in rows and rows["registered"].notna().any()
    return [REGISTERED] if known else []


def result_columns(m: Measure) -> list[Column]:
    """Of :func:`results`."""
    return [STRATEGY, *mean_columns(m), *difference_columns(m)]


def results(
    summary: pd.DataFrame,
    truths: Truths,
    control: str,
    confidence: float,
    measures: Measures = MEASURES,
) -> list[Grid]:
    """A table a family: means and contrasts to the control."""
    grids = []
    for (dataset, model, metric), rows in named(without_baselines(summary), FAMILY):
        measure, selects = measures[metric], selects_of(rows)
        columns = [*result_columns(measure), *registered_columns(rows)]
        caption = describe(rows, control, confidence, measure)
        caption += epoch_of(measure, selects)
        caption += REGISTRATION if registered_columns(rows) else ""
        caption += truth_sentence(truths.get(dataset, {}), metric)
        title = f"{dataset}, {model}: {heading(measure, rows, selects)}"
        grid = Grid("Results", title, heads(columns), lines(columns, rows), caption, metric=metric)
        grids.append(grid)
    return grids


def model_columns(m: Measure) -> list[Column]:
    """Of :func:`models`."""
    return [
        Column("model", lambda row: row.model),
        Column("strategy", lambda row: "baseline" if row.strategy == NONE else row.strategy),
        *mean_columns(m),
        *difference_columns(m),
    ]


def models(
    frame: pd.DataFrame, control: str, confidence: float, measures: Measures = MEASURES
) -> list[Grid]:
    """A table a data set and metric: the other models and the baselines against one control."""
    grids = []
    for (dataset, metric), rows in named(frame, ["dataset", "metric"]):
        measure, selects = measures[metric], selects_of(rows)
        if not measure.sign:
            continue
        columns = [*model_columns(measure), *registered_columns(rows)]
        ordered = rows.sort_values("mean", ascending=measure.sign < 0, kind="stable")
        tested = int(rows["p"].notna().sum())
        over = "seeds" if measure.per == "cell" else "seeds and test examples"
        caption = f"Mean with a {confidence:.0%} interval over {over}"
        if tested:
            caption += (
                f"; difference to {rows['reference'].iloc[0]} with {control} over the common seeds "
                f"(pairs); {test_of(rows)}, Holm's correction over the {tested} of this table; "
                f"{joint_of(tested, confidence)}"
            )
        caption += ". A baseline without randomness has one seed, because all seeds agree."
        caption += lost(rows) + epoch_of(measure, selects)
        title = f"{dataset}: {heading(measure, rows, selects)}, of models and baselines"
        table = lines(columns, ordered)
        section = "Models and baselines"
        grids.append(Grid(section, title, heads(columns), table, caption, metric=metric))
    return grids


def reading(verdict: str, note: object) -> str:
    """The verdict; where there was no test, why."""
    reason = note if isinstance(note, str) else ""
    return reason if verdict == "no test" and reason else verdict


def companion_columns(m: Measure) -> list[Column]:
    """Of :func:`companions`."""
    return [
        STRATEGY,
        Column("relative", lambda row: relative(row.relative)),
        Column("interval alone", lambda row: interval(row.difference_low, row.difference_high, m)),
        Column("bootstrap interval", lambda row: interval(row.boot_low, row.boot_high, m)),
        Column("p crossed", lambda row: p_value(row.p_crossed)),
        Column("its df", lambda row: decimals(row.freedom, 1)),
        Column("p seeds", lambda row: p_value(row.p_seeds)),
        Column("its df", lambda row: f"{row.pairs - 1:.0f}"),
        Column("p users", lambda row: p_value(row.p_users)),
        Column("p equivalent", lambda row: p_value(row.p_equivalence_holm)),
        Column("margin", lambda row: within(row.margin, m)),
        Column("reachable", lambda row: within(row.reachable, m)),
        Column("d_z", lambda row: decimals(row.effect)),
        Column("its interval", lambda row: between(row.effect_low, row.effect_high)),
        Column("P(>)", lambda row: decimals(row.superior)),
        Column("its interval", lambda row: between(row.superior_low, row.superior_high)),
    ]


def companions(
    summary: pd.DataFrame, control: str, confidence: float, measures: Measures = MEASURES
) -> list[Grid]:
    """A table a family: what else may be said of the same differences."""
    grids = []
    for (dataset, model, metric), rows in named(summary, FAMILY):
        tested = rows[rows["p"].notna()]
        if tested.empty:
            continue
        columns = companion_columns(measures[metric])
        caption = (
            f"Differences to {control}; none of the intervals here is corrected for several "
            "strategies, nor are p crossed, p seeds and p users. Interval alone: "
            f"{confidence:.0%}, the wider of the crossed test's and the seeds'. Bootstrap: seeds "
            "and examples resampled. p crossed: t over seeds and examples, with Satterthwaite's "
            "degrees of freedom (df). p seeds: paired t on seed means, for these test examples. p "
            "users: paired t over examples, conditional on these trained models, no evidence for "
            "the strategy. p equivalent: two one-sided tests, each by both, that the difference "
            "lies within the margin, Holm; reachable: the smallest margin that these standard "
            "errors can decide, whatever is measured. d_z: mean over standard deviation of the "
            "seeds' differences, corrected for few seeds. P(>): share of seeds ahead of "
            f"{control}, with its exact interval."
        )
        title = f"{dataset}, {model}: {full(measures[metric])}"
        grids.append(
            Grid(
                "Companion tests",
                title,
                heads(columns),
                lines(columns, tested),
                caption,
                aside=True,
                metric=metric,
            )
        )
    return grids


def relative(value: float) -> str:
    """A share as a signed percentage."""
    return "–" if pd.isna(value) else f"{100 * value:+.2f} %"


def within(margin: float, measure: Measure) -> str:
    """``±`` and a margin."""
    return "–" if pd.isna(margin) else f"±{number(margin, measure)}"


def between(low: float, high: float) -> str:
    """An interval without a unit."""
    return "–" if pd.isna(low) else f"[{decimals(low)}, {decimals(high)}]"


def pair_columns(m: Measure) -> list[Column]:
    """Of :func:`pairs`."""
    return [
        Column("pair", lambda row: f"{row.a} − {row.b}"),
        Column("difference", lambda row: signed(row.difference, m)),
        Column("joint interval", lambda row: interval(row.joint_low, row.joint_high, m)),
        Column("pairs", lambda row: str(row.pairs)),
        Column("d_z", lambda row: decimals(row.effect)),
        Column("P(>)", lambda row: decimals(row.superior)),
        Column("p", lambda row: p_value(row.p)),
        Column("p BH", lambda row: p_value(row.p_bh)),
    ]


def pairs(frame: pd.DataFrame, confidence: float, measures: Measures = MEASURES) -> list[Grid]:
    """A table a family: every pair of strategies, exploratory."""
    grids = []
    for (dataset, model, metric), rows in named(frame, FAMILY):
        columns = pair_columns(measures[metric])
        caption = (
            f"Exploratory: all {len(rows)} pairs, none of them planned; {test_of(rows)}, "
            "Benjamini and Hochberg's correction over the pairs of this table. The joint intervals "
            f"agree with it: of those of the pairs found, at most {1 - confidence:.2g} are "
            "expected to miss (Benjamini and Yekutieli)."
        )
        title = f"{dataset}, {model}: {full(measures[metric])}"
        grids.append(
            Grid(
                "All pairs (exploratory)",
                title,
                heads(columns),
                lines(columns, rows),
                caption,
                aside=True,
                metric=metric,
            )
        )
    return grids


def activity_columns(m: Measure) -> list[Column]:
    """Of :func:`activity`."""
    return [
        Column("users", lambda row: f"Q{row.group} ({row.fewest} to {row.most})"),
        STRATEGY,
        Column("mean", lambda row: number(row.mean, m)),
        Column("interval", lambda row: interval(row.low, row.high, m)),
        Column("n", lambda row: str(row.examples)),
        Column("difference", lambda row: signed(row.difference, m)),
        Column("joint interval", lambda row: interval(row.joint_low, row.joint_high, m)),
        Column("p", lambda row: p_value(row.p)),
        Column("p Holm", lambda row: p_value(row.p_holm)),
    ]


def activity(
    frame: pd.DataFrame, control: str, confidence: float, measures: Measures = MEASURES
) -> list[Grid]:
    """A table a data set and model, of its metric of ranking: strategies × quartiles of |x_u|."""
    grids = []
    shown = frame[frame["ranking"]] if len(frame) else frame
    for (dataset, model, metric), rows in named(shown, FAMILY):
        columns = activity_columns(measures[metric])
        tested = int(rows["p"].notna().sum())
        caption = (
            f"Test users by quartile of their interactions |x_u|; {confidence:.0%} intervals over "
            f"{counted(rows['seeds'], 'seed')} and the users of the group; difference to "
            f"{control}, p the larger of the crossed test's and the seeds', Holm's correction over "
            f"all strategies and groups of this table; {joint_of(tested, confidence)}."
        )
        title = f"{dataset}, {model}: {measures[metric].title} by user activity"
        table = lines(columns, rows)
        grids.append(Grid("User activity", title, heads(columns), table, caption, metric=metric))
    return grids


RANGES = ", in brackets the smallest and the largest where they differ"


def diagnostics(frame: pd.DataFrame) -> list[Grid]:
    """A table a (data set, model): β and what the latents do."""
    grids = []
    for (dataset, model), rows in named(without_baselines(frame), ["dataset", "model"]):
        shown = {name: title for name, title in DIAGNOSTICS.items() if rows[name].notna().any()}
        cells = [
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
        grids.append(Grid("Latents", title, head, cells, caption))
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


def seed_columns(measures: Measures) -> list[Column]:
    """Of :func:`seeds`."""
    return [
        Column("metric", lambda row: f"{row.dataset}, {row.model}: {full(measures[row.metric])}"),
        Column("difference", lambda row: number(row.difference, measures[row.metric])),
        Column(
            "seeds needed",
            lambda row: (
                "more examples" if pd.isna(row.seeds_needed) else str(int(row.seeds_needed))
            ),
        ),
        Column("seeds", lambda row: str(row.seeds)),
        Column("detectable", lambda row: number(row.detectable, measures[row.metric])),
        Column("reachable margin", lambda row: within(row.margin_reachable, measures[row.metric])),
        Column("decided margin", lambda row: within(row.margin_decided, measures[row.metric])),
    ]


def seeds(
    frame: pd.DataFrame, power: float, alpha: float, measures: Measures = MEASURES
) -> list[Grid]:
    """One table: how many seeds would find a difference."""
    shown = frame[[bool(measures[name].sign) for name in frame["metric"]]]
    if shown.empty:
        return []
    columns = seed_columns(measures)
    caption = (
        f"Seeds with which the test at α = {alpha:g}, before Holm's correction, finds a "
        f"difference with {power:.0%} power, from the variance measured over all contrasts to the "
        "control; “more examples”: their part of the error alone is too large, no number of seeds "
        "is enough. Detectable: the smallest difference that these seeds find with that "
        "power. Reachable: no smaller margin of equivalence can be decided with them, after Holm's "
        f"correction over the contrasts; decided: one that is, with {power:.0%} power, if nothing "
        "differs. Variances of few seeds are uncertain themselves."
    )
    table = lines(columns, shown)
    return [Grid("How many seeds", "Seeds needed", heads(columns), table, caption, aside=True)]


def variance_columns(measures: Measures) -> list[Column]:
    """Of :func:`variance`."""
    return [
        Column("metric", lambda row: full(measures[row.metric])),
        Column("source", lambda row: SOURCES.get(row.source, row.source)),
        Column("s.d.", lambda row: f"{row.variance**0.5:.3g}"),
        Column("interval", lambda row: f"[{row.low**0.5:.3g}, {row.high**0.5:.3g}]"),
        Column("share", lambda row: "–" if pd.isna(row.share) else f"{100 * row.share:.0f} %"),
        Column("cells", lambda row: str(row.cells)),
    ]


def variance(frame: pd.DataFrame, confidence: float, measures: Measures = MEASURES) -> list[Grid]:
    """A table for what was run: where its variance comes from."""
    columns = variance_columns(measures)
    caption = (
        "Standard deviation of a cell's test mean when one source varies and the others are "
        f"fixed; {confidence:.0%} intervals by χ²; share of the sum of these variances. "
        "“Streams together”: all but the split vary, as in a usual study."
    )
    section, keys = "Sources of variance", ["data", "model", "strategy", "training"]
    return [
        Grid(section, f"{section} ({place})", heads(columns), lines(columns, rows), caption)
        for place, (_, rows) in enumerate(named(frame, keys), start=1)
    ]


ACROSS = [
    STRATEGY,
    Column("rank", lambda row: decimals(row.rank)),
    Column("IQM", lambda row: decimals(row.iqm, 4)),
    Column("its interval", lambda row: interval(row.low, row.high, "score")),
    Column("P(improvement)", lambda row: decimals(row.probability)),
    Column("interval", lambda row: between(row.p_low, row.p_high)),
]


def across(
    ranks: pd.DataFrame, frame: pd.DataFrame, confidence: float, measures: Measures = MEASURES
) -> list[Grid]:
    """A table a metric: ranks and scores over data sets; an aside where nothing could be tested."""
    grids = []
    for (metric, model), rows in named(ranks, ["metric", "model"]):
        scores = frame[(frame["metric"] == metric) & (frame["model"] == model)]
        both = rows.merge(scores.drop(columns=["metric", "model"]), on="strategy", how="left")
        first = rows.iloc[0]
        note = first["note"] if isinstance(first["note"], str) and first["note"] else ""
        test = (
            f"No test: {note}."
            if note
            else (
                f"Friedman p {equals(first['p_friedman'])}, by Iman and Davenport's F "
                f"{equals(first['p_iman'])}; Nemenyi's critical difference "
                f"{decimals(first['critical'])} ranks."
            )
        )
        left = first["left_out"] if isinstance(first["left_out"], str) else ""
        omitted = f" Not on every data set, hence not ranked: {left}." if left else ""
        caption = (
            f"Over {int(first['datasets'])} unrelated data sets ({first['names']}); splits of one "
            f"and releases of a collection count once. Mean rank, 1 is best. {test}{omitted} IQM: "
            "mean of the middle half of all runs, relative to the control (1 = control), with a "
            f"{confidence:.0%} interval by a bootstrap of seeds within data sets, expanded for few "
            "seeds. P(improvement): a run beats one of the control, mean over data sets, with "
            "exact bounds. Both speak of new seeds on these data sets, not of new data sets."
        )
        models = "" if model == "all" else f", {model}"
        title = f"Across data sets: {measures[metric].title}{models}"
        grids.append(
            Grid(
                "Across data sets",
                title,
                heads(ACROSS),
                lines(ACROSS, both),
                caption,
                aside=bool(note),
                metric=metric,
            )
        )
    return grids


def equals(p: float) -> str:
    """``= .012`` or ``< .001``."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def everything(
    frames: Mapping[str, pd.DataFrame],
    truths: Truths,
    control: str,
    confidence: float,
    measures: Measures = MEASURES,
) -> list[Grid]:
    """All tables of a study in the order of the report.

    Args:
        frames: by name: see :class:`vaebench.statistics.study.Findings`, and ``diagnostics``,
            ``variance``; of a study of replicates ``splits``.
        truths: see :data:`Truths`.
        control: the control.
        confidence: level of the intervals.
        measures: the metrics.
    """
    alpha = 1 - confidence
    grids = [
        *results(frames["results"], truths, control, confidence, measures),
        *models(frames["models"], control, confidence, measures),
        *across(frames["ranks"], frames["across"], confidence, measures),
        *activity(frames["activity"], control, confidence, measures),
        *diagnostics(frames["diagnostics"]),
        *variance(frames["variance"], confidence, measures),
        *seeds(frames["seeds"], 0.8, round(alpha, 6), measures),
        *companions(frames["results"], control, confidence, measures),
        *pairs(frames["pairs"], confidence, measures),
    ]
    if "splits" not in frames:
        return grids
    said = [grid.of_replicates() for grid in grids]
    return [*said, *replicates(frames["splits"], frames["components"], measures)]


REPLICATES = "Replicates"


def replicates(
    splits: pd.DataFrame, components: pd.DataFrame, measures: Measures = MEASURES
) -> list[Grid]:
    """What replicates draw anew, and how much of the variance is the sampling of test examples.

    Args:
        splits: a row a data set: ``dataset, split, common, varied``.
        components: see :class:`vaebench.statistics.study.Findings`.
        measures: the metrics.
    """
    columns = [
        Column("data set", lambda row: str(row.dataset)),
        Column("split", lambda row: str(row.split)),
        Column("in common", lambda row: "all" if pd.isna(row.common) else f"{row.common:.1%}"),
    ]
    varied = ", ".join(dict.fromkeys(splits["varied"]))
    caption = (
        f"Each replicate draws anew: {varied}; its strategies all have the same ones. In "
        "common: the share of test examples that two replicates share on average. Where it is less "
        "than all, examples are nested in replicates: p two-way has the variance of replicate "
        "means, in which they are, and the part that examples in common add."
    )
    found = [Grid(REPLICATES, "Splits", heads(columns), lines(columns, splits), caption)]
    if components.empty:
        return found
    nested = components["dataset"].map(splits.set_index("dataset")["common"]).notna()
    rest = components["error"] / components["examples"]
    users = components["example"] / components["examples"]
    parts = components.assign(
        users=rest.where(nested, users) ** 0.5,
        others=(components["seed"] + rest.where(~nested, 0.0)) ** 0.5,
    )
    total = parts["users"] ** 2 + parts["others"] ** 2
    parts = parts.assign(share=parts["users"] ** 2 / total.where(total > 0))
    columns = [
        Column("data set", lambda row: str(row.dataset)),
        Column("model", lambda row: str(row.model)),
        Column("metric", lambda row: measures[row.metric].title),
        Column("examples", lambda row: number(row.users, measures[row.metric])),
        Column("rest", lambda row: number(row.others, measures[row.metric])),
        Column("share of examples", lambda row: "–" if pd.isna(row.share) else f"{row.share:.0%}"),
    ]
    caption = (
        "Standard deviation of one replicate's difference to the control, over all strategies: "
        f"by the sampling of its test examples, and by the rest ({varied}). More test examples "
        "make the first part smaller, more replicates both."
    )
    title = "Components of variance"
    return [*found, Grid(REPLICATES, title, heads(columns), lines(columns, parts), caption)]
