"""Finished cells under a newer version of the code: the seals change, and no result does."""

import pytest

from tests.cells import test_job
from tests.cells.test_job import arguments, do, only_cell
from vaebench.cells import job
from vaebench.cells.folder import FILES
from vaebench.files import digest, read_json
from vaebench.study.adopt import adopt
from vaebench.study.current import Upkeep
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials

LONG_AGO = 1.1e9
"""What is not current looks older than this."""

_own_log, plan = test_job._own_log, test_job.plan


def whole(plan: Plan) -> bool:
    """Whether both seals hold the digests of the files that there are."""
    folder = only_cell(plan).folder
    seals = [read_json(folder.file(name))["files"] for name in ("training.json", "status.json")]
    return all(seal == {name: digest(folder.file(name)) for name in seal} for seal in seals)


@pytest.mark.parametrize("older", [("train", "test"), ("train",), ("test",)], ids="+".join)
def test_an_adopted_cell_is_current_and_whole(plan: Plan, older: tuple[str, ...]) -> None:
    """Whichever of its two stages was made by other code: a test names its training."""
    for step in ("train", "test"):
        if step in older:
            job.main(arguments(plan, step, "of an older version"))
        else:
            do(plan, step)
    folder = only_cell(plan).folder
    results = [name for name in FILES if name not in ("config.json", "training.json")]
    before = {name: folder.file(name).read_bytes() for name in results if "status" not in name}
    done = adopt(plan)
    assert not done.refused
    expected = ["training", "status"] if "train" in older else ["status"]
    assert [stage.name for stage in done.adopted] == expected
    assert whole(plan)
    assert {name: folder.file(name).read_bytes() for name in before} == before
    upkeep = Upkeep(plan, Trials(plan))
    upkeep.settle()
    assert not upkeep.stale
    assert min(folder.file(name).stat().st_mtime for name in FILES) > LONG_AGO
    assert adopt(plan).current == 2
