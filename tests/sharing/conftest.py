"""A small study, made once for all tests here by the functions that the workflow calls."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.test_workflow import STUDY as WORKFLOW
from vaebench.cells import baseline, test, vae
from vaebench.cells.folder import SEALS
from vaebench.cells.opening import OPENED, open_tests, opening
from vaebench.files import read_json, write_json, write_text
from vaebench.images.measure import measure
from vaebench.plots.study import draw
from vaebench.report import page, pictures, published, tuning
from vaebench.seal import seal
from vaebench.sharing import archive
from vaebench.sharing.container import seal_study
from vaebench.statistics.tuning import choose, tried
from vaebench.study.plan import Cell, Plan
from vaebench.study.registration import registered
from vaebench.study.trials import Trials
from vaebench.tables import written

STUDY: dict[str, Any] = {
    **{key: WORKFLOW[key] for key in ("name", "control", "training", "datasets", "models")},
    "seeds": 2,
    "strategies": WORKFLOW["strategies"]
    | {
        "cyclical": {"class": "cyclical.Cyclical", "cap": 0.5},
        "searched": {"class": "constant.Constant", "beta": {"beta": "selected", "of": "cyclical"}},
    },
    "baselines": {"ease": {"class": "ease.EASE"}, "popularity": {"class": "popularity.Popularity"}},
    "tuning": {"trials": 2, "seeds": [1000], "training": {"epochs": 1}, "fixed": ["cyclical"]},
    "images": {"figures": ["bound", "reconstructions"]},
    "primary": "ndcg@100",
    "registration": {
        "field": ["user-scaled", "ease", "popularity", "cyclical", "searched"],
        "hypotheses": {"any": {"kind": "difference", "text": "Some strategy differs."}},
    },
    "grid": [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "user-scaled"],
            "baselines": ["ease", "popularity"],
        },
        {
            "dataset": "digits",
            "model": "mlp",
            "strategies": ["constant", "cyclical", "searched"],
            "seeds": 1,
        },
    ],
}


def make(folder: Path) -> None:
    """Cells, opening and documents of :data:`STUDY` in ``folder``."""
    plan = Plan(STUDY | {"results": str(folder.parent)})
    trials, section, metrics = Trials(plan), plan.study.registration, plan.study.all_metrics
    assert section is not None
    assert section.digest is not None
    write_json(folder / "study.json", plan.study.model_dump())
    for split in plan.splits():
        plan.split_of(split).write_split(None, split.path, {})
    for key in trials.groups:
        for (trial,) in trials.cells(key):
            train(plan, trials.cell(trial))
        rungs = [tried(**rung) for rung in trials.run(key)]
        found = choose(trials.groups[key].trials, rungs, trials.metric(key))
        write_json(folder / f"tuning/{key}.json", found)
    trained = [cell for cell in plan.cells.values() if not cell.is_baseline]
    for cell in trained:
        train(plan, cell, next((Path(path) for path in trials.choice_of(cell)), None))
    open_tests(folder / OPENED, registered(plan.study), section.digest, len(trained))
    stamp = {"opened": opening(folder / OPENED)}
    for path, cell in plan.cells.items():
        data, out = plan.card(cell).parent, cell.folder.path
        if cell.is_baseline:
            choice = next((Path(path) for path in trials.choice_of(cell)), None)
            done = baseline.run(cell.spec, data, out, metrics, stamp=stamp, choice=choice)
        else:
            done = test.run(out, data, metrics, samples=cell.samples, stamp=stamp)
        assert done["status"] == "done"
        if plan.has_pictures(path):
            measure(out, data, folder / "images/cells" / path, plan.study.images)
    document(folder)


def train(plan: Plan, cell: Cell, choice: Path | None = None) -> None:
    """Train one cell or trial, or fit the trial of a baseline."""
    stages = {name: folder.path for name, folder in cell.stages.items()}
    data, out = plan.card(cell).parent, cell.folder.path
    if cell.is_baseline:
        done = baseline.run(cell.spec, data, out, choice=choice)
    else:
        done = vae.run(cell.spec, data, out, stages=stages, choice=choice)
    assert done["status"] == "done"


def document(folder: Path) -> None:
    """Tables, figures, report and seal, as the rules of the workflow make them."""
    config = read_json(folder / "study.json")
    plan = Plan(config)
    trials, study = Trials(plan), plan.study
    cells = [folder / "cells" / path for path in plan.cells]
    cards = [str(split.card) for split in plan.splits()]
    tables, asked = folder / "tables", {"control": study.control, "confidence": study.confidence}
    written.write([str(cell) for cell in cells], cards, tables, plan.question())
    options = plan.published()
    published.write(cells, options, tables / "published.csv", tables / "published.md")
    frames = [str(path) for path in tables.glob("*.csv") if path.stem not in ("tuning", "images")]
    traces, index = tables / "traces.parquet", folder / "images/index.json"
    draw(frames, str(traces), cards, asked | {"order": plan.order}, folder / "figures")
    tuning.write(trials.choices(), plan.order, folder)
    asked |= {"options": config["images"], "order": list(study.strategies)}
    measured = [folder / "images/cells" / path for path in plan.cells if plan.has_pictures(path)]
    pictures.write(measured, traces, list(map(Path, cards)), asked, index, tables / "images.csv")
    given = {"frames": frames, "cards": cards, "images": [str(index)], "choices": trials.choices()}
    given |= {"figures": [str(folder / "figures/elbo.png")], "traces": [str(traces)]}
    out = {"page": "report.html", "paper": "paper/paper.tex", "numbers": "paper/numbers.tex"}
    page.write(config, given, {key: str(folder / name) for key, name in out.items()})
    seal_study(folder, cells)
    write_text(folder / "verdict.txt", f"all {len(cells)} cells finished\n")


def reseal(folder: Path) -> None:
    """What a forger does: digests that fit to the forged files."""
    for name, files in SEALS.items():
        for path in folder.rglob(name):
            there = [file for file in files if path.with_name(file).is_file()]
            write_json(path, read_json(path) | {"files": seal(path.parent, there)})
    seal_study(folder, [path.parent for path in folder.glob("cells/*/*/*/*/status.json")])


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file; ``change`` gets its content."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=2) + "\n")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the study, finished; not to be changed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("made") / "small"
    make(folder)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def packed(made: Path) -> Path:
    """Its archive; not to be changed."""
    return archive.pack(made)


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    """A copy of the study, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "small"))
