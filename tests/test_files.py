import subprocess
import sys
from pathlib import Path

import pytest

from vaebench.errors import DataError
from vaebench.files import read_json, whole, write_json, write_text


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new/folder/a.json"
    write_json(target, {"β": [1, None]})
    assert read_json(target) == {"β": [1, None]}
    assert [path.name for path in target.parent.iterdir()] == ["a.json"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fail_half_way() -> None:
        with whole(target) as path:
            path.write_text("half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """The operating system refuses to write beyond 4 KiB."""
    program = f"""
import resource, signal
from pathlib import Path
from vaebench.errors import DataError
from vaebench.files import write_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_text(Path({str(tmp_path / "big.txt")!r}), "x" * 10_000)
except DataError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write {tmp_path / 'big.txt'}: File too large\n"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*file/a.txt"):
        write_text(tmp_path / "file/a.txt", "")


def test_no_number_is_written_as_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match=r"cannot read .*a.json"):
        read_json(tmp_path / "a.json")
