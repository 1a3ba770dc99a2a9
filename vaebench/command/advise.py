"""``vaebench advise FILE``: from one file of ratings to a β, with an interval and a study."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vaebench.advice import advised, shape, written
from vaebench.advice.bench import bench
from vaebench.advice.columns import layout
from vaebench.advice.prior import expected, said
from vaebench.advice.reading import read
from vaebench.advice.studies import load
from vaebench.advice.trials import Clock, Trials
from vaebench.errors import ConfigError

INTERRUPTED = 130
OFTEN = 0.5
"""Seconds between two states of the progress line on a terminal."""

SELDOM = 15
"""Likewise in a file."""

EPILOG = """\
examples:
  vaebench advise ratings.csv
  vaebench advise plays.tsv.gz --minutes 3 --out advice-plays
  vaebench advise log.parquet --user customer --item sku --rating none
  vaebench advise ratings.dat --user 1 --item 2 --rating 3 --threshold 4"""


class Progress:
    """One line on the terminal that is written over; in a file a line now and then."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.last, self.started = 0.0, time.monotonic()

    def read(self, rows: int) -> None:
        """So many rows are read."""
        self._show(f"reading: {rows:,} rows")

    def trials(self, name: str, done: float, planned: float) -> None:
        """So many epochs are trained."""
        if self.first is None:
            self.first = (time.monotonic(), done)
        began, before = self.first
        spent, made = time.monotonic() - began, done - before
        left = max(0.0, planned - done) * spent / made if made else 0.0
        left = min(left, self.clock.left) if self.clock else left
        minutes, seconds = divmod(int(max(0, left)), 60)
        self._show(
            f"trials: {name}, epoch {int(done)} of {int(planned)}, {minutes}:{seconds:02} left"
        )

    first: tuple[float, float] | None = None
    clock: Clock | None = None

    def _show(self, text: str) -> None:
        now = time.monotonic()
        if now - self.last < (OFTEN if self.terminal else SELDOM):
            return
        self.last = now
        sys.stderr.write(f"\r\x1b[K{text}" if self.terminal else f"{text}\n")
        sys.stderr.flush()

    @contextmanager
    def over(self) -> Iterator[None]:
        """What is said in it stands on a line of its own."""
        try:
            yield
        finally:
            if self.terminal:
                sys.stderr.write("\r\x1b[K")


def main(arguments: Sequence[str]) -> None:
    """Advise."""
    given = _parser().parse_args(arguments)
    if not given.minutes > 0:
        raise ConfigError(f"--minutes: {given.minutes:g} is not allowed; it should be above 0")
    clock, progress = Clock(60 * given.minutes), Progress()
    progress.clock = clock
    out = given.out or Path(f"advice-{given.file.name.partition('.')[0]}")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out: {out} is a file; allowed: a folder")
    lines: list[str] = []

    def say(*each: str) -> None:
        lines.extend(each)
        sys.stdout.write("".join(f"{line}\n" for line in each))
        sys.stdout.flush()

    columns = layout(given.file, given.user, given.item, given.rating, given.threshold)
    say(
        f"{given.file.name}: {columns.user!r} is the user, {columns.item!r} the item; "
        + "; ".join(columns.said)
    )
    with progress.over():
        reading = read(columns, said=progress.read)
    say(*shape.lines(reading))
    tried_on = bench(reading, given.minutes)
    say(*tried_on.said)
    with tempfile.TemporaryDirectory() as folder, progress.over():
        described = tried_on.write(Path(folder))
        prior = expected(load(), described)
        say(*said(prior))
        trials = Trials(Path(folder), tried_on.training, tried_on.k, clock, progress.trials)
        advice = advised.advise(trials, prior, tried_on.metric)
    if advice.tried.ended == "interrupted":
        say("stopped: what follows is from the trials that came to their end")
    say("", *advice.sentences())
    files = written.write(out, columns, reading, tried_on, advice, lines)
    say("", f"{out}: {', '.join(files)}")
    if written.STUDY in files:
        say(f"next: vaebench plan {out / written.STUDY}")
    if advice.tried.ended == "interrupted":
        sys.exit(INTERRUPTED)
    if advice.chosen is None:
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vaebench advise",
        description="Read a file of ratings, try a little, and say how to set β for it: three "
        "sentences with\nintervals, a figure, and a study to go on with.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="CSV, TSV, … (also .gz, .zip) or Parquet")
    parser.add_argument("--minutes", type=float, default=10, help="the budget (default: 10)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: advice-FILE)")
    for role in ("user", "item"):
        parser.add_argument(f"--{role}", metavar="COLUMN", help="its name, or its number from 1")
    parser.add_argument("--rating", metavar="COLUMN", help="likewise; none: every row counts")
    parser.add_argument("--threshold", type=float, help="of a rating that counts")
    return parser
