"""Entries → what the pages say: answers over data sets, boards, evidence for each strategy.

What was computed again and what was only reported never meet in one number: each has answers of
its own, and only the first is ranked.
"""

import inspect
import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vaebench import strategies as home
from vaebench.cells.folder import NONE
from vaebench.errors import DataError
from vaebench.records import compared
from vaebench.records.page import Results
from vaebench.records.schema import Record
from vaebench.sharing.agreement import readable
from vaebench.sharing.site.entries import Entry

HOME = "vaebench.strategies"
LEVEL = 0.95
"""Of the answers: studies of another level are shown and do not count over data sets."""


@dataclass(frozen=True)
class Answer:
    """What the studies of one kind say together.

    Attributes:
        recomputed: of studies that were computed again, or of those that were reported alone.
        results: None where no study counts.
        skipped: study → why it does not count over data sets.
    """

    recomputed: bool
    results: Results | None
    skipped: Mapping[str, str]


@dataclass(frozen=True)
class Board:
    """The strategies on one data set with one model, all in one setting.

    Attributes:
        setting: what all of them share, for people: key → value.
        ranked: a row a strategy that was computed again, the best first, with ``rank``.
        reported: the others, in the order of their studies.
    """

    dataset: str
    model: str
    metric: str
    measure: str
    setting: Mapping[str, str]
    ranked: pd.DataFrame
    reported: pd.DataFrame

    @property
    def both(self) -> pd.DataFrame:
        """All rows."""
        return pd.concat([self.ranked, self.reported])


class Evidence:
    """All that entries say."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        self.by_name = {entry.name: entry for entry in entries}
        self.rows = self._rows()

    def _rows(self) -> pd.DataFrame:
        """A row a study, data set, model and strategy, the control's with a difference of 0."""
        frames = []
        for entry in self.entries:
            with readable(entry.name):
                found = differences(entry.record)
                if len(found):
                    frames.append(found.assign(recomputed=entry.recomputed))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)

    @cached_property
    def answers(self) -> list[Answer]:
        """What was computed again comes first; nothing of a kind that has no study."""
        found = []
        for recomputed in (True, False):
            mine = [entry for entry in self.entries if entry.recomputed is recomputed]
            if mine:
                found.append(self._answer(mine, recomputed=recomputed))
        return found

    def _answer(self, mine: Sequence[Entry], *, recomputed: bool) -> Answer:
        """Over data sets; of two registered studies of a difference the one opened first counts."""
        skipped, kept = {}, []
        seen: dict[tuple[str, str, str], str] = {}
        for entry in sorted(mine, key=lambda each: (each.opened, each.name)):
            about = entry.record.about
            rows = self.rows[(self.rows["study"] == entry.name) & ~self.rows["is_control"]]
            if rows.empty:
                skipped[entry.name] = "no cell has a control beside it"
            elif about["question"]["confidence"] != LEVEL:
                skipped[entry.name] = f"its level is {about['question']['confidence']}, not {LEVEL}"
            else:
                registered = rows[rows["registered"]]
                keys = [tuple(k) for k in registered[["dataset", "model", "strategy"]].to_numpy()]
                earlier = sorted({seen[key] for key in keys if key in seen})
                if earlier:
                    skipped[entry.name] = (
                        f"the same differences were registered by {', '.join(earlier)}, whose test "
                        "part was opened first"
                    )
                else:
                    seen |= dict.fromkeys(keys, entry.name)
                    kept.append(entry.record)
        if not kept:
            return Answer(recomputed, None, skipped)
        with readable(", ".join(record.name for record in kept)):
            return Answer(recomputed, Results(compared.together(kept)), skipped)

    def boards(self) -> list[Board]:
        """By data set and model; a board has one setting."""
        found = []
        names = ["dataset", "block", "metric", "setting"]
        for (dataset, model, metric, setting), rows in self.rows.groupby(names, sort=True):
            order = (rows["difference"] * rows["sign"]).sort_values(ascending=False, kind="stable")
            best = rows.loc[order.index]
            ranked = best[best["recomputed"]]
            ranked = ranked.assign(rank=range(1, len(ranked) + 1))
            measure = str(rows["measure"].iloc[0])
            shown = json.loads(setting)
            found.append(
                Board(dataset, model, metric, measure, shown, ranked, rows[~rows["recomputed"]])
            )
        return found

    def of_class(self, path: str) -> pd.DataFrame:
        """All rows of a class of strategies but the control's."""
        return self.rows[(self.rows["class"] == path) & ~self.rows["is_control"]]

    def classes(self) -> list[str]:
        """The classes of strategies that studies used, in the order of their names."""
        return sorted({str(path) for path in self.rows["class"] if path})

    def class_of(self, study: str, label: str) -> str:
        """The class of a strategy of a study; empty for a baseline."""
        return strategy_class(self.by_name[study].record, label)

    def undecided(self) -> pd.DataFrame:
        """Registered differences without a verdict, the widest open first."""
        rows = self.rows[(self.rows["verdict"] == "undecided") & self.rows["registered"]]
        width = (rows["joint_high"] - rows["joint_low"]) / (2 * rows["margin"])
        return rows.assign(margins=width).sort_values("margins", ascending=False, kind="stable")


