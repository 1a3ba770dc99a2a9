"""What people read: Markdown, LaTeX, figures and the page."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from vaebench import plots, tables
from vaebench.analysis import compare
from vaebench.palette import Look
from vaebench.report import CAPTIONS, findings, page

ROOT = Path(__file__).parents[1]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
CONFIG["confidence"] = 0.95
ORDER = list(CONFIG["strategies"])


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    """Six strategies, two metrics; ``linear`` is better by far, names need escaping."""
    random = np.random.default_rng(0)
    frames = []
    for metric, level in (("ndcg@100", 0.4), ("elbo", -200.0)):
        values = {
            name: pd.DataFrame(
                level + 0.01 * (name == "linear") + 1e-4 * random.normal(size=(40, 4))
            )
            for name in ORDER
        }
        frame = compare(values, ORDER, "constant", 0.95)
        frames.append(frame.assign(dataset="my_data", model="mult-vae", metric=metric))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = [
        {
            "dataset": "my_data",
            "model": "mult-vae",
            "strategy": name,
            "seed": seed,
            "status": "done",
            "reason": None,
            "rate": 10 + random.normal(),
            "distortion": 190 + random.normal(),
            "seconds": 3.0,
            "device": "cpu",
        }
        for name in ORDER
        for seed in range(4)
    ]
    rows[0] |= {"status": "diverged", "reason": "training diverged in epoch 3"}
    return pd.DataFrame(rows)


NO_TRUTH: dict[str, dict[str, float]] = {"my_data": {}}


def test_markdown_has_a_row_a_strategy_and_the_failures_first(
    summary: pd.DataFrame, cells: pd.DataFrame
) -> None:
    failed = cells.loc[cells["status"] != "done"]
    text = tables.markdown(summary, failed, {"my_data": {"elbo": -150.25}}, "constant", 0.95)
    assert text.startswith("**1 cells failed")
    assert "my_data/mult-vae/constant/seed-0: diverged: training diverged in epoch 3" in text
    for name in ORDER:
        assert len(re.findall(rf"^\| {name} \|", text, re.MULTILINE)) == 2
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {len(tables.HEAD) + 1}
    assert "Best possible (log p(x) under the true model): -150.25." in text


def test_numbers_that_are_not_there_are_dashes_and_p_is_never_zero() -> None:
    assert tables.number(float("nan"), "elbo") == "–"
    assert tables.p_value(float("nan")) == "–"
    assert tables.p_value(0.0) == "< .001"
    assert tables.p_value(0.0416) == ".042"


def test_latex_marks_the_best_and_the_different(summary: pd.DataFrame) -> None:
    text = tables.latex(summary, "constant", 0.95)
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 2 + 2, "and two of contrasts"
    assert r"my\_data" in text
    best = [line for line in text.splitlines() if line.startswith("linear")][:2]
    assert [line.count(r"\textbf{") for line in best] == [1, 1]
    assert [line.count("*") for line in best] == [1, 1]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(summary: pd.DataFrame, tmp_path: Path) -> None:
    body = tables.latex(summary, "constant", 0.95)
    document = (
        rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{body}\end{{document}}"
    )
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_strategies_keep_their_colour_whatever_else_is_shown() -> None:
    look = Look(ORDER)
    assert len(set(look.palette.values())) == len(ORDER)
    assert len({look.marker(name) for name in ORDER}) == len(ORDER)


def test_figures_are_the_same_bytes_for_the_same_results(
    summary: pd.DataFrame, tmp_path: Path
) -> None:
    plots.use_style()
    for name in "ab":
        plots.save(
            plots.intervals(summary, "elbo", Look(ORDER), NO_TRUTH), tmp_path / f"{name}/elbo"
        )
    for ending in ("pdf", "png"):
        one, two = ((tmp_path / name / f"elbo.{ending}").read_bytes() for name in "ab")
        assert one == two


def test_a_figure_without_results_says_so(summary: pd.DataFrame, tmp_path: Path) -> None:
    plots.use_style()
    figure = plots.intervals(summary[:0], "elbo", Look(ORDER), NO_TRUTH)
    assert [text.get_text() for text in figure.axes[0].texts] == ["no cell finished"]
    plots.save(figure, tmp_path / "empty")


def test_the_page_opens_without_a_network(
    summary: pd.DataFrame, cells: pd.DataFrame, tmp_path: Path
) -> None:
    for name in CAPTIONS:
        (tmp_path / f"{name}.png").write_bytes(b"picture")
    html = page(CONFIG, summary, cells, NO_TRUTH, tmp_path)
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", html)
    assert "http" not in html
    assert html.count("<table>") == 3
    assert "1 of 24 cells failed" in html
    assert "training diverged in epoch 3" in html


def test_findings_name_who_differs(summary: pd.DataFrame) -> None:
    assert findings(summary, "constant") == [
        (
            "my_data, mult-vae, NDCG@100: better than constant: linear; worse: none "
            "(Holm-adjusted p < .05)."
        )
    ]
