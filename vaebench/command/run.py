"""``vaebench run CONFIG``: the workflow of a study, in whatever folder; results go below it."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vaebench.errors import ConfigError
from vaebench.study.plan import Plan
from vaebench.study.product import PRODUCT, shipped
from vaebench.study.written import merged

DEFAULT = "config.yaml"
"""The study that is run where none is named: that of this folder, else the one that comes along."""

PROFILE = "--workflow-profile"

INTERRUPTED = 130


def snakemake(configs: Sequence[Path], options: Sequence[str] = (), *settings: str) -> int:
    """Run the workflow on a study; the exit status of Snakemake, or 130 after Ctrl-C.

    Args:
        configs: the study's config files; of several, a later one wins.
        options: of Snakemake, targets among them; they overrule the profile.
        settings: ``key=value`` of the configuration.
    """
    command = [sys.executable, "-P", "-m", "snakemake", *options]
    command += ["--snakefile", str(PRODUCT / "Snakefile"), "--configfile", *map(str, configs)]
    command += ["--config", *settings] if settings else []
    process = subprocess.Popen(command)  # noqa: S603 (what the user asked for)
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    interrupted = False
    try:
        while True:
            try:
                status = process.wait()
                break
            except KeyboardInterrupt:  # Snakemake got it as well, and ends its jobs first
                interrupted = True
    finally:
        signal.signal(signal.SIGTERM, before)
    return INTERRUPTED if interrupted else status


def config_file(given: str) -> Path:
    """The config file called ``given``: the user's own, or one that comes with vaebench.

    Raises:
        ConfigError: there is no such file.
    """
    path = shipped(given)
    if not path.is_file():
        names = sorted(p.name for p in (PRODUCT / "configs").glob("*.yaml"))
        raise ConfigError(
            f"{given}: no such file; allowed: a study's config file, or one that comes with "
            f"vaebench: {DEFAULT}, configs/{{{', '.join(names)}}}"
        )
    return path


def divided(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before ``--``, and the options of Snakemake behind it."""
    given = list(arguments)
    place = given.index("--") if "--" in given else len(given)
    options = given[place + 1 :]
    for number, option in enumerate(options):  # a profile that comes along, by its path in the docs
        if option == PROFILE and number + 1 < len(options):
            options[number + 1] = str(shipped(options[number + 1]))
        elif option.startswith(f"{PROFILE}="):
            options[number] = f"{PROFILE}={shipped(option.partition('=')[2])}"
    return given[:place], options


def main(arguments: Sequence[str]) -> None:
    """Run a study."""
    given, options = divided(arguments)
    parser = argparse.ArgumentParser(
        prog="vaebench run",
        usage="vaebench run [CONFIG …] [-- OPTION OF SNAKEMAKE …]",
        description="Run a study. Results go below the current folder; a result that is up to\n"
        "date is not made again. Of several config files of one study a later one wins.\n"
        "Everything behind -- goes to Snakemake: its options, or the one file that is wanted.",
        epilog="""examples:
  vaebench run                                       ./config.yaml, or the default study
  vaebench run configs/ml-100k.yaml                  a study that comes with vaebench
  vaebench run mine.yaml -- --dry-run                what would run
  vaebench run mine.yaml -- --cores 4
  vaebench run mine.yaml -- --workflow-profile profiles/slurm
  vaebench run mine.yaml -- results/mine/cells/planted/mult-vae/cyclical/seed-7/status.json""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", nargs="*", default=[DEFAULT], help="the study's config file")
    configs = [config_file(name) for name in parser.parse_args(given).config]
    status = snakemake(configs, options)
    if status not in (0, INTERRUPTED) and has_some(configs):
        from vaebench.command.report import so_far  # noqa: PLC0415 (it takes its helpers from here)

        so_far(configs)
    sys.exit(status)


def has_some(configs: Sequence[Path]) -> bool:
    """Whether some cells of a study have a result, and some have none."""
    plan = Plan(merged(configs), [path.parent for path in configs])
    found = {cell.folder.finished for cell in plan.cells.values()}
    return found == {True, False}
