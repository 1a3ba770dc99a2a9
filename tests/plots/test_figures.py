"""Every figure of a study: drawn, empty with a reason, the same bytes, fonts embedded."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.summaries import CONTROL, ORDER, TRUTHS, empty, frames
from vaebench import plots
from vaebench.captions import FIGURES
from vaebench.cells.folder import NONE
from vaebench.plots import answer
from vaebench.plots.palette import LINES, MARKERS, Look
from vaebench.plots.study import figures
from vaebench.report.figures import shown


def traces() -> pd.DataFrame:
    """Three epochs of every strategy on one data set."""
    rows = [
        {
            "dataset": "my_data",
            "model": "mult-vae",
            "strategy": name,
            "seed": seed,
            "updates": 10 * epoch,
            "selecting": "ndcg@100",
            "validation_elbo": -200 + epoch + seed,
            "validation_ndcg@100": 0.3 + 0.01 * epoch,
            "beta": 0.1 * epoch,
            "beta_q05": 0.1 * epoch,
            "beta_q95": 0.1 * epoch,
        }
        for name in ORDER
        for seed in (0, 1)
        for epoch in (1, 2, 3)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    plots.use_style()
    return frames() | {"traces": traces()}


def test_every_promised_figure_is_drawn(made: dict[str, pd.DataFrame]) -> None:
    drawn = figures(made, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)
    assert list(drawn) == list(FIGURES)
    for name, draw in drawn.items():
        axes = draw().axes
        assert any(axis.lines or axis.collections for axis in axes), name


def test_a_study_without_results_has_figures_that_say_so(made: dict[str, pd.DataFrame]) -> None:
    for name, draw in figures(empty(made), TRUTHS, [*ORDER, NONE], CONTROL, 0.95).items():
        (axis,) = draw().axes
        assert len(axis.texts) == 1, name
        assert not axis.axison


def test_one_seed_has_points_without_intervals(made: dict[str, pd.DataFrame]) -> None:
    bare = made["results"].assign(low=np.nan, high=np.nan)
    figure = figures(made | {"results": bare}, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["elbo"]()
    assert len(figure.axes[0].containers) == len(ORDER)
    assert not any(container.has_xerr for container in figure.axes[0].containers)


def test_figures_are_the_same_bytes_and_fonts_are_embedded_truetype(
    made: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    draw = figures(made, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["elbo"]
    for name in "ab":
        plots.save(draw(), tmp_path / f"{name}/elbo")
    for ending in ("pdf", "png"):
        one, two = ((tmp_path / name / f"elbo.{ending}").read_bytes() for name in "ab")
        assert one == two
    pdf = (tmp_path / "a/elbo.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_strategies_keep_their_look_and_none_share_it() -> None:
    many = [f"s{i}" for i in range(40)]
    look = Look(many)
    assert len({(look.colour(name), look.marker(name)) for name in many}) == 40
    assert len({(look.colour(name), str(look.line(name))) for name in many}) == 40
    assert Look(ORDER).palette == {name: Look(ORDER).colour(name) for name in ORDER}
    assert len(LINES) == len(MARKERS)


def test_the_critical_difference_diagram_prints_the_number_of_data_sets(
    made: dict[str, pd.DataFrame],
) -> None:
    figure = figures(made, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["ranks"]()
    titles = [" ".join(axis.get_title().split()) for axis in figure.axes]
    assert all(re.search(r"N = 5 data sets, CD = \d\.\d\d ranks", title) for title in titles)
    single = made["ranks"].assign(datasets=1, critical=np.nan, p_friedman=np.nan)
    alike = made["ranks"].assign(critical=made["ranks"]["rank"].max())
    for ranks, why in ((single, "too few data sets to tell ranks apart"), (alike, "no two")):
        lone = made | {"ranks": ranks}
        (axis,) = figures(lone, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["ranks"]().axes
        assert why in axis.texts[0].get_text()
        assert not shown("ranks", lone)


def test_what_is_far_below_is_named_at_the_edge(made: dict[str, pd.DataFrame]) -> None:
    """The others stay apart; nothing is left out in silence."""
    results = made["results"].copy()
    low = (results["strategy"] == ORDER[-1]) & (results["metric"] == "elbo")
    results.loc[low, ["mean", "low", "high"]] -= 1_000.0
    figure = figures(made | {"results": results}, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["elbo"]()
    for axis in figure.axes:
        assert len(axis.containers) == len(ORDER) - 1
        assert any("◂ -1" in text.get_text() for text in axis.texts)
        assert axis.get_xlim()[0] > -400


def test_many_strategies_by_activity_are_numbers(made: dict[str, pd.DataFrame]) -> None:
    rows = made["activity"].query("dataset == 'my_data' and strategy != @CONTROL")
    copies = [rows.assign(strategy=rows["strategy"] + f" {copy}") for copy in range(3)]
    many = pd.concat(copies, ignore_index=True)
    many.loc[many["strategy"] == many["strategy"][0], "p_holm"] = np.nan  # it is its control
    shown = many[many["metric"] == "ndcg@100"]
    figure = figures(made | {"activity": many}, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["activity"]()
    texts = [text.get_text() for text in figure.axes[0].texts]
    expected = [f"{row.difference:+.4f}{'*' * (row.p_holm < 0.05)}" for row in shown.itertuples()]
    assert sorted(texts) == sorted(expected)


def test_cells_without_a_rate_are_not_in_the_plane_and_far_ones_are_named(
    made: dict[str, pd.DataFrame],
) -> None:
    table = made["cells"].query("dataset == 'my_data'").assign(dataset="one")
    table.loc[table["strategy"] == ORDER[1], "rate"] = 900.0
    bare = table.assign(model="ease", strategy=NONE, rate=np.nan, distortion=np.nan)
    both = made | {"cells": pd.concat([table, bare], ignore_index=True)}
    figure = figures(both, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)["rate_distortion"]()
    (axis,) = [axis for axis in figure.axes if axis.axison]
    assert axis.get_title() == f"one, mult-vae\n{ORDER[1]}: rate 900 ▸"
    assert axis.get_xlim()[1] < 100


def test_over_data_sets_what_is_far_off_is_named_at_the_edge() -> None:
    means = {"a": 0.01, "b": 0.0, "c": -0.01, "d": 0.005, "zero": -9.0}
    rows = [
        {"strategy": name, "mean": mean, "joint_low": mean - 0.01, "joint_high": mean + 0.01}
        | {"predicted_low": mean - 0.02, "predicted_high": mean + 0.02}
        for name, mean in means.items()
    ]
    points = pd.DataFrame({"strategy": [*means], "difference": [*means.values()]})
    axis = answer.predicted(pd.DataFrame(rows), points, "").axes[0]
    assert [each.get_text() for each in axis.get_yticklabels()] == ["a", "d", "b", "c", "zero"]
    assert [each.get_text() for each in axis.texts] == ["◂ -9"]
    assert axis.get_xlim()[0] > -0.1
    assert len(axis.collections) == 2 * 4, "two intervals of each of the others"


def test_curves_have_a_panel_an_axis_and_a_line_a_unit() -> None:
    at = np.linspace(-2, 1, 5)
    parts = [
        pd.DataFrame({"axis": axis, "unit": unit, "at": at, "loss": (at - k) ** 2})
        for axis in ("β", "β / mean n_u")
        for k, unit in enumerate(("one", "two", "three"))
    ]
    axes = answer.curves(pd.concat(parts)).axes
    assert [axis.get_xlabel() for axis in axes] == ["β", "β / mean n_u"]
    assert all(len(axis.lines) == 3 for axis in axes)
    np.testing.assert_allclose(axes[0].lines[0].get_xdata(), 10**at)
    assert len(answer.curves(pd.DataFrame()).axes[0].texts) == 1


def test_units_stand_on_their_line_with_their_names() -> None:
    points = pd.DataFrame(
        {"unit": ["u", "v", "w", "x"], "x": [1.0, 2, 3, np.nan], "y": [1, 3, 5, 0]}
    )
    axis = answer.against(points, "x", "y", {"x": "size"}, 2.0).axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("size", "y")
    assert [each.get_text() for each in axis.texts] == ["u", "v", "w"]
    np.testing.assert_allclose(axis.lines[1].get_ydata(), [1, 5], atol=1e-9)
