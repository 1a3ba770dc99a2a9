"""``vaebench cite STUDY``: the BibTeX of all that a study used."""

import argparse
from collections.abc import Iterator, Sequence

from vaebench.command.status import plans_of
from vaebench.sharing.citations import BIB, SOFTWARE, Work, used, versions
from vaebench.study.plan import Plan


def lines(plan: Plan) -> Iterator[str]:
    """What uses what, as comments, and then every work once, by key."""
    found = used(plan)
    yield f"% What the study {_quiet(plan.study.name)} used, and what for."
    for what, named in found.keys.items():
        yield f"% {_quiet(what)}: {', '.join(named)}"
    yield from (f"% without an entry: {_quiet(sentence)}" for sentence in found.unknown)
    here = {f"software {name}": version for name, version in versions().items()}
    wanted = {key: what for what, named in found.keys.items() for key in named}
    for key in sorted(wanted):
        yield "\n" + _dated(found.works[key], here.get(wanted[key])).bibtex().rstrip()


def _quiet(words: str) -> str:
    """Words between entries: a comment for BibTeX, unless there is an @ in it."""
    return words.replace("@", " at ")


def _dated(work: Work, version: str | None) -> Work:
    """A library's work with the version that is installed."""
    if version is None or work.key == SOFTWARE:
        return work
    return Work(work.key, work.kind, {**work.fields, "note": f"Version {version}"})


def main(arguments: Sequence[str]) -> None:
    """Print the BibTeX of one study."""
    parser = argparse.ArgumentParser(
        "vaebench cite",
        description="The BibTeX of all that a study used: data sets, models, strategies, baselines,"
        " metrics, methods and software. A class of your own names keys under `References:` in its "
        f"docstring; its works stand in a {BIB} beside it.",
        epilog="example: vaebench cite results/default > used.bib",
    )
    parser.add_argument("study", help="results/NAME, or the study's config file")
    for plan in plans_of([parser.parse_args(arguments).study]):
        print(*lines(plan), sep="\n")  # noqa: T201
