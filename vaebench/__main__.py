"""``python -m vaebench COMMAND …``: what a study costs, its archive, its mirror, its check."""

import importlib
import os
import sys
from collections.abc import Sequence

from vaebench.errors import VaebenchError

COMMANDS = {
    "plan": ("vaebench.report.costs", "what a study will cost, before anybody spends it"),
    "adopt": ("vaebench.study.adopt", "take finished cells over into a newer version"),
    "chosen": ("vaebench.study.chosen", "what tuning chose, as a config file for other data"),
    "archive": ("vaebench.sharing.archive", "a study in one file, for another person to check"),
    "verify": ("vaebench.sharing.verify", "do the results of a study or an archive agree?"),
    "record": ("vaebench.records.write", "a study's results as a small folder of data, to publish"),
    "results": ("vaebench.records.page", "records → the tables and sentences of all studies"),
    "sync": ("vaebench.sharing.sync", "bring MLflow up to date"),
    "ui": ("vaebench.sharing.ui", "browse all studies in MLflow"),
    "gallery": ("vaebench.plots.gallery", "draw β(t) of every strategy"),
    "power": ("vaebench.tables.power", "what a study of so many seeds and users can find"),
    "aa": ("vaebench.statistics.aa", "how often the tests call noise of an A/A study a difference"),
}
"""Name → the module whose ``main`` takes the remaining arguments, and what it does."""

EXAMPLES = """examples:
  python -m vaebench plan config.yaml
  python -m vaebench verify results/default
  python -m vaebench COMMAND --help"""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def usage() -> str:
    """The commands and what they do."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {words}" for name, (_, words) in COMMANDS.items()]
    return "\n".join(["usage: python -m vaebench COMMAND …", "", *lines, "", EXAMPLES])


def main(arguments: Sequence[str]) -> None:
    """Run a command. An input's error ends it with its sentence; a closed pipe is no error."""
    try:
        try:
            _run(arguments)
        finally:
            sys.stdout.flush()
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")
    except BrokenPipeError:  # whoever read has read enough; what is left goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run(arguments: Sequence[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())  # noqa: T201
        return
    if arguments[0] not in COMMANDS:
        sys.exit(f"vaebench: {arguments[0]}: no such command; allowed: {', '.join(COMMANDS)}")
    module, _ = COMMANDS[arguments[0]]
    importlib.import_module(module).main(list(arguments[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
