"""What a registration says, what its digest is of, and what is refused."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from vaebench.cells.opening import OPENED, open_tests, opening, seconds
from vaebench.errors import ConfigError, DataError
from vaebench.study.keys import read
from vaebench.study.plan import Plan
from vaebench.study.registration import digest, registered, unopened_or_same

REGISTRATION: dict[str, Any] = {
    "field": ["linear", "cyclical", "ease"],
    "exploratory": {"planted": ["cyclical"]},
    "hypotheses": {
        "late": {"kind": "difference", "strategy": "linear", "text": "It ranks otherwise."},
        "wide": {"kind": "gain_grows", "strategy": "linear", "shape": "spread_n", "text": "More."},
    },
}
STUDY: dict[str, Any] = {
    "name": "registered",
    "seeds": 2,
    "control": "constant",
    "primary": "ndcg@100",
    "margin": {"ndcg@100": 0.002, "elbo": 1.0},
    "training": {"epochs": 2},
    "datasets": {"planted": {"class": "planted.Planted", "users": 150, "items": 110}},
    "models": {"mult-vae": {"class": "mult_vae.MultVAE"}},
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "linear": {"class": "linear.Linear"},
        "cyclical": {"class": "cyclical.Cyclical"},
        "other": {"class": "linear.Linear", "cap": 0.3},
    },
    "baselines": {"ease": {"class": "ease.EASE"}, "popularity": {"class": "popularity.Popularity"}},
    "tuning": {"trials": 2, "fixed": ["constant", "other"]},
    "registration": REGISTRATION,
    "grid": [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "linear", "cyclical", "other"],
            "baselines": ["ease"],
        }
    ],
}


def with_(path: str, value: Any) -> dict[str, Any]:
    """The study with one key set; ``...`` removes it."""
    config = copy.deepcopy(STUDY)
    *parents, last = path.split(".")
    place: Any = config
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return config


DECIDES = {
    "the margin": ("margin", {"ndcg@100": 0.003}),
    "the seeds": ("seeds", 3),
    "the confidence": ("confidence", 0.9),
    "an option of the field": ("strategies.linear", {"class": "linear.Linear", "cap": 0.5}),
    "the control's options": ("strategies.constant", {"class": "constant.Constant", "beta": 0.5}),
    "the data": ("datasets.planted.users", 151),
    "the training": ("grid.0.training", {"epochs": 3}),
    "the trials": ("tuning.trials", 3),
    "a hypothesis": ("registration.hypotheses.late.text", "It ranks better."),
    "what is exploratory": ("registration.exploratory", {}),
    "the field": ("registration.field", ["linear", "cyclical"]),
}
FREE = {
    "where results are": ("results", "elsewhere"),
    "another metric's margin": ("margin", {"ndcg@100": 0.002}),
    "a further metric": ("metrics", {"coverage@20": {"class": "coverage.Coverage", "k": 20}}),
    "threads": ("resources", {"threads": 2}),
    "a strategy outside of the field": ("strategies.other.cap", 0.4),
    "fewer strategies outside of it": ("grid.0.strategies", ["constant", "linear", "cyclical"]),
    "a further baseline": ("grid.0.baselines", ["ease", "popularity"]),
    "how others are tuned": ("tuning.fixed", ["constant"]),
}


@pytest.mark.parametrize("what", DECIDES)
def test_the_digest_is_of_all_that_decides_a_number(what: str) -> None:
    assert digest(read(with_(*DECIDES[what]))) != digest(read(STUDY))


@pytest.mark.parametrize("what", FREE)
def test_what_decides_none_is_free(what: str) -> None:
    assert digest(read(with_(*FREE[what]))) == digest(read(STUDY))


def test_the_study_is_written_with_the_digest_and_read_back_with_it() -> None:
    study = read(STUDY)
    written = json.loads(json.dumps(study.model_dump()))
    assert written["registration"]["digest"] == digest(study)
    assert read(written) == study
    written["confidence"] = 0.9
    with pytest.raises(ConfigError, match=r"registration.digest: '.*' is not that of what is"):
        read(written)


WRONG = {
    "no primary metric": ("primary", ..., "primary: missing; a registration is about one metric"),
    "no margin for it": ("margin", {"elbo": 1.0}, "margin.ndcg@100: missing"),
    "an unknown name in the field": (
        "registration.field",
        ["linaer"],
        "registration.field: 'linaer' is not in the grid; allowed: constant, cyclical",
    ),
    "an unknown data set": (
        "registration.exploratory",
        {"ml-1m": ["linear"]},
        "registration.exploratory.ml-1m: no data set of the grid; allowed: planted",
    ),
    "exploratory without being in the field": (
        "registration.exploratory",
        {"planted": ["other"]},
        "registration.exploratory.planted: 'other' is not in the field",
    ),
    "a hypothesis of an unknown kind": (
        "registration.hypotheses.late.kind",
        "hunch",
        "registration.hypotheses.late.kind",
    ),
    "a hypothesis without what it needs": (
        "registration.hypotheses.wide.shape",
        ...,
        "registration.hypotheses.wide.shape: missing; gain_grows needs strategy, shape",
    ),
    "a hypothesis with what it cannot use": (
        "registration.hypotheses.late.shape",
        "gini",
        "registration.hypotheses.late.shape: unknown key for difference",
    ),
    "a hypothesis on a strategy outside of the field": (
        "registration.hypotheses.late.strategy",
        "other",
        "registration.hypotheses.late.strategy: 'other' is not in the field",
    ),
    "a misspelt key": ("registration.filed", ["linear"], "registration.filed: unknown key"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_registered_is_one_sentence(what: str) -> None:
    path, value, said = WRONG[what]
    with pytest.raises(ConfigError) as error:
        read(with_(path, value))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def opened(config: dict[str, Any], folder: Path) -> Plan:
    """The plan of a study whose test part was opened."""
    plan = Plan(config | {"results": str(folder)})
    section = plan.study.registration
    assert section is not None
    assert section.digest is not None
    open_tests(plan.folder / OPENED, registered(plan.study), section.digest, 8)
    return plan


def test_the_opening_is_written_once(tmp_path: Path) -> None:
    plan = opened(STUDY, tmp_path)
    path = plan.folder / OPENED
    first = path.read_bytes()
    said = json.loads(first)
    assert said["registered"]["field"] == REGISTRATION["field"]
    assert said["trained"] == 8
    assert opening(path) == {key: said[key] for key in ("registration", "opened_at")}
    assert abs(seconds(said["opened_at"]) - path.stat().st_mtime) < 2
    opened(STUDY, tmp_path)
    assert path.read_bytes() == first
    with pytest.raises(DataError, match="with another registration"):
        opened(with_("seeds", 3), tmp_path)
    assert path.read_bytes() == first
    path.write_text('{"registration": "x", "opened_at": "noon"}')
    with pytest.raises(DataError, match="is damaged"):
        opening(path)


def test_a_registration_that_changes_after_the_opening_is_refused(tmp_path: Path) -> None:
    place = {"results": str(tmp_path)}
    unopened_or_same(opened(STUDY, tmp_path))
    unopened_or_same(Plan(with_("resources", {"threads": 2}) | place))
    with pytest.raises(
        ConfigError, match=r"opened at .* with the registration .*, which is .* now"
    ):
        unopened_or_same(Plan(with_("seeds", 3) | place))
    with pytest.raises(ConfigError, match=r"which is none now"):
        unopened_or_same(Plan(with_("registration", ...) | place))


def test_what_was_tested_before_cannot_be_registered(tmp_path: Path) -> None:
    plan = Plan(STUDY | {"results": str(tmp_path)})
    unopened_or_same(plan)
    status = next(iter(plan.cells.values())).folder.file("status.json")
    status.parent.mkdir(parents=True)
    status.write_text("{}")
    with pytest.raises(ConfigError, match="was tested before anything was registered"):
        unopened_or_same(plan)
    unopened_or_same(Plan(with_("registration", ...) | {"results": str(tmp_path)}))
