"""``vaebench report CONFIG``: tables, figures and the page of what is finished by now."""

import argparse
import sys
from collections.abc import Sequence

from vaebench.command.run import config_file, divided, snakemake
from vaebench.study.plan import Plan
from vaebench.study.written import merged

RULES = ("tables", "figures", "published", "tuning", "image_cell", "image_figures", "report")
"""Rules that train nothing."""


def main(arguments: Sequence[str]) -> None:
    """Make the report of a study's finished cells, and say where it is."""
    given, options = divided(arguments)
    parser = argparse.ArgumentParser(
        prog="vaebench report",
        usage="vaebench report CONFIG … [-- OPTION OF SNAKEMAKE …]",
        description="Make tables, figures and the report of the cells that are finished, also\n"
        "while others are trained on another machine. Nothing is split, trained or tested.\n"
        "A cell that is out of date is shown as it is. `vaebench run` makes what is missing.",
        epilog="examples:\n  vaebench report config.yaml\n  vaebench report mine.yaml -- --cores 1",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", nargs="+", help="the study's config file")
    configs = [config_file(name) for name in parser.parse_args(given).config]
    page = Plan(merged(configs), [path.parent for path in configs]).folder / "report.html"
    only = ["--allowed-rules", *RULES]
    status = snakemake(configs, [str(page), *options, *only], "finished_only=true")
    if status:
        sys.exit(status)
    print(f"report: {page}")  # noqa: T201
