import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vaebench.errors import DataError
from vaebench.files import is_temporary, read_json, sweep, whole, write_json, write_text


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
    with pytest.raises(DataError, match="JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match=r"cannot read .*a.json"):
        read_json(tmp_path / "a.json")


WRITER = """
import sys
from pathlib import Path
from vaebench.files import whole
with whole(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    sys.stdin.read()
"""


@contextmanager
def writing(target: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process in the middle of a write, and its temporary."""
    command = [sys.executable, "-c", WRITER, str(target)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout
        try:
            yield writer, Path(writer.stdout.readline().strip())
        finally:
            writer.kill()


@pytest.mark.parametrize("name", ["a.csv", "no-ending", ".hidden", "a.tar.gz"])
def test_what_a_killed_writer_left_is_swept(tmp_path: Path, name: str) -> None:
    mine = [tmp_path / name for name in ("a.csv.part", ".notes.part", "part", ".a.part.csv")]
    for path in mine:
        path.write_text("the user's own")
    with writing(tmp_path / name) as (writer, temporary):
        assert not sweep(tmp_path), "its writer lives"
        assert temporary.read_text() == "half"
        writer.kill()
        writer.wait()
        assert sweep(tmp_path) == [temporary]
    assert sorted(tmp_path.iterdir()) == sorted(mine)


def test_a_writer_that_lives_through_a_sweep_ends_well(tmp_path: Path) -> None:
    with writing(tmp_path / "a.txt") as (writer, _):
        sweep(tmp_path)
        writer.communicate("")
        assert writer.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_is_not_there_is_swept(tmp_path: Path) -> None:
    assert not sweep(tmp_path / "nowhere")


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it a loss of power leaves the new name on no bytes."""
    target, seen = tmp_path / "a.txt", list[tuple[str, bool, str]]()

    def record(file: int) -> None:
        synced = Path(f"/proc/self/fd/{file}").resolve()
        content = synced.read_text() if synced.is_file() else ""
        seen.append((synced.name, target.exists(), content))

    monkeypatch.setattr(os, "fsync", record)
    write_text(target, "new")
    (part, named, content), folder = seen
    assert (is_temporary(Path(part)), named, content) == (True, False, "new")
    assert folder == (tmp_path.name, True, "")


def test_a_disk_that_fails_to_keep_the_bytes_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DataError, match=r"cannot write .*a.txt: Input/output error"):
        write_text(tmp_path / "a.txt", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]
