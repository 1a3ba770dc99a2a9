"""A small study's frames, for the tests of tables, figures and pages."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

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

ROOT = Path(__file__).parents[1]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
STRATEGIES = {
    "constant": "constant.Constant",
    "linear": "linear.Linear",
    "cyclical": "cyclical.Cyclical",
    "sigmoid": "sigmoid.Sigmoid",
    "free-bits": "free_bits.FreeBits",
    "user-scaled": "user_scaled.UserScaled",
}
CONFIG |= {
    "confidence": 0.95,
    "margin": 0.01,
    "strategies": {name: {"class": path} for name, path in STRATEGIES.items()},
}
ORDER = list(STRATEGIES)
CONTROL = "constant"
TRUTHS: dict[str, dict[str, float]] = {"my_data": {"elbo": -150.25}, "more": {}}


def cells() -> pd.DataFrame:
    """Two data sets of a few cells each, one of them diverged."""
    random = np.random.default_rng(1)
    rows = [
        {
            "dataset": dataset,
            "model": "mult-vae",
            "strategy": name,
            "seed": seed,
            "status": "done",
            "reason": None,
            "rate": 10 + random.normal(),
            "distortion": 190 + random.normal(),
            "until": 7,
            "ended": "patience",
            "beta_selected": 0.2,
            "beta_last": 1.0,
            "active_units": 12 + seed,
            "seconds": 3.0,
            "device": "cpu",
        }
        for dataset in TRUTHS
        for name in ORDER
        for seed in range(4)
    ]
    rows[0] |= {"status": "diverged", "reason": "training diverged in epoch 3"}
    return pd.DataFrame(rows)


def frames() -> dict[str, pd.DataFrame]:
    """Six strategies, two metrics; ``linear`` is better by far, names need escaping."""
    return {name: frame.copy() for name, frame in _frames().items()}


@functools.cache
def _frames() -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(0)
    question = Question(ORDER, CONTROL, 0.95, 0.01)
    parts: dict[str, list[pd.DataFrame]] = {}
    for dataset in TRUTHS:
        for metric, level in (("ndcg@100", 0.4), ("elbo", -200.0)):
            values = {
                name: pd.DataFrame(
                    level * (1 + 0.01 * (name == "linear") * np.sign(level))
                    + 1e-4 * random.normal(size=(40, 4))
                )
                for name in ORDER
            }
            planned = dict.fromkeys(ORDER, 4) | {"sigmoid": 5}
            found = family(values, metric, question, planned=planned)
            sizes = pd.Series(np.arange(40) + 5)
            found["activity"] = by_activity(values, sizes, ORDER, CONTROL, 0.95)
            other = {"mult-dae": {ORDER[0]: values[ORDER[0]] * 1.02}}
            ease = {"ease": {NONE: values[ORDER[0]][[0]] * 0.97}}
            together = {"mult-vae": values, **other, **ease}
            found["models"] = between_models(
                together, {"ease"}, [*ORDER, NONE], CONTROL, 0.95, 0.01
            )
            for name, frame in found.items():
                model = {} if name == "models" else {"model": "mult-vae"}
                named = frame.assign(dataset=dataset, metric=metric, **model)
                parts.setdefault(name, []).append(named)
    made = {name: joined(some) for name, some in parts.items()}
    for name, keys in (("results", ["dataset", "model"]), ("models", ["dataset"])):
        made[name] = with_primary(made[name], keys, question).assign(selecting="NDCG@100")
    shown = ranking(made["results"])
    made |= {name: with_ranking(made[name], shown) for name in ("results", "activity")}
    over = [part.frames() for part in across(*five(made), ORDER, CONTROL, 0.95)]
    made |= {name: joined([part[name] for part in over]) for name in ACROSS_FRAMES}
    varied = pd.DataFrame(
        [("s", f"w{seed}", "f", "f", random.normal()) for seed in range(4)],
        columns=[*SOURCES, "value"],
    ).assign(data="d", model="m", strategy="s", training="{}", metric="elbo")
    table = cells()
    needed = made["components"][["dataset", "model", "metric"]].assign(
        difference=0.004,
        seeds_needed=[3.0, np.nan, 3.0, 7.0],
        seeds=4,
        detectable=0.001,
        contrasts=5,
        margin_reachable=0.002,
        margin_decided=0.003,
    )
    return made | {
        "seeds": needed,
        "diagnostics": diagnostics(table, ORDER),
        "variance": shares(varied, 0.95),
        "cells": table,
    }


def five(made: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Results and runs on five data sets, three of them like the first: enough to test ranks."""
    return [
        pd.concat(
            [
                made[name],
                *(made[name].query("dataset == 'my_data'").assign(dataset=d) for d in "abc"),
            ]
        )
        for name in ("results", "runs")
    ]


def empty(full: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The frames of a study of which no cell finished."""
    return {name: frame[:0] for name, frame in full.items()}
