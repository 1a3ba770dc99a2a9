"""``vaebench status CONFIG``: how far a study is, from the files that it left."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from vaebench.cells.folder import TRAINED, CellFolder
from vaebench.command.run import config_file
from vaebench.files import read_json
from vaebench.study.plan import Plan
from vaebench.study.saved import Saved
from vaebench.study.written import merged

CHECKPOINT = "checkpoint.pt"

DONE, BEGUN, TO_DO = "done", "begun", "to do"


def state(cell: CellFolder) -> tuple[str, str]:
    """``done``, ``begun``, ``to do`` or why it failed (``diverged``, …); and the reason.

    Raises:
        DataError: a file of the cell is damaged.
    """
    if cell.finished:
        found = read_json(cell.file("status.json"))
        return str(found["status"]), str(found["reason"] or "")
    begun = any(cell.file(name).exists() for name in (CHECKPOINT, TRAINED[-1]))
    return (BEGUN if begun else TO_DO), ""


def lines(plan: Plan) -> Iterator[str]:
    """The state of a study: a line in all, a line a strategy, a line a cell that failed."""
    found = {cell.folder: state(cell.folder) for cell in plan.cells.values()}
    groups: dict[str, Counter[str]] = {}
    for folder, (word, _) in found.items():
        groups.setdefault(folder.group, Counter())[word] += 1
    total = sum(groups.values(), Counter[str]())
    yield f"{plan.folder}: {len(found)} cells: {_counted(total)}"
    width = max(map(len, groups))
    yield from (f"  {name:{width}}  {_counted(count)}" for name, count in groups.items())
    for folder, (word, reason) in found.items():
        if reason:
            yield f"{folder.label}: {word}: {reason}"
    if (plan.folder / "report.html").exists():
        yield f"report: {plan.folder / 'report.html'}"


def _counted(words: Counter[str]) -> str:
    order = [DONE, *sorted(words.keys() - {DONE, BEGUN, TO_DO}), BEGUN, TO_DO]
    return ", ".join(f"{words[word]} {word}" for word in order if words[word])


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


def main(arguments: Sequence[str]) -> None:
    """Print how far studies are."""
    parser = argparse.ArgumentParser(
        prog="vaebench status",
        description="How many cells of a study are done, failed, begun and to do, from its files.\n"
        "`vaebench run CONFIG -- --dry-run` tells which finished cells are out of date.",
        epilog="examples:\n  vaebench status config.yaml\n  vaebench status results/default",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="+", help="the study's config file, or results/NAME")
    for plan in plans_of(parser.parse_args(arguments).study):
        print(*lines(plan), sep="\n")  # noqa: T201
