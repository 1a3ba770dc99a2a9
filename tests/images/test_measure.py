"""What is measured of a picture VAE, from a trained cell's files to figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from PIL import Image
from sklearn.decomposition import PCA

from tests.trained import run
from vaebench import plots
from vaebench.components import create
from vaebench.distributions import DiagonalGaussian
from vaebench.errors import DataError
from vaebench.files import read_json
from vaebench.images.measure import (
    Trained,
    accuracy_from,
    auroc,
    load,
    manifold,
    measure,
    pca,
    probe,
    samples,
    traversals,
)
from vaebench.images.options import ImageStudy
from vaebench.likelihoods import Gaussian
from vaebench.models import VAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.plots import pictures as image_figures
from vaebench.plots.palette import Look
from vaebench.tables import pictures as image_tables

OPTIONS = ImageStudy(
    pictures=4, importance_samples=5, annealed_images=3, annealed_temperatures=3, labels=[2, 20]
)


def spec(strategy: str, **training: Any) -> dict[str, Any]:
    return {
        "study": "test",
        "dataset": "digits",
        "model": {"name": "z2", "class": "image_mlp.ImageMLP", "hidden": [32], "latents": 2},
        "strategy": {"name": strategy, "class": "constant.Constant"},
        "seed": 0,
        "training": {"epochs": 6, "batch_size": 100, "learning_rate": 5e-3, "device": "cpu"}
        | training,
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cells on digits without a 4, one of them diverged, both measured."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("study")
    dataset = create("vaebench.datasets", {"class": "digits.Digits", "held_out_class": 4})
    dataset.write_split(None, folder / "digits", {})
    for strategy, rate in (("constant", 5e-3), ("wild", 1e30)):
        cell = folder / "cells/digits/z2" / strategy / "seed-0"
        run(spec(strategy, learning_rate=rate), folder / "digits", cell)
        out = folder / "images/cells/digits/z2" / strategy / "seed-0"
        measure(cell, folder / "digits", out, OPTIONS)
    return folder


def test_every_use_has_its_numbers(study: Path) -> None:
    metrics = read_json(study / "images/cells/digits/z2/constant/seed-0/metrics.json")
    test = pd.read_parquet(study / "cells/digits/z2/constant/seed-0/test.parquet")
    assert metrics["elbo"] == pytest.approx(test["elbo"].mean(), abs=1e-4)
    assert metrics["log_likelihood"] > metrics["elbo"]
    assert metrics["annealed_images"] == 3
    assert 0.5 < metrics["auroc"] < 1
    assert set(metrics["probe"]) == {"2", "20"}
    assert metrics["probe"]["20"] > metrics["probe"]["2"] > 1 / 9
    assert metrics["probe_pixels"]["20"] > 0.6
    with np.load(study / "images/cells/digits/z2/constant/seed-0/values.npz") as values:
        shapes = {name: values[name].shape for name in values.files}
    assert shapes["originals"] == shapes["reconstructions"] == shapes["samples"] == (4, 64)
    assert shapes["manifold"] == (64, 64)
    assert shapes["latent_map"] == (250, 2)
    assert shapes["interpolation"] == (4, 64)
    assert shapes["traversals"] == (2 * 4, 64)


def test_a_traversal_moves_one_latent_and_no_other(study: Path) -> None:
    trained = load(study / "cells/digits/z2/constant/seed-0", study / "digits")
    with torch.no_grad():
        found = traversals(trained, OPTIONS)[1]
        start = trained.means("test")[0]
        for row, latent in enumerate(found["traversed"]):
            for column, value in enumerate((-2, -2 / 3, 2 / 3, 2)):
                z = start.clone()
                z[latent] = value
                theirs = trained.pictures(z[None]).mean[0].numpy()
                assert found["traversals"][4 * row + column] == pytest.approx(theirs, abs=1e-5)
    assert trained.means("test").var(0).argmax() == found["traversed"][0]


def test_a_diverged_cell_has_no_numbers_and_no_pictures(study: Path) -> None:
    assert read_json(study / "images/cells/digits/z2/wild/seed-0/metrics.json") == {}
    with np.load(study / "images/cells/digits/z2/wild/seed-0/values.npz") as values:
        assert values.files == ["shape"]


def test_pca_is_scikit_learns(study: Path) -> None:
    trained = load(study / "cells/digits/z2/constant/seed-0", study / "digits")
    with torch.no_grad():
        found = pca(trained, OPTIONS)[0]
    train, test = (trained.parts[part].numpy().astype(float) for part in ("train", "test"))
    theirs = PCA(2).fit(train)
    rebuilt = theirs.inverse_transform(theirs.transform(test))
    assert found["squared_error_pca"] == pytest.approx(((test - rebuilt) ** 2).mean(), rel=1e-5)
    ours = trained.model.decode(trained.model.encode(trained.parts["test"]).mean).mean  # type: ignore[attr-defined]
    assert found["squared_error"] == pytest.approx(
        ((trained.parts["test"] - ours) ** 2).mean().item(), rel=1e-5
    )


def test_the_manifold_runs_from_left_to_right_and_top_to_bottom(study: Path) -> None:
    trained = load(study / "cells/digits/z2/constant/seed-0", study / "digits")
    with torch.no_grad():
        grid = manifold(trained, OPTIONS)[1]["manifold"].reshape(8, 8, 64)
        low, high = (float(torch.special.ndtri(torch.tensor(p))) for p in (1 / 16, 15 / 16))
        corners = trained.model.decode(torch.tensor([[low, high], [high, low]])).mean  # type: ignore[attr-defined]
    np.testing.assert_allclose(grid[0, 0], corners[0], atol=1e-5)
    np.testing.assert_allclose(grid[7, 7], corners[1], atol=1e-5)


def test_prior_samples_are_the_same_for_all_strategies(study: Path) -> None:
    trained = load(study / "cells/digits/z2/constant/seed-0", study / "digits")
    with torch.no_grad():
        one, two = (samples(trained, OPTIONS)[1] for _ in range(2))
    for name in ("samples", "sample_means"):
        np.testing.assert_array_equal(one[name], two[name])


def with_model(study: Path, model: VAE) -> Trained:
    """The files of the cell with another model."""
    return replace(load(study / "cells/digits/z2/constant/seed-0", study / "digits"), model=model)


class Shifted(ImageMLP):
    """Decodes z to itself, under a prior that is not N(0, I)."""

    def prior(self) -> DiagonalGaussian:
        """N((3, −1), diag(4, ¼))."""
        return DiagonalGaussian(torch.tensor([3.0, -1.0]), torch.log(torch.tensor([4.0, 0.25])))

    def decode(self, z: torch.Tensor) -> Gaussian:
        """N(z, .01 I)."""
        return Gaussian(z, torch.tensor(0.01).log())


def test_samples_are_pictures_and_not_means(study: Path) -> None:
    """A Bernoulli decoder draws zeros and ones, about its means."""
    trained = load(study / "cells/digits/z2/constant/seed-0", study / "digits")
    with torch.no_grad():
        found = samples(trained, OPTIONS.model_copy(update={"pictures": 200}))[1]
    assert set(np.unique(found["samples"])) == {0, 1}
    means = found["sample_means"].astype(float)
    assert len(np.unique(means)) > 1_000
    expected, spread = means.sum(), np.sqrt((means * (1 - means)).sum())
    assert abs(found["samples"].sum() - expected) < 4 * spread


def test_the_prior_is_the_models_own(study: Path) -> None:
    """Its mean and its variance: 3 ± 2 and −1 ± ½, of draws and of the manifold's grid."""
    trained = with_model(study, Shifted(64, latents=2))
    many = OPTIONS.model_copy(update={"pictures": 4_000})
    means = samples(trained, many)[1]["sample_means"]
    np.testing.assert_allclose(means.mean(0), [3, -1], atol=5 * 2 / 4_000**0.5)
    np.testing.assert_allclose(means.std(0), [2, 0.5], rtol=0.06)
    grid = manifold(trained, OPTIONS)[1]["manifold"].reshape(8, 8, 2)
    low, high = (float(torch.special.ndtri(torch.tensor(p))) for p in (1 / 16, 15 / 16))
    np.testing.assert_allclose(grid[0, 0], [3 + 2 * low, -1 + 0.5 * high], atol=1e-5)
    np.testing.assert_allclose(grid[7, 7], [3 + 2 * high, -1 + 0.5 * low], atol=1e-5)


