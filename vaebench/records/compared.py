"""Records → the tables of the results. Nothing is trained; the same records give the same tables.

Within a data set every difference is one of replicates (split, tuning and seed drawn anew
together), paired with the control's, and a verdict needs both tests of
:class:`vaebench.statistics.layout.Layout`, which is made of the sums that a record has.

Over data sets see
:mod:`vaebench.statistics.prediction` and :mod:`vaebench.statistics.shapes`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr

from vaebench.cells.folder import NONE
from vaebench.cells.reading import share_of
from vaebench.errors import DataError
from vaebench.records.schema import Record
from vaebench.statistics import prediction, shapes
from vaebench.statistics.equivalence import margin_of
from vaebench.statistics.layout import TWO, Layout, mean_squares
from vaebench.statistics.multiplicity import holm

GROUP = ["kind", "measure", "block"]
"""What is compared over data sets together: data of a kind, in one unit, against one model's
control."""

LOGARITHMIC = ("mean_n", "density", "items")
"""Shapes whose logarithm (base 10) stands in every line."""

SHAPES = ("mean_n", "spread_n", "density", "items", "gini")
AXES = {"log_beta": "β", "log_beta_per_n": "β / mean n_u", "log_rate_per_n": "rate per interaction"}
GRID = 401
DRAWN = 61
"""Points of a curve in a figure."""
FIRST = 1
"""The rung of all points of a design."""
NO_SPREAD = 1e-9
"""Decades that are rounding."""


def together(records: Sequence[Record]) -> list[Record]:
    """The records in the order of their names.

    Raises:
        DataError: two are of one study, or levels and controls differ.
    """
    ordered = sorted(records, key=lambda record: record.name)
    for one, two in itertools.pairwise(ordered):
        if one.name == two.name:
            raise DataError(f"{one.name}: is there twice; allowed: one record a study")
    levels = {record.about["question"]["confidence"] for record in ordered}
    if len(levels) > 1:
        raise DataError(f"the records have levels {sorted(levels)}; allowed: one confidence")
    return ordered


def registration_of(record: Record) -> dict[str, Any] | None:
    """The section of the configuration, once the test part was opened with it."""
    section: dict[str, Any] | None = record.about["config"].get("registration")
    return section if record.about["opening"] is not None else None


def counting(records: Sequence[Record]) -> list[Record]:
    """The records that count over data sets: where any study registered something, those alone.

    A study beside them, of the same data at another length or width, is a sensitivity analysis: it
    stands in the tables of data sets and in no sum over them.
    """
    found = [record for record in records if registration_of(record) is not None]
    return found or list(records)


def is_registered(record: Record, dataset: str, name: str) -> bool:
    """Whether the difference of a strategy or baseline on a data set was registered."""
    section = registration_of(record)
    if section is None or name not in section["field"]:
        return False
    return name not in section.get("exploratory", {}).get(dataset, [])


def contrasts(records: Sequence[Record]) -> pd.DataFrame:
    """A row a data set, model and strategy (or baseline): its difference to the control.

    ``block`` is the model of the control, ``label`` the strategy's or baseline's name; ``error`` is
    that of the replicates, ``low, high`` the wider interval of its own, ``joint_low, joint_high``
    that of level 1 − α/m over the m registered of the data set and block, ``p_holm`` over the same.

    Raises:
        DataError: there is no difference, or one is registered in several records.
    """
    frames = [frame for frame in map(_of_record, records) if len(frame)]
    if not frames:
        raise DataError(
            f"{', '.join(record.name for record in records)}: no cell has a control beside it; "
            "allowed: a record with at least one difference to the control"
        )
    table = pd.concat(frames, ignore_index=True)
    registered = table[table["registered"]]
    seen = registered[registered.duplicated(["dataset", "model", "strategy"])]
    if len(seen):
        first = seen.iloc[0]
        raise DataError(
            f"{first['dataset']}/{first['model']}/{first['strategy']} is registered in several "
            "records; allowed: one study a data set"
        )
    return table


def _of_record(record: Record) -> pd.DataFrame:
    question, metrics = record.about["question"], record.tables["metrics"]
    alpha, control = 1 - question["confidence"], question["control"]
    values: dict[tuple[str, str, str], dict[int, np.ndarray]] = {}
    for each in record.tables["examples"].itertuples():
        of = values.setdefault((each.dataset, each.model, each.strategy), {})
        of[each.seed] = np.asarray(each.values, float)
    rows = []
    for dataset, metric in record.about["primary"].items():
        mine = metrics[(metrics["dataset"] == dataset) & (metrics["metric"] == metric)]
        about = record.about["datasets"][dataset]
        base = {"study": record.name, "dataset": dataset, "unit": about["unit"]}
        base |= {"kind": about["kind"], "metric": metric}
        measure = record.about["metrics"][metric]
        base |= {"measure": measure["unit"], "sign": 1 if measure["better"] == "higher" else -1}
        for (model, strategy), cells in mine.groupby(["model", "strategy"], sort=False):
            block = cells["reference"].iloc[0]
            if block is None or (model == block and strategy == control):
                continue
            against = mine[(mine["model"] == block) & (mine["strategy"] == control)]
            label = model if strategy == NONE else strategy
            row = base | {"block": block, "model": model, "strategy": strategy, "label": label}
            row["registered"] = is_registered(record, dataset, label)
            kept = {
                ("", seed): each
                for seed, each in values.get((dataset, model, strategy), {}).items()
            }
            for seed, each in values.get((dataset, block, control), {}).items():
                kept["control", seed] = each
            found, layout = paired(cells, against, kept, _share(about), fixed=strategy == NONE)
            row |= {**found, "layout": layout}
            row["margin"] = margin_of(question["margin"], metric, row["control"])
            rows.append(row)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    parts = [_tested(part, alpha) for _, part in table.groupby(["dataset", "block"], sort=False)]
    return pd.concat(parts, ignore_index=True)


def _share(about: Mapping[str, Any]) -> float | None:
    """The share of test examples that two replicates have in common; None of one test part."""
    counts = [split["counts"] for split in about["splits"] if split["replicate"] is not None]
    return share_of(counts[0]) if len(counts) > 1 else None


def paired(
    cells: pd.DataFrame,
    against: pd.DataFrame,
    values: Mapping[tuple[str, int], np.ndarray],
    share: float | None = None,
    *,
    fixed: bool = False,
) -> tuple[dict[str, Any], Layout]:
    """The difference of cells to the control's, seed by seed, and its layout.

    Of replicates with test parts of their own (``share`` is not None) the layout is
    :meth:`vaebench.statistics.layout.Layout.nested`, whose sums are all in the record. Of one test
    part it is the crossed one: MS_s of all examples, MS_u and MS_e, whose expectations do not
    depend on the number of examples, of those that the record keeps; without any, MS_e = 0, which
    makes the crossed test too careful.

    Args:
        cells: rows of ``metrics``, of one strategy.
        against: those of the control.
        values: (strategy's or control's name, seed) → kept values.
        share: see :func:`_share`.
        fixed: the strategy's one cell stands beside every seed of the control.
    """
    control, mine = against.set_index("seed"), cells.set_index("seed")
    own = dict(zip(mine.index, mine.index, strict=True))
    if fixed and len(mine) == 1:
        own = dict.fromkeys(control.index, mine.index[0])
    seeds = [seed for seed in own if seed in control.index]
    y, c = mine.loc[[own[seed] for seed in seeds]], control.loc[seeds]
    d = y["mean"].to_numpy(float) - c["mean"].to_numpy(float)
    n = y["examples"].to_numpy(float)
    v = (y["variance"].to_numpy(float) + c["variance"].to_numpy(float)) - 2 * y[
        "covariance"
    ].to_numpy(float)
    row = {
        "mean": float(mine["mean"].mean()),
        "control": float(c["mean"].mean()) if len(d) else math.nan,
        "difference": float(d.mean()) if len(d) else math.nan,
        "error": prediction.standard_error(d),
        "replicates": len(d),
        "examples": int(n.sum()),
    }
    if len(d) < TWO or not np.isfinite(v).all():
        return row, Layout.of(d[None], scale=float(np.abs(d).max(initial=0.0)))
    within = float((np.maximum(v, 0) * (n - 1)).sum() / (n - 1).sum())
    size, count = len(n) / float((1 / n).sum()), len(d)
    of_seeds, scale = size * float(d.var(ddof=1)), float(np.abs(d).max())
    if share is not None:
        of_users, rest = (1 + count * share) * within, within
    else:
        pairs = [(values.get(("", own[seed])), values.get(("control", seed))) for seed in seeds]
        known = [one - two for one, two in pairs if one is not None and two is not None]
        block = np.column_stack(known) if len(known) == count else np.empty((0, count))
        block = block[np.isfinite(block).all(1)]
        of_users, rest = count * within, 0.0
        if len(block) >= TWO:
            _, square, _, error = mean_squares(block)
            of_users, rest = float(square), float(error)
    mean = float(d.mean())
    return row, Layout(mean, round(size), count, of_users, of_seeds, rest, scale)


def _tested(part: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Intervals, p-values and verdicts of one data set and control; the layouts are used up."""
    family = part["registered"] if part["registered"].any() else pd.Series(True, part.index)  # noqa: FBT003
    level = alpha / max(1, int((family & part["error"].notna()).sum()))
    layouts = list(part.pop("layout"))
    bounds = [[*one.interval(1 - alpha), *one.interval(1 - level)] for one in layouts]
    p = [
        one.two_sided() if one.varies or one.seeds < TWO else float(one.mean == 0)
        for one in layouts
    ]
    names = ["low", "high", "joint_low", "joint_high"]
    table = part.assign(p=p, **dict(zip(names, np.array(bounds).T, strict=True)))
    raw = pd.Series(p, part.index, dtype=float)
    table["p_holm"] = holm(raw.where(family))
    table["verdict"] = [_verdict(row, alpha) for row in table.itertuples()]
    return table


