"""What was chosen on one data set, written down for another."""

from pathlib import Path

import pytest

from tests.study.test_answer_configs import FOLDER, SHARED
from vaebench.errors import DataError
from vaebench.files import write_json
from vaebench.study.chosen import chosen, main
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials
from vaebench.study.written import merged


def choice(study: Path, strategy: str, replicate: int, options: object, model: str = "m") -> None:
    file = study / f"tuning/caltech/{model}/{strategy}/seed-{replicate}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    found = None if options is None else {"strategy": options}
    names = {"dataset": "caltech", "model": model, "strategy": strategy}
    write_json(file, names | {"chosen": found})


def test_an_option_is_the_median_of_the_replicates(tmp_path: Path) -> None:
    for replicate, beta in enumerate((0.1, 4.0, 0.2)):
        choice(tmp_path, "constant", replicate, {"beta": beta})
        choice(tmp_path, "capacity", replicate, {"gamma": replicate, "target": 1 + beta})
    assert chosen(tmp_path) == {
        "constant": {"beta": 0.2},
        "capacity": {"gamma": 1, "target": 1.2},
    }


def test_a_study_with_them_tunes_nothing_and_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        **{name: ["cap"] for name in ("linear", "cosine", "cyclical")},
        **{name: ["target"] for name in ("pid", "soft-free-bits")},
        **{name: ["floor"] for name in ("free-bits", "example-free-bits")},
        "constant": ["beta"],
        "decreasing": ["start"],
        "step": ["after"],
        "capacity": ["gamma", "target"],
    }
    for strategy, names in options.items():
        choice(tmp_path, strategy, 0, dict.fromkeys(names, 0.25))
    main([str(tmp_path)])
    written = tmp_path / "chosen.yaml"
    written.write_text(capsys.readouterr().out, encoding="utf-8")
    plan = Plan(merged([SHARED["pictures"], FOLDER / "binarized-mnist.yaml", written]))
    assert not Trials(plan).groups
    assert plan.study.strategies["cosine"] == {"class": "cosine.Cosine", "cap": 0.25}
    assert plan.study.strategies["capacity"]["warmup"] == 0.5


def test_what_is_no_single_tuned_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no option of a strategy was chosen"):
        chosen(tmp_path)
    choice(tmp_path, "constant", 0, {"beta": 1})
    choice(tmp_path, "constant", 0, {"beta": 1}, model="other")
    with pytest.raises(DataError, match="2 data sets and models"):
        chosen(tmp_path)
    choice(tmp_path, "linear", 0, None)
    with pytest.raises(DataError, match="no trial of linear finished"):
        chosen(tmp_path)
