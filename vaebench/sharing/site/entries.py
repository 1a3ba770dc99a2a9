"""What a site shows: records, studies and archives, each checked, some of them computed again.

A record says what somebody measured. Only an archive (or a study's folder) has the weights that
give the test values, so only that can be computed again, from one's own copy of the data. What was
not is shown as reported and takes part in no ranking.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaebench.errors import DataError
from vaebench.records.check import differences
from vaebench.records.schema import RECORD, Record, read
from vaebench.records.write import record as write_record
from vaebench.sharing.agreement import readable
from vaebench.sharing.container import unpack
from vaebench.sharing.verify import in_a_process_of_its_own
from vaebench.study.saved import NAME as STUDY

ARCHIVE = ".tar.gz"
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""A name that becomes a part of a path: of a study, data set, model or strategy."""

CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """A study on the site.

    Attributes:
        record: its results.
        folder: of the record's files.
        recomputed: its test values were computed again from its weights and one's own data.
        how: what was checked, a sentence.
    """

    record: Record
    folder: Path
    recomputed: bool
    how: str

    @property
    def name(self) -> str:
        """The study's."""
        return self.record.name

    @property
    def opened(self) -> str:
        """When the test part was opened; what was never registered comes last."""
        opening = self.record.about["opening"]
        return str(opening["opened_at"]) if opening else "~"


def entries(given: Sequence[Path], data: Path | None, home: Path) -> list[Entry]:
    """Everything that lies in the folders ``given``, by name.

    Args:
        given: records, studies, archives, or folders of them.
        data: one's own copy of the data, for computing archives again; see
            :func:`vaebench.sharing.verify.verify`.
        home: an empty folder for the records of studies and archives.

    Raises:
        DataError: there is nothing, or what is there is damaged, forged or there twice; the message
            names it and says what is wrong.
    """
    found: dict[str, tuple[Path, Entry]] = {}
    for path in (each for folder in given for each in _below(folder)):
        place = home / str(len(found))
        place.mkdir()
        entry = _recorded(path) if (path / RECORD).is_file() else _computed(path, data, place)
        with readable(path):
            refuse_names(path, entry.record)
        if entry.name in found:
            raise DataError(
                f"{path}: the study {entry.name} is there twice, also as "
                f"{found[entry.name][0]}; allowed: one record or archive of a study"
            )
        found[entry.name] = (path, entry)
    return [entry for _, (_, entry) in sorted(found.items())]


def _below(given: Path) -> Iterator[Path]:
    """The records, studies and archives at a path or directly below it.

    Raises:
        DataError: there is none.
    """
    if _is_one(given):
        yield given
        return
    found = sorted(path for path in given.iterdir() if _is_one(path)) if given.is_dir() else []
    if not found:
        raise DataError(
            f"{given}: there is no record, study or archive in it; allowed: a folder that "
            "`vaebench record` or `vaebench run` wrote, a file that `vaebench archive` packed, or "
            "a folder of these"
        )
    yield from found


def _is_one(path: Path) -> bool:
    if path.is_dir():
        return any((path / name).is_file() for name in (RECORD, STUDY))
    return path.is_file() and path.name.endswith(ARCHIVE)


def _recorded(folder: Path) -> Entry:
    """A record, which has to agree with itself."""
    wrong = differences(folder)
    if wrong:
        raise _refused(folder, wrong)
    return Entry(
        read(folder),
        folder,
        recomputed=False,
        how="A record alone: it agrees with itself; nobody computed its numbers again here.",
    )


def _computed(path: Path, data: Path | None, home: Path) -> Entry:
    """A study's folder or archive, verified where nothing of it can run."""
    if path.is_file():  # what is verified is what is read, whatever becomes of the original
        path = Path(shutil.copyfile(path, home / path.name))
    done = in_a_process_of_its_own(path, data=data, heard=True)
    if done.returncode:
        found = done.stdout.strip().splitlines() or done.stderr.strip().splitlines()
        ended = f"the process that read it was ended by signal {-done.returncode}"
        raise _refused(path, found if done.returncode > 0 and found else [ended])
    folder = unpack(path, home / "study") if path.is_file() else path
    with readable(path.name):
        write_record(folder, home / "record")
    how = "An archive: files, tables and report agree"
    how += (
        "; its test values were computed again from its weights and this site's copy of the data."
        if data
        else "; its test values were not computed again, because no data were given."
    )
    return Entry(read(home / "record"), home / "record", recomputed=data is not None, how=how)


def _refused(path: Path, reasons: Sequence[str]) -> DataError:
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    first = reasons[0].removeprefix("vaebench: ")
    return DataError(f"{path.name}: is refused: {first}{more}")


def refuse_names(path: Path, record: Record) -> None:
    """Nothing, if every name of a record can be a part of a path and of a link.

    Raises:
        DataError: one of them cannot.
    """
    cells, config = record.tables["cells"], record.about["config"]
    names = {record.name, *record.about["datasets"]}
    names |= {*cells["dataset"], *cells["model"], *cells["strategy"]}
    for name in sorted(names):
        if not WORD.fullmatch(str(name)) or name == "index":
            raise DataError(
                f"{path}: {name!r} can be no name of a page; allowed: letters, digits, dots, _ "
                "and -, a letter or digit first"
            )
    for spec in config["strategies"].values():
        if not CLASS.fullmatch(str(spec["class"])):
            raise DataError(f"{path}: {spec['class']!r} names no class; allowed: file.Class")
