"""A study's statistics: all its cells in, tidy frames out, one family in memory at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

import pandas as pd

from vaebench.cells.folder import CellFolder
from vaebench.cells.reading import Cells
from vaebench.statistics.across import across
from vaebench.statistics.activity import by_activity
from vaebench.statistics.family import Values, all_pairs, best, compare
from vaebench.statistics.measures import MEASURES, Measures, primary, ranking
from vaebench.statistics.models import between_models
from vaebench.statistics.power import Components, table

KEYS = ["dataset", "model", "metric"]
"""What names a family of tests."""


@dataclass(frozen=True)
class Question:
    """What a study asks: who is compared with whom, how surely, and what counts as equal.

    Attributes:
        order: strategies in the order of the tables.
        control: the strategy that the others are compared with.
        confidence: level of all intervals; 1 − confidence that of all verdicts.
        margin: see :func:`vaebench.statistics.equivalence.margin_of`.
        primary: the metric of the verdict sentences; by default see
            :func:`vaebench.statistics.measures.primary`.
        units: data set → what it is a sample of, see :func:`vaebench.statistics.across.across`.
        natural: data set with a cutoff of its own → its primary metric, whatever ``primary`` is.
        measures: the metrics, in the order of the tables.
        varied: what each replicate draws anew; empty in a study of seeds.
        registered: data set → strategies and baselines whose difference in the primary metric was
            registered; None if nothing was.
    """

    order: list[str]
    control: str
    confidence: float
    margin: float | dict[str, float]
    primary: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    natural: Mapping[str, str] = field(default_factory=dict)
    measures: Measures = field(default_factory=lambda: MEASURES)
    varied: Sequence[str] = ()
    registered: Mapping[str, Sequence[str]] | None = None

    def declared(self, dataset: str) -> str | None:
        """The primary metric as the study has it; None where it leaves that to the data."""
        return self.natural.get(dataset, self.primary)

    def family(self, dataset: str, metric: str) -> Sequence[str] | None:
        """What is registered of a family; None where the study registers nothing of its metric."""
        known = self.registered is not None and metric == self.declared(dataset)
        return (self.registered or {}).get(dataset, ()) if known else None


@dataclass(frozen=True)
class Findings:
    """The tidy frames of a study, each a CSV of its name; most begin with data set, model, metric.

    Attributes:
        results: a row a strategy: :func:`compare`, ``best, p_best`` (:func:`best`), and
            ``primary``: the family is that of its data set's primary metric; ``ranking``: of
            the metric of ranking that figures show (:func:`vaebench.statistics.measures.ranking`).
        pairs: a row a pair of strategies, exploratory: :func:`all_pairs`.
        activity: a row a strategy and quartile of users: :func:`by_activity`, and ``ranking``.
        components: a row a family: variance components of the differences to the control.
        models: a row a (model, strategy) against the reference of its data set and metric:
            :func:`between_models`, and ``primary``.
        seeds: a row a family and difference: how many seeds find it
            (:func:`vaebench.statistics.power.table`).
        runs: a row a strategy and seed: ``value``, its mean over the examples.
        ranks, nemenyi, across, profiles: over data sets (:mod:`vaebench.statistics.across`).
    """

    results: pd.DataFrame
    pairs: pd.DataFrame
    activity: pd.DataFrame
    components: pd.DataFrame
    models: pd.DataFrame
    seeds: pd.DataFrame
    runs: pd.DataFrame
    ranks: pd.DataFrame
    nemenyi: pd.DataFrame
    across: pd.DataFrame
    profiles: pd.DataFrame

    def frames(self) -> dict[str, pd.DataFrame]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def analyse(cells: Cells, question: Question) -> Findings:
    """All statistics of a study, family by family."""
    found: dict[str, list[pd.DataFrame]] = defaultdict(list)
    order, control, confidence = question.order, question.control, question.confidence
    fixed = {dataset: cells.fixed(dataset) for dataset, _ in cells.blocks()}
    seeds = planned(cells)
    for key, values in families(cells, question.measures):
        dataset, model, metric = key
        wanted = seeds[dataset][model]
        known = question.family(dataset, metric)
        is_fixed = model in fixed[dataset]
        parts = family(values, metric, question, fixed=is_fixed, planned=wanted, registered=known)
        counted = question.measures[metric].of_users
        interactions = cells.interactions(dataset, model) if counted else None
        if interactions is not None:
            parts["activity"] = by_activity(values, interactions, order, control, confidence)
        for name, frame in parts.items():
            for place, (column, value) in enumerate(zip(KEYS, key, strict=True)):
                frame.insert(place, column, value)
            found[name].append(frame)
    frames = {name: joined(found[name]) for name in FAMILY_FRAMES}
    units, measures = question.units, question.measures
    over = [
        part.frames()
        for part in across(
            frames["results"], frames["runs"], order, control, confidence, units, measures
        )
    ]
    between = joined(list(models(cells, fixed, seeds, question)))
    results = with_primary(frames["results"], ["dataset", "model"], question)
    shown = ranking(results, measures)
    frames["activity"] = with_ranking(frames["activity"], shown)
    results = with_selecting(with_ranking(results, shown), ["dataset", "model"], cells)
    return Findings(
        **frames | {"results": results},
        models=with_selecting(with_primary(between, ["dataset"], question), ["dataset"], cells),
        seeds=table(frames["components"], 1 - confidence),
        **{name: joined([part[name] for part in over]) for name in ACROSS_FRAMES},
    )


FAMILY_FRAMES = ("results", "pairs", "activity", "components", "runs")
ACROSS_FRAMES = ("ranks", "nemenyi", "across", "profiles")


def with_primary(frame: pd.DataFrame, keys: list[str], question: Question) -> pd.DataFrame:
    """``primary``: the row is of the primary metric of its data set (and model)."""
    chosen = pd.Series(data=False, index=frame.index)
    for key, rows in frame.groupby(keys, sort=False) if len(frame) else ():
        declared = question.declared(str(key[keys.index("dataset")]))
        name = primary(set(rows["metric"]), declared, question.measures)
        chosen[rows.index] = rows["metric"] == name
    return frame.assign(primary=chosen)


def with_ranking(frame: pd.DataFrame, shown: Mapping[str, str]) -> pd.DataFrame:
    """``ranking``: the row is of the metric of ranking that is shown of its data set."""
    names = (row.metric == shown.get(row.dataset) for row in frame.itertuples())
    return frame.assign(ranking=pd.Series(list(names), index=frame.index, dtype=bool))


def with_selecting(frame: pd.DataFrame, keys: list[str], cells: Cells) -> pd.DataFrame:
    """``selecting``: what selected the epochs of the row's cells (:meth:`Cells.selecting`)."""
    known = {key: cells.selecting(*key) for key in set(frame[keys].itertuples(index=False))}
    found = [known[key] for key in frame[keys].itertuples(index=False)]
    return frame.assign(selecting=pd.Series(found, index=frame.index, dtype=object))


