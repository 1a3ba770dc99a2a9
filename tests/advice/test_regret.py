"""Regret: the best strategy has no bonus for having been picked, and advice is judged alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.advice.worlds import study, truth
from tests.records.conftest import made, world  # noqa: F401
from vaebench.advice import bench as benches
from vaebench.advice.prior import expected
from vaebench.advice.regret import (
    _Place,
    best_elsewhere,
    by_curves,
    from_records,
    main,
    over_units,
    regrets,
)
from vaebench.advice.trials import Trained
from vaebench.files import read_json
from vaebench.training.data import Data, HeldOut


def test_the_best_is_that_of_the_other_replicates() -> None:
    known = replace(
        study("a", replicates=3),
        scores={"constant": [0.3, 0.1, 0.1], "step": [0.25, 0.22, 0.22], "ease": [0.9] * 3},
        chosen={"constant": {"used": [1.0] * 3}, "step": {"used": [1.0] * 3}},
    )
    assert [best_elsewhere(known, place) for place in range(3)] == ["step", "step", "step"]
    assert regrets(known, known.scores["constant"]) == pytest.approx([-0.05, 0.12, 0.12])


def test_where_all_strategies_are_equal_nobody_has_regret() -> None:
    """The maximum over twenty of equal truth would be 1.9 standard deviations ahead."""
    rng = np.random.default_rng(0)
    names = {f"s{n}": 0.0 for n in range(20)}
    means = [
        regrets(known, known.scores["constant"]).mean()
        for known in (study("a", gains=names, noise=0.002, rng=rng) for _ in range(80))
    ]
    assert abs(np.mean(means)) < 3 * np.std(means, ddof=1) / np.sqrt(len(means))


def test_curves_say_what_another_beta_would_have_scored() -> None:
    known = study("a", -1.0, depth=0.02)
    for beta in (0.05, 0.1, 1.0):
        nearest = by_curves(known, beta)
        assert nearest == pytest.approx([float(truth(beta, -1.0, 0.02))] * 4, abs=0.003)


def test_advice_by_shape_is_good_where_optima_coincide_and_bad_where_they_do_not() -> None:
    same = [study(f"d{n}", -1.0, gains={"one": -0.02}, depth=0.02) for n in range(6)]
    table = from_records(same)
    shape = table[table["way"] == "shape"]
    assert shape["mean"].abs().max() < 0.003
    assert table.loc[table["way"] == "one", "mean"].to_numpy() == pytest.approx([0.02] * 6)
    apart = [study(f"d{n}", best, depth=0.05) for n, best in enumerate([-2, -2, -2, -2, 0.5])]
    lost = from_records(apart).set_index(["dataset", "way"])["mean"]
    assert lost["d4", "shape"] > 0.1
    total = over_units(from_records(apart)).set_index("way")
    assert total.loc["shape", "units"] == 5


def test_the_command_makes_the_table_of_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [world(tmp_path, f"d{n}", best=-0.5) for n in range(3)]
    main([*map(str, folders), "--out", str(tmp_path / "table.md")])
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "| d0 | shape | β" in shown
    assert "| shape | 3 |" in shown


def test_what_a_study_chose_gets_the_studys_own_score(made: Path) -> None:  # noqa: F811
    """Advice is trained and tested as the study's cells are, to the last bit."""
    known = replace(study("planted"), metric="ndcg@100")
    place = _Place(known, made)
    for replicate, cell in place.cells.items():
        summary = read_json(cell.folder.path / "summary.json")
        strategy = {k: v for k, v in cell.spec["strategy"].items() if k != "name"}
        score = place.score(Trained("constant", strategy), replicate)
        assert score == summary["test"]["ndcg@100"]
    slower = Trained("constant", strategy, training={"learning_rate": 1e-5})
    assert place.score(slower, replicate) != score


def test_advice_after_trials_leaves_the_test_part_shut(
    made: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(benches, "UPDATES", 9)
    monkeypatch.setattr(benches, "EPOCHS", (9, 9))
    opened = []
    real = Data.held_out

    def held_out(data: Data, part: str, classes: int | None = None) -> HeldOut:
        opened.append(part)
        return real(data, part, classes)

    monkeypatch.setattr(Data, "held_out", held_out)
    place = _Place(replace(study("planted"), metric="ndcg@100"), made)
    advised = place.after_trials(expected([], {"mean_n": 20.0}), 0, minutes=2)
    assert advised.score > 0
    assert set(opened) == {"validation"}
