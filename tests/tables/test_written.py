"""The tables of a real, small study with metrics of its own, of every family and both epochs."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cells.test_vae import PLANTED, spec
from vaebench.cells import baseline, test, vae
from vaebench.cells.folder import NONE
from vaebench.cells.reading import Cells
from vaebench.components import create
from vaebench.plots.training import scores
from vaebench.study.keys import SHIPPED
from vaebench.tables.written import write

SELECT = {"class": "recall.Recall", "k": 10}
OWN: dict[str, dict[str, Any]] = {
    "recall@10": SELECT,
    "gini": {"class": "gini.Gini", "k": 10},
    "gini.last": {"class": "gini.Gini", "k": 10, "epoch": "last"},
    "bound": {"class": "likelihood_bound.LikelihoodBound", "samples": 5},
    "elbo.last": {"class": "elbo.ELBO", "epoch": "last"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Selected by Recall@10: a control, another β, and a baseline."""
    root = tmp_path_factory.mktemp("study")
    data = root / "data" / "planted"
    create("vaebench.datasets", PLANTED).write_split(None, data, {"name": None, "sha256": None})
    select = {"select": {"name": "recall@10", **SELECT}}
    for seed in range(3):
        for name, beta in (("plain", 1.0), ("small", 0.2)):
            out = root / f"cells/planted/mult-vae/{name}/seed-{seed}"
            beta_is = {"name": name, "class": "constant.Constant", "beta": beta}
            vae.run(spec() | select | {"strategy": beta_is, "seed": seed}, data, out)
            test.run(out, data, SHIPPED | OWN)
    popularity = {"name": "popularity", "class": "popularity.Popularity"}
    asked = {"study": "test", "dataset": "planted", "model": popularity, "seed": 0} | select
    out = root / f"cells/planted/popularity/{NONE}/seed-0"
    baseline.run(asked, data, out, SHIPPED | OWN)
    return root


@pytest.fixture(scope="module")
def tables(study: Path) -> Path:
    folders = [str(path.parent) for path in sorted(study.rglob("status.json"))]
    asked = {"order": ["plain", "small", NONE], "control": "plain", "confidence": 0.95}
    cards = [str(study / "data/planted/card.json")]
    write(folders, cards, study / "tables", asked | {"margin": 0.01})
    return study / "tables"


def test_metrics_of_ones_own_stand_in_every_document(tables: Path) -> None:
    for name in OWN:
        assert name in (tables / "results.md").read_text()
        for document in ("results.tex", "tables.tex"):
            assert name in (tables / document).read_text(), document


def test_captions_name_the_metric_that_selected(tables: Path) -> None:
    """Not the one that would have selected by default."""
    for document in ("results.md", "results.tex"):
        text = (tables / document).read_text()
        assert "best validation recall@10" in text
        assert "validation NDCG@100" not in text
        assert "chosen by NDCG@100" not in text
    lines = (tables / "results.md").read_text().splitlines()
    titles = [line for line in lines if line.startswith("## planted, mult-vae:")]
    assert "## planted, mult-vae: ELBO (nats), secondary, epoch chosen by recall@10" in titles
    assert "## planted, mult-vae: elbo.last, last epoch (nats), secondary" in titles


def test_the_table_of_means_says_what_is_of_other_weights_and_what_has_no_examples(
    tables: Path,
) -> None:
    text = (tables / "results.tex").read_text()
    assert text.count(": those of the last one.") == 2
    assert "over seeds alone, by the seeds' paired t: gini, gini.last, last epoch." in text
    assert "40 test examples" in text
    assert "1 to 40" not in text


def test_learning_curves_are_of_the_metric_that_selected(study: Path) -> None:
    cells = Cells([path.parent for path in sorted(study.rglob("status.json"))])
    traces = cells.traces()
    pd.testing.assert_series_equal(
        scores(traces), traces["validation_recall@10"], check_names=False
    )
