"""Do rungs choose as well as whole trials? Each trial is trained whole, once: its trace tells.

    python benchmarks/rungs.py train ml-1m traces.json  # minutes; goes on where it was stopped
    python benchmarks/rungs.py read traces.json [traces.json]

The validation metric at an earlier epoch of a whole training is that of a rung which ends there, to
the bit. So one training a trial tells what whole trials choose and what any rungs would choose.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaebench.cells import vae
from vaebench.datasets.fetch import local_file
from vaebench.search import WEIGHT
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials
from vaebench.study.tuning import Rungs
from vaebench.training.data import Data

DATA: dict[str, dict[str, Any]] = {
    "ml-1m": {
        "class": "movielens.MovieLens",
        "release": "ml-1m",
        "split": {"min_items_per_user": 5, "validation_users": 750, "test_users": 750, "seed": 7},
    },
    "lastfm": {
        "class": "lastfm.LastFM",
        "split": {"min_users_per_item": 10, "validation_users": 200, "test_users": 200, "seed": 7},
    },
}
DATA["lastfm-2"] = {  # another split, another design: to confirm what the others suggest
    "class": "lastfm.LastFM",
    "split": {"min_users_per_item": 10, "validation_users": 200, "test_users": 200, "seed": 8},
}
TRAINING = {"epochs": 36, "learning_rate": 2e-3, "precision": "bfloat16", "device": "cpu"}
BATCH = {"ml-1m": 500, "lastfm": 250, "lastfm-2": 250}
STRATEGIES: dict[str, dict[str, Any]] = {
    "constant": {"class": "constant.Constant"},
    "linear .855": {"class": "linear.Linear", "warmup": 0.855},
    "cyclical": {"class": "cyclical.Cyclical"},
    "free-bits": {"class": "free_bits.FreeBits"},
    "user-scaled": {"class": "user_scaled.UserScaled"},
    "step .5": {"class": "step.Step"},
}
OPTIONS = {
    "constant": ["beta"],
    "linear .855": ["cap"],
    "cyclical": ["cap"],
    "free-bits": ["floor"],
    "user-scaled": ["gamma"],
    "step .5": ["after"],
}
METRIC = "validation_ndcg@100"
SHAPES = {
    "9 → 6 → 2 at 1/9, 2/9, 1": Rungs(),
    "9 → 3 → 1 at 1/9, 1/3, 1": Rungs(training=["1/9", "1/3", 1], trials=[1, "1/3", "1/9"]),
    "9 → 3 → 1 at 1/6, 1/2, 1": Rungs(training=["1/6", "1/2", 1], trials=[1, "1/3", "1/9"]),
    "9 → 3 → 1 at 1/4, 1/2, 1": Rungs(training=["1/4", "1/2", 1], trials=[1, "1/3", "1/9"]),
    "9 → 3 → 2 at 1/9, 1/3, 1": Rungs(training=["1/9", "1/3", 1], trials=[1, "1/3", "2/9"]),
    "9 → 4 → 2 at 1/9, 1/4, 1": Rungs(training=["1/9", "1/4", 1], trials=[1, "4/9", "2/9"]),
    "9 → 3 at 1/9, 1": Rungs(training=["1/9", 1], trials=[1, "1/3"]),
    "9 → 2 at 1/6, 1": Rungs(training=["1/6", 1], trials=[1, "2/9"]),
    "9 → 2 at 1/9, 1": Rungs(training=["1/9", 1], trials=[1, "2/9"]),
}


def study(name: str, mean: float) -> Plan:
    """A study whose only use is its trials; ``mean``: interactions of a user."""
    names = {key: key.replace(" .", "-") for key in STRATEGIES}
    gamma = {"low": WEIGHT.low / mean, "high": WEIGHT.high / mean, "log": True}
    return Plan(
        {
            "name": "rungs",
            "seeds": 1,
            "control": "constant",
            "training": {**TRAINING, "batch_size": BATCH[name]},
            "datasets": {name: DATA[name]},
            "models": {"mult-vae": {"class": "mult_vae.MultVAE"}},
            "strategies": {names[key]: spec for key, spec in STRATEGIES.items()},
            "tuning": {
                "trials_per_option": 9,
                "options": {names[key]: options for key, options in OPTIONS.items()},
                "space": {"user-scaled": {"gamma": gamma}},
            },
            "grid": [{"dataset": name, "model": "mult-vae", "strategies": list(names.values())}],
        }
    )


def train(name: str, out: Path) -> None:
    """Train every trial whole and write its trace; what is there already is not trained."""
    done = json.loads(out.read_text()) if out.exists() else {}
    dataset = study(name, 1).dataset(name)
    with tempfile.TemporaryDirectory() as folder:
        split = Path(folder)
        found = local_file(dataset, Path(sys.argv[0]).resolve().parents[1] / "../shared/data")
        found = found or local_file(dataset, study(name, 1).local_folder())
        dataset.write_split(found[1] if found else None, split, {})
        rows = Data(split, torch.device("cpu")).train()
        mean = float(rows.lengths.float().mean())
        trials = Trials(study(name, mean))
        for key, group in trials.groups.items():
            for number, (cell,) in enumerate(trials.cells(key)):
                label = f"{key}/{number}"
                if label in done:
                    continue
                start = time.process_time()
                fitted = vae.fit(vae.prepare(vae.resolve(trials.cell(cell).spec), split))
                done[label] = {
                    "settings": group.trials[number],
                    "scores": [row[METRIC] for row in fitted.trace],
                    "beta": [row["beta"] for row in fitted.trace],
                    "status": fitted.status,
                    "seconds": time.process_time() - start,
                    "mean": mean,
                }
                out.write_text(json.dumps(done))
                best = max(done[label]["scores"], default=None)
                print(label, group.trials[number], best, f"{done[label]['seconds']:.1f} s")


def chosen(scores: np.ndarray, rungs: Rungs) -> tuple[int, float]:
    """The trial that rungs choose of ``scores``, (trials, epochs), and its cost in trainings."""
    trials, epochs = scores.shape
    best = np.maximum.accumulate(scores, axis=1)
    alive, cost, before = list(range(trials)), 0.0, 0
    for until, places in zip(rungs.until(epochs), rungs.places(trials), strict=True):
        alive = alive[:places]
        cost += len(alive) * (until - before) / epochs
        alive.sort(key=lambda trial: (-best[trial, until - 1], trial))
        before = until
    return alive[0], cost


def read(files: list[Path]) -> None:
    """Print, for each shape of rungs, what its choice costs and loses against whole trials."""
    groups: dict[str, list[list[float]]] = {}
    for file in files:
        for label, trial in json.loads(file.read_text()).items():
            groups.setdefault(label.rpartition("/")[0], []).append(trial["scores"])
    tables = {key: np.array(rows) for key, rows in groups.items()}
    for shape, rungs in SHAPES.items():
        print(f"\n{shape}")
        lost, costs = {}, []
        for key, scores in tables.items():
            trial, cost = chosen(scores, rungs)
            whole = scores.max(axis=1)
            lost[key] = whole.max() - whole[trial]
            costs.append(cost)
            print(
                f"  {key}: best {whole.argmax()} {whole.max():.4f}, rungs {trial} "
                f"{whole[trial]:.4f}, lost {lost[key]:.4f}"
            )
        saving = Fraction(9) / Fraction(statistics.mean(costs)).limit_denominator(1000)
        print(
            f"  mean lost {statistics.mean(lost.values()):.5f}, worst {max(lost.values()):.4f}; "
            f"{statistics.mean(costs):.2f} trainings, {float(saving):.2f} times fewer than whole"
        )


def main() -> None:
    """Train, or read what was trained."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["train", "read"])
    parser.add_argument("arguments", nargs="+")
    given = parser.parse_args()
    if given.command == "train":
        train(given.arguments[0], Path(given.arguments[1]))
    else:
        read([Path(file) for file in given.arguments])


if __name__ == "__main__":
    main()
