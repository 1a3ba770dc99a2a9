"""Everything that a study says, made anew from its cells and compared: tables, figures, report."""

import io
import re
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from PIL import Image

from vaebench.errors import DataError
from vaebench.plots import study as figures
from vaebench.report import page, pictures, published, tuning
from vaebench.sharing.cells import TOLERANCE
from vaebench.study.saved import Saved
from vaebench.study.trials import Trials
from vaebench.tables import written

MOST = 64 * 2**20
"""Bytes of one stream of a figure in PDF."""


def differences(study: Saved, trials: Trials) -> Iterator[str]:
    """What does not follow from the cells, one sentence a file.

    Each document is made from those of the study that came before it, so that a difference is named
    where it arises and not in all that follows.

    Args:
        study: its cells are known to be sound.
        trials: of its plan.

    Raises:
        DataError: the documents cannot be made from such files.
    """
    with tempfile.TemporaryDirectory(prefix="vaebench-") as name:
        remake = _Remake(study, trials, Path(name))
        for made in remake.all():
            theirs = study.folder / made.relative_to(remake.home)
            if not theirs.is_file():
                yield f"{theirs.relative_to(study.folder)}: is not there"
            elif not same(made, theirs, remake.place):
                yield f"{theirs.relative_to(study.folder)}: {remake.because(made)}"


class _Remake:
    """A study's documents, made in the folder ``home`` by the functions that the workflow calls."""

    def __init__(self, study: Saved, trials: Trials, home: Path) -> None:
        self.study, self.plan, self.trials, self.home = study, trials.plan, trials, home
        self.cards = [str(split.card) for split in self.plan.splits()]
        place = Path(study.written["results"]) / study.folder.name
        # a log is named by the study's folder, which may have moved
        self.place = (str(study.folder), str(place))
        self.seen: set[Path] = set()

    def because(self, made: Path) -> str:
        """What is wrong with the study's file in place of which ``made`` was made."""
        of = {"tables": "the cells", "images": "what was measured"}
        return f"does not follow from {of.get(made.parent.name, 'the tables')}"

    def all(self) -> Iterator[Path]:
        """Each document once it is made."""
        tables, theirs = self.home / "tables", self.study.folder / "tables"
        cells = [str(cell) for cell in self.study.cells()]
        written.write(cells, self.cards, tables, self.plan.question())
        options = self.plan.published()
        done = [cell for cell in self.study.cells() if (cell / "status.json").is_file()]
        published.write(done, options, tables / "published.csv", tables / "published.md")
        yield from self._new()
        frames = [str(theirs / path.name) for path in sorted(tables.glob("*.csv"))]
        traces = theirs / "traces.parquet"
        if not all(Path(path).is_file() for path in (*frames, str(traces))):
            return  # said already; nothing can be drawn
        asked = {key: getattr(self.plan.study, key) for key in ("control", "confidence")}
        asked["order"] = self.plan.order
        figures.draw(frames, str(traces), self.cards, asked, self.home / "figures")
        if self.trials.groups:
            tuning.write(self.trials.choices(), self.plan.order, self.home)
        images = self._images(traces)
        yield from self._new()
        yield from self._report(frames, images)

    def _new(self) -> Iterator[Path]:
        """What was made since the last call."""
        made = {path for path in self.home.rglob("*") if path.is_file()}
        yield from sorted(made - self.seen)
        self.seen = made

    def _images(self, traces: Path) -> list[str]:
        """The list of figures of picture VAEs, where there are any."""
        section = self.plan.study.images
        paths = [path for path in self.plan.cells if self.plan.has_pictures(path)]
        if section is None or not paths:
            return []
        asked = {"options": section.model_dump(), "control": self.plan.study.control}
        asked["order"] = list(self.plan.study.strategies)
        cells = [self.study.folder / "images/cells" / path for path in paths]
        index, table = self.home / "images/index.json", self.home / "tables/images.csv"
        pictures.write(cells, traces, [Path(card) for card in self.cards], asked, index, table)
        return [str(index)]

    def _report(self, frames: list[str], images: list[str]) -> Iterator[Path]:
        folder = self.study.folder
        out = {"page": "report.html", "paper": "paper/paper.tex", "numbers": "paper/numbers.tex"}
        if not (folder / "report.html").is_file():
            raise DataError(f"{folder}: report.html is missing; run the study to its end")
        origin = page.origin((folder / "report.html").read_text(encoding="utf-8"))
        # what the page shows in pictures was compared above; here the study's own stand in it
        for picture in self.home.glob("images/*.png"):
            picture.write_bytes((folder / "images" / picture.name).read_bytes())
        given = {"frames": frames, "cards": self.cards, "images": images}
        given |= {"traces": [str(folder / "tables/traces.parquet")]}
        given |= {"figures": [str(folder / "figures/elbo.png")], "choices": self.trials.choices()}
        made = {key: str(self.home / name) for key, name in out.items()}
        page.write(self.study.written, given, made, origin)
        yield from self._new()


def same(made: Path, theirs: Path, place: tuple[str, str] = ("", "")) -> bool:
    """Whether two files say the same: numbers within the tolerance, pictures by their pixels.

    Args:
        made: by us.
        theirs: the study's.
        place: a path in what we made, and what it is called in theirs.
    """
    if made.suffix == ".parquet":
        return _same_frames(pd.read_parquet(made), pd.read_parquet(theirs))
    ours, others = made.read_bytes(), theirs.read_bytes()
    if ours == others:
        return True
    if made.suffix in FIGURES:
        return drawn_elsewhere(theirs) or FIGURES[made.suffix](ours) == FIGURES[made.suffix](others)
    text = ours.decode().replace(*place) if place[0] else ours.decode()
    if made.suffix != ".csv":
        return text.encode() == others
    try:
        return _same_frames(pd.read_csv(io.StringIO(text)), pd.read_csv(io.BytesIO(others)))
    except ValueError:
        return text.encode() == others


def drawn_elsewhere(path: Path) -> bool:
    """Whether another version of matplotlib drew a figure, whose pixels may then be others."""
    found = re.search(rb"[Mm]atplotlib (?:pdf backend v|version)([\w.+]+)", path.read_bytes())
    return found is not None and found[1].decode() != mpl.__version__


def _same_frames(one: pd.DataFrame, two: pd.DataFrame) -> bool:
    try:
        pd.testing.assert_frame_equal(one, two, check_exact=False, rtol=TOLERANCE, atol=TOLERANCE)
    except AssertionError:
        return False
    return True


def _pixels(png: bytes) -> tuple[tuple[int, ...], bytes]:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        found = np.asarray(picture)
    return found.shape, found.tobytes()


def _streams(pdf: bytes) -> list[bytes]:
    """What is drawn, however it was compressed."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return [zlib.decompressobj().decompress(each, MOST) for each in found]


FIGURES = {".png": _pixels, ".pdf": _streams}
"""Ending → what of a figure has to be the same."""
