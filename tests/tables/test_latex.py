"""LaTeX: marks, escapes, and a real compiler."""

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.summaries import CONTROL, TRUTHS, empty, frames
from vaebench.tables import content, latex

ARTICLE = r"\documentclass{article}\usepackage[margin=1in]{geometry}\usepackage{booktabs}"


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return frames()


def test_the_best_is_bold_and_the_rest_is_marked(made: dict[str, pd.DataFrame]) -> None:
    text = latex.means(made["results"], CONTROL, 0.95)
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 4
    assert r"my\_data" in text
    first = text.split(r"\midrule")[1].splitlines()
    (best,) = (line for line in first if r"\textbf{" in line)
    assert best.startswith("linear")
    assert r"\rlap{$^{*}$}" in best
    assert r"\dagger" not in best


def test_the_not_significantly_different_has_a_dagger() -> None:
    rows = pd.DataFrame(
        {
            "strategy": ["a", "b", "c"],
            "mean": [0.5, 0.49, 0.2],
            "low": 0.1,
            "high": 0.6,
            "seeds": 5,
            "examples": 9,
            "failed": [0, 0, 2],
            "p_holm": [float("nan"), 0.7, 0.01],
            "best": [True, False, False],
            "p_best": [float("nan"), 0.7, 0.01],
            "dataset": "d",
            "model": "m",
            "metric": "ndcg@100",
        }
    )
    lines = latex.means(rows, "a", 0.95).splitlines()
    assert [r"\dagger" in line for line in lines if line[:3] in ("a &", "b &", "c &")] == [
        False,
        True,
        False,
    ]
    caption = latex.marks(rows, "a", 0.95)
    assert "exploratory: the best was chosen by the same data" in caption
    assert "Without a result, and so not in the means: c 2 of 7 seeds." in caption
    assert "nothing was tested against it" in latex.marks(rows.assign(p_best=None), "a", 0.95)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my_data", r"my\_data"),
        ("constant-0.2", "constant-0.2"),
        ("[-0.10, +3]", "[$-$0.10, $+$3]"),
        ("p Holm < .001", "$p$ Holm $<$ .001"),
        ("P(>) of d_z", r"$P(>)$ of $d_z$"),
        ("p-value map", "p-value map"),
        ("95% of |x_u|", r"95\% of $|x_u|$"),
    ],
)
def test_text_is_escaped_and_symbols_are_mathematics(text: str, expected: str) -> None:
    assert latex.tex(text) == expected


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_it_compiles_and_fits_the_page(made: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    grids = content.everything(made, TRUTHS, CONTROL, 0.95)
    body = latex.means(made["results"], CONTROL, 0.95) + latex.sections(grids)
    text = rf"{ARTICLE}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "tables.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "Overfull" not in done.stdout


def test_nothing_finished_is_said(made: dict[str, pd.DataFrame]) -> None:
    text = latex.means(empty(made)["results"], CONTROL, 0.95)
    assert "% no cell finished" in text
