"""Published numbers beside ours: does a base model reach its own paper?

The numbers are data (``published.yaml``). A number is compared with ours only on the very same
split, and only for cells whose resolved configuration has the values that the entry names.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict

from vaebench.cells.folder import CellFolder
from vaebench.cells.reading import Cells
from vaebench.files import read_json, write_frame, write_text
from vaebench.tables import Grid, number
from vaebench.tables.markdown import table as markdown_table
from vaebench.words import METRICS

TOLERANCE = 2.0
"""Standard errors by which a base model may differ from its paper before a warning."""


class Strict(BaseModel):
    """No unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Strict):
    """Where numbers stand in print."""

    title: str
    url: str | None


class Entry(Strict):
    """The numbers of one method on one split, from one source.

    Attributes:
        split: a name of ``splits``.
        method: its name in print.
        source: a name of ``sources``.
        ours: a name of ``ours``, the cells that it is compared with; None: printed alone.
        base: what a faithful implementation must reach.
        checked: False where quoted from memory.
        metrics: metric → value and the source's standard error over test users (None: not given).
    """

    split: str
    method: str
    source: str
    ours: str | None = None
    base: bool = False
    checked: bool = True
    metrics: dict[Literal["ndcg@100", "recall@20", "recall@50"], tuple[float, float | None]]


class Published(Strict):
    """The whole file."""

    sources: dict[str, Source]
    splits: dict[str, dict[str, Any]]
    ours: dict[str, dict[str, Any]]
    results: list[Entry]


@cache
def load() -> Published:
    """The numbers that come with the package."""
    text = resources.files("vaebench.report").joinpath("published.yaml").read_text(encoding="utf-8")
    return Published(**yaml.safe_load(text))


def has(given: object, wanted: object) -> bool:
    """Does ``given`` have every value that ``wanted`` names, at every depth?"""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            key in given and has(given[key], value) for key, value in wanted.items()
        )
    return given == wanted


def compare(
    folders: Sequence[Path], datasets: Mapping[str, Mapping[str, Any]], published: Published
) -> pd.DataFrame:
    """Every published number on a split of this study, with ours where there are such cells.

    Columns: ``dataset, method, source, checked, base, metric, published, published_se``; ``model,
    strategy, seeds, ours, ours_se`` (mean over users of the means over seeds, and its standard
    error over users); ``deviation`` = (ours − published)/s.e. with the source's standard error, or
    ours where it gives none.

    Args:
        folders: the study's cells.
        datasets: data set → class and all options, resolved.
        published: the numbers.
    """
    cells = Cells(folders)
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for folder in folders:
        name = CellFolder.parse(folder).names
        key = (name["dataset"], name["model"], name["strategy"])
        if key not in groups and read_json(folder / "status.json")["status"] == "done":
            groups[key] = read_json(folder / "config.json")
    rows = []
    for dataset, options in datasets.items():
        for entry in published.results:
            if not has(options, published.splits[entry.split]):
                continue
            wanted = published.ours[entry.ours] if entry.ours else None
            found = [
                (model, strategy)
                for (where, model, strategy), config in groups.items()
                if where == dataset and wanted is not None and has(config, wanted)
            ]
            for metric, (value, error) in entry.metrics.items():
                row = {
                    "dataset": dataset,
                    "method": entry.method,
                    "source": entry.source,
                    "checked": entry.checked,
                    "base": entry.base,
                    "metric": metric,
                    "published": value,
                    "published_se": math.nan if error is None else error,
                }
                rows += [
                    row | _ours(cells, dataset, model, strategy, metric, row)
                    for model, strategy in found
                ] or [row]
    columns = [
        *("dataset", "method", "source", "checked", "base", "metric", "published", "published_se"),
        *("model", "strategy", "seeds", "ours", "ours_se", "deviation"),
    ]
    return pd.DataFrame(rows, columns=columns)


