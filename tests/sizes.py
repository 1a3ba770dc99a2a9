"""Studies of any size, for the looks of figures, pages and papers: names as long as people's."""

import functools

import numpy as np
import pandas as pd

from tests.summaries import CONFIG
from vaebench.cells.folder import NONE
from vaebench.statistics.activity import by_activity
from vaebench.statistics.diagnostics import diagnostics
from vaebench.statistics.measures import ranking
from vaebench.statistics.models import between_models
from vaebench.statistics.study import (
    ACROSS_FRAMES,
    Question,
    across,
    family,
    joined,
    with_primary,
    with_ranking,
)
from vaebench.statistics.variance import SOURCES, shares

SEEDS, EXAMPLES, EPOCHS = 4, 40, 12
SIZES = {"small": (2, 1), "wide": (24, 8)}
"""Name → strategies and data sets."""

MODEL = "mult-vae-with-a-wide-encoder"


def names(strategies: int, datasets: int) -> tuple[list[str], list[str]]:
    """Of strategies, the control first, and of data sets."""
    several = [f"user-scaled-free-bits-cyclical-{number}" for number in range(2, strategies + 1)]
    return ["constant", *several], [
        f"amazon-digital-music-5-core-{number}" for number in range(1, datasets + 1)
    ]


@functools.cache
def study(strategies: int, datasets: int) -> dict[str, pd.DataFrame]:
    """The frames of a study: the families of one data set, which all others repeat nearly.

    One strategy collapses: it is far below all others, with a rate of 0.
    """
    order, places = names(strategies, datasets)
    random, control = np.random.default_rng(0), order[0]
    question = Question(order, control, 0.95, 0.01)
    parts: dict[str, list[pd.DataFrame]] = {}
    for metric, level in (("ndcg@100", 0.4), ("elbo", -200.0)):
        effect = dict(zip(order, 0.003 * random.normal(size=strategies), strict=True))
        effect |= {control: 0.0, order[-1]: -0.5 if strategies > 2 else 0.01}
        values = {
            name: pd.DataFrame(
                level + abs(level) * (effect[name] + 1e-3 * random.normal(size=(EXAMPLES, SEEDS)))
            )
            for name in order
        }
        found = family(values, metric, question)
        if metric == "ndcg@100":
            sizes = pd.Series(np.arange(EXAMPLES) + 5)
            found["activity"] = by_activity(values, sizes, order, control, 0.95)
        ease = {"ease": {NONE: values[control][[0]] * 0.97}}
        other = {"mult-dae-with-a-wide-encoder": {control: values[control] * 1.02}}
        found["models"] = between_models(
            {MODEL: values, **other, **ease}, {"ease"}, [*order, NONE], control, 0.95, 0.01
        )
        for name, frame in found.items():
            model = {} if name == "models" else {"model": MODEL}
            parts.setdefault(name, []).append(frame.assign(metric=metric, **model))
    made = {
        name: joined([part.assign(dataset=d) for d in places for part in some])
        for name, some in parts.items()
    }
    for name, keys in (("results", ["dataset", "model"]), ("models", ["dataset"])):
        made[name] = with_primary(made[name], keys, question).assign(selecting="NDCG@100")
    shown = ranking(made["results"])
    made |= {name: with_ranking(made[name], shown) for name in ("results", "activity")}
    over = [each.frames() for each in across(made["results"], made["runs"], order, control, 0.95)]
    made |= {name: joined([part[name] for part in over]) for name in ACROSS_FRAMES}
    table = _cells(order, places)
    varied = pd.DataFrame(
        [("s", f"w{seed}", "f", "f", random.normal()) for seed in range(SEEDS)],
        columns=[*SOURCES, "value"],
    ).assign(data="d", model="m", strategy="s", training="{}", metric="elbo")
    needed = made["components"][["dataset", "model", "metric"]].assign(
        difference=0.004,
        seeds_needed=7.0,
        seeds=SEEDS,
        detectable=0.001,
        contrasts=strategies - 1,
        margin_reachable=0.002,
        margin_decided=0.003,
    )
    return made | {
        "seeds": needed,
        "diagnostics": diagnostics(table, order),
        "variance": shares(varied, 0.95),
        "cells": table,
        "traces": _traces(order, places),
    }


def config(strategies: int, datasets: int) -> dict[str, object]:
    """The configuration of :func:`study`."""
    order, places = names(strategies, datasets)
    return CONFIG | {
        "name": f"size-{strategies}-{datasets}",
        "control": order[0],
        "strategies": {name: {"class": "constant.Constant"} for name in order},
        "datasets": {name: {"class": "planted.Planted"} for name in places},
    }


def _cells(order: list[str], places: list[str]) -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = [
        {
            "dataset": dataset,
            "model": MODEL,
            "strategy": name,
            "seed": seed,
            "status": "done",
            "reason": None,
            "rate": (0.0 if name == order[-1] else 10 + place / 4) + random.normal() ** 2 / 9,
            "distortion": 190 - place / 4 + random.normal(),
            "until": 7,
            "ended": "patience",
            "beta_selected": 0.2,
            "beta_last": 1.0,
            "active_units": 12 + seed,
            "seconds": 3.0,
            "device": "cpu",
        }
        for dataset in places
        for place, name in enumerate(order)
        for seed in range(SEEDS)
    ]
    return pd.DataFrame(rows)


def _traces(order: list[str], places: list[str]) -> pd.DataFrame:
    epochs = np.arange(1, EPOCHS + 1)
    one = [
        pd.DataFrame(
            {
                "strategy": name,
                "seed": seed,
                "updates": 100 * epochs,
                "validation_ndcg@100": 0.4 - 0.3 / epochs - place / 200 + seed / 500,
                "validation_elbo": -200 - 100 / epochs - place + seed / 5,
                "beta": np.minimum(1, epochs / (place + 1)),
                "beta_q05": np.minimum(1, (epochs - 0.5) / (place + 1)),
                "beta_q95": np.minimum(1, (epochs + 0.5) / (place + 1)),
            }
        )
        for place, name in enumerate(order)
        for seed in range(SEEDS)
    ]
    first = pd.concat(one).assign(model=MODEL, selecting="ndcg@100")
    return pd.concat([first.assign(dataset=dataset) for dataset in places], ignore_index=True)
