"""A site of the published record and of a world of six data sets, built once."""

from pathlib import Path

import pytest

from tests.records.conftest import world
from vaebench.sharing.site.build import build

ROOT = Path(__file__).parents[3]
RECORDS = ROOT / "docs/results/records"
GAINS = [0.004, 0.006, 0.008, 0.010, 0.013, 0.018]


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of six data sets on which ``scaled`` is ahead; not to be changed."""
    home = tmp_path_factory.mktemp("worlds")
    for place, gain in enumerate(GAINS):
        world(home, f"set-{place}", gains={"constant": 0.0, "scaled": gain})
    return home


@pytest.fixture(scope="session")
def site(worlds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of all of them and of the published record; not to be changed."""
    out = tmp_path_factory.mktemp("site") / "public"
    build([RECORDS, worlds], out)
    return out
