"""From records of worlds whose truth is known to tables and sentences; and the same bytes again."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.records.conftest import HYPOTHESES, world
from vaebench.errors import DataError
from vaebench.records import compared, foretold, said
from vaebench.records.check import differences
from vaebench.records.page import Results, write
from vaebench.records.schema import Record, read
from vaebench.statistics.layout import Layout

SPREADS = [0.6, 0.8, 1.0, 1.2, 1.5, 2.0]
GAINS = [0.004, 0.006, 0.008, 0.010, 0.013, 0.018]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seven data sets of six units: the gain of ``scaled`` grows with the spread of n_u."""
    home = tmp_path_factory.mktemp("records")
    found = []
    for place, (spread, gain) in enumerate(zip(SPREADS, GAINS, strict=True)):
        found.append(
            world(
                home,
                f"set-{place}",
                gains={"constant": 0.0, "scaled": gain},
                tilt=0.01,
                spread_n=spread,
                mean_n=10.0 * 2**place,
                best=-1.0 + 0.3 * place,
            )
        )
    found.append(world(home, "set-0b", gains={"constant": 0.0, "scaled": 0.2}, unit="set-0"))
    return found


@pytest.fixture(scope="module")
def records(folders: list[Path]) -> list[Record]:
    return [read(folder) for folder in folders]


@pytest.fixture(scope="module")
def results(records: list[Record]) -> Results:
    return Results(compared.together(records[:6]))


def test_worlds_are_records(folders: list[Path]) -> None:
    assert [differences(folder) for folder in folders] == [[]] * len(folders)


def test_a_difference_is_paired_by_replicate(records: list[Record], results: Results) -> None:
    (row,) = results.contrasts.query("dataset == 'set-2' and label == 'scaled'").itertuples()
    cells = (
        records[2].tables["metrics"].pivot_table(index="seed", columns="strategy", values="mean")
    )
    d = (cells["scaled"] - cells["linear"]).to_numpy()
    assert row.difference == pytest.approx(d.mean())
    assert row.error == pytest.approx(stats.sem(d))
    values = records[2].tables["examples"].set_index(["strategy", "seed"])["values"]
    block = np.column_stack([values["scaled", r] - values["linear", r] for r in range(4)])
    known = Layout.of(block.astype(float), common=0.05)
    assert row.p == pytest.approx(known.two_sided(), rel=1e-4)
    assert (row.low, row.high) == pytest.approx(known.interval(0.95), rel=1e-4)
    assert row.p_holm >= row.p


def test_one_test_part_is_crossed_with_the_seeds(records: list[Record]) -> None:
    one = records[2]
    about = one.about["datasets"]["set-2"]
    splits = [split | {"replicate": None} for split in about["splits"][:1]]
    alike = Record(one.about | {"datasets": {"set-2": about | {"splits": splits}}}, one.tables)
    (row,) = compared.contrasts([alike]).query("label == 'scaled'").itertuples()
    values = one.tables["examples"].set_index(["strategy", "seed"])["values"]
    block = np.column_stack([values["scaled", r] - values["linear", r] for r in range(4)])
    known = Layout.of(block.astype(float))
    assert row.p == pytest.approx(known.two_sided(), rel=1e-3)
    assert (row.low, row.high) == pytest.approx(known.interval(0.95), rel=1e-3)


def test_a_unit_of_several_data_sets_counts_once(records: list[Record]) -> None:
    found = Results(compared.together(records))
    (each,) = found.over
    assert len(each.units) == 6
    both = found.contrasts.query("label == 'scaled'").set_index("dataset")["difference"]
    known = [(both["set-0"] + both["set-0b"]) / 2, *both[[f"set-{k}" for k in range(1, 6)]]]
    rows = each.registered.set_index("strategy")
    assert rows.loc["scaled", "mean"] == pytest.approx(np.mean(known))
    half = stats.t.ppf(0.975, 5) * np.std(known, ddof=1) * math.sqrt(1 + 1 / 6)
    assert rows.loc["scaled", "predicted_high"] - np.mean(known) == pytest.approx(half)


def test_what_is_true_of_the_world_is_said(results: Results) -> None:
    assert set(results.answers) == set(HYPOTHESES)
    assert "decided for scaled" in results.answers["any"]
    assert "decided, it grows; one-sided permutation p 0.00" in results.answers["spread"]
    assert (
        "scaled: on 6 of 6 data sets (and models) the difference grows with n_u"
        in results.answers["users"]
    )
    assert "decided for mean_n" in results.answers["best"]
    # the best log β is −1 + log₁₀(n/10)·(.3/.301): after division by n all optima are one point
    assert "misses the best β by 0.0" in results.answers["best"]
    losses = results.frames()["tables/rules"].set_index("axis")["mean"]
    assert losses["β / mean n_u"] < 0.001 < losses["β"]


