"""Where a result comes from, as its files say."""

import hashlib
import json
import subprocess
from pathlib import Path

import torch

from tests.sharing.test_tracking import spec
from tests.trained import run
from vaebench.components import create
from vaebench.machine import provenance


def test_a_cell_says_where_it_comes_from(tmp_path: Path) -> None:
    data = tmp_path / "data"
    source = {"name": "digits.zip", "sha256": "0" * 64}
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(None, data, source)
    run(spec(5), data, tmp_path / "cell")
    summary = json.loads((tmp_path / "cell/summary.json").read_text())
    config = json.loads((tmp_path / "cell/config.json").read_text())
    assert config["seed"] == 5
    canonical = json.dumps(config, sort_keys=True).encode()
    assert summary["config_sha256"] == hashlib.sha256(canonical).hexdigest()
    card = hashlib.sha256((data / "card.json").read_bytes()).hexdigest()
    assert summary["data"] == {"card_sha256": card, "source": source}
    assert summary["versions"]["torch"] == str(torch.__version__)
    assert {"python", "vaebench", "numpy", "snakemake"} <= set(summary["versions"])
    assert set(summary["machine"]) == {"system", "processor", "cores"}, "and no host name"
    assert summary["commit"] == provenance.commit()


def test_an_edit_makes_a_checkout_dirty(tmp_path: Path) -> None:
    assert provenance.commit(tmp_path) == {"commit": None, "dirty": None}

    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--message", "one")
    assert provenance.commit(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("two")
    assert provenance.commit(tmp_path)["dirty"] is True


def test_the_hash_of_a_configuration_is_that_of_its_content() -> None:
    one = provenance.config_hash({"a": 1, "b": {"c": 2}})
    assert one == provenance.config_hash({"b": {"c": 2}, "a": 1})
    assert one != provenance.config_hash({"a": 1, "b": {"c": 3}})
