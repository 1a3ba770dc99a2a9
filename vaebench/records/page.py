"""``python -m vaebench results RECORD…``: records → tables, figures as data, a page in Markdown.

Everything is a function of the records: the same ones give the same bytes, in whatever order they
are named, and nothing is trained.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vaebench.errors import DataError
from vaebench.files import whole, write_text
from vaebench.plots import save, use_style
from vaebench.records import compared, foretold
from vaebench.records import said as answer
from vaebench.records.compared import Over
from vaebench.records.drawn import figures
from vaebench.records.printed import bounds, grid, listed, number, probability, section, signed
from vaebench.records.schema import Record, read
from vaebench.statistics import shapes
from vaebench.statistics.across import FEWEST_TESTED
from vaebench.statistics.multiplicity import holm

DECIDED = 0.05

PREDICTED = (
    "Mean difference with its joint interval (dark), what a new data set will show (pale), units "
    "(ticks)"
)
CURVES = "What each β loses on validation in the first rung (a part of training), by unit"
PICTURES = {
    "gains_": "The gain of scaling by the user over the spread of n_u",
    "shapes_": "The chosen β over the shape that predicts it best",
}

ABOUT = (
    "`python -m vaebench results docs/results/records/*` writes this page and its tables again "
    "from the records, without training. Every number is in `{folder}/tables` and "
    "`{folder}/figures` as CSV."
)
LEGEND = (
    "Difference to the control in the primary metric, with the interval that holds for all "
    "registered strategies of the data set at once. **Bold**: decided after Holm's correction; *: "
    "exploratory, in no correction."
)
FEW = (
    f"Fewer than {FEWEST_TESTED} units: no headline. A new measured difference lies between the "
    "least and the largest with the probability beside them."
)


def write(
    folders: Sequence[Path],
    out: Path,
    name: str | None = None,
    *,
    new: Sequence[Path] = (),
    readme: Path | None = None,
) -> list[str]:
    """Write the page ``out/NAME.md`` and the folder ``out/NAME``; returns the names of the files.

    Args:
        folders: the records.
        out: where to.
        name: of the page; by default the day of the last measurement.
        new: records of further data sets, which are in no sum but are predicted.
        readme: a file whose lines between two marks become the answer's (:mod:`.said`).

    Raises:
        DataError: a folder is no record, or the records do not fit each other.
    """
    later = [read(folder) for folder in new]
    results = Results(compared.together([read(folder) for folder in folders]), later)
    if readme is not None:
        answer.write(readme, answer.lines(results))
    title = name or results.until
    frames = {f"{title}/{path}.csv": frame for path, frame in results.frames().items()}
    write_text(out / f"{title}.md", results.markdown(title))
    for path, frame in frames.items():
        with whole(out / path) as temporary:
            frame.to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")
    use_style()
    drawn = figures(results)
    for path, figure in drawn.items():
        save(figure, out / title / "figures" / path, endings=(".png",))
    return [f"{title}.md", *frames, *(f"{title}/figures/{path}.png" for path in drawn)]


class Results:
    """All that records say together."""

    def __init__(self, records: Sequence[Record], new: Sequence[Record] = ()) -> None:
        self.records, self._folder = records, ""
        self.confidence = float(records[0].about["question"]["confidence"])
        self.contrasts = compared.contrasts(records)
        counting = compared.counting(records)
        self.names = [record.name for record in counting]
        self.counting = self.contrasts[self.contrasts["study"].isin(self.names)]
        self.over = compared.over(self.counting, compared.means(counting), self.confidence)
        self.shapes = compared.shape_table(counting)
        self.activity = compared.activity(records, self.confidence)
        self.asked = compared.hypotheses(records)
        self.curves = compared.curves(counting, self.shapes, self._of_beta())
        self.optima = compared.optima(self.curves) if len(self.curves) else pd.DataFrame()
        self.tuned = compared.untuned_against(self._of_beta(), self.counting)
        self.untuned = (
            compared.untuned(counting, self.counting, self.tuned, self.confidence)
            if self.tuned
            else pd.DataFrame()
        )
        later = compared.contrasts(new) if new else pd.DataFrame()
        self.left_out = foretold.left_out(self.counting, self.confidence)
        self.foretold = foretold.foretold(self.over if new else (), later)
        self.answers = {name: self._answer(said) for name, said in self.asked.items()}

    def _of_beta(self) -> list[str]:
        """The strategies whose trials make curves over β: of hypotheses, else the constant ones."""
        kinds = ("best_beta", "rule_of_thumb")
        named = [h["strategy"] for h in self.asked.values() if h["kind"] in kinds]
        if named:
            return list(dict.fromkeys(named))
        found = [
            name
            for record in self.records
            for name, spec in record.about["config"]["strategies"].items()
            if spec["class"] == "constant.Constant"
        ]
        return list(dict.fromkeys(found))

    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table and figure as data, by the path of its file."""
        found = {
            "tables/studies": self.studies(),
            "tables/datasets": self.contrasts,
            "tables/shapes": self.shapes,
            "tables/activity": self.activity,
            "tables/costs": self.costs(),
            "figures/forest": self.forest(),
        }
        for name, attribute in (
            ("tables/over", "registered"),
            ("tables/over_exploratory", "exploratory"),
            ("tables/over_ratios", "ratios"),
        ):
            parts = [
                getattr(each, attribute).assign(
                    kind=each.group[0], measure=each.group[1], control_of=each.group[2]
                )
                for each in self.over
            ]
            found[name] = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        if len(self.curves):
            each, total = compared.rules(self.curves, self.confidence)
            found |= {"figures/curves": self.curves, "tables/best_beta": self.optima}
            found |= {"tables/coincidence": compared.coincidence(self.optima)}
            found |= {"tables/rules_by_unit": each, "tables/rules": total}
            found |= {"figures/losses": compared.losses(self.curves)}
        if len(self.untuned):
            found["tables/untuned"] = self.untuned
        if len(self.left_out):
            found["tables/left_out"] = self.left_out
        if len(self.foretold):
            found |= {"tables/new": self.foretold, "tables/new_shares": self._shares()}
        for said in self.asked.values():
            if said["kind"] == "gain_grows":
                gained = compared.gains(self.counting, self.shapes, said["strategy"])
                found[f"figures/gains_{said['strategy']}"] = gained.reset_index()
            if said["kind"] == "best_beta" and len(self.optima):
                found[f"tables/predictors_{said['strategy']}"] = self.predictors(said)
        return {name: frame for name, frame in found.items() if len(frame.columns)}

    def studies(self) -> pd.DataFrame:
        """A row a record: what it is of, how far it is, when and with what it was opened."""
        rows = []
        for record in self.records:
            about, opening = record.about, record.about["opening"] or {}
            state = about["state"]
            rows.append(
                {
                    "study": record.name,
                    "datasets": ", ".join(about["datasets"]),
                    "finished": state["finished"],
                    "planned": state["planned"],
                    "failed": len(state["failed"]),
                    "replicates": int(record.tables["cells"]["seed"].nunique()),
                    "control": about["question"]["control"],
                    "registration": opening.get("registration"),
                    "opened_at": opening.get("opened_at"),
                    "measured_until": about["measured"]["last"],
                }
            )
        return pd.DataFrame(rows)

    def costs(self) -> pd.DataFrame:
        """Hours of training, tuning and testing, a row a record."""
        rows = []
        for record in self.records:
            cells, trials = record.tables["cells"], record.tables["trials"]
            rows.append(
                {
                    "study": record.name,
                    "cells": len(cells),
                    "training_hours": cells["seconds"].sum() / 3600,
                    "test_hours": cells["test_seconds"].sum() / 3600,
                    "trials": len(trials),
                    "tuning_hours": trials["seconds"].sum() / 3600,
                }
            )
        return pd.DataFrame(rows)

    def forest(self) -> pd.DataFrame:
        """Units × strategies: every difference that stands in ``tables/over``, for a figure."""
        columns = ["kind", "block", "unit", "dataset", "label", "difference", "low", "high"]
        return self.counting[[*columns, "registered"]]

    def _answer(self, said: Mapping[str, Any]) -> str:
        """What the records say of a hypothesis, as a sentence."""
        try:
            return {
                "difference": self._difference,
                "activity": self._activity,
                "gain_grows": self._grows,
                "best_beta": self._predicts,
                "rule_of_thumb": self._rule,
                "statement": lambda _: "Words alone; nothing was computed.",
            }[said["kind"]](said)
        except LookupError:
            return "The records have too little for it."

    def _difference(self, said: Mapping[str, Any]) -> str:
        sentences = []
        for each in (one for one in self.over if one.group[0] in said["kinds"]):
            rows = each.registered
            if "strategy" in said:
                rows = rows[rows["strategy"] == said["strategy"]]
            rows = rows[rows["p_holm"].notna() & rows["headline"]]
            if rows.empty:
                continue
            found = rows[rows["p_holm"] < DECIDED]
            names = listed(found, each.group[1])
            what = f"decided for {names}" if len(found) else "not decided"
            sentences.append(
                f"{titled(each)}: {what}; {len(rows)} differences, the least p after Holm's "
                f"correction {probability(rows['p_holm'].min())}."
            )
        return " ".join(sentences) or f"Fewer than {FEWEST_TESTED} units: no headline."

    def _activity(self, said: Mapping[str, Any]) -> str:
        rows = self.activity[self.activity["strategy"] == said["strategy"]]
        decided = rows[rows["p_holm"] < DECIDED]
        up, down = (int((side * decided["slope"] > 0).sum()) for side in (1, -1))
        return (
            f"{said['strategy']}: on {up} of {len(rows)} data sets (and models) the difference "
            f"grows with n_u, on {down} it falls (p < .05 after Holm's correction over a data "
            "set's strategies)."
        )

    def _grows(self, said: Mapping[str, Any]) -> str:
        found = compared.gains(self.counting, self.shapes, said["strategy"])
        x, y = (found[name].to_numpy(float) for name in (said["shape"], "difference"))
        line, p = shapes.slope(x, y, self.confidence), shapes.grows(x, y)
        if math.isnan(p):
            return f"{len(x)} units are too few."
        word = "decided, it grows" if p < DECIDED else "not decided"
        return (
            f"{said['strategy']} over {said['shape']}: {word}; one-sided permutation p "
            f"{probability(p)}, slope {line['slope']:+.4f} [{line['low']:+.4f}, "
            f"{line['high']:+.4f}], {len(x)} units."
        )

    def _predicts(self, said: Mapping[str, Any]) -> str:
        table = self.predictors(said)
        none, lines = table.iloc[0], table.iloc[1:]
        if math.isnan(none["left_out"]):
            return f"{none['units']} units are too few."
        top = lines.loc[lines["left_out"].idxmin()]
        found = lines[lines["p_holm"] < DECIDED]["shape"]
        word = f"decided for {', '.join(found)}" if len(found) else "none is decided"
        return (
            f"{word}; with one unit left out, the best candidate ({top['shape']}) misses the best "
            f"β by {top['left_out']:.2f} decades, the mean of the others by {none['left_out']:.2f} "
            f"({none['units']} units)."
        )

    def predictors(self, said: Mapping[str, Any]) -> pd.DataFrame:
        """:func:`vaebench.statistics.shapes.predictors` of the chosen β, by unit."""
        mine = self.optima.set_index("unit")
        best = {str(unit): float(value) for unit, value in mine["log_beta"].items()}
        return shapes.predictors(
            best, compared.unit_shapes(self.shapes), said["shapes"], self.confidence
        )

    def _shares(self) -> pd.DataFrame:
        return foretold.shares(self.foretold)

    def _rule(self, said: Mapping[str, Any]) -> str:
        mine = self.curves[self.curves["strategy"] == said["strategy"]]
        _, total = compared.rules(mine, self.confidence)
        sentences = [
            f"One {row.axis} for all, chosen on the other units, loses {number(row.mean, '')} on "
            f"average {bounds(row.low, row.high, '')}, at most {number(row.most, '')} "
            f"({row.units} units; first rung, validation)."
            for row in total.itertuples()
            if row.units > 1
        ]
        if len(self.untuned) and said["strategy"] == self.tuned:
            for group, rows in self.untuned.groupby(compared.GROUP, sort=False):
                rules = rows[~rows["tuned"]]
                if group[0] not in said["kinds"] or rules.empty:
                    continue
                row = rules.loc[rules["mean"].idxmin()]
                sentences.append(
                    f"{group[0]}, {group[2]}: of {len(rules)} rules that nobody tunes, "
                    f"{row['rule']} loses least to the tuned {said['strategy']} on the test "
                    f"examples: {signed(row['mean'], group[1])} "
                    f"{bounds(row['joint_low'], row['joint_high'], group[1])}, at most "
                    f"{signed(row['most'], group[1])} ({row['units']} units)."
                )
        return " ".join(sentences) or "One unit has no others."

    def _over(self, each: Over) -> list[str]:
        name = f"predicted_{each.group[0]}_{each.group[2]}"
        return [*overall(each), *self._picture(name, PREDICTED)]

    def _picture(self, name: str, words: str) -> list[str]:
        """The figure ``name`` in Markdown, where it is one."""
        if name not in self._drawn:
            return []
        return [f"![{words}]({self._folder}/figures/{name}.png)", ""]

    def _pictures(self, begin: str) -> list[str]:
        names = [name for name in self._drawn if name.startswith(begin)]
        return [line for name in names for line in self._picture(name, PICTURES[begin])]

    @cached_property
    def _drawn(self) -> set[str]:
        return {*figures(self)}

    @property
    def until(self) -> str:
        """The day of the last measurement."""
        return str(max(record.about["measured"]["last"] for record in self.records)[:10])

    def markdown(self, folder: str = "") -> str:
        """The page; ``folder`` is that of its tables."""
        self._folder = folder or self.until
        count = len(self.records)
        lines = [
            f"# {self.until}: ways to set β, on {count} {'study' if count == 1 else 'studies'}",
            "",
            f"As of {self.until}. {ABOUT.format(folder=folder or self.until)}",
            "",
            *section("Over data sets", [line for each in self.over for line in self._over(each)]),
            *section("Registered hypotheses", self._hypotheses()),
            *section("Data set by data set", self._datasets()),
            *section("Users by activity", self._activities()),
            *section("Which β", self._betas()),
            *section("New data sets", self._new()),
            *section("Explored, not registered", self._explored()),
            *section("The studies", self._studies()),
        ]
        return "\n".join(lines).rstrip() + "\n"

    def _hypotheses(self) -> list[str]:
        return [
            f"- **{name}** ({said['kind']}): {said['text']} → {self.answers[name]}"
            for name, said in self.asked.items()
        ]

    def _datasets(self) -> list[str]:
        lines = [LEGEND, ""]
        for (kind, measure, block), rows in self.contrasts.groupby(compared.GROUP, sort=False):
            cells = {(r.study, r.dataset, r.label): _cell(r, measure) for r in rows.itertuples()}
            sets = {(r.study, r.dataset): r.metric for r in rows.itertuples()}
            labels = list(dict.fromkeys(rows["label"]))
            body = [[name, *(cells.get((*key, name), "–") for key in sets)] for name in labels]
            several = len({dataset for _, dataset in sets}) < len(sets)
            heads = [
                f"{f'{study}: ' * several}{dataset} ({metric})"
                for (study, dataset), metric in sets.items()
            ]
            heads = ["strategy", *heads]
            lines += [f"{kind}, against the control of {block}:", "", *grid(heads, body), ""]
        return lines

    def _activities(self) -> list[str]:
        if self.activity.empty:
            return []
        rows = [
            [
                row.dataset if row.study in self.names else f"{row.study}: {row.dataset}",
                row.model,
                row.strategy + ("" if row.registered else " (exploratory)"),
                f"{signed(row.slope, '')} {bounds(row.low, row.high, '')}",
                probability(row.p_holm),
                *(signed(getattr(row, name), "") for name in ("first", "fourth")),
            ]
            for row in self.activity.itertuples()
        ]
        heads = ["data set", "model", "strategy", "per doubling of n_u", "p Holm"]
        heads += ["least active quarter", "most active quarter"]
        return ["Does a strategy's difference depend on the user's n_u?", "", *grid(heads, rows)]

    def _betas(self) -> list[str]:
        if self.optima.empty:
            return []
        heads = ["unit", "chosen β", "β / mean n_u", "s.d. over replicates (decades)"]
        heads += ["shift by more training (decades)", "at an end"]
        rows = [
            [
                row.unit,
                f"{10**row.log_beta:.3g}",
                f"{10**row.log_beta_per_n:.3g}",
                number(row.between_replicates, "nats"),
                signed(row.shift, "nats"),
                f"{row.at_end:.0%}",
            ]
            for row in self.optima.itertuples()
        ]
        lines = [
            (
                "The trial that tuning chose (last rung, validation), by unit; the shift is from "
                "the best of the first rung:"
            ),
            "",
        ]
        lines += [*grid(heads, rows), ""]
        for row in compared.coincidence(self.optima).dropna(subset="spread").itertuples():
            p = "" if math.isnan(row.p) else f" (p {probability(row.p)} that it is as for β)"
            lines.append(
                f"- On the axis {row.axis} the optima vary by {row.spread:.2f} decades{p}."
            )
        lines += ["", *self._picture("curves", CURVES)]
        for asked in self.asked.values():
            if asked["kind"] == "best_beta":
                lines += ["", *self._shapes_of_beta(asked)]
        lines += self._untuned()
        return [*lines, *self._pictures("gains_")]

    def _shapes_of_beta(self, asked: Mapping[str, Any]) -> list[str]:
        """The table of predictors of β."""
        heads = ["shape", "slope (decades)", "p", "p Holm", "error, one unit left out (decades)"]
        rows = [
            [
                str(row.shape),
                "–"
                if math.isnan(row.slope)
                else f"{signed(row.slope, 'nats')} {bounds(row.low, row.high, 'nats')}",
                probability(row.p),
                probability(row.p_holm),
                number(row.left_out, "nats"),
            ]
            for row in self.predictors(asked).itertuples()
        ]
        said_of = "logarithms of mean_n, density and items"
        lines = [f"Which shape of the data predicts log₁₀ of the chosen β? Lines on {said_of}:"]
        return [*lines, "", *grid(heads, rows), "", *self._pictures("shapes_")]

    def _untuned(self) -> list[str]:
        """The table of rules that nobody tunes."""
        if self.untuned.empty:
            return []
        rows = [
            [
                f"{row.kind}, {row.block}",
                row.rule + (" (control, tuned)" if row.tuned else ""),
                str(row.units),
                (
                    f"{signed(row.mean, row.measure)} "
                    f"{bounds(row.joint_low, row.joint_high, row.measure)}"
                ),
                signed(row.most, row.measure),
            ]
            for row in self.untuned.itertuples()
        ]
        heads = ["data", "rule", "units", "mean loss, all at once", "at most"]
        lines = ["", f"What a rule without tuning loses to the tuned {self.tuned}, on the test "]
        lines[-1] += "examples:"
        return [*lines, "", *grid(heads, rows), ""]

    def _new(self) -> list[str]:
        """How the predictions held."""
        lines: list[str] = []
        if len(self.left_out):
            count, inside = len(self.left_out), int(self.left_out["inside"].sum())
            lines += [
                (
                    f"Each unit foretold by the others: {inside} of {count} pairs of a registered "
                    f"strategy and a unit ({inside / count:.0%}) lie inside the 95 % prediction "
                    "interval. Units are shared between pairs, so this checks the method alone."
                ),
                "",
            ]
        if self.foretold.empty:
            return lines
        lines += [
            (
                "Data sets that are in no sum above. A pair is a registered strategy and a new "
                "data set; pairs of one data set share its users and its control."
            ),
            "",
        ]
        rows = [
            [
                row.dataset + ("" if row.unrelated else " (of a unit above)"),
                f"{row.kind}, {row.block}",
                f"{row.inside} of {row.pairs} ({row.share:.0%})",
                number(row.width, row.measure),
            ]
            for row in self._shares().itertuples()
        ]
        heads = ["data set", "group", "inside the 95 % prediction interval", "mean width"]
        lines += [*grid(heads, rows), ""]
        every, free = self.foretold, self.foretold[self.foretold["unrelated"].astype(bool)]
        total = f"{int(every['inside'].sum())} of {len(every)}"
        return [
            *lines,
            (
                f"Together {total} pairs; of unrelated data sets {int(free['inside'].sum())} of "
                f"{len(free)}."
            ),
        ]

    def _explored(self) -> list[str]:
        return [
            f"- {titled(each)}, {row.strategy} on all its data sets, some looked at before: "
            f"{signed(row.mean, each.group[1])} {bounds(row.low, row.high, each.group[1])}, not "
            "corrected."
            for each in self.over
            for row in each.exploratory.itertuples()
        ]

    def _studies(self) -> list[str]:
        table = self.studies()
        rows = [
            [
                row.study,
                row.datasets,
                f"{row.finished} of {row.planned}",
                str(row.replicates),
                f"`{row.registration[:12]}`" if isinstance(row.registration, str) else "nothing",
                row.opened_at if isinstance(row.opened_at, str) else "–",
            ]
            for row in table.itertuples()
        ]
        heads = ["study", "data", "cells", "replicates", "registered", "opened (UTC)"]
        lines = [*grid(heads, rows), ""]
        about = {
            name: facts
            for record in self.records
            for name, facts in record.about["datasets"].items()
        }
        for name, facts in about.items():
            cite = f" Cite: {facts['cite']}." if facts["cite"] else ""
            lines.append(f"- {name}: licence: {facts['licence']}.{cite}".replace("..", "."))
        return lines


