"""A study of replicates in the real workflow: splits, cells, tables, mirror, archive."""

import contextlib
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.test_workflow import STUDY, Project
from vaebench.files import read_json
from vaebench.sharing.archive import pack
from vaebench.sharing.verify import verify

REPLICATED: dict[str, Any] = {
    **{key: STUDY[key] for key in ("name", "control", "models", "strategies")},
    "tracking": {"live": False},
    "replicates": 2,
    "training": STUDY["training"] | {"epochs": 1},
    "datasets": {
        "planted": STUDY["datasets"]["planted"],
        "given": {
            "class": "image_array.ImageArray",
            "path": "pictures.npz",
            "height": 4,
            "width": 4,
            "parts": {"train": "a", "test": "b"},
            "validation": 20,
        },
    },
    "baselines": {"popularity": {"class": "popularity.Popularity"}},
    "grid": [
        STUDY["grid"][0] | {"baselines": ["popularity"]},
        {"dataset": "given", "model": "mlp", "strategies": ["constant"]},
    ],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The whole study, run once."""
    project = Project(tmp_path_factory.mktemp("project"))
    random = np.random.default_rng(0)
    a, b = (random.integers(0, 2, size=(n, 16)).astype(float) for n in (80, 40))
    np.savez(project.folder / "pictures.npz", a=a, b=b)
    project.write(REPLICATED)
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_replicates_have_their_splits_and_a_published_one_is_shared(project: Project) -> None:
    """Raw files are found once; what each cell was trained on is its own replicate's."""
    cards = {
        str(path.relative_to(project.path("data")))
        for path in project.path("data").rglob("card.json")
    }
    assert cards == {
        "planted/replicate-0/card.json",
        "planted/replicate-1/card.json",
        "given/card.json",
    }
    assert len(list(project.path("data").rglob("raw.json"))) == 2
    users = [
        (project.path("data") / f"planted/replicate-{r}/test_users.txt").read_text() for r in (0, 1)
    ]
    assert users[0] != users[1]
    for r in (0, 1):
        for cell in ("mult-vae/constant", "popularity/none"):
            sealed = read_json(project.path(f"cells/planted/{cell}/seed-{r}/training.json"))
            assert (
                sealed["data"]
                == read_json(
                    project.path(f"cells/planted/mult-vae/user-scaled/seed-{r}/training.json")
                )["data"]
            )
    said = read_json(project.path("data/given/card.json"))["drawn_for"]
    assert said == "every replicate: the split is published and fixed"


def test_tables_are_of_replicates_and_users_are_nested(project: Project) -> None:
    """The contrast is the paired t on replicate means; the report says what was drawn."""
    results = pd.read_csv(project.path("tables/results.csv"))
    row = results[(results["strategy"] == "user-scaled") & (results["metric"] == "ndcg@100")]
    means = {
        (name, r): read_json(project.path(f"cells/planted/mult-vae/{name}/seed-{r}/summary.json"))[
            "test"
        ]["ndcg@100"]
        for name in ("constant", "user-scaled")
        for r in (0, 1)
    }
    differences = [means["user-scaled", r] - means["constant", r] for r in (0, 1)]
    assert row["difference"].item() == pytest.approx(np.mean(differences))
    error = np.std(differences, ddof=1) / np.sqrt(2)
    assert row["error_seeds"].item() == pytest.approx(error)
    splits = pd.read_csv(project.path("tables/splits.csv")).set_index("dataset")
    assert splits["common"]["planted"] == pytest.approx(30 / 150, rel=0.1)
    assert np.isnan(splits["common"]["given"])
    for name in ("tables/results.md", "tables/tables.tex", "report.html"):
        text = project.path(name).read_text()
        assert "Mean over 2 replicates" in text
        assert "drawn anew in every replicate" in text
        assert "published and fixed" in text
        assert "2 seeds" not in text
    assert "Two-way test and replicates' t, both" in project.path("verdict.txt").read_text()


def test_a_study_of_replicates_is_finished_verified_and_rescored(
    project: Project, tmp_path: Path
) -> None:
    """Nothing is left to do; the archive has all cards; test values follow from the weights."""
    again = project.snakemake("-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    packed = pack(project.path("."), tmp_path / "small.tar.gz")
    found = verify(packed, data=project.path("data"))
    assert found.differences == []
    card = project.path("data/planted/replicate-1/card.json")
    before = card.read_text()
    facts = json.loads(before)
    facts["protocol"]["seed"] += 1
    card.write_text(json.dumps(facts))
    try:
        assert verify(project.path(".")).differences
    finally:
        card.write_text(before)


def test_a_run_of_the_mirror_names_its_replicate(project: Project) -> None:
    """As a parameter, to compare by, and as a tag, to group by."""
    database = project.path("").parent / "mlflow.db"
    with contextlib.closing(sqlite3.connect(database)) as opened:
        for table in ("params", "tags"):
            query = f"SELECT value FROM {table} WHERE key = 'replicate'"  # noqa: S608 (our words)
            rows = opened.execute(query).fetchall()
            assert Counter(value for (value,) in rows) == {"0": 4, "1": 4}
        names = opened.execute("SELECT name FROM runs").fetchall()
    assert sum("· replicate 1" in name for (name,) in names) == 4