def _verdict(row: Any, alpha: float) -> str:  # noqa: ANN401 (a row of a frame)
    if math.isnan(row.p):
        return "no test"
    if math.isnan(row.p_holm):
        return "exploratory"
    if row.p_holm < alpha:
        return "better" if row.difference * row.sign > 0 else "worse"
    inside = -row.margin < row.joint_low and row.joint_high < row.margin
    return "equal within the margin" if inside else "undecided"


@dataclass(frozen=True)
class Over:
    """Over the data sets of a group (:data:`GROUP`), a row a strategy.

    ``registered`` is of registered differences alone; ``exploratory`` of all where it has more;
    ``ratios`` as ``registered``, of log ratios to the control; ``ranks`` of Friedman's test;
    ``sign``: 1 where more is better, −1 where less is.
    """

    group: tuple[str, str, str]
    units: list[str]
    registered: pd.DataFrame
    exploratory: pd.DataFrame
    ratios: pd.DataFrame
    ranks: Any
    sign: int = 1


def over(table: pd.DataFrame, means: pd.DataFrame, confidence: float) -> list[Over]:
    """Every group of :data:`GROUP`.

    Args:
        table: :func:`contrasts` of the records that count.
        means: ``dataset, block, strategy, seed, mean``: of cells, the control's called ``control``.
        confidence: of intervals.
    """
    found = []
    nothing = not table["registered"].any()
    for group, part in table.groupby(GROUP, sort=False):
        rows = part.assign(strategy=part["label"])
        units = dict(zip(rows["dataset"], rows["unit"], strict=True))
        known = rows[rows["registered"] | nothing]
        sign, order = int(rows["sign"].iloc[0]), list(dict.fromkeys(rows["label"]))
        if known.empty:
            continue
        each = prediction.by_units(known, units)
        if each.empty:  # drawn data alone
            continue
        everything = prediction.by_units(rows, units)
        asked = list(dict.fromkeys(known["label"]))
        more = [
            name for name in order if (rows["label"] == name).sum() > (known["label"] == name).sum()
        ]
        selected = means[means["block"] == group[2]]
        logs = prediction.log_ratios(selected, "control")
        key = set(zip(known["dataset"], known["label"], strict=True))
        pairs = zip(logs["dataset"], logs["strategy"], strict=True)
        logs = logs[pd.Series([pair in key for pair in pairs], logs.index, dtype=bool)]
        complete = prediction.predictions(everything, more, confidence, registered=[], sign=sign)
        found.append(
            Over(
                (str(group[0]), str(group[1]), str(group[2])),
                list(dict.fromkeys(each["unit"])),
                prediction.predictions(each, asked, confidence, sign=sign),
                complete,
                prediction.predictions(
                    prediction.by_units(logs, units), asked, confidence, sign=sign
                ),
                prediction.friedman(each, "control", 1 - confidence, sign),
                sign,
            )
        )
    return found


