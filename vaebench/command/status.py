"""``vaebench status CONFIG``: how far a study is, from the files that it leaves."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vaebench.command.run import config_file
from vaebench.study.plan import Plan
from vaebench.study.saved import Saved
from vaebench.study.standing import RUNNING, Standing, Standings, counted, spark
from vaebench.study.written import merged

EVERY = 2.0
"""Seconds between two looks of ``--watch``, at least."""

SHARE = 100
"""And at least so many times as long as a look takes."""

MINUTE, HOUR = 60, 3600


def lines(standings: Standings) -> Iterator[str]:
    """The state of a study: a line in all, a line a strategy, a line a cell that failed."""
    plan, cells, tried = standings.plan, standings.cells, standings.tried
    left = standings.left()
    unfinished = any(not one.has_result for one in standings.all)
    ending = f"; about {duration(left)} left" if left and unfinished else ""
    yield f"{plan.folder}: {len(cells)} cells: {counted(cells)}{ending}"
    if tried:
        yield f"  tuning: {len(tried)} trials: {counted(tried)}"
    groups: dict[str, list[Standing]] = {}
    for one in cells:
        groups.setdefault(one.folder.group, []).append(one)
    width = max(map(len, groups))
    words = {group: counted(ones) for group, ones in groups.items()}
    wide = max(map(len, words.values()))
    curves = {group: standings.curve(ones) for group, ones in groups.items()}
    for group, ones in groups.items():
        curve, shown = curves[group], ""
        if curve:
            shown = (
                f"  {spark(curve):20}  {_number(curve[-1])} {ones[0].selecting or _metric(ones)}"
            )
        running = [f"{one.epochs}/{one.planned}" for one in ones if one.word == RUNNING]
        now = f"  epoch {', '.join(running)}" if running else ""
        yield f"  {group:{width}}  {words[group]:{wide}}{shown}{now}".rstrip()
    for one in standings.all:
        if one.reason:
            yield f"{one.folder.label}: {one.word}: {one.reason}"
    if (plan.folder / "report.html").exists():
        yield f"report: {plan.folder / 'report.html'}"


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < MINUTE:
        return f"{max(seconds, 1):.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    hours, rest = divmod(round(seconds / MINUTE), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _metric(ones: Sequence[Standing]) -> str:
    return next((one.selecting for one in ones if one.selecting), "")


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"


def plans_of(given: Sequence[str]) -> Iterator[Plan]:
    """The plans of studies that are given by their folders, or of the one of the config files.

    Raises:
        VaebenchError: a path is neither.
    """
    folders = [Path(each) for each in given if Path(each).is_dir()]
    configs = [config_file(each) for each in given if not Path(each).is_dir()]
    yield from (Saved(folder).plan for folder in folders)
    if configs:
        yield Plan(merged(configs), [path.parent for path in configs])


def watch(studies: Sequence[Standings]) -> None:
    """Show the studies again and again, until each of their cells is done or has failed."""
    clear = "\033[H\033[J" if sys.stdout.isatty() else ""
    while True:
        began = time.process_time()
        for standings in studies:
            standings.look()
        text = "\n".join(line for standings in studies for line in lines(standings))
        print(f"{clear}{text}", flush=True)  # noqa: T201
        if all(one.has_result for standings in studies for one in standings.all):
            return
        time.sleep(max(EVERY, SHARE * (time.process_time() - began)))


def main(arguments: Sequence[str]) -> None:
    """Print how far studies are."""
    parser = argparse.ArgumentParser(
        prog="vaebench status",
        description="How many cells of a study are done, failed, running and to do, the mean of\n"
        "the validation metric over epochs so far, and about how long it will take: all from\n"
        "its files, without slowing it. `vaebench run CONFIG -- --dry-run` tells which\n"
        "finished cells are out of date.",
        epilog="examples:\n  vaebench status config.yaml\n  vaebench status results/default\n"
        "  vaebench status --watch results/default    until it is done, or Ctrl-C",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="+", help="the study's config file, or results/NAME")
    parser.add_argument("--watch", action="store_true", help="again and again")
    given = parser.parse_args(arguments)
    studies = [Standings(plan) for plan in plans_of(given.study)]
    if given.watch:
        watch(studies)
        return
    for standings in studies:
        standings.look()
        print(*lines(standings), sep="\n")  # noqa: T201
