"""``vaebench site FOLDER… --out DIR``: static pages of records and archives.

The pages are written into a new folder beside DIR, which then takes its place: a site is whole or
as it was before. The same input gives the same bytes.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vaebench.errors import DataError
from vaebench.files import write_json, write_text
from vaebench.records.schema import FILES, RECORD
from vaebench.sharing.site.entries import entries
from vaebench.sharing.site.evidence import Evidence, data_folder
from vaebench.sharing.site.pages import Pages, stylesheet

MARK = "site.json"
"""What a site has and no other folder: its studies, and whether each was computed again."""

FORMAT = "vaebench site"


def build(given: Sequence[Path], out: Path, data: Path | None = None) -> dict[str, bool]:
    """Write the site of everything in the folders ``given`` to the folder ``out``.

    Args:
        given: records, studies and archives, or folders of them.
        out: a new or empty folder, or an earlier site, which is replaced.
        data: one's own copy of the data, for computing archives again.

    Returns:
        Study → whether it was computed again.

    Raises:
        DataError: something given is damaged, forged or twice there, or ``out`` is another's; then
            nothing is written.
    """
    _refuse_other(out)
    try:
        out.resolve().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{out.name}.", dir=out.resolve().parent, ignore_cleanup_errors=True
        ) as name:
            home = Path(name)
            (home / "read").mkdir()
            found = entries(given, data, home / "read")
            evidence = Evidence(found)
            site = home / "site"
            for path, text in Pages(evidence).all():
                write_text(site / path, text)
            write_text(site / "style.css", stylesheet())
            for entry in found:
                for file in (RECORD, *FILES.values()):
                    target = site / data_folder(entry) / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(entry.folder / file, target)
            studies = {entry.name: entry.recomputed for entry in found}
            write_json(site / MARK, {"format": FORMAT, "recomputed": studies})
            _swap(site, out.resolve(), home / "old")
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror or error}") from error
    return studies


def _refuse_other(out: Path) -> None:
    """Nothing, if the folder is empty, new or an earlier site.

    Raises:
        DataError: it is something else.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise DataError(f"{out}: is no folder; allowed: a new or empty folder, or an earlier site")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise DataError(
            f"{out}: has files that are no site's; allowed: a new or empty folder, or an earlier "
            "site"
        )


def _swap(new: Path, out: Path, old: Path) -> None:
    """Put ``new`` in the place of ``out``, what was there to ``old``."""
    if out.exists():
        out.rename(old)
    try:
        new.chmod(0o755)
        new.rename(out)
    except OSError:
        with suppress(OSError):
            old.rename(out)
        raise


def main(arguments: Sequence[str]) -> None:
    """Build a site."""
    parser = argparse.ArgumentParser(
        "vaebench site",
        description="Static pages of records and archives: the answer over data sets, leaderboards,"
        " a page for each strategy and study. Only archives that were computed again from your own"
        " copy of the data (--rescore) are ranked.",
        epilog="example: vaebench site docs/results/records --out public",
    )
    parser.add_argument(
        "folder",
        type=Path,
        nargs="+",
        help="records, studies (results/NAME), archives (NAME.tar.gz), or folders of these",
    )
    parser.add_argument("--out", type=Path, required=True, help="where to write the site")
    parser.add_argument(
        "--rescore",
        type=Path,
        metavar="DATA",
        help="compute the test values of archives again from their weights and your own copy of "
        "the data: splits by name (results/NAME/data), or a folder of raw files",
    )
    given = parser.parse_args(arguments)
    studies = build(given.folder, given.out, given.rescore)
    for name, recomputed in studies.items():
        print(f"  {name}: {'recomputed' if recomputed else 'reported, not recomputed'}")  # noqa: T201
    print(given.out / "index.html")  # noqa: T201
