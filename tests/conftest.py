"""Fixtures of all tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# every run the same draws; VAEBENCH_RANDOM=1: fresh ones, more of them. No test sets its own.
settings.register_profile("ci", max_examples=60, deadline=None, derandomize=True, database=None)
settings.register_profile("random", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile("random" if os.environ.get("VAEBENCH_RANDOM") else "ci")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def raw_folder() -> Callable[[str], Path]:
    """``raw_folder("ml-1m/ratings.csv")``: a real raw file; the test is skipped without it.

    Looked for in the folder VAEBENCH_RAW, else in ``shared/data`` beside the repository.
    """
    folder = Path(os.environ.get("VAEBENCH_RAW") or REPOSITORY.parent / "shared" / "data")

    def find(name: str) -> Path:
        path = folder / name
        if not path.is_file():
            pytest.skip(f"{path} is not there; VAEBENCH_RAW names the folder of raw files")
        return path

    return find


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of MLflow in which there is nothing yet; making one takes seconds."""
    from vaebench.sharing.store import make  # noqa: PLC0415 (MLflow, for few tests)

    file = tmp_path_factory.mktemp("made") / "mlflow.db"
    make(f"sqlite:///{file}")
    return file
