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
from vaebench.study.written import read

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


def plan_of(given: str) -> Plan:
    """The plan of a study that is given by its folder or by its config file.

    Raises:
        VaebenchError: it is neither.
    """
    if Path(given).is_dir():
        return Saved(Path(given)).plan
    config = config_file(given)
    return Plan(read(config), [config.parent])


def main(arguments: Sequence[str]) -> None:
    """Print how far studies are."""
    parser = argparse.ArgumentParser(
        prog="vaebench status",
        description="How many cells of a study are done, failed, begun and to do, from its files. "
        "Whether a finished cell is out of date is what `vaebench run CONFIG -- --dry-run` says.",
        epilog="examples:\n  vaebench status config.yaml\n  vaebench status results/default",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="+", help="the study's config file, or results/NAME")
    for given in parser.parse_args(arguments).study:
        print(*lines(plan_of(given)), sep="\n")  # noqa: T201
