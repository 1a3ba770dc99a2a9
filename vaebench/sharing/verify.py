"""``python -m vaebench verify results/NAME`` or ``… NAME.tar.gz``: do the results agree?

Three questions, each answered from the files alone: is every file of an archive the one that its
manifest names; do the means of each cell follow from its test examples, and its selection from its
trace; do the tables follow from the cells. For the last the rule of the workflow that makes the
tables is run anew, in a folder of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaebench.cells.folder import FILES, CellFolder
from vaebench.datasets.fetch import tar_members
from vaebench.errors import DataError, VaebenchError
from vaebench.files import read_json
from vaebench.machine.provenance import config_hash
from vaebench.sharing.archive import MANIFEST, ROOT, sha256
from vaebench.study.saved import NAME, Saved

TOLERANCE = 1e-9
"""Relative; other processors add in another order."""


def differences(folder: Path) -> list[str]:
    """Everything that does not agree, one sentence each; empty if all does.

    Args:
        folder: a study's folder.

    Raises:
        DataError: it is none, or its tables cannot be computed.
    """
    study = Saved(folder)
    found = [sentence for cell in study.cells() for sentence in _cell(study, cell)]
    return found + _tables(study)


def manifest(folder: Path) -> list[str]:
    """What an unpacked archive has otherwise than its manifest says."""
    wanted: dict[str, str] = read_json(folder / MANIFEST)["files"]
    there = {
        f"{folder.name}/{path.relative_to(folder)}": path
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MANIFEST
    }
    found = [f"{name}: is not in the archive" for name in sorted(set(wanted) - set(there))]
    found += [f"{name}: is not in the manifest" for name in sorted(set(there) - set(wanted))]
    return found + [
        f"{name}: is not the file that was packed"
        for name in sorted(set(wanted) & set(there))
        if sha256(there[name]) != wanted[name]
    ]


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The study of an archive in a temporary folder.

    Raises:
        DataError: not a whole archive, not one of a study, or one that is not to be trusted.
    """
    with tempfile.TemporaryDirectory(prefix="vaebench-") as name:
        home = Path(name)
        for member, file in tar_members(archive, str(archive)):
            path = home / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read())
        studies = [path.parent for path in home.glob(f"*/{MANIFEST}")]
        if len(studies) != 1:
            raise DataError(f"{archive}: there is no study in it; allowed: what archive packed")
        yield studies[0]


def _cell(study: Saved, folder: Path) -> Iterator[str]:
    """What does not agree within one cell."""
    name = folder.relative_to(study.folder)
    if not (folder / "status.json").is_file():
        return
    absent = [file for file in FILES if not (folder / file).is_file()]
    if absent:
        yield f"{name}: {', '.join(absent)} missing"
        return
    summary = read_json(folder / "summary.json")
    if config_hash(read_json(folder / "config.json")) != summary["config_sha256"]:
        yield f"{name}: config.json is not the one that was trained"
    if read_json(folder / "status.json")["status"] == "done":
        card = study.cards()[folder.parts[-4]]
        if sha256(card) != summary["data"]["card_sha256"]:
            yield f"{name}: was trained on other data than {card.relative_to(study.folder)}"
        test = pd.read_parquet(folder / "test.parquet")
        trace = pd.read_parquet(folder / "trace.parquet")
        yield from (f"{name}: {words}" for words in _means(summary, test))
        metric = f"validation_{summary['selecting']}"
        yield from (f"{name}: {words}" for words in _selection(summary, trace, metric))


def _means(summary: dict[str, Any], test: pd.DataFrame) -> Iterator[str]:
    """Whether the means are those of the test examples."""
    if set(summary["test"]) != set(test.columns) or summary["test_examples"] != len(test):
        yield "summary.json is not of test.parquet"
        return
    for metric, value in summary["test"].items():
        mean = np.nanmean(test[metric]) if np.isfinite(test[metric]).any() else None
        if not _close(value, mean):
            yield f"summary.json says {metric} {value}, test.parquet {mean}"


def _selection(summary: dict[str, Any], trace: pd.DataFrame, metric: str) -> Iterator[str]:
    """Whether the selected epoch is the best one; a baseline is fitted and selects nothing."""
    selected = summary["selected"]
    if selected and len(trace):
        best = trace.loc[trace[metric].idxmax()]
        if not all(_close(selected[column], best[column]) for column in trace.columns):
            yield f"epoch {selected['epoch']} is not the best of trace.parquet by {metric}"


def _tables(study: Saved) -> list[str]:
    """Which tables do not follow from the cells."""
    with tempfile.TemporaryDirectory(prefix="vaebench-") as name:
        home = Path(name)
        copy = home / "results" / study.folder.name
        _link(study, copy)
        complete = all((cell / "status.json").exists() for cell in study.cells())
        written = study.written | {"results": "results", "finished_only": not complete}
        (home / NAME).write_text(json.dumps(written), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
            *("--directory", str(home), "--configfile", str(home / NAME), "--cores", "1"),
            *("--workflow-profile", "none", "--quiet", "all", "--allowed-rules", "tables"),
            *("--", "tables"),
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(  # noqa: S603 (our own words)
            command, cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise DataError(
                f"{study.folder}: its tables cannot be computed: {' '.join(lines[-3:])}"
            )
        made = sorted(path for path in (copy / "tables").iterdir() if path.is_file())
        found = []
        for path in made:
            theirs = study.folder / "tables" / path.name
            if not theirs.is_file():
                found.append(f"tables/{path.name}: is not there")
            elif not _same(path, theirs):
                found.append(f"tables/{path.name}: does not follow from the cells")
        return found


def _link(study: Saved, copy: Path) -> None:
    """The cells, cards and logs of a study under another path, without copying their content."""
    parts = [*study.cells(), *(card.parent for card in study.cards().values())]
    for source in [
        *parts,
        *(
            log
            for cell in study.cells()
            for log in CellFolder.parse(cell).log().parent.glob("*.log")
        ),
    ]:
        target = copy / source.relative_to(study.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists():
            target.symlink_to(source)


def _same(one: Path, two: Path) -> bool:
    """Whether two tables say the same: numbers within the tolerance, all else exactly."""
    if one.suffix not in (".csv", ".parquet"):
        return one.read_bytes() == two.read_bytes()
    read = pd.read_csv if one.suffix == ".csv" else pd.read_parquet
    try:
        pd.testing.assert_frame_equal(
            read(one), read(two), check_exact=False, rtol=TOLERANCE, atol=TOLERANCE
        )
    except (AssertionError, ValueError):
        return False
    return True


def _close(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return bool(np.isclose(one, two, rtol=TOLERANCE, atol=TOLERANCE))


def verify(path: Path) -> list[str]:
    """All differences of a study's folder or archive."""
    if not path.is_file():
        return differences(path)
    with unpacked(path) as folder:
        return manifest(folder) or differences(folder)


def main(arguments: list[str]) -> None:
    """Verify one study; the exit status is 1 if anything does not agree."""
    if len(arguments) != 1:
        sys.exit("usage: python -m vaebench verify results/NAME | NAME.tar.gz")
    try:
        found = verify(Path(arguments[0]))
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")
    for sentence in found:
        print(sentence)  # noqa: T201
    if found:
        sys.exit(f"vaebench: {arguments[0]}: {len(found)} differences")
    print(f"{arguments[0]}: cells and tables agree")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