def test_few_units_have_no_headline(records: list[Record]) -> None:
    found = Results(compared.together(records[:3]))
    page = found.markdown()
    assert "Fewer than 5 units: no headline" in page
    assert "a new data set will show" not in page
    assert found.answers["any"] == "Fewer than 5 units: no headline."
    assert "| 0.50 |" in page


def test_what_was_explored_is_in_no_correction(tmp_path: Path) -> None:
    gains = {"constant": 0.0, "scaled": 0.02, "late": 0.05}
    folders = [
        world(tmp_path, f"set-{k}", gains=gains, registered=["constant", "scaled"])
        for k in range(5)
    ]
    folders.append(world(tmp_path, "seen", gains=gains, exploratory=["scaled"]))
    found = Results(compared.together([read(folder) for folder in folders]))
    (each,) = found.over
    rows = each.registered.set_index("strategy")
    assert set(rows.index) == {"constant", "scaled"}
    assert rows["units"].to_dict() == {"constant": 6, "scaled": 5}
    assert set(each.exploratory["strategy"]) == {"scaled", "late"}
    assert each.exploratory["p_holm"].isna().all()
    late = found.contrasts.query("label == 'late'")
    assert (late["verdict"] == "exploratory").all()
    assert late["p_holm"].isna().all()
    page = found.markdown()
    assert "scaled on all its data sets, some looked at before" in page


def test_the_same_records_give_the_same_bytes(folders: list[Path], tmp_path: Path) -> None:
    names = write(folders, tmp_path / "one")
    assert write(folders[::-1], tmp_path / "two") == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    day = "2026-09-22"
    wanted = {f"{day}.md", f"{day}/tables/over.csv", f"{day}/figures/curves.csv"}
    assert wanted <= set(names)
    assert len(pd.read_csv(tmp_path / "one" / day / "figures/gains_scaled.csv")) == 6
    assert f"{day}/figures/predicted_interactions_mult-vae.png" in names
    assert write(folders, tmp_path / "one", "named")[0] == "named.md"


def test_records_that_do_not_fit_are_refused(folders: list[Path]) -> None:
    one = read(folders[0])
    with pytest.raises(DataError, match="is there twice"):
        compared.together([one, one])
    other = Record(one.about | {"study": "other"}, one.tables)
    with pytest.raises(DataError, match="is registered in several records"):
        compared.contrasts([one, other])


def test_pictures_have_no_shape_and_a_lone_control_no_difference(
    records: list[Record], tmp_path: Path
) -> None:
    one = records[1]
    facts = one.about["datasets"]["set-1"]
    splits = [split | {"shape": None} for split in facts["splits"]]
    pictures = facts | {"kind": "images", "splits": splits}
    sample = one.tables["sample"].assign(interactions=None)
    nats = one.tables["metrics"].assign(mean=one.tables["metrics"]["mean"] - 100)
    tables = one.tables | {"sample": sample, "metrics": nats}
    found = Results([Record(one.about | {"datasets": {"set-1": pictures}}, tables)])
    assert "## Which β" not in found.markdown()
    assert found.over[0].ratios.empty  # of numbers below 0 there are none
    assert found.answers["best"] == "The records have too little for it."
    assert found.frames()["tables/datasets"]["kind"].tolist() == ["images"] * 2
    alone = world(tmp_path, "alone", gains={})
    with pytest.raises(DataError, match="no cell has a control beside it"):
        Results([read(alone)])


def test_a_hypothesis_that_was_changed_between_studies_is_seen(records: list[Record]) -> None:
    one = records[0]
    section = one.about["config"]["registration"]
    changed = section | {"hypotheses": {"any": {"kind": "statement", "text": "Else."}}}
    config = one.about["config"] | {"registration": changed}
    other = Record(one.about | {"study": "other", "config": config}, {})
    found = compared.hypotheses([*records, other])
    assert set(found) == {*HYPOTHESES, "other: any"}
    assert found["any"] == HYPOTHESES["any"] | {"kinds": ["interactions"]}


