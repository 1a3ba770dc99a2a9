"""``vaebench chosen STUDY``: what a study's tuning chose, as a config file for other data."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from vaebench.errors import DataError
from vaebench.files import read_json


def chosen(study: Path) -> dict[str, dict[str, Any]]:
    """Strategy → option → the median of what was chosen for it over the study's replicates.

    Args:
        study: the folder of a study with one data set and one model, all of its choices made.

    Raises:
        DataError: there is no choice, one found nothing, or there are several data sets or models.
    """
    files = [*study.glob("tuning/*/*/*.json"), *study.glob("tuning/*/*/*/seed-*.json")]
    choices = [read_json(file) for file in sorted(files)]
    tuned = [choice for choice in choices if "strategy" in (choice["chosen"] or {"strategy": 0})]
    if not tuned:
        raise DataError(f"{study}: no option of a strategy was chosen; allowed: a tuned study")
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for choice in tuned:
        if choice["chosen"] is None:
            raise DataError(
                f"{study}: no trial of {choice['strategy']} finished; allowed: one each"
            )
        for option, value in choice["chosen"]["strategy"].items():
            found[choice["strategy"]][option].append(value)
    blocks = {(choice["dataset"], choice["model"]) for choice in tuned}
    if len(blocks) > 1:
        raise DataError(f"{study}: {len(blocks)} data sets and models were tuned; allowed: one")
    return {
        strategy: {option: median(values) for option, values in options.items()}
        for strategy, options in found.items()
    }


def main(arguments: Sequence[str]) -> None:
    """Print the config file: the options written down, and no tuning."""
    parser = argparse.ArgumentParser(
        prog="vaebench chosen",
        description="What the tuning of a study chose, as a config file to read after that of "
        "another data set: each option is the median over replicates, and nothing is tuned.",
        epilog="example: vaebench chosen results/answer-caltech-silhouettes > chosen.yaml",
    )
    parser.add_argument("study", type=Path, help="results/NAME")
    study = parser.parse_args(arguments).study
    config = {"tuning": None, "strategies": chosen(study)}
    sys.stdout.write(f"# The medians of what was chosen in {study.name}\n")
    yaml.safe_dump(config, sys.stdout, sort_keys=False)
