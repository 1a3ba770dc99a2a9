"""A user's own classes are checked before the first job, each kind by its contract."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaebench import contracts
from vaebench.errors import ConfigError
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]

HEAD = """
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from vaebench.baselines import Recommender
from vaebench.datasets.planted import Planted
from vaebench.metrics.recall import Recall
from vaebench.models.mult_vae import MultVAE
from vaebench.strategies import Strategy
from vaebench.training.orders.joint import Joint
"""

GOOD = """
class Half(Strategy):
    def __init__(self, *, beta: Annotated[float, Field(ge=0)] = 0.5) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, stats):
        return torch.full_like(stats.rate[0, 0], self.beta)

class Deep(MultVAE):
    pass

class Wide(Recommender):
    '''Needs more items than a check has at first.'''

    def __init__(self, *, factors: int = 100) -> None:
        self.factors = factors

    def fit(self, x, random):
        if self.factors >= x.shape[1]:
            raise ValueError("more factors than items")
        self.means = np.asarray(x.mean(0), np.float32)

    def scores(self, fold_in):
        return self.means.repeat(fold_in.shape[0], 0)

    def parameters(self):
        return self.means.size

class Twice(Recall):
    pass

class Drawn(Planted):
    pass

class Order(Joint):
    pass
"""

BROKEN = {
    "strategies": (
        "class Half(Half):\n    def forward(self, stats):\n        return stats.step - 9.5\n",
        r"^strategies\.mine: Half: β is negative, -9\.5, at step 0",
    ),
    "models": (
        "class Deep(MultVAE):\n    def rate(self, x, q, z):\n        return q.mean\n",
        r"^models\.mine: Deep: ",
    ),
    "baselines": (
        GOOD.replace("np.float32", "np.float64"),
        r"^baselines\.wide: Wide: scores are float64",
    ),
    "metrics": (
        "class Twice(Recall):\n    def values(self, lists):\n        return lists.hits.sum(1)\n",
        r"^metrics\.mine: Twice: a user without targets has a value",
    ),
    "datasets": (
        "class Drawn(Planted):\n    def truth(self, parts):\n        return {'at': '/tmp/x'}\n",
        r"^datasets\.mine: Drawn: card.json names the place '/tmp/x'",
    ),
    "update_order": (
        "class Order(Joint):\n    def epoch(self, *x):\n        return [*super().epoch(*x)][1:]\n",
        r"^training\.update_order: Order: 2 updates of epoch 1 count",
    ),
}
"""Kind → a class that replaces the good one, and the sentence."""

SMALL = {"min_items_per_user": 0, "validation_users": 20, "test_users": 20}
STUDY: dict[str, Any] = {
    "name": "own",
    "seeds": 1,
    "control": "mine",
    "training": {"epochs": 1, "update_order": {"class": "own_classes.Order"}},
    "datasets": {
        "mine": {
            "class": "own_classes.Drawn",
            "users": 150,
            "importance_samples": 2,
            "split": SMALL,
        }
    },
    "models": {"mine": {"class": "own_classes.Deep", "hidden": 8, "latents": 3}},
    "strategies": {"mine": {"class": "own_classes.Half", "beta": 0.2}},
    "baselines": {"wide": {"class": "own_classes.Wide"}},
    "metrics": {"mine": {"class": "own_classes.Twice", "k": 5, "epoch": "last"}},
    "grid": [{"dataset": "mine", "model": "mine", "strategies": ["mine"]}],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("own_classes", None)


def write(folder: Path, classes: str) -> None:
    (folder / "own_classes.py").write_text(HEAD + classes, encoding="utf-8")


def test_good_classes_of_every_kind_pass(folder: Path) -> None:
    write(folder, GOOD)
    check(Plan(STUDY))
    assert not (folder / "results").exists()


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_class_ends_before_any_job(folder: Path, kind: str) -> None:
    classes, sentence = BROKEN[kind]
    write(folder, f"{GOOD}\n{classes}")
    with pytest.raises(ConfigError, match=sentence) as found:
        check(Plan(STUDY))
    assert "\n" not in str(found.value)
    assert "allowed: " in str(found.value)


def test_a_wrong_option_of_ones_own_class_names_its_key(folder: Path) -> None:
    write(folder, GOOD)
    study = STUDY | {"strategies": {"mine": {"class": "own_classes.Half", "betta": 1}}}
    with pytest.raises(ConfigError, match=r"^strategies\.mine\.betta: unknown key; allowed: beta"):
        check(Plan(study))


def test_a_class_that_raises_is_one_sentence(folder: Path) -> None:
    write(
        folder,
        GOOD + "class Half(Strategy):\n    def forward(self, stats):\n        return 1 / 0\n",
    )
    study = STUDY | {"strategies": {"mine": {"class": "own_classes.Half"}}}
    with pytest.raises(ConfigError, match=r"^strategies\.mine: Half: ZeroDivisionError: division"):
        check(Plan(study))


def test_the_packages_own_classes_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have tests: a plan of them asks for no contract."""
    for name in contracts.__all__:
        if name.startswith("check_"):
            monkeypatch.setattr(contracts, name, lambda *_, name=name, **__: pytest.fail(name))
    check(Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))))


NEGATIVE = """
class Half(Strategy):
    def forward(self, stats):
        return -stats.rate.new_ones(())
"""

ATTRIBUTES = """
class Half(Strategy):
    seen = 1

    def forward(self, stats):
        return stats.rate.new_ones(()) / self.seen

    def update(self, stats):
        self.seen += 1
"""


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (NEGATIVE, "strategies.mine: Half: β is negative, -1,"),
        (ATTRIBUTES, "strategies.mine: Half: attribute 'seen' is state"),
    ],
    ids=["negative", "attributes"],
)
def test_the_dry_run_stops_with_one_sentence(tmp_path: Path, strategy: str, sentence: str) -> None:
    write(tmp_path, strategy)
    study = {
        "name": "own",
        "seeds": 1,
        "control": "mine",
        "tracking": {"enabled": False},
        "datasets": {"digits": {"class": "digits.Digits"}},
        "models": {"mlp": {"class": "image_mlp.ImageMLP"}},
        "strategies": {"mine": {"class": "own_classes.Half"}},
        "grid": [{"dataset": "digits", "model": "mlp", "strategies": ["mine"]}],
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "study.yaml"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert sentence in said
    assert "Traceback" not in said
    assert not list((tmp_path / "results").rglob("config.json"))
