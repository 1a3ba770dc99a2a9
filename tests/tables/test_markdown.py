"""Markdown tables of a study."""

import re

from tests.summaries import CONTROL, ORDER, TRUTHS, frames
from vaebench.cells.reading import failures
from vaebench.statistics.measures import MEASURES
from vaebench.tables import content, markdown


def test_it_has_a_row_a_strategy_and_the_failures_first() -> None:
    made = frames()
    grids = content.results(made["results"], TRUTHS, CONTROL, 0.95)
    text = markdown.document(grids, failures(made["cells"]))
    assert text.startswith("**1 cells failed")
    assert "my_data/mult-vae/constant/seed-0: diverged: training diverged in epoch 3" in text
    for name in ORDER:
        assert len(re.findall(rf"^\| {name} \|", text, re.MULTILINE)) == 4
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {len(content.result_columns(MEASURES["elbo"])) + 1}


def test_without_failures_it_says_that_all_finished() -> None:
    assert markdown.document([], frames()["cells"][:0]) == "All cells finished.\n"