def test_what_is_fitted_sees_the_kind_of_picture_that_it_is_tested_on(tmp_path: Path) -> None:
    """Grey values that name the class exactly and draws that do not: 15 pixels of .49 or .51.

    The last pixel is .05 or .95. On grey pictures the probe reads the 15; on binary ones, all that
    it is ever tested on, they are noise and the last is right 19 times in 20.
    """
    labels = np.arange(600) % 2
    pixels = np.repeat(0.49 + 0.02 * labels[:, None], 16, 1)
    pixels[:, 15] = 0.05 + 0.9 * labels
    np.savez(tmp_path / "x.npz", pictures=pixels.reshape(600, 4, 4), classes=labels)
    component = {"class": "image_array.ImageArray", "path": "x.npz", "labels": "classes"}
    sizes = {"validation": 100, "test": 200, "binarize": "dynamic"}
    create("vaebench.datasets", component | sizes).write_split(
        tmp_path / "x.npz", tmp_path / "split", {}
    )
    run(spec("constant", epochs=1) | {"dataset": "grey"}, tmp_path / "split", tmp_path / "cell")
    trained = load(tmp_path / "cell", tmp_path / "split")
    with torch.no_grad():
        accuracy = probe(trained, OPTIONS.model_copy(update={"labels": [100]}))[0]
        found = pca(trained, OPTIONS)[0]["squared_error_pca"]
    assert accuracy["probe_pixels"]["100"] > 0.9
    again = load(tmp_path / "cell", tmp_path / "split")
    assert torch.equal(trained.parts["train"], again.parts["train"]), "one draw for all cells"
    for pictures in trained.parts.values():
        assert set(pictures.unique().tolist()) == {0.0, 1.0}
    train, test = (trained.parts[part].numpy().astype(float) for part in ("train", "test"))
    theirs = PCA(2).fit(train)
    rebuilt = theirs.inverse_transform(theirs.transform(test))
    assert found == pytest.approx(((test - rebuilt) ** 2).mean(), rel=1e-5)


