"""``python -P -m vaebench verify results/NAME`` or ``… NAME.tar.gz``: do the results agree?

Of a record, does it agree with itself (:mod:`vaebench.records.check`)? Of a study, in this order,
and no further than the first step that finds something:

1. Is the archive one that ``vaebench archive`` packs, and each file the one of its manifest?
2. Is each file the one that its cell, split or study was sealed with (:mod:`vaebench.seal`)?
3. Is each cell trained as the study asks, and do its means, its selection and the choices of the
   tuning stage follow from the files (:mod:`vaebench.sharing.cells`)?
4. Do tables, figures and report follow from the cells (:mod:`vaebench.sharing.documents`)?
5. With ``--rescore DATA``: do the stored weights give the test values (:mod:`sharing.rescore`)?

Nothing that came with the study is executed. It is read in a process of its own that imports from
no folder but the package's, refuses classes of others (``--trust`` allows those of one's own Python
path), and has no more memory than the size of the files explains.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaebench.cells.folder import SEALS, SplitFolder
from vaebench.errors import DataError, VaebenchError
from vaebench.machine import provenance
from vaebench.seal import STUDY, check_file, sealed
from vaebench.sharing.container import (
    CODE,
    MANIFEST,
    MIB,
    SIGNED,
    TRIAL,
    documents,
    read,
    signed,
    trials,
    unpack,
)
from vaebench.sharing.terminal import command, say

RECORD = "record.json"
"""What makes a folder a record (:mod:`vaebench.records.schema`, which loads pandas)."""
MOST_UNPACKED = 256 * MIB

ROOT = Path(__file__).parents[2]
INSIDE = "--inside"
"""Says that this process is the one that reads."""

ABOUT = "Do the files of a study agree? Nothing that came with it is executed."

LIGHT, HEAVY, TIMES = 96 * MIB, 96 * MIB, 8
"""Memory for unpacking; for making tables anew, and so many times the bytes of the archive."""

WEIGHTS, TIMES_WEIGHTS = 1024 * MIB, 8
"""Memory for rescoring, and so many times the largest weights."""


@dataclass
class Verdict:
    """What was found, what was looked at and what was not, each a sentence."""

    differences: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    packed: str | None = None
    """The commit of an archive."""


def verify(path: Path, *, trusted: bool = False, data: Path | None = None) -> Verdict:
    """Check a study's folder or archive.

    Args:
        path: a folder ``…/NAME`` or a file ``NAME.tar.gz``.
        trusted: classes of others than this package may be imported, from ``sys.path``.
        data: one's own copy of the data: a split, splits by name, or raw files.

    Raises:
        ConfigError: the study cannot be run or names classes that are not trusted.
        DataError: it is no study, or one that is not to be read.
    """
    verdict = Verdict()
    if (path / RECORD).is_file():
        limit(LIGHT + MOST_UNPACKED)
        from vaebench.records.check import differences  # noqa: PLC0415 (pandas, after the limit)

        verdict.differences += differences(path)
        verdict.checked.append("a record: seal, columns, sums, covariances, registration, times")
        verdict.unchecked.append("whether cells gave these numbers: they are not here")
        return verdict
    if not path.is_file():
        _study(verdict, path, sum(_sizes(path)), trusted=trusted, data=data)
        return verdict
    limit(LIGHT)
    manifest = _manifest(verdict, path)
    if not verdict.differences:
        with tempfile.TemporaryDirectory(prefix="vaebench-") as home:
            folder, size = unpack(path, Path(home)), path.stat().st_size
            _study(verdict, folder, size, trusted=trusted, data=data)
            if not verdict.differences:
                _crate(verdict, folder, manifest)
    return verdict


def _crate(verdict: Verdict, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Whether the metadata of an archive describe what is in it."""
    from vaebench.sharing.agreement import readable  # noqa: PLC0415 (after the memory is limited)
    from vaebench.sharing.crate import CRATE, differences  # noqa: PLC0415

    with readable(CRATE):
        verdict.differences += differences(folder, manifest)
    verdict.checked.append(f"{CRATE}, made anew from manifest and cards")


