"""The skeleton compiles, and quotes what the tables say."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.plots.test_figures import traces
from tests.summaries import CONFIG, CONTROL, ORDER, TRUTHS, empty, frames
from vaebench import plots
from vaebench.cells.folder import NONE
from vaebench.plots.study import figures
from vaebench.report import paper
from vaebench.tables import content, latex, number


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return frames()


def test_every_number_is_a_command(made: dict[str, pd.DataFrame]) -> None:
    text = paper.numbers(made["results"], CONTROL)
    keys = re.findall(r"\\csname (vaebench:\S+)\\endcsname\{", text)
    assert len(keys) == len(set(keys))
    row = made["results"].iloc[1]
    assert (
        f"\\csname vaebench:my_data:mult-vae:linear:ndcg@100:mean\\endcsname"
        f"{{{number(row['mean'], 'ndcg@100')}}}"
    ) in text
    assert not [key for key in keys if ":constant:" in key and "p_holm" in key]


def test_the_skeleton_quotes_by_command(made: dict[str, pd.DataFrame]) -> None:
    text = paper.skeleton(CONFIG, made, "Commit x; 100 % made.")
    assert r"\result{my_data}{mult-vae}{linear}{ndcg@100}{difference}" in text
    assert r"100 \% made" in text
    bare = paper.skeleton(CONFIG, empty(made), "made")
    assert "ranks.pdf" not in bare
    assert r"\result{my" not in bare


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_it_compiles_with_its_tables_figures_and_numbers(
    made: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    plots.use_style()
    for name, draw in figures(
        made | {"traces": traces()}, TRUTHS, [*ORDER, NONE], CONTROL, 0.95
    ).items():
        plots.save(draw(), tmp_path / "figures" / name)
    grids = content.everything(made, TRUTHS, CONTROL, 0.95)
    (tmp_path / "tables").mkdir()
    (tmp_path / "paper").mkdir()
    for name, text in {
        "tables/results": latex.means(made["results"], CONTROL, 0.95),
        "tables/tables": latex.sections(grids),
        "paper/numbers": paper.numbers(made["results"], CONTROL),
        "paper/paper": paper.skeleton(CONFIG, made, "Commit x."),
    }.items():
        (tmp_path / f"{name}.tex").write_text(text, encoding="utf-8")
    done = compiled(tmp_path / "paper")
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout
    assert b"/Type3" not in (tmp_path / "paper/paper.pdf").read_bytes()
    wrong = tmp_path / "paper/paper.tex"
    quoted = r"\begin{document}\result{my_data}{mult-vae}{linear}{ndcg@100}{mena}"
    wrong.write_text(wrong.read_text().replace(r"\begin{document}", quoted))
    failed = compiled(tmp_path / "paper")
    assert failed.returncode != 0
    assert "there is no number my_data, mult-vae, linear" in failed.stdout


def compiled(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, errors="replace"
    )
