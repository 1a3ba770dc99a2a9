"""How many seeds, for differences of one's own: see :mod:`vaebench.statistics.power`.

vaebench power results/NAME [--difference .002 …] [--seeds 10] [--power .8]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from vaebench.statistics.measures import MEASURES, Measure
from vaebench.statistics.power import POWER, table
from vaebench.tables import content, markdown


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of a finished study as Markdown."""
    parser = argparse.ArgumentParser(
        prog="vaebench power",
        description="How many seeds a study needs, and how small a difference it can find.",
        epilog="example: vaebench power results/default --difference 0.002 --seeds 10",
    )
    parser.add_argument("study", type=Path, help="the folder of a finished study")
    parser.add_argument(
        "--difference", type=float, nargs="*", default=[], help="differences to find"
    )
    parser.add_argument("--metric", help="one metric only, as in tables/components.csv")
    parser.add_argument(
        *("--seeds", "--replicates"), type=int, help="of a study to come; by default as run"
    )
    parser.add_argument("--power", type=float, default=POWER, help="the chance to find them")
    parser.add_argument("--alpha", type=float, default=0.05, help="the level of the test")
    given = parser.parse_args(arguments)
    path = given.study / "tables/components.csv"
    if not path.exists():
        parser.exit(1, f"vaebench: {path} is not there; allowed: the folder of a finished study\n")
    if given.seeds is not None and given.seeds < 2:  # noqa: PLR2004 (a variance)
        parser.exit(1, f"vaebench: --seeds {given.seeds}: too few; allowed: at least 2\n")
    components = pd.read_csv(path)
    if given.metric and given.metric not in set(components["metric"]):
        known = ", ".join(dict.fromkeys(components["metric"]))
        parser.exit(1, f"vaebench: --metric {given.metric}: not measured; allowed: {known}\n")
    if given.metric:
        components = components[components["metric"] == given.metric]
    found = table(components, given.alpha, given.power, given.difference, given.seeds)
    others = {name: Measure(name, name) for name in found["metric"] if name not in MEASURES}
    replicated = path.with_name("splits.csv").is_file()
    for made in content.seeds(found, given.power, given.alpha, {**MEASURES, **others}):
        grid = made.of_replicates() if replicated else made
        print(markdown.table(grid.head, grid.lines), grid.caption, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
