"""Records → the tables of the results. Nothing is trained; the same records give the same tables.

Within a data set every difference is one of replicates (split, tuning and seed drawn anew
together), paired with the control's: the larger of two p-values, Student's t of the replicates and
the test users' own sampling, and the wider of the two intervals. Over data sets see
:mod:`vaebench.statistics.prediction` and :mod:`vaebench.statistics.shapes`.
"""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from vaebench.cells.folder import NONE
from vaebench.errors import DataError
from vaebench.records.schema import Record
from vaebench.statistics import prediction, shapes
from vaebench.statistics.equivalence import margin_of
from vaebench.statistics.multiplicity import holm

GROUP = ["kind", "measure", "block"]
"""What is compared over data sets together: data of a kind, in one unit, against one model's
control."""

LOGARITHMIC = ("mean_n", "density", "items")
"""Shapes whose logarithm (base 10) stands in every line."""

SHAPES = ("mean_n", "spread_n", "density", "items", "gini")
AXES = {"log_beta": "β", "log_beta_per_n": "β / mean n_u", "log_rate_per_n": "rate per interaction"}
GRID = 401
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
    """
    frames = [_of_record(record) for record in records]
    table = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
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
            row |= paired(cells, against, nested=_nested(about), fixed=strategy == NONE)
            row["margin"] = margin_of(question["margin"], metric, row["control"])
            rows.append(row)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    parts = [_tested(part, alpha) for _, part in table.groupby(["dataset", "block"], sort=False)]
    return pd.concat(parts, ignore_index=True)


def _nested(about: Mapping[str, Any]) -> bool:
    """Whether every replicate has test users of its own."""
    return any(split["replicate"] is not None for split in about["splits"])


def paired(
    cells: pd.DataFrame, against: pd.DataFrame, *, nested: bool, fixed: bool = False
) -> dict[str, Any]:
    """The difference of cells to the control's, seed by seed.

    ``error`` is s/√R of the R differences; ``error_users`` that of the mean if replicates differed
    by their test users alone: √(Σ v_r/n_r)/R where each has its own (``nested``), else no more than
    the mean of √(v_r/n_r), with v = var(y) + var(c) − 2·cov(y, c).

    Args:
        cells: rows of ``metrics``, of one strategy.
        against: those of the control.
        nested: see above.
        fixed: the strategy's one cell stands beside every seed of the control.
    """
    control = against.set_index("seed")
    mine = cells.set_index("seed")
    if fixed and len(mine) == 1:
        mine = mine.loc[[mine.index[0]] * len(control)].set_axis(control.index)
    seeds = [seed for seed in mine.index if seed in control.index]
    y, c = mine.loc[seeds], control.loc[seeds]
    d = (y["mean"] - c["mean"]).to_numpy(float)
    v = (y["variance"] + c["variance"] - 2 * y["covariance"]).to_numpy(float)
    of_each = np.sqrt(np.maximum(v, 0) / y["examples"].to_numpy(float))
    count = len(d)
    users = math.sqrt(float((of_each**2).sum())) / count if nested and count else math.nan
    if not nested and count:
        users = float(of_each.mean())
    return {
        "mean": float(mine["mean"].mean()),
        "control": float(c["mean"].mean()) if count else math.nan,
        "difference": float(d.mean()) if count else math.nan,
        "error": prediction.standard_error(d),
        "error_users": users,
        "replicates": count,
        "examples": int(y["examples"].sum()),
    }


def _tested(part: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Intervals, p-values and verdicts of one data set and control."""
    family = (
        part["registered"] if part["registered"].any() else pd.Series(data=True, index=part.index)
    )
    level = alpha / max(1, int((family & part["error"].notna()).sum()))
    p, bounds = [], []
    for row in part.itertuples():
        p.append(_p(row.difference, row.error, row.error_users, row.replicates, row.examples))
        both = [
            _half(row.error, row.error_users, row.replicates, row.examples, each)
            for each in (alpha, level)
        ]
        bounds.append([row.difference + sign * half for half in both for sign in (-1, 1)])
    names = ["low", "high", "joint_low", "joint_high"]
    table = part.assign(p=p, **dict(zip(names, np.array(bounds).T, strict=True)))
    raw = pd.Series(p, part.index, dtype=float)
    table["p_holm"] = holm(raw.where(family))
    table["verdict"] = [_verdict(row, alpha) for row in table.itertuples()]
    return table