def test_a_sensitivity_analysis_is_shown_and_in_no_sum(
    records: list[Record], results: Results, tmp_path: Path
) -> None:
    one = read(world(tmp_path, "set-0", gains={"constant": 0.1, "scaled": 0.2}, best=1.0))
    config = {key: each for key, each in one.about["config"].items() if key != "registration"}
    beside = Record(one.about | {"study": "longer", "config": config, "opening": None}, one.tables)
    found = Results(compared.together([*records[:6], beside]))
    pd.testing.assert_frame_equal(found.over[0].registered, results.over[0].registered)
    pd.testing.assert_frame_equal(found.over[0].ratios, results.over[0].ratios)
    pd.testing.assert_frame_equal(found.optima, results.optima)
    assert "| longer: set-0 (ndcg@100) |" in found.markdown()
    assert len(found.contrasts) == len(results.contrasts) + 2


def test_the_chosen_beta_is_that_of_the_last_rung() -> None:
    """More training moves the optimum from 10⁻¹ to 10⁰; both, and the shift, are seen."""
    grid = np.linspace(-2, 1, 13)
    rows = [
        {"rung": rung, "log_beta": at, "score": -((at - best) ** 2), "replicate": replicate}
        for replicate in (0, 1)
        for rung, best, points in ((1, -1.0, grid), (2, 0.0, grid[8:]))
        for at in points
    ]
    found = pd.DataFrame(rows).assign(unit="u", dataset="d", beta=lambda rows: 10**rows.log_beta)
    found = found.assign(log_beta_per_n=found["log_beta"] - 2, log_rate_per_n=-1.0)
    (best,) = compared.optima(found).itertuples()
    assert (best.log_beta, best.shift, best.at_end) == (0.0, 1.0, 0.0)
    assert best.log_beta_per_n == -2.0
    each, _ = compared.rules(pd.concat([found, found.assign(unit="v")]), 0.95)
    assert each["best"].iloc[0] == pytest.approx(-1.0, abs=0.01), "curves are of one rung"
    lines = compared.losses(found).query("axis == 'β'")
    assert lines.loc[lines["loss"].idxmin(), "at"] == pytest.approx(-1.0, abs=0.06)


def test_what_a_rule_without_tuning_loses(tmp_path: Path) -> None:
    """Against an independent computation: from the cells' means, unit by unit, with t."""
    gains = [0.010, 0.020, 0.005, 0.012, 0.008, 0.018]
    folders = [
        world(
            tmp_path,
            f"set-{k}",
            gains={"constant": gain, "one": 0.5 * gain, "tuned": 0.03},
            registered=["constant", "one", "tuned"],
            fixed=["one"],
            unit="both" if k < 2 else f"set-{k}",
        )
        for k, gain in enumerate(gains)
    ]
    records = compared.together([read(folder) for folder in folders])
    found = Results(records)
    known = []
    for record in records:
        table = record.tables["metrics"].pivot_table(
            index="seed", columns="strategy", values="mean"
        )
        known.append((table["constant"] - table["one"]).mean())
    losses = [np.mean(known[:2]), *known[2:]]
    rules = found.untuned.set_index("rule")
    assert set(rules.index) == {"one", "linear"}, "the tuned ones are no rules"
    assert rules["tuned"].to_dict() == {"one": False, "linear": True}
    row = rules.loc["one"]
    assert (row["units"], row["mean"]) == (5, pytest.approx(np.mean(losses)))
    half = stats.t.ppf(1 - 0.05 / 2 / 2, 4) * stats.sem(losses)  # two rules
    assert row["joint_high"] - row["mean"] == pytest.approx(half)
    assert row["most"] == pytest.approx(max(losses))
    other = read(
        world(
            tmp_path, "pictures", gains={"constant": 0.2, "tuned": 0.1}, fixed=["tuned", "linear"]
        )
    )
    about = other.about["datasets"]["pictures"]
    facts = other.about | {"datasets": {"pictures": about | {"kind": "images"}}}
    both = compared.together([*records, Record(facts, other.tables)])
    more = compared.untuned(both, compared.contrasts(both), "constant", 0.95)
    assert not more.query("kind == 'interactions'")["rule"].isin(["tuned"]).any(), "fixed elsewhere"
    assert more.query("kind == 'images'").set_index("rule")["tuned"].to_dict() == {
        "tuned": False,
        "linear": False,
    }
    said_of = found.answers["rule"]
    assert (
        f"one loses least to the tuned constant on the test examples: {row['mean']:+.4f}" in said_of
    )