def overall(each: Over) -> list[str]:
    """The table and the sentences of one group."""
    unit, units = each.group[1], len(each.units)
    table = each.registered.sort_values("mean", ascending=False, kind="stable")
    counted = f"{units} unit{'s' * (units > 1)} ({', '.join(each.units)})"
    lines = [f"**{titled(each)}**, {counted}:", ""]
    if units < FEWEST_TESTED:
        lines += [FEW, ""]
        rows = [
            [
                r.strategy,
                signed(r.mean, unit),
                bounds(r.least, r.most, unit),
                number(r.within, "nats"),
            ]
            for r in table.itertuples()
        ]
        return [*lines, *grid(["strategy", "mean difference", "range", "probability"], rows), ""]
    heads = ["strategy", "units", "mean difference", "all at once", "p Holm", "s.d. between"]
    heads += ["a new data set will show (95 %)", "its true difference"]
    rows = [
        [
            r.strategy,
            str(r.units),
            signed(r.mean, unit),
            bounds(r.joint_low, r.joint_high, unit),
            probability(r.p_holm),
            number(r.spread, unit),
            bounds(r.predicted_low, r.predicted_high, unit),
            bounds(r.true_low, r.true_high, unit),
        ]
        for r in table.itertuples()
    ]
    lines += [*grid(heads, rows), ""]
    best = table[table["best"]]
    for row in best.itertuples():
        lines.append(
            f"- Best of {len(table)}: {row.strategy}, {signed(row.mean, unit)} "
            f"{bounds(row.joint_low, row.joint_high, unit)}, at the level of a choice among "
            f"{len(table)}; a new data set will show "
            f"{bounds(row.predicted_low, row.predicted_high, unit)}."
        )
    decided = table[table["p_holm"] < DECIDED]
    lines.append(f"- Decided against the control: {listed(decided, unit) or 'nothing'}.")
    if len(each.ratios):
        logs = each.ratios.assign(p_holm=holm(each.ratios["p"].astype(float)))
        names = logs[logs["p_holm"] < DECIDED]["strategy"]
        lines.append(f"- As log ratios to the control, decided: {', '.join(names) or 'nothing'}.")
    if each.ranks is not None and not each.ranks.note:
        lines.append(
            f"- Ranks: Iman and Davenport p {probability(each.ranks.p_iman)}, Friedman p "
            f"{probability(each.ranks.p_friedman)}."
        )
    return [*lines, ""]


