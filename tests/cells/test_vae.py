"""One cell: its files, its determinism, and its ends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file

from tests.ranked import ranking
from tests.trained import run
from vaebench.cells.files import column
from vaebench.cells.folder import FILES
from vaebench.components import create
from vaebench.errors import ConfigError, DataError
from vaebench.metrics.bound import elbo
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.training.data import Data

PLANTED = {
    "class": "planted.Planted",
    "users": 150,
    "items": 120,
    "latents": 2,
    "importance_samples": 20,
    "split": {"min_items_per_user": 0, "validation_users": 30, "test_users": 40},
}
MODELS = {
    "planted": {"name": "mult-vae", "class": "mult_vae.MultVAE", "hidden": 12, "latents": 4},
    "digits": {"name": "mlp", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [16], "latents": 3},
}


PLAIN = {"strategy": {"name": "plain", "class": "constant.Constant", "beta": 1.0}}


def spec(dataset: str = "planted", **training: Any) -> dict[str, Any]:
    return {
        "study": "test",
        "dataset": dataset,
        "model": MODELS[dataset],
        "strategy": {"name": "linear", "class": "linear.Linear", "cap": 0.5},
        "seed": 3,
        "training": {"epochs": 4, "batch_size": 20, "device": "cpu"} | training,
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, component in (("planted", PLANTED), ("digits", {"class": "digits.Digits"})):
        dataset = create("vaebench.datasets", component)
        dataset.write_split(None, folder / name, {"name": None, "sha256": None})
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("dataset", ["planted", "digits"])
def test_a_cell_writes_files_that_agree(dataset: str, data: Path, tmp_path: Path) -> None:
    result = run(spec(dataset), data / dataset, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    summary = json.loads((tmp_path / "summary.json").read_text())
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["status"], status["reason"]) == ("done", None)
    assert set(status["files"]) == set(FILES) - {"status.json"}
    trace, test = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in ("trace", "test"))
    assert trace["epoch"].tolist() == [1, 2, 3, 4]
    metric = "validation_ndcg@100" if dataset == "planted" else "validation_elbo"
    assert summary["selected"]["epoch"] == trace.loc[trace[metric].idxmax(), "epoch"]
    for name, value in summary["test"].items():
        assert value == pytest.approx(np.nanmean(test[name])), name
    np.testing.assert_allclose(trace["elbo"], -(trace["distortion"] + trace["rate"]))
    np.testing.assert_allclose(test["elbo"], -(test["distortion"] + test["rate"]))
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["strategy"]["start"] == 0, "defaults are written down"
    assert config["training"]["learning_rate"] == 1e-3
    assert result["test"] == summary["test"]


def test_the_best_weights_give_the_test_metrics(data: Path, tmp_path: Path) -> None:
    """Independent of cell.py's evaluation: load, rank, compare."""
    run(spec(), data / "planted", tmp_path)
    part = Data(data / "planted", torch.device("cpu")).held_out("test")
    assert part.fold_in is not None
    assert part.held_out is not None
    model = MultVAE(part.fold_in.columns, hidden=12, latents=4)
    model.load_state_dict(load_file(tmp_path / "best.safetensors"))
    test = pd.read_parquet(tmp_path / "test.parquet")
    found = ranking(model, part.fold_in, part.held_out)
    np.testing.assert_array_equal(found["ndcg@100"].numpy(), test["ndcg@100"])
    noise = torch_stream("test", "planted", "mult-vae", 3)
    bound = elbo(model, part.examples, noise, samples=10)
    np.testing.assert_array_equal(bound["elbo"].numpy(), test["elbo"])
    np.testing.assert_array_equal(test["interactions"], part.examples.counts.numpy())  # type: ignore[union-attr]