def means(records: Sequence[Record]) -> pd.DataFrame:
    """The primary metric's mean of every cell: ``dataset, block, strategy, seed, mean``."""
    frames = []
    for record in records:
        metrics, control = record.tables["metrics"], record.about["question"]["control"]
        for dataset, metric in record.about["primary"].items():
            rows = metrics[(metrics["dataset"] == dataset) & (metrics["metric"] == metric)]
            is_control = (rows["strategy"] == control) & (rows["model"] == rows["reference"])
            label = rows["strategy"].where(rows["strategy"] != NONE, rows["model"])
            label = label.where(~is_control, "control")
            frames.append(rows.assign(block=rows["reference"], strategy=label))
    return pd.concat(frames, ignore_index=True)[["dataset", "block", "strategy", "seed", "mean"]]


def activity(records: Sequence[Record], confidence: float) -> pd.DataFrame:
    """Within data sets: what doubling n_u adds to a strategy's difference, and its quarters.

    :func:`vaebench.statistics.shapes.activity_slope` on the users of the records; ``p_holm`` is
    over the registered strategies of a data set and model; ``first … fourth``: the mean difference
    of the quarter of the users with the fewest … most interactions.
    """
    rows = []
    for record in records:
        control = record.about["question"]["control"]
        sample = {(row.dataset, row.seed): row for row in record.tables["sample"].itertuples()}
        values = {
            (row.dataset, row.model, row.strategy, row.seed): np.asarray(row.values, float)
            for row in record.tables["examples"].itertuples()
        }
        names = dict.fromkeys(key[:3] for key in values)
        for dataset, model, strategy in names:
            if strategy in (control, NONE):
                continue
            d, n = [], []
            for seed in (key[3] for key in values if key[:3] == (dataset, model, strategy)):
                base = values.get((dataset, model, control, seed))
                drawn = sample[dataset, seed].interactions
                if base is not None and drawn is not None:
                    d.append(values[dataset, model, strategy, seed] - base)
                    n.append(np.asarray(drawn, float))
            if not d:
                continue
            row = {"study": record.name, "dataset": dataset, "model": model, "strategy": strategy}
            row |= {"unit": record.about["datasets"][dataset]["unit"]}
            nothing = registration_of(record) is None
            row |= {"registered": nothing or is_registered(record, dataset, strategy)}
            share = _share(record.about["datasets"][dataset])
            common = 1.0 if share is None else share
            rows.append(row | shapes.activity_slope(d, n, confidence, common) | _quarters(d, n))
    table = pd.DataFrame(rows)
    if len(table):
        groups = [table["dataset"], table["model"]]
        table["p_holm"] = table["p"].where(table["registered"]).groupby(groups).transform(holm)
    return table