def test_auroc_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    score, positive = random.integers(0, 20, 300).astype(float), random.random(300) < 0.2
    score[positive] += 3
    assert auroc(score, positive) == pytest.approx(sklearn.metrics.roc_auc_score(positive, score))


def test_a_probe_of_separable_features_is_right_and_of_noise_is_not() -> None:
    random = np.random.default_rng(0)
    labels, truth = np.arange(200) % 4, np.arange(100) % 4
    noise = random.normal(size=(300, 4))
    clear = noise * 0.05 + np.eye(4)[np.concatenate([labels, truth])]
    assert accuracy_from(clear[:200], clear[200:], labels, truth, 3) == 1
    assert accuracy_from(noise[:200], noise[200:], labels, truth, 3) < 0.5


def test_figures_are_drawn_of_what_there_is(study: Path, tmp_path: Path) -> None:
    """A diverged strategy is left out; every figure is a PNG with ink and has a caption."""
    plots.use_style()
    folders = [study / f"images/cells/digits/z2/{s}/seed-0" for s in ("constant", "wild")]
    rows, look = image_tables.gather(folders), Look(["constant", "wild"])
    figures = list(OPTIONS.figures)
    entries = image_figures.draw(figures, 0, folders, rows, look, tmp_path)
    names = [entry["file"].split("-")[0] for entry in entries]
    assert names == [name for name in figures if name != "bound"]
    for entry in entries:
        with Image.open(tmp_path / entry["file"]) as shown:
            assert len(shown.convert("RGB").getcolors(1 << 24)) > 8, "not blank"
        assert entry["caption"].startswith("digits, z2. ")
    image_figures.write_index(tmp_path / "index.json", entries)
    pictures, captions = image_figures.embedded(tmp_path / "index.json")
    assert list(pictures) == list(captions) == [f"images/{entry['file']}" for entry in entries]
    table = image_tables.table(rows)
    assert table.loc[0, "probe_20"] == rows[0]["probe"]["20"]
    assert np.isnan(table.loc[1, "elbo"])


def test_the_bound_is_drawn_against_pictures_seen(study: Path) -> None:
    rows = image_tables.gather([study / "images/cells/digits/z2/constant/seed-0"])
    trace = pd.read_parquet(study / "cells/digits/z2/constant/seed-0/trace.parquet").assign(
        dataset="digits", model="z2", strategy="constant", seed=0
    )
    found = list(image_tables.bounds(trace, rows, [study / "digits/card.json"], "constant"))
    assert len(found) == 1
    dataset, drawn = found[0]
    assert (dataset, drawn[2]) == ("digits", {"z2": 2})
    figure = image_figures.bound(*drawn)
    images = read_json(study / "digits/card.json")["counts"]["train_images"]
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [images * epoch for epoch in range(1, 7)]
    np.testing.assert_allclose(line.get_ydata(), trace["elbo"])


def test_a_damaged_cell_is_said_in_one_sentence(study: Path, tmp_path: Path) -> None:
    cell = study / "cells/digits/z2/constant/seed-0"
    for file in cell.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    other = create("vaebench.models", {"class": "image_mlp.ImageMLP", "hidden": [8]}, 64)
    from safetensors.torch import save_file  # noqa: PLC0415

    save_file(other.state_dict(), tmp_path / "best.safetensors")
    with pytest.raises(DataError, match=r"best.safetensors: is damaged or was changed") as found:
        load(tmp_path, study / "digits")
    assert "\n" not in str(found.value)