def test_the_same_cell_twice_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    for name in "ab":
        run(spec(), data / "planted", tmp_path / name)
    for file in ("config.json", "best.safetensors", "last.safetensors", "test.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    traces = [pd.read_parquet(tmp_path / n / "trace.parquet").drop(columns="seconds") for n in "ab"]
    pd.testing.assert_frame_equal(*traces, check_exact=True)


def test_another_seed_gives_another_model(data: Path, tmp_path: Path) -> None:
    one = run(spec(), data / "planted", tmp_path / "a")
    two = run(spec() | {"seed": 4}, data / "planted", tmp_path / "b")
    assert one["first_batch"] != two["first_batch"]


def test_the_test_part_is_read_after_selection_alone(data: Path, tmp_path: Path) -> None:
    """Without test files everything but the test is done: training never needed them."""
    folder = tmp_path / "data"
    folder.mkdir()
    for file in (data / "planted").iterdir():
        if not file.name.startswith("test_"):
            (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(Exception, match="test_fold_in"):
        run(spec(), folder, tmp_path / "cell")
    assert not (tmp_path / "cell" / "status.json").exists(), "a cell without its test is not done"


def test_divergence_is_a_status_with_its_reason(data: Path, tmp_path: Path) -> None:
    result = run(spec(learning_rate=1e30), data / "planted", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert result["status"] == "diverged"
    assert "epoch 1" in result["reason"]
    assert result["test"] == {}
    assert pd.read_parquet(tmp_path / "test.parquet").empty


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said_before_training(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training.device: 'cuda' .* allowed"):
        run(spec(device="cuda"), data / "planted", tmp_path)


def test_a_full_disk_leaves_nothing_half_written(data: Path, tmp_path: Path) -> None:
    """The operating system refuses files above 4 KiB, as a full disk refuses the next block."""
    program = f"""
import resource, signal, sys
from pathlib import Path
from tests.trained import run
from vaebench.machine.logged import job
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with job({str(tmp_path / "log")!r}):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    run({spec()!r}, Path({str(data / "planted")!r}), Path({str(tmp_path / "cell")!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    sentence = done.stderr.strip()
    assert sentence.startswith("vaebench: cannot write ")
    assert "\n" not in sentence
    left = {path.name for path in (tmp_path / "cell").iterdir()}
    assert "status.json" not in left
    assert left <= set(FILES), "no temporary file stays behind"


def grey_split(folder: Path, binarize: str) -> Path:
    """Forty grey pictures of 3×4 pixels, as a split."""
    random = np.random.default_rng(0)
    np.save(folder / "x.npy", random.random((40, 3, 4)))
    component = {"class": "image_array.ImageArray", "path": "x.npy", "validation": 8, "test": 8}
    dataset = create("vaebench.datasets", component | {"binarize": binarize})
    dataset.write_split(folder / "x.npy", folder / "split", {})
    return folder / "split"


@pytest.mark.parametrize("estimator", ["sgvb_a", "sgvb_b", "importance"])
def test_pictures_drawn_anew_and_every_estimator(estimator: str, tmp_path: Path) -> None:
    split = grey_split(tmp_path, "dynamic")
    image = spec("digits", estimator=estimator, samples=3) | {"dataset": "grey"} | PLAIN
    one, two = (run(image, split, tmp_path / name) for name in "ab")
    assert one["status"] == "done"
    assert one["test"] == two["test"]
    other = run(spec("digits") | {"dataset": "grey"} | PLAIN, split, tmp_path / "c")
    assert other["test"] != one["test"]


def test_grey_pictures_are_refused_by_a_bernoulli_before_training(tmp_path: Path) -> None:
    split = grey_split(tmp_path, "none")
    with pytest.raises(DataError, match="outside the support of the Bernoulli") as found:
        run(spec("digits") | {"dataset": "grey"}, split, tmp_path / "cell")
    assert "\n" not in str(found.value)
    assert not (tmp_path / "cell").exists()
    gaussian = {
        "name": "mlp",
        "class": "image_mlp.ImageMLP",
        "hidden": [16],
        "likelihood": {"family": "gaussian"},
    }
    done = run(
        spec("digits") | {"dataset": "grey", "model": gaussian}, split, tmp_path / "gaussian"
    )
    assert done["status"] == "done"


def test_more_samples_than_memory_are_refused_before_training(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training.samples: .* GB are free; allowed here: at"):
        run(
            spec("digits", estimator="importance", samples=10**9) | PLAIN,
            data / "digits",
            tmp_path / "cell",
        )
    assert not (tmp_path / "cell").exists()


@pytest.mark.parametrize(
    "values",
    [
        [1.5, float("nan"), -2.0],
        [1, 2, 3],
        [],
        [True, False, True],
        [1.0, None],
        np.arange(12.0).reshape(4, 3)[:, 1],
        np.array([1, 2], dtype=np.float32),
    ],
    ids=str,
)
def test_a_column_is_what_arrow_makes_of_it(values: Any) -> None:
    ours, arrows = column(values), pa.array(values)
    np.testing.assert_array_equal(
        ours.to_numpy(zero_copy_only=False), arrows.to_numpy(zero_copy_only=False)
    )
    assert ours.null_count == arrows.null_count
    assert ours.type == (arrows.type if len(values) else pa.float64())
