"""A registered study of two replicates, made once; and records of worlds whose truth is known."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaebench.cells import baseline, test, vae
from vaebench.cells.opening import OPENED, open_tests, opening
from vaebench.files import write_json
from vaebench.records import schema
from vaebench.records.write import covariance
from vaebench.study.plan import Plan
from vaebench.study.registration import registered

STUDY: dict[str, Any] = {
    "name": "tiny",
    "replicates": 2,
    "control": "linear",
    "primary": "ndcg@100",
    "margin": {"ndcg@100": 0.002},
    "training": {"epochs": 1, "batch_size": 100, "device": "cpu"},
    "datasets": {
        "planted": {
            "class": "planted.Planted",
            "users": 150,
            "items": 110,
            "latents": 2,
            "importance_samples": 5,
            "split": {"min_items_per_user": 0, "validation_users": 20, "test_users": 30},
        }
    },
    "models": {"mult-vae": {"class": "mult_vae.MultVAE", "hidden": 8, "latents": 2}},
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "linear": {"class": "linear.Linear"},
        "user-scaled": {"class": "user_scaled.UserScaled"},
    },
    "baselines": {"popularity": {"class": "popularity.Popularity"}},
    "registration": {
        "field": ["constant", "user-scaled", "popularity"],
        "exploratory": {"planted": ["user-scaled"]},
        "hypotheses": {"any": {"kind": "difference", "text": "Some strategy differs."}},
    },
    "grid": [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "linear", "user-scaled"],
            "baselines": ["popularity"],
        }
    ],
}


def make(folder: Path) -> None:
    """The cells of :data:`STUDY`, as the rules of the workflow make them."""
    plan = Plan(STUDY | {"results": str(folder.parent)})
    section, metrics = plan.study.registration, plan.study.all_metrics
    assert section is not None
    write_json(folder / "study.json", plan.study.model_dump())
    for split in plan.splits():
        plan.split_of(split).write_split(None, split.path, {})
    fitted = [cell for cell in plan.cells.values() if cell.is_baseline]
    trained = [cell for cell in plan.cells.values() if not cell.is_baseline]
    for cell in trained:
        vae.run(cell.spec, plan.card(cell).parent, cell.folder.path)
    assert section.digest is not None
    open_tests(folder / OPENED, registered(plan.study), section.digest, len(trained))
    stamp = {"opened": opening(folder / OPENED)}
    for cell in trained:
        test.run(cell.folder.path, plan.card(cell).parent, metrics, samples=2, stamp=stamp)
    for cell in fitted:
        data = plan.card(cell).parent
        baseline.run(cell.spec, data, cell.folder.path, metrics, stamp=stamp)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the study; not to be changed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("recorded") / "tiny"
    make(folder)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    """A copy of the study, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "tiny"))


HYPOTHESES: dict[str, dict[str, Any]] = {
    "any": {"kind": "difference", "text": "Some strategy differs."},
    "users": {"kind": "activity", "strategy": "scaled", "text": "It depends on the user."},
    "spread": {
        "kind": "gain_grows",
        "strategy": "scaled",
        "shape": "spread_n",
        "text": "It grows with the spread.",
    },
    "best": {
        "kind": "best_beta",
        "strategy": "constant",
        "shapes": ["mean_n", "gini"],
        "text": "The mean of n_u predicts it.",
    },
    "rule": {"kind": "rule_of_thumb", "strategy": "constant", "text": "One β does."},
}
CONTROL = "linear"