def _manifest(verdict: Verdict, archive: Path) -> dict[str, Any]:
    """What an archive has otherwise than its manifest says; nothing is unpacked for it."""
    content = read(archive)
    try:
        manifest = json.loads(content.manifest)
        said = {key: value for key, value in manifest.items() if key != SIGNED}
        wanted = dict(said["files"])
        if content.manifest != signed(said) or said["study"] != content.study:
            verdict.differences.append(f"{MANIFEST}: is not the one that was packed")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{archive}: {MANIFEST} is damaged; allowed: as it was packed") from error
    there = {name: found for name, found in content.digests.items() if name != MANIFEST}
    found = [f"{name}: is not in the archive" for name in sorted(set(wanted) - set(there))]
    found += [f"{name}: is not in the manifest" for name in sorted(set(there) - set(wanted))]
    found += [
        f"{name}: is not the file that was packed"
        for name in sorted(set(wanted) & set(there))
        if there[name] != wanted[name]
    ]
    verdict.differences += found
    verdict.checked.append(f"{len(wanted)} files against the manifest")
    verdict.unchecked.append(f"whether {CODE}/ made these results: it is not run")
    verdict.packed = str(said.get("commit"))
    return said


def _seals(verdict: Verdict, folder: Path) -> None:
    """What a study has otherwise than it was sealed with."""
    if not (folder / STUDY).is_file():
        raise DataError(f"{folder}: there is no {STUDY} in it; run the study to its end")
    found = list(_broken(folder, folder / STUDY, {*documents(folder), *sealed(folder / STUDY)}))
    cells = sorted(folder.glob("cells/*/*/*/*/status.json"))
    for status in cells:
        for seal, files in SEALS.items():
            found += _broken(folder, status.with_name(seal), files)
    tried = trials(folder)
    for path in tried:  # its weights are not packed
        files = tuple(n for n in SEALS[path.name] if n in TRIAL or path.with_name(n).exists())
        found += _broken(folder, path, files)
    splits = 0
    for card in (folder / name for name in documents(folder) if name.endswith("/card.json")):
        files = tuple(name for name in sealed(card) if card.with_name(name).is_file())
        found += _broken(folder, card, files)
        splits += bool(files)
        if not files:
            why = "its files are not here" if sealed(card) else "its card has no digests"
            verdict.unchecked.append(f"the split of {SplitFolder.parse(card).key}: {why}")
    verdict.differences += found
    what = f"{len(cells)} cells, {len(tried)} trials, {splits} splits, tables, figures, report"
    verdict.checked.append(f"digests of {what}")


def _broken(study: Path, seal: Path, files: Collection[str]) -> Iterator[str]:
    """Which of ``files`` are not the ones that ``seal``, in their folder, has the digests of."""
    wanted = sealed(seal)
    for name in sorted(files):
        path = seal.parent / name
        if name not in wanted:
            yield f"{path.relative_to(study)}: has no digest in {seal.relative_to(study)}"
            continue
        try:
            check_file(path, wanted[name])
        except DataError as error:
            yield str(error)


def _study(verdict: Verdict, folder: Path, size: int, *, trusted: bool, data: Path | None) -> None:
    """All but the container; ``size`` bytes explain what memory is needed."""
    from vaebench.study.saved import Saved  # noqa: PLC0415 (after the memory is limited)

    folder = Saved(folder).folder
    _seals(verdict, folder)
    if verdict.differences:
        return
    limit(None)
    from vaebench.sharing.agreement import Agreement  # noqa: PLC0415 (torch, pandas, matplotlib)

    def charts() -> None:  # their script is ours, whatever the archive says
        limit(None)
        from vaebench.report import web  # noqa: PLC0415 (after what is refused without it)

        web.library()
        limit(HEAVY + TIMES * size)

    limit(HEAVY + TIMES * size)
    agreement = Agreement(folder, trusted=trusted)
    verdict.differences += agreement.differences(charts)
    verdict.checked += [
        f"{len(agreement.specs)} cells: specification, means, selected epoch",
        "tables, figures, report and paper, made anew from the cells",
    ]
    if agreement.plan.study.registration is not None:
        verdict.checked.append("the registration's digest, and that the test part was opened last")
    verdict.unchecked.append("times, machines and versions, as the files say")
    if agreement.plan.study.images:
        verdict.unchecked.append("images/cells: what was measured of picture VAEs")
    if data is None:
        verdict.unchecked.append(
            "test values against the weights: digests show accidents, not forgery; "
            "--rescore DATA computes them anew from your own copy of the data"
        )
    elif not verdict.differences:
        limit(WEIGHTS + TIMES_WEIGHTS * max([*_sizes(folder), *_sizes(data)]))
        verdict.differences += agreement.rescored(data)
        verdict.checked.append(
            f"rescored: test values of {len(agreement.done())} cells, computed anew from their "
            f"weights (baselines fitted again) and {data}, to 1e-5"
        )


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


