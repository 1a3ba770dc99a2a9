"""vaebench as a library: a fit is a cell, a file runs no code, and what is public is frozen."""

import inspect
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.sparse import csr_matrix

import vaebench
from vaebench.cells import test, vae
from vaebench.errors import VaebenchError
from vaebench.library import Fitted
from vaebench.sparse import SparseRows
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[1]
SPLIT = {"min_items_per_user": 2, "validation_users": 20, "test_users": 25}
MODEL = {"class": "mult_vae.MultVAE", "hidden": 8, "latents": 3}
STRATEGY = {"class": "geco.GECO"}
TRAINING = {"epochs": 3, "batch_size": 40, "device": "cpu"}


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    """In no order, with ids that are texts, a column of ratings, and one more."""
    random = np.random.default_rng(0)
    users, items = np.nonzero(random.random((150, 105)) < np.linspace(0.03, 0.3, 105))
    frame = pd.DataFrame({"user": users + 7, "item": [f"i{item}" for item in items]})
    frame["rating"] = random.integers(1, 6, len(frame))
    return frame.sample(frac=1, random_state=0).assign(other=0.5)


@pytest.fixture(scope="module")
def fitted(ratings: pd.DataFrame) -> Fitted:
    return vaebench.fit(
        ratings,
        strategy=STRATEGY,
        model=MODEL,
        training=TRAINING,
        split=SPLIT,
        threshold=2,
        seed=3,
    )


def test_a_fit_is_the_cell_of_a_study(
    ratings: pd.DataFrame, fitted: Fitted, tmp_path: Path
) -> None:
    """Bit for bit, by way of a CSV file, a configuration and the files of a cell."""
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    table = {"class": "ratings_table.RatingsTable", "path": "ratings.csv", "split": SPLIT}
    table |= {"user": "user", "item": "item", "rating": "rating", "threshold": 2}
    plan = Plan(
        {
            "name": "same",
            "seeds": [3],
            "control": "geco",
            "training": TRAINING,
            "datasets": {"ratings": table},
            "models": {"mult_vae": MODEL},
            "strategies": {"geco": STRATEGY},
            "grid": [{"dataset": "ratings", "model": "mult_vae", "strategies": ["geco"]}],
        }
    )
    (cell,) = plan.cells.values()
    data, out = tmp_path / "data", tmp_path / "cell"
    plan.dataset("ratings").write_split(tmp_path / "ratings.csv", data, {})
    vae.run(cell.spec, data, out)
    status = test.run(out, data, plan.study.all_metrics, samples=10)
    best = load_file(out / "best.safetensors")
    assert best.keys() == fitted.model.state_dict().keys()
    for name, value in fitted.model.state_dict().items():
        assert torch.equal(value, best[name]), name
    assert fitted.score() == pytest.approx({n: status["test"][n] for n in fitted.score()}, abs=0)
    rows = pd.read_parquet(out / "test.parquet")
    assert fitted.elbo().tolist() == rows["elbo"].tolist()
    ids = (data / "test_users.txt").read_text().split()
    assert [str(user) for user in fitted.elbo().index] == ids
    trace = pd.read_parquet(out / "trace.parquet").drop(columns="seconds")
    pd.testing.assert_frame_equal(fitted.trace.drop(columns="seconds"), trace)


def test_recommendations_are_the_best_of_the_others(ratings: pd.DataFrame, fitted: Fitted) -> None:
    """Against every item scored one by one, for a new user with an item that nobody knows."""
    known = ratings[ratings["user"] == 9].assign(user=1_000)
    extra = pd.DataFrame({"user": [1_000], "item": ["nobody's"]})
    found = fitted.recommend(pd.concat([known, known, extra]), k=4)
    assert found.columns.tolist() == ["user", "rank", "item", "score"]
    assert found["rank"].tolist() == [1, 2, 3, 4]
    x = torch.tensor([[float(item in set(known["item"])) for item in fitted.items]])
    scores = dict(zip(fitted.items, _logits(fitted, x), strict=True))
    rest = sorted(set(scores) - set(known["item"]), key=lambda item: -scores[item])
    assert found["item"].tolist() == rest[:4]
    assert found["score"].tolist() == pytest.approx([scores[item] for item in rest[:4]], abs=1e-6)
    everything = fitted.recommend(known, k=10_000)
    assert len(everything) == len(fitted.items) - known["item"].isin(fitted.items).sum()


def _logits(fitted: Fitted, x: torch.Tensor) -> list[float]:
    rows = SparseRows.from_scipy(csr_matrix(x.numpy()))
    with torch.no_grad():
        found: list[float] = fitted.model.decode(fitted.model.encode(rows).mean).logits[0].tolist()
    return found


def test_a_ranking_of_given_users_counts_their_hidden_items(fitted: Fitted) -> None:
    """One user; the hidden items are the model's own first and third, so NDCG is known."""
    known = pd.DataFrame({"user": [1, 1], "item": fitted.items[:2]})
    best = fitted.recommend(known, k=3)["item"].tolist()
    hidden = pd.DataFrame({"user": [1, 1], "item": [best[0], best[2]]})
    ideal = 1 + 1 / np.log2(3)
    assert fitted.score(known, hidden)["ndcg@100"] == pytest.approx((1 + 1 / 2) / ideal)


