"""Twenty-seven forgeries of a contribution, each of one thing, each sealed again by its forger.

Every one is refused with a sentence that names what was altered. Those of tables, figures and the
report are in ``test_verify``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from tests.sharing.conftest import edit, reseal
from vaebench.errors import VaebenchError
from vaebench.sharing.agreement import Agreement
from vaebench.sharing.verify import verify

CELL = "cells/planted/mult-vae/user-scaled/seed-0"
EASE = "cells/planted/ease/none/seed-0"
TRIAL = "tuning/trial-1/cells/planted/mult-vae/constant/seed-1000"
Forge = Callable[[Path], None]


@dataclass(frozen=True)
class Forgery:
    """What is altered, and what the refusal says.

    Attributes:
        alter: changes the folder of a study; digests follow.
        said: parts of the sentence that names it.
        rescored: it agrees with itself; only the weights and one's own data know better.
    """

    alter: Forge
    said: tuple[str, ...]
    rescored: bool = False


def json(name: str, *keys: str, to: Any) -> Forge:
    """Another value in a JSON file."""

    def alter(folder: Path) -> None:
        def change(content: Any) -> None:
            for key in keys[:-1]:
                content = content[key]
            assert keys[-1] in content
            assert content[keys[-1]] != to
            content[keys[-1]] = to

        edit(folder / name, change)

    return alter


def frame(name: str, change: Callable[[pd.DataFrame], None]) -> Forge:
    """Another value in a Parquet file."""

    def alter(folder: Path) -> None:
        table = pd.read_parquet(folder / name)
        change(table)
        table.to_parquet(folder / name, index=False)

    return alter


def one_user(table: pd.DataFrame) -> None:
    table.loc[table["ndcg@100"].idxmin(), "ndcg@100"] = 0.9


def two_users(table: pd.DataFrame) -> None:
    low, high = table["ndcg@100"].idxmin(), table["ndcg@100"].idxmax()
    column = table["ndcg@100"].copy()
    table.loc[low, "ndcg@100"], table.loc[high, "ndcg@100"] = column[high], column[low]


def one_user_and_the_mean(folder: Path) -> None:
    frame(f"{CELL}/test.parquet", one_user)(folder)
    mean = float(np.nanmean(pd.read_parquet(folder / CELL / "test.parquet")["ndcg@100"]))
    json(f"{CELL}/summary.json", "test", "ndcg@100", to=mean)(folder)


def weights(folder: Path) -> None:
    path = folder / CELL / "best.safetensors"
    save_file({name: value * 1.01 for name, value in load_file(path).items()}, path)


def renamed(folder: Path) -> None:
    """NDCG@100 passed off as another cut-off, in the summary and in the values."""

    def change(summary: Any) -> None:
        for of in (summary["test"], summary["metrics"]):
            of["ndcg@10"] = of.pop("ndcg@100")

    edit(folder / CELL / "summary.json", change)
    path = folder / CELL / "test.parquet"
    pd.read_parquet(path).rename(columns={"ndcg@100": "ndcg@10"}).to_parquet(path, index=False)


def everywhere(name: str, to: Any) -> Forge:
    """Another value in the study's own file and in its opening."""

    def alter(folder: Path) -> None:
        json("study.json", name, to=to)(folder)
        edit(folder / "opened.json", lambda opened: opened["registered"].update({name: to}))

    return alter