def titled(each: Over) -> str:
    """A group for people."""
    return f"{each.group[0]}, control of {each.group[2]}"


def _cell(row: Any, measure: str) -> str:  # noqa: ANN401 (a row of a frame)
    text = f"{signed(row.difference, measure)} {bounds(row.joint_low, row.joint_high, measure)}"
    if row.verdict in ("better", "worse"):
        return f"**{text}**"
    return text + (" *" if row.verdict == "exploratory" else "")


def main(arguments: Sequence[str]) -> None:
    """Write the results of all records."""
    parser = argparse.ArgumentParser(
        "vaebench results",
        description="Records → the tables and sentences of all studies.",
        epilog="example: vaebench results docs/results/records/*",
    )
    parser.add_argument("records", type=Path, nargs="+", help="docs/results/records/*")
    parser.add_argument("--out", type=Path, default=Path("docs/results"), help="where to write")
    parser.add_argument("--name", help="of the page (default: the day of the last measurement)")
    parser.add_argument(
        "--new", type=Path, nargs="+", default=[], help="records of data sets to predict"
    )
    parser.add_argument("--readme", type=Path, help="a README that has the marks of the answer")
    given = parser.parse_args(arguments)
    folders = [folder for folder in given.records if folder.is_dir()]
    if not folders:
        raise DataError(f"{given.records[0]}: is no folder; allowed: records of studies")
    for name in write(folders, given.out, given.name, new=given.new, readme=given.readme):
        print(given.out / name)  # noqa: T201