def _ways(error: float, users: float, replicates: int, examples: int) -> list[tuple[float, float]]:
    ways = [(error, replicates - 1.0)]
    return [*ways, (users, max(1.0, examples - replicates))] if math.isfinite(users) else ways


def _half(error: float, users: float, replicates: int, examples: int, alpha: float) -> float:
    """Half the wider interval; NaN of a single replicate."""
    if not math.isfinite(error):
        return math.nan
    ways = _ways(error, users, replicates, examples)
    return max(float(stdtrit(freedom, 1 - alpha / 2)) * each for each, freedom in ways)


def _p(mean: float, error: float, users: float, replicates: int, examples: int) -> float:
    """The larger p; NaN of a single replicate."""
    if not math.isfinite(error):
        return math.nan
    ways = [way for way in _ways(error, users, replicates, examples) if way[0] > 0]
    found = [float(2 * stdtr(freedom, -abs(mean) / each)) for each, freedom in ways]
    return max(found, default=float(mean == 0))


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
    ``ratios`` as ``registered``, of log ratios to the control; ``ranks`` of Friedman's test.
    """

    group: tuple[str, str, str]
    units: list[str]
    registered: pd.DataFrame
    exploratory: pd.DataFrame
    ratios: pd.DataFrame
    ranks: Any


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
        logs = logs[[pair in key for pair in zip(logs["dataset"], logs["strategy"], strict=True)]]
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
            for key, mine in values.items():
                base = values.get((dataset, model, control, key[3]))
                drawn = sample[dataset, key[3]].interactions
                if key[:3] == (dataset, model, strategy) and base is not None and drawn is not None:
                    d.append(mine - base)
                    n.append(np.asarray(drawn, float))
            if not d:
                continue
            row = {"study": record.name, "dataset": dataset, "model": model, "strategy": strategy}
            row |= {"unit": record.about["datasets"][dataset]["unit"]}
            row |= {"registered": is_registered(record, dataset, strategy)}
            rows.append(row | shapes.activity_slope(d, n, confidence) | _quarters(d, n))
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
    return found.groupby(table["unit"], sort=False).mean()


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
    """A row a trial of the first rung: validation score over β, on the axes :data:`AXES`."""
    n = dict(zip(described["dataset"], described["mean_n"], strict=True)) if len(described) else {}
    frames = []
    for record in records:
        trials = record.tables["trials"]
        known = trials["strategy"].isin(strategies) & trials["score"].notna() & (trials["beta"] > 0)
        mine = trials[known & trials["dataset"].isin(n) & trials["rung"].fillna(0).eq(0)]
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
        frames.append(kept.assign(unit=unit, replicate=draw, **axes))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def optima(found: pd.DataFrame) -> pd.DataFrame:
    """A row a unit: log₁₀ of the best trial on every axis, mean over replicates (and data sets).

    ``between_replicates`` is the standard deviation of log β over the replicates, ``at_end`` the
    share of replicates whose best trial is the first or last of its range.
    """
    rows = []
    for (unit, dataset, replicate), part in found.groupby(
        ["unit", "dataset", "replicate"], sort=False
    ):
        top = part.loc[part["score"].idxmax()]
        end = top["beta"] in (part["beta"].min(), part["beta"].max())
        rows.append({"unit": unit, "dataset": dataset, "replicate": replicate, "at_end": end})
        rows[-1] |= {axis: float(top[axis]) for axis in AXES}
    each = pd.DataFrame(rows)
    within = each.groupby(["unit", "dataset"], sort=False)
    by_set = within[[*AXES, "at_end"]].mean()
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
    """What the best single β loses, chosen on the other units, by axis: per unit, and the mean."""
    each, total = [], []
    for axis, title in list(AXES.items())[:2]:
        points = found.assign(log_beta=found[axis])
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


def hypotheses(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Name → hypothesis, of all registrations.

    Raises:
        DataError: two studies registered different hypotheses under one name.
    """
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        section = registration_of(record) or {}
        for name, said in section.get("hypotheses", {}).items():
            plain = {key: value for key, value in said.items() if value is not None}
            if found.setdefault(name, plain) != plain:
                raise DataError(
                    f"{record.name}: registered another hypothesis {name!r} than a record before; "
                    f"allowed: {json.dumps(found[name], ensure_ascii=False)}"
                )
    return found