def world(folder: Path, name: str, **known: Any) -> Path:
    """A record of one data set of a world: effects of strategies, and a best β, that are known.

    Args:
        folder: of all records.
        name: of study and data set.
        known: ``unit``, ``gains`` (strategy → difference to the control), ``tilt`` (what doubling
            n_u adds to ``scaled``), ``mean_n``, ``spread_n``, ``best`` (log₁₀ of the best β),
            ``users``, ``replicates``, ``registered``, ``exploratory``, ``fixed`` (not tuned).
    """
    gains: Mapping[str, float] = known.get("gains", {"constant": 0.0, "scaled": 0.0})
    replicates, users = known.get("replicates", 4), known.get("users", 50)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))
    names = [CONTROL, *gains]
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in schema.SCHEMAS}
    mean_n, best = known.get("mean_n", 50.0), known.get("best", 0.0)
    for seed in range(replicates):
        n = np.maximum(2, rng.lognormal(np.log(mean_n), 0.8, users)).round()
        base = 0.35 + 0.1 * rng.standard_normal(users)
        kept = np.arange(min(users, schema.MOST_EXAMPLES))
        sample = {"dataset": name, "seed": seed, "of": users, "example": kept}
        rows["sample"].append(sample | {"interactions": n[kept].astype(np.float32)})
        columns = {}
        for strategy in names:
            noise = 0.002 * rng.standard_normal() + 0.02 * rng.standard_normal(users)
            tilt = known.get("tilt", 0.0) * np.log2(n / mean_n) * (strategy == "scaled")
            gain = gains.get(strategy, 0.0)
            columns[strategy] = base + (gain + tilt + noise) * (strategy != CONTROL)
        for strategy, values in columns.items():
            cell = {"dataset": name, "model": "mult-vae", "strategy": strategy, "seed": seed}
            run = {"config": "0" * 64, "options": "{}", "epoch": 3, "updates": 30, "beta": 0.2}
            run |= {"rate": 20.0, "distortion": 300.0, "seconds": 5.0}
            times = {"started_at": 1.79e9, "tested_at": 1.79e9 + 9e3, "test_seconds": 1.0}
            counts = {"beta_last": 0.2, "examples": users, "without_target": 0}
            rows["cells"].append(cell | {"status": "done", "reason": None} | run | times | counts)
            about = {"metric": "ndcg@100", "examples": users, "reference": "mult-vae"}
            moments = {"mean": values.mean(), "variance": values.var(ddof=1)}
            moments["covariance"] = covariance(values, columns[CONTROL])
            rows["metrics"].append(cell | about | moments)
            few = {"metric": "ndcg@100", "values": values[kept].astype(np.float32)}
            rows["examples"].append(cell | few)
        for trial, log_beta in enumerate(np.linspace(-2, 1, 13)):
            cell = {"dataset": name, "model": "mult-vae", "strategy": "constant"}
            cell |= {"seed": 1000 + seed, "replicate": seed, "rung": None, "trial": trial}
            run = {"config": "0" * 64, "options": "{}", "epoch": 1, "updates": 10}
            run |= {"beta": float(10**log_beta), "rate": 20.0, "distortion": 300.0, "seconds": 1.0}
            score = 0.35 - 0.01 * (log_beta - best) ** 2
            rows["trials"].append(
                cell | {"status": "done"} | run | {"metric": "ndcg@100", "score": score}
            )
    schema.write(folder / name, _about(name, rows, known), rows)
    return folder / name


def _about(
    name: str, rows: Mapping[str, list[dict[str, Any]]], known: Mapping[str, Any]
) -> dict[str, Any]:
    section = {
        "field": known.get("registered", ["constant", "scaled"]),
        "exploratory": {name: known["exploratory"]} if "exploratory" in known else {},
        "hypotheses": HYPOTHESES,
    }
    text = json.dumps(section, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    opened = {"registration": digest, "opened_at": "2026-09-21T16:00:00Z", "trained": 12}
    shape = {"mean_n": known.get("mean_n", 50.0), "median_n": 30.0, "density": 0.01}
    shape |= {"spread_n": known.get("spread_n", 1.0), "items": 500.0, "gini": 0.6}
    counts = {"users": 1000, "test_users": 50, "interactions": 50_000}
    replicates = known.get("replicates", 4)
    splits = [
        {"replicate": r, "card": "0" * 64, "counts": counts, "shape": shape}
        for r in range(replicates)
    ]
    finished = len(rows["cells"])
    return {
        "study": name,
        "state": {"planned": finished, "finished": finished, "failed": {}, "missing": []},
        "measured": {"first": "2026-09-21T12:00:00Z", "last": "2026-09-22T12:00:00Z"},
        "seed_is": "replicate",
        "question": {"control": CONTROL, "confidence": 0.95, "margin": {"ndcg@100": 0.002}},
        "primary": {name: "ndcg@100"},
        "metrics": {
            "ndcg@100": {"unit": "", "better": "higher", "per": "example", "epoch": "selected"}
        },
        "config": {
            "strategies": {"constant": {"class": "constant.Constant"}},
            "tuning": {"fixed": known.get("fixed", [])},
            "registration": {**section, "digest": digest},
        },
        "opening": {**opened, "registered": section},
        "datasets": {
            name: {
                "kind": "interactions",
                "licence": "none",
                "cite": "",
                "source": {"name": name, "sha256": None},
                "protocol": None,
                "unit": known.get("unit", name),
                "splits": splits,
            }
        },
        "made_with": {"versions": [], "commits": [], "machines": []},
    }
