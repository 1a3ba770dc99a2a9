"""What a study's folder says of itself, wherever it lies."""

import shutil
from pathlib import Path

from tests.test_workflow_tuning import TUNED
from vaebench.files import write_json
from vaebench.study.keys import read
from vaebench.study.plan import Plan
from vaebench.study.saved import Saved


def test_a_moved_folder_lists_its_cells_and_its_trials(tmp_path: Path) -> None:
    before = tmp_path / "before"
    write_json(before / "small/study.json", read(TUNED | {"results": str(before)}).model_dump())
    shutil.move(before, tmp_path / "after")
    study, home = Saved(tmp_path / "after/small"), tmp_path / "after/small"
    assert study.cells() == [home / "cells" / path for path in Plan(TUNED).cells]
    trials = {str(folder.relative_to(home / "tuning")) for folder in study.trials()}
    assert trials == {
        f"trial-{number}/cells/planted/{cell}"
        for number in (0, 1)
        for cell in ("mult-vae/constant/seed-1000", "ease/none/seed-1000")
    }


def test_what_is_being_written_is_no_document(tmp_path: Path) -> None:
    home = tmp_path / "small"
    write_json(home / "study.json", read(TUNED).model_dump())
    names = ["tables/a.csv", "tables/.a.csv.a1b2c3d4.part.csv", "tables/a.parquet", "report.html"]
    for name in names:
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).touch()
    assert Saved(home).documents() == [home / "report.html", home / "tables/a.csv"]
