"""The page: it opens without a network and has everything."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.summaries import CONFIG, CONTROL, TRUTHS, empty, frames
from vaebench.captions import FIGURES
from vaebench.report.findings import both, findings, verdicts
from vaebench.report.page import PAIRS, page, verdict_first
from vaebench.report.paper import numbers, sentences
from vaebench.report.web import library
from vaebench.statistics.measures import Measure
from vaebench.tables import content


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return frames()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in FIGURES:
        (tmp_path / f"{name}.png").write_bytes(b"picture")
    return tmp_path


def test_it_opens_without_a_network(made: dict[str, pd.DataFrame], pictures: Path) -> None:
    html = page(CONFIG, made, TRUTHS, pictures)
    ours = html.replace(library(), "")
    assert len(ours) < len(html)
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", ours)
    assert "http" not in ours.replace("http://www.w3.org/2000/svg", ""), "a name, no address"
    assert ours.count("<img ") == len(FIGURES)
    for anchor in re.findall(r'href="#(\w+)"', ours):
        assert f'id="{anchor}"' in html


def test_it_has_all_tables_but_secondary_pairs(
    made: dict[str, pd.DataFrame], pictures: Path
) -> None:
    html = page(CONFIG, made, TRUTHS, pictures)
    grids = content.everything(made, TRUTHS, CONTROL, 0.95)
    pairs = [grid for grid in grids if grid.section == PAIRS]
    mains = [grid for grid in pairs if grid.metric == "ndcg@100"]
    assert (len(pairs), len(mains)) == (4, 2)
    assert html.count('<table class="data">') == 1 + len(grids) - len(pairs) + len(mains)


def test_the_answer_comes_first_and_the_rest_is_folded(
    made: dict[str, pd.DataFrame], pictures: Path
) -> None:
    html = page(CONFIG, made, TRUTHS, pictures)
    order = ["<h1>", 'class="sentence"', '<div class="chart"', "What to do", "<table", "<details"]
    places = [html.index(each) for each in order]
    assert places == sorted(places)
    assert html[: html.index("<details")].count("<table") == len(TRUTHS)


def test_the_verdict_stands_beside_the_names(made: dict[str, pd.DataFrame]) -> None:
    grids = content.everything(made, TRUTHS, CONTROL, 0.95)
    for grid in (grid for grid in grids if "verdict" in grid.head):
        moved = verdict_first(grid)
        assert moved.head.index("verdict") == (2 if "model" in grid.head else 1)
        for old, new in zip(grid.lines, moved.lines, strict=True):
            assert dict(zip(grid.head, old, strict=True)) == dict(zip(moved.head, new, strict=True))


def test_it_says_what_failed_and_how_it_was_made(
    made: dict[str, pd.DataFrame], pictures: Path
) -> None:
    html = page(CONFIG, made, TRUTHS, pictures)
    assert "1 of 48 cells failed" in html
    assert "training diverged in epoch 3" in html
    for what in ("Commit", "cores", "torch", "scipy", "learning_rate", "median s"):
        assert what in html, what
    assert re.search(r"<td>7</td><td>4</td>\s*</tr>", html), (
        "epochs, and how many trainings patience ended"
    )


def test_figures_with_nothing_to_show_are_left_out(
    made: dict[str, pd.DataFrame], pictures: Path
) -> None:
    bare = empty(made) | {"cells": made["cells"]}
    html = page(CONFIG, bare, TRUTHS, pictures)
    assert html.count("<table ") == 1
    for name in ("ranking", "activity", "ranks", "profiles"):
        assert FIGURES[name].split(":")[0].split("'")[0] not in html


def test_findings_name_who_differs(made: dict[str, pd.DataFrame]) -> None:
    found = findings(made["results"], made["models"], CONTROL, 0.95)
    assert found[0] == (
        "my_data, mult-vae, NDCG@100 against constant: better: linear; equal within the margin: "
        "cyclical, sigmoid, free-bits, user-scaled."
    )
    assert found[-1] == (
        "Crossed test and seeds' t, both; Holm-adjusted p < .05. Primary metrics alone: all others "
        "are secondary."
    )
    assert findings(made["results"][:0], made["models"][:0], CONTROL, 0.95) == []


def test_what_is_within_the_margin_is_not_better() -> None:
    names = pd.Series(list("abcde"))
    found = pd.Series(["higher", "higher, within margin", "lower", "undecided", "control"])
    assert verdicts(names, found) == (
        "better: a; worse: c; different, but equal within the margin: b; undecided: d"
    )
    less = Measure("gini", "Gini", higher=False)
    assert verdicts(names, found, less).startswith("better: c; worse: a;")


def test_verdict_sentences_speak_of_the_primary_metric(made: dict[str, pd.DataFrame]) -> None:
    results, models = (
        frame.assign(primary=frame["metric"] == "elbo")
        for frame in (made["results"], made["models"])
    )
    found = findings(results, models, CONTROL, 0.95)
    assert found[0].startswith("my_data, mult-vae, ELBO against constant: ")
    assert not any("NDCG" in sentence for sentence in found)


def test_a_metric_of_ones_own_has_sentences_and_tables(made: dict[str, pd.DataFrame]) -> None:
    results = made["results"].query("metric == 'ndcg@100'").assign(metric="gini")
    own = {"gini": Measure("gini", "Gini", higher=False)}
    found = findings(results, made["models"][:0], CONTROL, 0.95, own)
    assert "my_data, mult-vae, Gini against constant: worse: linear;" in found[0]
    assert "reaches Gini " in sentences(results, CONTROL, own)[0]
    assert "gini:mean" in numbers(results, CONTROL, own)


def test_what_was_registered_is_said_first() -> None:
    rows = pd.DataFrame(
        {
            "verdict": ["control", "higher", "undecided", "higher"],
            "registered": [None, True, True, False],
        }
    )
    names = pd.Series(["a", "b", "c", "d"])
    said = both(names, rows)
    assert said == "Registered: better: b; undecided: c. Exploratory: better: d"
    assert both(names, rows[["verdict"]]) == "better: b, d; undecided: c"
