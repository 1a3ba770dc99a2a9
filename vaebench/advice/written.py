"""The files of an advice: the study to go on with, the trials, the figure, all of it as JSON."""

import inspect
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import yaml

from vaebench.advice.advised import ONE, Advice, table
from vaebench.advice.bench import LONG, Bench
from vaebench.advice.columns import Layout
from vaebench.advice.reading import Reading
from vaebench.advice.trials import ANNEALED
from vaebench.datasets.protocol import Ratings
from vaebench.datasets.ratings_table import DELIMITERS, RatingsTable
from vaebench.files import whole, write_json, write_text

STUDY, TABLE = "study.yaml", "interactions.parquet"
MOST_HELD_OUT = 10_000
CUTOFF = "cutoff" in inspect.signature(RatingsTable.__init__).parameters
"""Whether a table of ratings can say the K of its NDCG."""

HEAD = """\
# What to go on with after `vaebench advise {file}`: the advised β against β = 1 and the published
# annealing, on splits, tuning and seeds that are all drawn anew.
#
#   vaebench plan {study}    what it will cost
#   vaebench run {study}
"""


def own_table(layout: Layout, reading: Reading) -> bool:
    """Whether a study needs a table of ours, since the file is not one that it can read itself."""
    if layout.delimiter is None:
        plain = True
    else:
        ending = Path(layout.path.stem if layout.path.suffix in (".gz", ".zip") else layout.path)
        plain = layout.skip == 1 and layout.delimiter != "::"
        plain &= layout.encoding == "utf8" and len(set(layout.names)) == len(layout.names)
        plain &= layout.path.suffix in (".gz", ".zip") or bool(ending.suffix)
    return not plain or reading.share < 1 or bool(reading.blank)