def test_a_file_gives_the_model_back(ratings: pd.DataFrame, fitted: Fitted, tmp_path: Path) -> None:
    fitted.save(tmp_path / "mine.safetensors")
    again = vaebench.load(tmp_path / "mine.safetensors")
    assert again.config == fitted.config
    assert again.items.tolist() == fitted.items.tolist()
    pd.testing.assert_frame_equal(again.trace, fitted.trace)
    pd.testing.assert_frame_equal(again.recommend(ratings), fitted.recommend(ratings))
    pd.testing.assert_series_equal(again.elbo(ratings), fitted.elbo(ratings))
    with pytest.raises(VaebenchError, match="a loaded model has no test users"):
        again.score()


def test_a_file_runs_no_code(fitted: Fitted, tmp_path: Path, monkeypatch: Any) -> None:
    """A class in the file that is not vaebench's is refused before anything of it is imported."""
    (tmp_path / "trap.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    about = {"config": fitted.config | {"model": {"class": "trap.Trap"}}}
    about |= {"items": fitted.items.tolist(), "trace": {}}
    file = tmp_path / "trap.safetensors"
    save_file({"x": torch.zeros(1)}, file, {"vaebench": json.dumps(about)})
    with pytest.raises(VaebenchError, match=r"'trap\.Trap' is not a class of vaebench"):
        vaebench.load(file)
    with pytest.raises(SystemExit, match="it ran"):
        vaebench.load(file, trust=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"strategy": {"class": "cyclical.Cyclical", "cycels": 2}},
            "strategies.cyclical.cycels: unknown key; allowed: cap, cycles, ramp, shape",
        ),
        (
            {"strategy": {"class": "constant.Constant", "beta": -1}},
            "strategies.constant.beta: -1 is not allowed; it should be greater than or equal to 0",
        ),
        ({"strategy": "Constant"}, "strategy.class: missing; allowed: file.Class"),
        ({"model": "image_mlp.ImageMLP"}, "grid.0.model: 'image_mlp' takes images"),
        ({"training": {"epoch": 1}}, "training.epoch: unknown key; allowed: "),
        ({"split": {"test_user": 1}}, "datasets.ratings.split.*test_user: unknown key; allowed: "),
        ({"split": {"test_users": 150}}, "split: 15 validation and 150 test users are not allowed"),
        ({"ratings": pd.DataFrame({"user": [1]})}, "ratings: there is no column 'item'"),
        (
            {"ratings": pd.DataFrame({"user": [1.5], "item": [1]})},
            "ratings: column 'user' holds float; allowed: whole numbers, or texts",
        ),
    ],
)
def test_bad_input_is_one_sentence(given: dict[str, Any], said: str, ratings: pd.DataFrame) -> None:
    with pytest.raises(VaebenchError, match=said) as found:
        vaebench.fit(**({"ratings": ratings} | given))
    assert "\n" not in str(found.value)


def test_beta_is_drawn_as_it_was_used(fitted: Fitted) -> None:
    (axis,) = fitted.plot().axes
    (line,) = axis.lines
    assert line.get_xdata().tolist() == fitted.trace["updates"].tolist()
    assert line.get_ydata().tolist() == fitted.trace["beta"].tolist()


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_examples_run(
    example: Path,
    tmp_path: Path,
    monkeypatch: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    state = torch.get_rng_state()
    runpy.run_path(str(example), run_name="__main__")
    torch.set_rng_state(state)
    assert capsys.readouterr().out


def public() -> str:
    """The signatures of what is public, as docs/library.md shows them."""
    lines = []
    for name in sorted(vaebench.__all__):
        thing = getattr(vaebench, name)
        if not inspect.isclass(thing):
            lines.append(_signature(f"vaebench.{name}", thing))
            continue
        fields = ", ".join(thing.__dataclass_fields__)
        lines.append(f"vaebench.{name}: {fields}")
        methods = {n: m for n, m in vars(thing).items() if not n.startswith("_")}
        lines += [_signature(f"vaebench.{name}.{n}", m) for n, m in methods.items() if callable(m)]
    return "\n".join(lines)


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    bare = [p for p in bare if p.name != "self"]
    return f"{name}{signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)}"


def test_what_is_public_is_what_the_docs_say() -> None:
    """A change of a name or of a signature is a change of the page, and of its rule."""
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n(.*?)\n^```", page, re.MULTILINE | re.DOTALL)
    assert block == public()
    typed = (ROOT / "vaebench/__init__.pyi").read_text(encoding="utf-8")
    assert set(re.findall(r"import (\w+) as \1", typed)) == set(vaebench.__all__)


def test_importing_vaebench_loads_nothing() -> None:
    program = (
        "import sys, vaebench; print(sorted({'torch', 'pandas', 'pydantic'} & {*sys.modules}))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError, match="module 'vaebench' has no attribute 'fits'"):
        vaebench.fits  # noqa: B018