def _quarters(d: Sequence[np.ndarray], n: Sequence[np.ndarray]) -> dict[str, float]:
    differences, sizes = np.concatenate(d), np.concatenate(n)
    known = np.isfinite(differences)
    bounds = np.quantile(sizes[known], (0.25, 0.5, 0.75))
    group = np.searchsorted(bounds, sizes[known])
    return {
        name: float(differences[known][group == place].mean())
        if (group == place).any()
        else math.nan
        for place, name in enumerate(("first", "second", "third", "fourth"))
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def shape_table(records: Sequence[Record]) -> pd.DataFrame:
    """A row a data set of interactions: its unit, counts, and the mean shape of its splits."""
    rows = []
    for record in records:
        for dataset, about in record.about["datasets"].items():
            found = [split["shape"] for split in about["splits"] if split["shape"]]
            if found:
                row = {"study": record.name, "dataset": dataset, "unit": about["unit"]}
                counts = about["splits"][0]["counts"]
                row |= {key: counts[key] for key in ("users", "interactions")}
                row |= {key: float(np.mean([each[key] for each in found])) for key in found[0]}
                rows.append(row)
    return pd.DataFrame(rows).drop_duplicates("dataset") if rows else pd.DataFrame()


def unit_shapes(table: pd.DataFrame) -> pd.DataFrame:
    """Units × :data:`SHAPES`, as they stand in lines (:data:`LOGARITHMIC`)."""
    found = table[[*SHAPES]].astype(float)
    found[[*LOGARITHMIC]] = np.log10(found[[*LOGARITHMIC]])
    return found[table["unit"] != ""].groupby(table["unit"], sort=False).mean()


def gains(table: pd.DataFrame, described: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Units × (``difference`` of a strategy, shapes); empty where the two do not meet."""
    rows = table[(table["label"] == strategy) & (table["kind"] == "interactions")]
    if rows.empty or described.empty:
        return pd.DataFrame()
    block = rows["block"].value_counts(sort=True).index[0]
    rows = rows[rows["block"] == block].assign(strategy=strategy)
    each = prediction.by_units(rows, dict(zip(rows["dataset"], rows["unit"], strict=True)))
    return each.set_index("unit")[["difference"]].join(unit_shapes(described), how="inner")


def curves(
    records: Sequence[Record], described: pd.DataFrame, strategies: Sequence[str]
) -> pd.DataFrame:
    """A row a trial and rung: validation score over β, on the axes :data:`AXES`.

    ``rung`` counts from 1, the first, which has all points of the design; where there are no rungs
    every trial is in it. Of several models, the one with the most data sets.
    """
    n = dict(zip(described["dataset"], described["mean_n"], strict=True)) if len(described) else {}
    frames = []
    for record in records:
        trials = record.tables["trials"]
        known = trials["strategy"].isin(strategies) & trials["score"].notna() & (trials["beta"] > 0)
        mine = trials[known & trials["dataset"].isin(n)]
        if mine.empty:
            continue
        size = mine["dataset"].map(n)
        unit = mine["dataset"].map(lambda name, of=record: of.about["datasets"][name]["unit"])
        with np.errstate(divide="ignore"):
            axes = {
                "log_beta": np.log10(mine["beta"]),
                "log_beta_per_n": np.log10(mine["beta"] / size),
                "log_rate_per_n": np.log10(mine["rate"] / size),
            }
        kept = mine[["dataset", "model", "strategy", "seed", "trial", "beta", "rate", "score"]]
        draw = mine["replicate"].fillna(mine["seed"]).astype(int)
        rung = mine["rung"].fillna(FIRST).astype(int)
        frames.append(kept.assign(unit=unit, replicate=draw, rung=rung, **axes)[unit != ""])
    if not frames:
        return pd.DataFrame()
    table = pd.concat(frames, ignore_index=True)
    if table.empty:  # of drawn data alone
        return table
    sets = table.groupby("model", sort=False)["dataset"].nunique()
    return table[table["model"] == sets.idxmax()].reset_index(drop=True)


def optima(found: pd.DataFrame) -> pd.DataFrame:
    """A row a unit: log₁₀ of the chosen trial on every axis, mean over replicates (and data sets).

    The chosen one is the best of the last rung, which was trained longest. ``shift`` is its log β
    minus that of the best trial of the first rung: what more training moves.
    ``between_replicates`` is the standard deviation of log β over the replicates, ``at_end`` the
    share of replicates whose chosen β is the first or last of the design.
    """
    rows = []
    for (unit, dataset, replicate), part in found.groupby(
        ["unit", "dataset", "replicate"], sort=False
    ):
        first, last = (part[part["rung"] == part["rung"].agg(end)] for end in ("min", "max"))
        top, start = (each.loc[each["score"].idxmax()] for each in (last, first))
        end = top["beta"] in (first["beta"].min(), first["beta"].max())
        rows.append({"unit": unit, "dataset": dataset, "replicate": replicate, "at_end": end})
        rows[-1] |= {axis: float(top[axis]) for axis in AXES}
        rows[-1]["shift"] = float(top["log_beta"] - start["log_beta"])
    each = pd.DataFrame(rows)
    within = each.groupby(["unit", "dataset"], sort=False)
    by_set = within[[*AXES, "shift", "at_end"]].mean()
    by_set["between_replicates"] = within["log_beta"].std()
    return by_set.groupby("unit", sort=False).mean().reset_index()


def coincidence(best: pd.DataFrame) -> pd.DataFrame:
    """Do the optima coincide on an axis? The standard deviation over units, in decades.

    ``p``: that it is the same as that of log β, by Pitman and Morgan's test of two paired variances
    (the correlation of sum and difference).
    """
    rows = []
    first = best["log_beta"].to_numpy(float)
    for axis, title in AXES.items():
        other = best[axis].to_numpy(float)
        count, p = len(best), math.nan
        ends = min(np.ptp(first + other), np.ptp(first - other)) if count else 0.0
        if axis != "log_beta" and count >= shapes.FEWEST and ends > NO_SPREAD:
            r = float(np.corrcoef(first + other, first - other)[0, 1])
            t = abs(r) * math.sqrt((count - 2) / max(1e-300, 1 - r * r))
            p = float(2 * stdtr(count - 2, -t))
        spread = float(other.std(ddof=1)) if count > 1 else math.nan
        rows.append({"axis": title, "units": count, "spread": spread, "p": p})
    return pd.DataFrame(rows)


def rules(found: pd.DataFrame, confidence: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the best single β loses, chosen on the other units, by axis: per unit, and the mean.

    By the curves of the first rung, on validation; :func:`untuned` has the test users' word.
    """
    each, total = [], []
    for axis, title in list(AXES.items())[:2]:
        points = found[found["rung"] == FIRST].assign(log_beta=lambda rows, of=axis: rows[of])
        grid = np.linspace(points["log_beta"].min(), points["log_beta"].max(), GRID)
        losses = shapes.rule_losses(points, list(grid))
        loss = losses["loss"].to_numpy(float)
        count = len(loss)
        spread = float(loss.std(ddof=1)) if count > 1 else math.nan
        half = float(prediction.mean_half(spread, count, confidence)) if count > 1 else math.nan
        each.append(losses.assign(axis=title))
        mean = float(loss.mean())
        total.append({"axis": title, "units": count, "mean": mean, "low": mean - half})
        total[-1] |= {"high": mean + half, "most": float(loss.max())}
    return pd.concat(each, ignore_index=True), pd.DataFrame(total)


def losses(found: pd.DataFrame) -> pd.DataFrame:
    """Curves for a figure: what each β loses, on every axis, ``axis, unit, at, loss``.

    The mean over replicates of the first rung's scores (:func:`rules`), on the range of the unit.
    """
    frames = []
    for axis, title in AXES.items():
        known = found[(found["rung"] == FIRST) & np.isfinite(found[axis])]
        for unit, part in known.groupby("unit", sort=False):
            points = part.assign(log_beta=part[axis])
            grid = np.linspace(points["log_beta"].min(), points["log_beta"].max(), DRAWN)
            level = shapes.curve(points, grid)
            frames.append(
                pd.DataFrame({"axis": title, "unit": unit, "at": grid, "loss": level.max() - level})
            )
    return pd.concat(frames, ignore_index=True)


def untuned_against(strategies: Sequence[str], table: pd.DataFrame) -> str | None:
    """The strategy that rules without tuning are held against: the first that is in the table."""
    present = set(table["label"])
    return next((name for name in strategies if name in present), None)


def untuned(
    records: Sequence[Record], table: pd.DataFrame, strategy: str, confidence: float
) -> pd.DataFrame:
    """What a rule that nobody tunes loses against a tuned strategy, on the test examples.

    The rules are the strategies that the studies fix, and the control, which is tuned, for
    comparison. A loss is the strategy's difference to the control minus the rule's. ``joint_low,
    joint_high`` is at level 1 − α/m over the m rules, so that it also holds of the best of them.

    Returns:
        A row a group (:data:`GROUP`) and rule: ``kind, measure, block, rule, tuned, units, mean,
        low, high, joint_low, joint_high, most``.
    """
    fixed = {
        (record.name, name)
        for record in records
        for name in (record.about["config"].get("tuning") or {}).get("fixed", [])
    }
    control_of = {record.name: record.about["question"]["control"] for record in records}
    rows: list[dict[str, Any]] = []
    for group, part in table.groupby(GROUP, sort=False):
        units = dict(zip(part["dataset"], part["unit"], strict=True))
        pairs = zip(part["study"], part["label"], strict=True)
        asked = [(s, n) in fixed or n == strategy for s, n in pairs]
        wide = part[asked].pivot_table(
            index="dataset", columns="label", values="difference", sort=False
        )
        if strategy not in wide:
            continue
        sign = int(part["sign"].iloc[0])
        controls = {control_of[study] for study in part["study"]}
        tuned = controls - {name for study, name in fixed if control_of[study] == name}
        known = wide.assign(**dict.fromkeys(controls - {*wide.columns}, 0.0))
        rules_of = [name for name in known if name != strategy]
        level = 1 - (1 - confidence) / max(1, len(rules_of))
        for name in rules_of:
            loss = (sign * (known[strategy] - known[name])).dropna()
            each = prediction.by_units(
                pd.DataFrame({"dataset": loss.index, "difference": loss, "error": math.nan}).assign(
                    strategy=name
                ),
                units,
            )["difference"].to_numpy(float)
            if not len(each):
                continue
            row = dict(zip(GROUP, group, strict=True))
            row |= {"rule": name, "tuned": name in tuned}
            row |= {"units": len(each), "mean": float(each.mean()), "most": float(each.max())}
            for key, at in (("", confidence), ("joint_", level)):
                half = math.nan
                if len(each) > 1:
                    spread = float(each.std(ddof=1))
                    half = float(prediction.mean_half(spread, len(each), at))
                row |= {f"{key}low": row["mean"] - half, f"{key}high": row["mean"] + half}
            rows.append(row)
    return pd.DataFrame(rows)


def hypotheses(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Name → hypothesis, of all registrations, with ``kinds``, the kinds of data it is of.

    Where two studies registered different ones under a name, the later has its study's name before
    it, so that a hypothesis which was changed between studies is seen.
    """
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        kinds = {about["kind"] for about in record.about["datasets"].values()}
        section = registration_of(record) or {}
        for name, said in section.get("hypotheses", {}).items():
            plain = {key: value for key, value in said.items() if value is not None}
            same = (key for key, each in found.items() if _without_kinds(each) == plain)
            mine = next((key for key in same if key.split(": ")[-1] == name), None)
            key = mine or (name if name not in found else f"{record.name}: {name}")
            before = found.get(key, {}).get("kinds", [])
            found[key] = {**plain, "kinds": sorted({*before, *kinds})}
    return found


def _without_kinds(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != "kinds"}
