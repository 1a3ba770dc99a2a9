"""``vaebench report CONFIG``: tables, figures and the page of what is finished by now."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vaebench.command.run import config_file, divided, snakemake
from vaebench.study.plan import Plan
from vaebench.study.written import merged

RULES = ("tables", "figures", "published", "tuning", "image_cell", "image_figures", "report")
"""Rules that train nothing."""


def so_far(configs: Sequence[Path], options: Sequence[str] = ()) -> int:
    """Make tables, figures and report of the finished cells, also while the study runs.

    Returns:
        The exit status of Snakemake.
    """
    # nothing is locked: these rules write nothing that another run reads while it trains
    return _report(configs, ["--nolock", *options])


def _report(configs: Sequence[Path], options: Sequence[str]) -> int:
    page = Plan(merged(configs), [path.parent for path in configs]).folder / "report.html"
    only = ["--allowed-rules", *RULES]
    status = snakemake(configs, [str(page), *options, *only], "finished_only=true")
    if not status:
        print(f"report: {page}")  # noqa: T201
    return status


def main(arguments: Sequence[str]) -> None:
    """Make the report of a study's finished cells, and say where it is."""
    given, options = divided(arguments)
    parser = argparse.ArgumentParser(
        prog="vaebench report",
        usage="vaebench report [--so-far] CONFIG … [-- OPTION OF SNAKEMAKE …]",
        description="Make tables, figures and the report of the cells that are finished, also\n"
        "while others are trained on another machine. Nothing is split, trained or tested.\n"
        "A cell that is out of date is shown as it is, one without a result is named with what\n"
        "is known of it. `vaebench run` makes what is missing.",
        epilog="examples:\n  vaebench report config.yaml\n"
        "  vaebench report mine.yaml -- --cores 1\n"
        "  vaebench report --so-far mine.yaml    while `vaebench run mine.yaml` runs",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", nargs="+", help="the study's config file")
    parser.add_argument(
        "--so-far", action="store_true", help="although the study runs in this folder"
    )
    asked = parser.parse_args(given)
    make = so_far if asked.so_far else _report
    sys.exit(make([config_file(name) for name in asked.config], options))