def _ours(
    cells: Cells, dataset: str, model: str, strategy: str, metric: str, row: dict[str, Any]
) -> dict[str, Any]:
    """Our side of one row."""
    values = cells.values(dataset, model, metric)[strategy]
    by_user = values.mean(axis=1)
    error = by_user.std(ddof=1) / math.sqrt(len(by_user))
    against = error if math.isnan(row["published_se"]) else row["published_se"]
    return {
        "model": model,
        "strategy": strategy,
        "seeds": values.shape[1],
        "ours": by_user.mean(),
        "ours_se": error,
        "deviation": (by_user.mean() - row["published"]) / against,
    }


def warnings(table: pd.DataFrame) -> list[str]:
    """One sentence for every base model that is more than two standard errors from its source."""
    far = table[table["base"].astype(bool) & (table["deviation"].abs() > TOLERANCE)]
    return [
        f"{row.dataset}: {row.model}/{row.strategy} "
        f"{'falls short of' if row.deviation < 0 else 'exceeds'} the published {row.method} by "
        f"{abs(row.deviation):.1f} standard errors in {METRICS[row.metric]} "
        f"({number(row.ours, row.metric)}, published {number(row.published, row.metric)}; "
        f"{row.source}): conclusions about {row.model} may not carry over."
        for row in far.itertuples()
    ]


HEAD = ["method", "metric", "published", "s.e.", "ours", "s.e.", "deviation", "cells", "source"]


def body(table: pd.DataFrame) -> list[list[str]]:
    """The rows in print; ``*`` marks a number quoted from memory of its source."""
    lines = []
    for row in table.itertuples():
        line = [
            str(row.method),
            METRICS[row.metric],
            number(row.published, row.metric) + ("" if row.checked else "*"),
            number(row.published_se, row.metric),
        ]
        if pd.isna(row.ours):
            line += ["–", "–", "–", "–"]
        else:
            line += [
                number(row.ours, row.metric),
                number(row.ours_se, row.metric),
                f"{round(row.deviation, 1) + 0:+.1f} s.e.",  # + 0: no −0.0
                f"{row.model}/{row.strategy}, {row.seeds:.0f} seed{'s' * (row.seeds > 1)}",
            ]
        lines.append([*line, str(row.source)])
    return lines


CAPTION = (
    "Deviation: (ours − published) in the source's standard errors over test users, in ours where "
    "it gives none. Ours is the mean over seeds. * quoted from memory of the source."
)


SECTION = "Published numbers"


def grids(table: pd.DataFrame, published: Published) -> list[Grid]:
    """One table a data set; its caption has the warnings and the sources."""
    found: list[Grid] = []
    for dataset, rows in [] if table.empty else table.groupby("dataset", sort=False):
        used = dict.fromkeys(rows["source"])
        said = [f"Warning: {sentence}" for sentence in warnings(rows)]
        sources = [f"{name}: {reference(published, name)}" for name in used]
        caption = " ".join([*said, CAPTION, *sources])
        title = f"{dataset}: published numbers beside ours"
        found.append(Grid(SECTION, title, HEAD, body(rows), caption))
    return found


def markdown(table: pd.DataFrame, published: Published) -> str:
    """Warnings, one table a data set, and the sources."""
    if table.empty:
        return "No published numbers are known for the splits of this study.\n"
    parts = []
    for grid in grids(table, published):
        parts += [f"## {grid.title}\n", markdown_table(grid.head, grid.lines), f"{grid.caption}\n"]
    return "\n".join(parts)


def reference(published: Published, name: str) -> str:
    """A source in print."""
    source = published.sources[name]
    return f"{source.title}. {source.url}" if source.url else f"{source.title}."


def write(
    folders: Sequence[Path], datasets: Mapping[str, Mapping[str, Any]], table: Path, text: Path
) -> list[str]:
    """Write the comparison as CSV and Markdown; a sentence for each base model that misses."""
    numbers = load()
    compared = compare(folders, datasets, numbers)
    write_frame(table, compared)
    write_text(text, markdown(compared, numbers))
    return warnings(compared)
