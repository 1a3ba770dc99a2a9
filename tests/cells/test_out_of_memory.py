"""Too little memory: the operating system grants the process a little more than it has."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaebench.cells.folder import FILES
from vaebench.cells.out_of_memory import lacks_memory
from vaebench.cells.reading import Cells, failures
from vaebench.components import create

PROGRAM = """
import json, resource, sys
from pathlib import Path
from tests.trained import run
out, data, specs = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
run(specs[0] | {"seed": 9}, data, out / "warm-up")  # all that torch loads late is there now
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (200 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for spec in specs:
    path = out / "cells/digits/mlp/constant" / f"seed-{spec['seed']}"
    print(run(spec, data, path)["status"])
"""


def spec(seed: int, hidden: int) -> dict[str, Any]:
    return {
        "study": "test",
        "dataset": "digits",
        "model": {"name": "mlp", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [hidden, hidden]},
        "strategy": {"name": "constant", "class": "constant.Constant"},
        "seed": seed,
        "training": {"epochs": 1, "batch_size": 500, "device": "cpu"},
    }


def test_a_cell_without_memory_fails_alone_with_its_reason(tmp_path: Path) -> None:
    data = create("vaebench.datasets", {"class": "digits.Digits"})
    data.write_split(None, tmp_path / "data", {"name": None, "sha256": None})
    specs = json.dumps([spec(0, 8), spec(1, 20_000), spec(2, 8)])
    command = [sys.executable, "-c", PROGRAM, tmp_path, tmp_path / "data", specs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == ["done", "out of memory", "done"]
    cells = Cells([tmp_path / f"cells/digits/mlp/constant/seed-{seed}" for seed in range(3)])
    for folder in cells.folders:
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    failed = failures(cells.table())
    assert failed["seed"].tolist() == [1]
    assert "memory" in failed["reason"].iloc[0]


def test_every_word_for_no_memory_is_known_and_no_other() -> None:
    with pytest.raises(RuntimeError) as torchs:
        torch.empty(1 << 60, dtype=torch.uint8)
    with pytest.raises(MemoryError) as numpys:
        np.empty(1 << 60, np.uint8)
    for error in (torchs.value, numpys.value, torch.OutOfMemoryError("CUDA out of memory")):
        assert lacks_memory(error)
    assert not lacks_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