def planned(cells: Cells) -> dict[str, dict[str, dict[str, int]]]:
    """Data set → model → strategy → number of seeds, whatever became of them."""
    seeds: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(Counter))
    for folder in cells.folders:
        key = CellFolder.parse(folder).names
        seeds[key["dataset"]][key["model"]][key["strategy"]] += 1
    return seeds


def models(
    cells: Cells,
    fixed: Mapping[str, set[str]],
    seeds: Mapping[str, Mapping[str, Mapping[str, int]]],
    question: Question,
) -> Iterator[pd.DataFrame]:
    """The models of each data set and metric against each other."""
    together: dict[str, list[str]] = defaultdict(list)
    for dataset, model in cells.blocks():
        together[dataset].append(model)
    order, control, confidence = question.order, question.control, question.confidence
    for dataset, present in together.items():
        for metric in question.measures if len(present) > 1 else ():
            found = {model: cells.values(dataset, model, metric) for model in present}
            table = between_models(
                found,
                fixed[dataset],
                order,
                control,
                confidence,
                question.margin,
                metric,
                seeds[dataset],
                question.family(dataset, metric),
            )
            table.insert(0, "dataset", dataset)
            table.insert(1, "metric", metric)
            yield table


def family(
    values: Values,
    metric: str,
    question: Question,
    *,
    fixed: bool = False,
    planned: Mapping[str, int] | None = None,
    registered: Sequence[str] | None = None,
) -> dict[str, pd.DataFrame]:
    """The frames of one family.

    ``fixed``: the model draws nothing; ``planned``: its seeds; ``registered``: see
    :func:`vaebench.statistics.family.corrected`.
    """
    order, control, confidence = question.order, question.control, question.confidence
    results = compare(
        values,
        order,
        control,
        confidence,
        question.margin,
        metric,
        fixed=fixed,
        planned=planned,
        registered=registered,
    )
    pairs = all_pairs(values, order, confidence)
    sign = question.measures[metric].sign
    if sign:
        marks = best(results.set_index("strategy")["mean"], pairs, sign)
        results = results.merge(marks, left_on="strategy", right_index=True)
    parts = {"results": results, "pairs": pairs, "runs": seed_means(values, order)}
    components = Components.of(values, control)
    if components is not None:
        parts["components"] = pd.DataFrame([components.row()])
    return parts


def families(
    cells: Cells, measures: Measures = MEASURES
) -> Iterator[tuple[tuple[str, str, str], Values]]:
    """(data set, model, metric) → its values, for every family that has any."""
    for dataset, model in cells.blocks():
        for metric in measures:
            values = cells.values(dataset, model, metric)
            if values:
                yield (dataset, model, metric), values


def seed_means(values: Values, order: list[str]) -> pd.DataFrame:
    """``strategy, seed, value``: each cell's mean over the examples of its strategy."""
    rows = [
        {"strategy": strategy, "seed": seed, "value": mean}
        for strategy in order
        if strategy in values
        for seed, mean in values[strategy].mean().items()
    ]
    return pd.DataFrame(rows)


def joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame; where there is nothing, one without rows that can still be written and read."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=KEYS)