LIMITED = False
"""Whether this process is one that limits itself."""


def limit(more: int | None) -> None:
    """Allow this process ``more`` bytes than it has now, or any; only one of our own, on Linux."""
    if not LIMITED or not Path("/proc/self/statm").exists():
        return
    import resource  # noqa: PLC0415 (not on Windows)

    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = hard if more is None else has + more
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def main(arguments: Sequence[str]) -> None:
    """Verify one study; the exit status is 1 if anything does not agree."""
    parser = argparse.ArgumentParser(
        "vaebench verify", description=ABOUT, epilog="example: vaebench verify results/default"
    )
    parser.add_argument("study", type=Path, help="results/NAME, NAME.tar.gz or a record's folder")
    parser.add_argument(
        "--rescore",
        type=Path,
        metavar="DATA",
        help="compute the test values anew from the weights and your own copy of the data: a split "
        "(results/NAME/data), or a folder of raw files",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="import classes that are not vaebench's, from your own Python path",
    )
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        sys.exit(_ended(given))
    global LIMITED  # noqa: PLW0603 (of this process)
    LIMITED = True
    with command():
        try:
            verdict = verify(given.study, trusted=given.trust, data=given.rescore)
        except MemoryError:
            raise DataError(
                f"{given.study}: needs more memory than its size explains; nothing was believed"
            ) from None
        _say(verdict, given.study, rescored=given.rescore is not None)


def _say(verdict: Verdict, path: Path, *, rescored: bool) -> None:
    """Print what was found.

    Raises:
        VaebenchError: something was.
    """
    if verdict.differences:
        say(verdict.differences)
        count, ours = len(verdict.differences), provenance.commit()["commit"]
        other = verdict.packed and verdict.packed != str(ours)
        hint = f" (packed by commit {verdict.packed}, checked by {ours})" if other else ""
        raise VaebenchError(f"{path}: {count} difference{'s' * (count > 1)}{hint}")
    how = "rescored" if rescored else "digests and recomputed tables; NOT rescored"
    if (path / RECORD).is_file():
        how = "a record, checked for itself"
    lines = [f"{path}: agrees ({how})"]
    lines += [f"  checked: {sentence}" for sentence in verdict.checked]
    say([*lines, *(f"  not checked: {sentence}" for sentence in verdict.unchecked)])


def in_a_process_of_its_own(
    study: Path, *, trusted: bool = False, data: Path | None = None, heard: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Verify a study where nothing of it can be imported.

    Args:
        study: as of :func:`verify`, like ``trusted`` and ``data``.
        trusted: see there.
        data: see there.
        heard: what the process says is returned, not printed.
    """
    paths = [ROOT, *map(Path, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))]
    paths = [path for path in paths if path.is_absolute()]
    if trusted:
        paths.append(Path.cwd())
    environment = {
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(map(str, paths))),
        # address space that is reserved and never used would count as used
        "MALLOC_ARENA_MAX": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    command_line = [sys.executable, "-P", "-m", "vaebench", "verify", INSIDE, str(study)]
    command_line += ["--trust"] * trusted
    command_line += ["--rescore", str(data)] if data else []
    return subprocess.run(  # noqa: S603 (our own words)
        command_line, env=environment, check=False, capture_output=heard, text=True
    )


def _ended(given: argparse.Namespace) -> int:
    """The exit status of the process that reads what was given."""
    done = in_a_process_of_its_own(given.study, trusted=given.trust, data=given.rescore)
    if done.returncode < 0:
        sys.exit(
            f"vaebench: {given.study}: the process that read it was ended by signal "
            f"{-done.returncode}; nothing was believed"
        )
    return done.returncode


if __name__ == "__main__":
    main(sys.argv[1:])