SUMMARY, TRAINING = f"{CELL}/summary.json", f"{CELL}/training.json"
FORGERIES = {
    "a user's value": Forgery(
        frame(f"{CELL}/test.parquet", one_user), (CELL, "summary.json says ndcg@100")
    ),
    "a mean": Forgery(json(SUMMARY, "test", "recall@20", to=0.9), (CELL, "says recall@20 0.9")),
    "the number of test users": Forgery(
        json(SUMMARY, "test_examples", to=29), (CELL, "summary.json is not of test.parquet")
    ),
    "users without a target": Forgery(
        json(SUMMARY, "test_without_target", to=3), (CELL, "says 3 without target")
    ),
    "the seed": Forgery(
        json(f"{CELL}/config.json", "seed", to=7),
        (CELL, "config.json: seed is 7, the study asks for 0"),
    ),
    "a strategy's option": Forgery(
        json(f"{CELL}/config.json", "strategy", "exponent", to=0.5),
        (CELL, "strategy.exponent is 0.5, the study asks for 1.0"),
    ),
    "the model's width": Forgery(
        json(f"{CELL}/config.json", "model", "hidden", to=600),
        (CELL, "model.hidden is 600, the study asks for"),
    ),
    "the length of training": Forgery(
        json(f"{CELL}/config.json", "training", "epochs", to=200),
        (CELL, "training.epochs is 200, the study asks for"),
    ),
    "a baseline's option": Forgery(
        json(f"{EASE}/config.json", "model", "l2", to=1.5), (EASE, "model.l2 is 1.5")
    ),
    "the split": Forgery(
        json("data/planted/card.json", "protocol", "test_users", to=29),
        ("data/planted", "protocol.test_users is 29, the study asks for 30"),
    ),
    "the data": Forgery(
        json("data/planted/card.json", "counts", "interactions", to=1),
        (CELL, "was trained on other data than data/planted/card.json"),
    ),
    "a metric's name": Forgery(renamed, (CELL, "describes other metrics than the study")),
    "which way a metric is better": Forgery(
        json(SUMMARY, "metrics", "ndcg@100", "better", to="lower"),
        (CELL, "describes other metrics than the study"),
    ),
    "when the test part was opened": Forgery(
        json("opened.json", "opened_at", to="2020-01-01T00:00:00Z"),
        ("planted/mult-vae/user-scaled/seed-0: was trained", "after the test part was opened"),
    ),
    "when a cell was tested": Forgery(
        json(SUMMARY, "test_started_at", to=1.6e9),
        ("planted/mult-vae/user-scaled/seed-0: was tested", "before the test part was opened"),
    ),
    "the registration's digest": Forgery(
        json("study.json", "registration", "digest", to="0" * 64),
        ("registration.digest", "is not that of what is registered"),
    ),
    "the margin after the opening": Forgery(
        everywhere("margin", to=0.5), ("registration.digest", "is not that of what is registered")
    ),
    "what was registered": Forgery(
        json("opened.json", "registered", "hypotheses", "any", "text", to="Ease is better."),
        ("opened.json: is not of this registration",),
    ),
    "the versions": Forgery(
        json(SUMMARY, "versions", "torch", to="1.0"),
        (CELL, "summary.json and training.json say another versions"),
    ),
    "the selected epoch": Forgery(
        json(TRAINING, "selected", "epoch", to=1), (CELL, "epoch 1 is not the best by")
    ),
    "the β of an epoch": Forgery(
        frame(f"{CELL}/trace.parquet", lambda table: table.__setitem__("beta", 0.5)),
        (CELL, "is not the best by validation_ndcg@100 of trace.parquet"),
    ),
    "the score of a trial": Forgery(
        frame(f"{TRIAL}/trace.parquet", lambda t: t.__setitem__("validation_ndcg@100", 0.99)),
        (TRIAL, "of trace.parquet"),
    ),
    "the choice of tuning": Forgery(
        json("tuning/planted/mult-vae/constant.json", "score", to=0.99),
        ("tuning/planted/mult-vae/constant.json: does not follow from the trials",),
    ),
    "a user's value and the mean": Forgery(
        one_user_and_the_mean,
        (CELL, "test.parquet: ndcg@100 is not what the weights gives"),
        rescored=True,
    ),
    "two users' values": Forgery(
        frame(f"{CELL}/test.parquet", two_users),
        (CELL, "test.parquet: ndcg@100 is not what the weights gives"),
        rescored=True,
    ),
    "a latent's statistics": Forgery(
        json(SUMMARY, "latents", "mutual_information", to=3.0),
        (CELL, "summary.json: mutual_information is not what the weights gives"),
        rescored=True,
    ),
    "the weights": Forgery(
        weights, (CELL, "test.parquet: ndcg@100 is not what the weights gives"), rescored=True
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forgery_is_refused_by_its_name(what: str, study: Path, made: Path) -> None:
    forgery = FORGERIES[what]
    forgery.alter(study)
    reseal(study)
    try:
        found = _rescored(study, made) if forgery.rescored else verify(study).differences
    except VaebenchError as error:
        found = [str(error)]
    assert any(all(part in sentence for part in forgery.said) for sentence in found), found


def _rescored(study: Path, made: Path) -> list[str]:
    """What rescoring finds in a study whose files agree with each other.

    The tables are not made again: what a forger makes anew with them is in ``test_verify``.
    """
    agreement = Agreement(study)
    assert list(agreement._below()) == []
    return list(agreement.rescored(made / "data"))
