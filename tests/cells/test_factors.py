"""From pictures with known factors to a score in a cell; and where no factors are known."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from vaebench.cells.metrics import created, represented
from vaebench.components import create
from vaebench.datasets import NO_FILE
from vaebench.datasets.shapes import Shapes
from vaebench.errors import ConfigError
from vaebench.metrics.mig import MIG
from vaebench.models.image_mlp import ImageMLP
from vaebench.seeds import torch_stream
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.training.data import Data


def test_a_cell_scores_the_means_of_its_test_pictures(tmp_path: Path) -> None:
    shapes = Shapes(validation=50, test=300)
    shapes.write_split(None, tmp_path, {})
    part = Data(tmp_path, torch.device("cpu")).held_out("test")
    assert part.factors is not None
    assert (part.factors.numpy() == shapes.factors(NO_FILE)["test"]).all()
    model = ImageMLP(1024, hidden=[8], latents=3)
    model.initialise(torch_stream("weights"))
    metrics = created({"mig": {"class": "mig.MIG"}, "elbo": {"class": "elbo.ELBO"}})
    found = represented(metrics, model, part, lambda: torch_stream("score"))
    with torch.no_grad():
        codes = model.eval().encode(part.examples).mean.double()
    own = MIG().value(codes, part.factors, torch_stream("score"))
    assert found == {"mig": pytest.approx(own, abs=1e-9)}


def test_pictures_without_known_factors_have_no_score(tmp_path: Path) -> None:
    digits = create("vaebench.datasets", {"class": "digits.Digits"})
    digits.write_split(None, tmp_path, {})
    part = Data(tmp_path, torch.device("cpu")).held_out("test")
    assert part.factors is None
    metrics = created({"mig": {"class": "mig.MIG"}})
    assert represented(metrics, ImageMLP(64, hidden=[8]), part, lambda: torch_stream("x")) == {}
    assert not list(tmp_path.glob("*factors*"))
    assert np.load(tmp_path / "test.npy").shape == (250, 64)


def test_a_study_without_known_factors_refuses_such_a_metric(tmp_path: Path) -> None:
    written = Path(__file__).parents[2] / "configs/disentanglement.yaml"
    given = yaml.safe_load(written.read_text(encoding="utf-8")) | {"results": str(tmp_path)}
    check(Plan(given))
    given["datasets"] = {"shapes": {"class": "digits.Digits"}}
    with pytest.raises(
        ConfigError, match=r"metrics\.mig: no data set of the study has known factors"
    ):
        check(Plan(given))
