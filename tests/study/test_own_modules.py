"""Where a user's own classes may lie: beside the config, in the working folder, with any names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.test_workflow import ROOT, STUDY
from vaebench.errors import ConfigError
from vaebench.study.plan import Plan

MINE = '''
from torch import Tensor

from vaebench.strategies import Stats, Strategy


class Mine(Strategy):
    """β = 1."""

    def forward(self, stats: Stats) -> Tensor:
        """The weight."""
        return stats.rate.new_tensor(1.0)
'''


@pytest.mark.parametrize("place", ["config's folder", "working folder"])
def test_classes_are_found_from_another_working_folder(tmp_path: Path, place: str) -> None:
    """Paths with spaces, quotes and a leading dash, by a dry run of the real workflow."""
    here, config = tmp_path / "here", tmp_path / "a 'config' -ü"
    here.mkdir()
    config.mkdir()
    (config if place == "config's folder" else here).joinpath("mine.py").write_text(MINE)
    study = STUDY | {
        "tracking": {"enabled": False},
        "results": "-my 'results'/ü",
        "strategies": STUDY["strategies"] | {"mi.ne_-1": {"class": "mine.Mine"}},
        "grid": [STUDY["grid"][1] | {"strategies": ["constant", "mi.ne_-1"]}],
    }
    (config / "study.yaml").write_text(yaml.safe_dump(study, allow_unicode=True))
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [*command, "--dry-run", "--configfile", str(config / "study.yaml")],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train" in done.stdout + done.stderr


def test_a_wrong_name_is_one_sentence(tmp_path: Path) -> None:

    strategies = STUDY["strategies"] | {"mine's": {"class": "constant.Constant"}}
    with pytest.raises(ConfigError) as error:
        Plan(STUDY | {"results": str(tmp_path), "strategies": strategies})
    assert "strategies.mine's: " in str(error.value)
    assert "is not allowed; it should match pattern" in str(error.value)