def dataset(layout: Layout, reading: Reading, bench: Bench, folder: Path) -> dict[str, Any]:
    """The data set of the study, as a configuration has it."""
    spec: dict[str, Any] = {"class": "ratings_table.RatingsTable"}
    if own_table(layout, reading):
        spec |= {"path": TABLE, "user": "user", "item": "item"}
        users = len(reading.ratings.user_ids)
    else:
        spec |= {"path": os.path.relpath(layout.path.resolve(), folder.resolve())}
        spec |= {"user": layout.user, "item": layout.item}
        if layout.rating is not None:
            spec |= {"rating": layout.rating, "threshold": layout.threshold}
        if reading.repeats:
            spec["repeats"] = "first" if layout.rating is None else "max"
        first = Path(layout.path.stem if layout.path.suffix in (".gz", ".zip") else layout.path)
        if layout.delimiter is not None and DELIMITERS.get(first.suffix) != layout.delimiter:
            spec["delimiter"] = layout.delimiter
        users = len(reading.of_users)
    protocol = bench.protocol
    active = bench.active(users)
    held_out = min(MOST_HELD_OUT, max(protocol.validation_users, active // 10))
    spec["split"] = {
        "min_items_per_user": protocol.min_items_per_user,
        "min_users_per_item": bench.rare,
        "validation_users": held_out,
        "test_users": held_out,
    }
    return spec


def study(advice: Advice, data: Mapping[str, Any], bench: Bench, name: str) -> dict[str, Any]:
    """The study: the advised way, β = 1 and the published annealing, four replicates."""
    assert advice.chosen is not None  # noqa: S101 (there is advice)
    ways: dict[str, Any] = {"published": ANNEALED, "one": ONE}
    if advice.chosen.name not in ways:
        ways["advised"] = advice.chosen.strategy
    ways["tuned"] = {"class": "constant.Constant"}
    own = advice.chosen.training
    together = [name for name in ways if name != "advised" or not own]
    config: dict[str, Any] = {
        "name": name,
        "replicates": 4,
        "control": "published",
        "primary": bench.metric,
        "training": dict(bench.training),
        "datasets": {"mine": dict(data)},
        "models": {"mult-vae": {"class": "mult_vae.MultVAE"}},
        "strategies": {name: _plain(spec) for name, spec in ways.items()},
        "baselines": {"ease": {"class": "ease.EASE"}},
        "tuning": {
            "trials_per_option": 9,
            "rungs": {"training": ["1/9", "2/9", 1], "trials": [1, "2/3", "2/9"]},
            "fixed": [each for each in ways if each != "tuned"],
        },
        "grid": [
            {
                "dataset": "mine",
                "model": "mult-vae",
                "strategies": together,
                "baselines": ["ease"],
            }
        ],
    }
    if own:
        block = {"dataset": "mine", "model": "mult-vae", "strategies": ["advised"]}
        config["grid"].append(block | {"training": dict(own)})
    if bench.k == LONG:
        return config
    if CUTOFF:
        config["datasets"]["mine"]["cutoff"] = bench.k
    else:
        config["metrics"] = {bench.metric: {"class": "ndcg.NDCG", "k": bench.k}}
        config["training"]["select"] = bench.metric
    return config


def write(
    folder: Path, layout: Layout, reading: Reading, bench: Bench, advice: Advice, lines: list[str]
) -> list[str]:
    """Write all files into ``folder``; returns their names.

    Raises:
        DataError: a file cannot be written.
    """
    rows = table(advice.tried)
    names = ["trials.csv", "advice.json"]
    with whole(folder / names[0]) as path:
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.6g")
    write_json(folder / names[1], _json(layout, reading, bench, advice, lines))
    if advice.chosen is None:
        return names
    _draw(folder / "advice", advice)
    names += ["advice.png", "advice.svg"]
    if bench.items <= LONG and not CUTOFF:  # a study ranks at least so deep
        return names
    data = dataset(layout, reading, bench, folder)
    if data["path"] == TABLE:
        _table(folder / TABLE, reading.ratings)
        names.append(TABLE)
    config = study(advice, data, bench, folder.resolve().name)
    head = HEAD.format(file=layout.path.name, study=folder / STUDY)
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None)
    write_text(folder / STUDY, head + text)
    return [*names, STUDY]


def _plain(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {k: float(v) if isinstance(v, np.floating) else v for k, v in spec.items()}


def _table(path: Path, ratings: Ratings) -> None:
    columns = {
        "user": pa.array(ratings.user_ids[ratings.users]),
        "item": pa.array(ratings.item_ids[ratings.items]),
    }
    with whole(path) as temporary:
        pa.parquet.write_table(pa.table(columns), temporary, compression="zstd")


def _json(
    layout: Layout, reading: Reading, bench: Bench, advice: Advice, lines: list[str]
) -> dict[str, Any]:
    chosen = advice.chosen
    return {
        "file": layout.path.name,
        "columns": {"user": layout.user, "item": layout.item, "rating": layout.rating},
        "threshold": layout.threshold,
        "rows": reading.rows,
        "shape": dict(advice.shape),
        "sub_sample": bench.said,
        "metric": advice.metric,
        "training": bench.training,
        "ended": advice.tried.ended,
        "advised": None if chosen is None else _plain(chosen.strategy),
        "training_of_its_own": None if chosen is None else chosen.training,
        "alike": advice.alike,
        "against": {
            name: {"mean": d.mean, "low": d.low, "high": d.high, "trainings": d.trainings}
            for name, d in advice.against.items()
        },
        "said": lines,
    }


def _draw(stem: Path, advice: Advice) -> None:
    from vaebench.plots import use_style  # noqa: PLC0415 (matplotlib, once trials are done)
    from vaebench.plots.advice import advice as drawn  # noqa: PLC0415

    use_style()
    whole_epochs = max(each.epochs for each in advice.tried.whole)
    best = [max(rung, key=lambda each: each.score) for rung in advice.tried.rungs if rung]
    points = [
        {
            "beta": each.strategy["beta"],
            "score": each.score,
            "error": _error(each.users - best[number].users),
            "rung": number,
            "share": max(e.epochs for e in rung) / whole_epochs,
            "chosen": each.epochs == whole_epochs
            and advice.chosen is not None
            and each.strategy == advice.chosen.strategy,
        }
        for number, rung in enumerate(advice.tried.rungs)
        for each in rung
    ]
    others = [e for e in advice.tried.whole if e.name != "constant" and not e.seed]
    closed = [advice.tried.closed] if advice.tried.closed else []
    levels = pd.DataFrame([{"name": e.name, "score": e.score} for e in [*others, *closed]])
    figure = drawn(pd.DataFrame(points), levels, advice.band, advice.metric)
    for ending, metadata in ((".png", None), (".svg", {"Date": None})):
        with whole(stem.with_suffix(ending)) as path:
            figure.savefig(path, metadata=metadata, dpi=144)


def _error(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else 0.0
