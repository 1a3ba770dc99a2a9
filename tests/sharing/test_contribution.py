"""An archive from a stranger on a site: computed again it is ranked, forged it is refused."""

import shutil
from pathlib import Path

import pytest

from tests.sharing.conftest import edit, reseal
from vaebench.errors import DataError
from vaebench.sharing.archive import pack
from vaebench.sharing.site.build import build


def test_an_archive_that_was_computed_again_is_ranked(
    packed: Path, made: Path, tmp_path: Path
) -> None:
    given = tmp_path / "contributions"
    given.mkdir()
    shutil.copyfile(packed, given / packed.name)
    assert build([given], tmp_path / "public", made / "data") == {"small": True}
    index = (tmp_path / "public/index.html").read_text()
    assert "1 of them recomputed here." in index
    assert "reported, not recomputed" not in index
    board = (tmp_path / "public/boards/planted/mult-vae.html").read_text()
    assert '<th scope="col">rank</th>' in board
    assert "Nothing is ranked" not in board
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contributions", "public"]


def test_a_forged_archive_is_refused_and_no_site_is_written(study: Path, tmp_path: Path) -> None:
    cell = "cells/planted/mult-vae/user-scaled/seed-0"
    edit(study / cell / "summary.json", lambda s: s["test"].update({"recall@20": 0.9}))
    reseal(study)
    archive = pack(study)
    with pytest.raises(DataError) as caught:
        build([archive], tmp_path / "public")
    assert str(caught.value).startswith(
        f"small.tar.gz: is refused: {cell}: summary.json says recall@20 0.9, test.parquet "
    )
    assert not (tmp_path / "public").exists()