COLUMNS = [
    *("study", "dataset", "unit", "kind", "metric", "measure", "sign", "block", "model"),
    *("strategy", "label", "registered", "mean", "control", "difference", "error", "replicates"),
    *("examples", "margin", "p", "low", "high", "joint_low", "joint_high", "p_holm", "verdict"),
    *("class", "options", "beta", "setting", "is_control", "recomputed"),
]


def differences(record: Record) -> pd.DataFrame:
    """A study's rows: :func:`vaebench.records.compared.contrasts`, its control's, and their β.

    ``class`` is the strategy's, ``options`` what was set or tuned (a text), ``beta`` the mean β at
    the selected epoch, ``setting`` what the study compared them in (JSON).
    """
    try:
        table = compared.contrasts([record])
    except DataError:  # no cell has a control beside it
        return pd.DataFrame()
    controls = [_control(part) for _, part in table.groupby(["dataset", "block"], sort=False)]
    label = str(record.about["question"]["control"])
    table = pd.concat(
        [
            table.assign(is_control=False),
            pd.DataFrame(controls).assign(strategy=label, label=label, is_control=True),
        ],
        ignore_index=True,
    )
    keys = list(zip(table["dataset"], table["model"], table["strategy"], strict=True))
    cells = record.tables["cells"].groupby(["dataset", "model", "strategy"], sort=False)
    groups = dict(iter(cells))
    table["class"] = [strategy_class(record, name) for _, _, name in keys]
    table["options"] = [_options(groups[key]) for key in keys]
    table["beta"] = [float(groups[key]["beta"].mean()) for key in keys]
    blocks = zip(table["dataset"], table["block"], strict=True)
    table["setting"] = [json.dumps(setting(record, *block), sort_keys=True) for block in blocks]
    return table


def _control(part: pd.DataFrame) -> dict[str, Any]:
    first = part.iloc[0]
    same = ["study", "dataset", "unit", "kind", "metric", "measure", "sign", "block", "margin"]
    return {
        **{name: first[name] for name in same},
        "model": first["block"],
        "registered": False,
        "mean": first["control"],
        "control": first["control"],
        "difference": 0.0,
        "replicates": int(part["replicates"].max()),
        "verdict": "control",
    }


def _options(cells: pd.DataFrame) -> str:
    """The options of a strategy's cells; where tuning chose, the least and the largest."""
    found: dict[str, list[Any]] = {}
    for text in cells["options"]:
        for name, value in json.loads(text).items():
            found.setdefault(str(name), []).append(value)
    return ", ".join(f"{name} {_range(values)}" for name, values in found.items())


def _range(values: Sequence[Any]) -> str:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values) or len(set(numbers)) == 1:
        return " / ".join(dict.fromkeys(_said(value) for value in values))
    return f"{min(numbers):.3g} to {max(numbers):.3g}"


def _said(value: Any) -> str:  # noqa: ANN401 (JSON)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def strategy_class(record: Record, label: str) -> str:
    """``file.Class`` of a strategy; empty for what is none (a baseline)."""
    if label == NONE:
        return ""
    spec = record.about["config"]["strategies"].get(label)
    return str(spec["class"]).removeprefix(f"{HOME}.") if spec else ""


def setting(record: Record, dataset: str, model: str) -> dict[str, str]:
    """What the strategies of a board share, for people; two studies of one setting share a board.

    The options of data set, model, training and control, and the counts of the first split.
    """
    config, about = record.about["config"], record.about["datasets"][dataset]
    control = record.about["question"]["control"]
    counts = about["splits"][0]["counts"]
    parts: dict[str, Any] = {
        "data": config.get("datasets", {}).get(dataset, {}),
        "split": counts,
        "model": config.get("models", {}).get(model, {}),
        "training": config.get("training", {}),
        "tuning": _tuned(config.get("tuning") or {}),
        "control": {"name": control, **config["strategies"].get(control, {})},
    }
    return {name: ", ".join(_pairs(part)) for name, part in parts.items() if part}


def _tuned(section: Mapping[str, Any]) -> dict[str, Any]:
    """How much was tuned."""
    keys = ("trials", "trials_per_option", "rungs")
    return {key: section[key] for key in keys if section.get(key) is not None}


def _pairs(part: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in part.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{name}.")
        elif name not in ("class", "name", "path"):
            yield f"{name} {_said(value)}"
        elif name != "path":
            yield str(value)


def shipped() -> list[str]:
    """``file.Class`` of every strategy of this package, by name."""
    names = sorted(each.name for each in pkgutil.iter_modules(home.__path__))
    modules = {name: pkgutil.resolve_name(f"{HOME}.{name}") for name in names}
    return [
        f"{name}.{cls.__name__}"
        for name, module in modules.items()
        for cls in vars(module).values()
        if inspect.isclass(cls)
        and issubclass(cls, home.Strategy)
        and cls.__module__ == module.__name__
        and not inspect.isabstract(cls)
    ]


def data_folder(entry: Entry) -> Path:
    """Where the record of an entry goes on a site."""
    return Path("records") / entry.name