def test_new_data_sets_are_held_against_the_intervals(
    records: list[Record], tmp_path: Path
) -> None:
    like, far = {"constant": 0.0, "scaled": 0.01}, {"constant": 0.3, "scaled": 0.01}
    names = [world(tmp_path, "like", gains=like), world(tmp_path, "far", gains=far, unit="set-1")]
    before = Results(compared.together(records[:6]))
    found = Results(compared.together(records[:6]), [read(folder) for folder in names])
    table = found.foretold.set_index(["dataset", "strategy"])
    assert table["inside"].to_dict() == {
        ("like", "constant"): True,
        ("like", "scaled"): True,
        ("far", "constant"): False,
        ("far", "scaled"): True,
    }
    rows = found.over[0].registered.set_index("strategy")
    width = rows["predicted_high"] - rows["predicted_low"]
    assert table.loc[("far", "scaled"), "width"] == pytest.approx(width["scaled"])
    assert table["unrelated"].groupby("dataset").all().to_dict() == {"far": False, "like": True}
    pd.testing.assert_frame_equal(before.over[0].registered, found.over[0].registered)
    page = found.markdown()
    assert "| like | interactions, mult-vae | 2 of 2 (100%) |" in page
    assert "Together 3 of 4 pairs; of unrelated data sets 2 of 2." in page
    assert foretold.shares(found.foretold)["share"].tolist() == [1.0, 0.5]
    assert foretold.foretold((), found.contrasts).empty


def test_intervals_for_new_data_sets_hold_as_often_as_they_say() -> None:
    """300 studies of six units and a seventh: of one distribution, 95 % of the pairs are inside."""
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(300):
        d = 0.01 + 0.01 * rng.standard_normal(7) + 0.003 * rng.standard_normal(7)
        rows = [
            {"kind": "interactions", "measure": "", "block": "m", "dataset": f"d{k}", "sign": 1}
            | {"unit": f"d{k}", "label": "s", "difference": each, "error": 0.003}
            | {"registered": True}
            for k, each in enumerate(d)
        ]
        table = pd.DataFrame(rows)
        means = pd.DataFrame(columns=["dataset", "block", "strategy", "seed", "mean"])
        over = compared.over(table[:6], means, 0.95)
        inside += list(foretold.foretold(over, table[6:])["inside"])
    assert len(inside) == 300
    assert 0.91 <= np.mean(inside) <= 0.985  # .95 ± 3 standard errors


def test_the_answer_in_ten_lines_has_the_numbers_of_the_tables(
    results: Results, records: list[Record], tmp_path: Path
) -> None:
    lines = said.lines(results)
    assert 4 <= len(lines) <= 10
    assert len(" ".join(lines).split()) < 110, "the README has 900 words"
    row = results.over[0].registered.set_index("strategy").loc["scaled"]
    text = "\n".join(lines).replace("−", "-")
    assert f"better than the control scaled ({row['mean']:+.4f}); 0 worse, 1 undecided." in text
    assert f"scaled, {row['mean']:+.4f} [{row['joint_low']:+.4f}, {row['joint_high']:+.4f}]" in text
    assert f"[{row['predicted_low']:+.4f}, {row['predicted_high']:+.4f}]" in text
    assert "The best constant β: 0.1 to 3.2 by data set" in text
    few = "\n".join(said.lines(Results(compared.together(records[:3]))))
    assert "3 unrelated units: no headline below 5" in few
    assert "Best there" not in few
    page = tmp_path / "README.md"
    page.write_text(f"before\n{said.BEGIN}\nold\n{said.END}\nafter\n", encoding="utf-8")
    said.write(page, lines)
    said.write(page, lines)  # again: the same
    assert page.read_text(encoding="utf-8") == "\n".join(
        ["before", said.BEGIN, "", *lines, "", said.END, "after", ""]
    )


@pytest.mark.parametrize(
    "text", ["", said.BEGIN, said.END + said.BEGIN, 2 * (said.BEGIN + said.END)]
)
def test_a_readme_without_one_place_for_the_answer_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="has not one place for the answer"):
        said.put(text, ["- a line"])


def test_each_unit_is_foretold_by_the_others(results: Results) -> None:
    """Against an independent computation of one interval; and a unit far off is outside."""
    table = results.left_out.set_index(["unit", "strategy"])
    assert len(table) == 12
    row = table.loc[("set-2", "scaled")]
    mine = results.contrasts.query("label == 'scaled'").set_index("dataset")["difference"]
    others = mine.drop("set-2")
    half = stats.t.ppf(0.975, 4) * others.std() * math.sqrt(1 + 1 / 5)
    assert row["predicted_high"] == pytest.approx(others.mean() + half)
    assert row["inside"] == (abs(mine["set-2"] - others.mean()) <= half)
    far = results.contrasts.copy()
    far.loc[far["dataset"] == "set-2", "difference"] += 0.5
    moved = foretold.left_out(far, 0.95).set_index(["unit", "strategy"])["inside"]
    assert not moved[("set-2", "scaled")]
    assert moved.drop("set-2").all()
    assert foretold.left_out(results.contrasts.query("dataset < 'set-5'"), 0.95).empty
