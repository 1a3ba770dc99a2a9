"""What agrees is said to; what does not is named: by digests, recomputation or rescoring."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import load_file, save_file

from tests.sharing.conftest import document, edit, reseal
from vaebench.cells.folder import SplitFolder
from vaebench.errors import DataError
from vaebench.files import digest, read_json, write_json
from vaebench.sharing import rescore
from vaebench.sharing.archive import pack
from vaebench.sharing.verify import verify
from vaebench.study.plan import Plan


def test_a_study_agrees_wherever_it_lies_and_what_was_not_checked_is_said(
    packed: Path, made: Path
) -> None:
    """The archive, with the test values computed anew from the study's own splits."""
    found = verify(packed, data=made / "data")
    assert found.differences == []
    said = " ".join(found.checked)
    assert "against the manifest" in said
    assert "specification" in said
    assert "made anew" in said
    assert "rescored: test values of 9 cells" in said
    assert not any("--rescore" in sentence for sentence in found.unchecked)
    assert any("code/" in sentence for sentence in found.unchecked)


def flip(path: Path) -> None:
    """Another bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name",
    [
        "cells/planted/mult-vae/constant/seed-0/best.safetensors",
        "cells/planted/mult-vae/constant/seed-1/last.safetensors",
        "cells/digits/mlp/cyclical/seed-0/summary.json",
        "tuning/trial-1/cells/planted/mult-vae/constant/seed-1000/trace.parquet",
        "tuning/planted/mult-vae/constant.json",
        "data/planted/card.json",
        "tables/published.csv",
        "tables/traces.parquet",
        "figures/ranking.png",
        "images/reconstructions-digits-mlp.png",
        "paper/numbers.tex",
        "report.html",
    ],
)
def test_a_flipped_bit_is_found_and_its_file_named(study: Path, name: str) -> None:
    flip(study / name)
    assert any(name in sentence for sentence in verify(study).differences)


def test_what_digests_cannot_know_of_cells_is_found(study: Path) -> None:
    """Each file forged together with all digests."""
    cells = study / "cells"
    other = "planted/mult-vae/constant"
    edit(study / "study.json", lambda config: config["training"].update(batch_size=50))
    edit(study / "study.json", lambda config: config["registration"].pop("digest"))
    edit(cells / other / "seed-0/summary.json", lambda s: s["test"].update({"ndcg@100": 0.9}))
    edit(cells / other / "seed-1/training.json", lambda s: s["selected"].update(epoch=7))
    edit(cells / "planted/ease/none/seed-0/config.json", lambda c: c["model"].update(l2=1.0))
    edit(cells / "digits/mlp/cyclical/seed-0/training.json", lambda s: s["beta"].update(mean=0.3))
    edit(cells / "digits/mlp/constant/seed-0/training.json", lambda s: s["last"].update(rate=0.0))
    edit(cells / "digits/mlp/searched/seed-0/summary.json", lambda s: s.update(seconds=1.0))
    edit(study / "data/digits/card.json", lambda card: card["counts"].update(test_images=1))
    edit(study / "data/planted/card.json", lambda card: card["protocol"].update(seed=1))
    edit(study / "tuning/planted/mult-vae/user-scaled.json", lambda c: c.update(score=1.0))
    reseal(study)
    said = "\n".join(verify(study).differences)
    for sentence in (
        "training.batch_size is 100, the study asks for 50",
        "seed-0: summary.json says ndcg@100 0.9, test.parquet",
        "seed-1: epoch 7 is not the best",
        "ease/none/seed-0: config.json is not the one that was trained",
        "cyclical/seed-0: the β of training.json are not those of trace.parquet",
        "constant/seed-0: epoch 2 is not the last of trace.parquet",
        "searched/seed-0: summary.json and training.json say another seconds",
        "was trained on other data than data/digits/card.json",
        "data/planted: card.json: protocol.seed is 1, the study asks for",
        "tuning/planted/mult-vae/user-scaled.json: does not follow from the trials",
    ):
        assert sentence in said, sentence


def test_what_digests_cannot_know_of_documents_is_found(study: Path) -> None:
    """Tables, figures and report, each forged together with its digest."""

    def swap(name: str, old: str, new: str) -> None:
        text = (study / name).read_text()
        assert old in text
        (study / name).write_text(text.replace(old, new, 1))

    swap("tables/tuning.csv", "True", "False")
    swap("tables/results.md", "constant", "Constant")
    swap("tables/published.md", "No", "Some")
    swap("report.html", "undecided", "decided")
    swap("paper/numbers.tex", "mult-vae", "mult-dae")
    picture = study / "figures/elbo.png"
    with Image.open(picture) as shown:
        about, pixels = shown.info, np.array(shown.convert("RGB"))
    pixels[10, 10] ^= 0xFF
    texts = PngInfo()
    texts.add_text("Software", about["Software"])
    Image.fromarray(pixels).save(picture, pnginfo=texts)
    (study / "figures/beta.pdf").write_bytes((study / "figures/elbo.pdf").read_bytes())
    seeds = pd.read_csv(study / "tables/runs.csv")
    seeds.loc[0, "value"] += 1e-6
    seeds.to_csv(study / "tables/runs.csv", index=False)
    reseal(study)
    assert {sentence.partition(":")[0] for sentence in verify(study).differences} == {
        "tables/tuning.csv",
        "tables/results.md",
        "tables/published.md",
        "tables/runs.csv",
        "report.html",
        "paper/numbers.tex",
        "figures/elbo.png",
        "figures/beta.pdf",
    }


def test_only_rescoring_finds_test_values_that_were_forged_with_all_that_follows(
    study: Path, made: Path
) -> None:
    """A VAE's, a baseline's and, for pictures, the weights; tables and digests are made anew."""
    forged = study / "cells/planted/mult-vae/user-scaled/seed-0"
    for cell in (forged, study / "cells/planted/popularity/none/seed-0"):
        test = pd.read_parquet(cell / "test.parquet")
        test["ndcg@100"] = (test["ndcg@100"] + 0.01).clip(upper=1)
        test.to_parquet(cell / "test.parquet", index=False)
        mean = float(np.nanmean(test["ndcg@100"]))
        edit(cell / "summary.json", lambda s, mean=mean: s["test"].update({"ndcg@100": mean}))
    pictures = study / "cells/digits/mlp/cyclical/seed-0"
    weights = load_file(pictures / "best.safetensors")
    save_file(
        {name: value + 0.01 for name, value in weights.items()}, pictures / "best.safetensors"
    )
    edit(study / "study.json", lambda config: config.update(results=str(study.parent)))
    reseal(study)
    document(study)
    # the data are looked at last: what is found by them alone agreed until then
    said = verify(pack(study), data=made / "data").differences
    assert all(" gives: " in sentence for sentence in said)
    assert {sentence.partition(": ")[0] for sentence in said} == {
        "cells/planted/mult-vae/user-scaled/seed-0",
        "cells/planted/popularity/none/seed-0",
        "cells/digits/mlp/cyclical/seed-0",
    }
    assert any("elbo is not what the weights gives" in sentence for sentence in said)


def test_other_data_is_said_before_anything_is_scored(made: Path, tmp_path: Path) -> None:
    """A split of another seed, a damaged split, a folder without the raw file."""
    plan = Plan(read_json(made / "study.json"))
    theirs = made / "data/planted/card.json"
    other = shutil.copytree(made / "data/planted", tmp_path / "planted")

    def split(plan: Plan, folder: Path) -> None:
        with rescore.split(plan, SplitFolder.parse(theirs), folder):
            pass

    write_json(other / "card.json", read_json(theirs) | {"files": {"train.npz": "0" * 64}})
    with pytest.raises(DataError, match="damaged or was changed"):
        split(plan, tmp_path)
    write_json(other / "card.json", read_json(theirs) | {"protocol": {}, "files": {}})
    with pytest.raises(DataError, match="is not the data of planted: protocol is"):
        split(plan, tmp_path)
    config = read_json(made / "study.json")
    table = {"class": "ratings_table.RatingsTable", "user": "u", "item": "i"}
    config["datasets"]["planted"] = table | {"path": "/etc/hosts.csv"}
    config["registration"].pop("digest")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there is no /etc/hosts.csv in it"):
        split(Plan(config), tmp_path / "empty")


def test_raw_files_are_split_as_the_study_split_them(made: Path, tmp_path: Path) -> None:
    """Embedded and drawn data need no file; the split is the study's, file by file."""
    plan = Plan(read_json(made / "study.json"))
    for name in ("planted", "digits"):
        theirs = SplitFolder(made, name)
        with rescore.split(plan, theirs, tmp_path) as own:
            for file in theirs.path.glob("*.np[yz]"):
                assert digest(own / file.name) == digest(file)
