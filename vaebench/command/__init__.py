"""``vaebench COMMAND …``: everything that is done with a study, and how an error is said.

Each command is a module with a ``main(arguments)`` and a parser of its own, imported when it is
asked for. ``argparse`` reads the arguments: it comes with Python, and each module can be read and
tested alone. An error of the input ends a command with one sentence and status 1, a wrong argument
with status 2, Ctrl-C with 130; that nobody reads on (``… | head``) is no error.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

from vaebench import __version__
from vaebench.errors import VaebenchError
from vaebench.study.imported import said_of

COMMANDS = {
    "run": ("vaebench.command.run", "run a study: data, training, tables, report"),
    "advise": ("vaebench.command.advise", "one file of ratings → how to set β for it"),
    "plan": ("vaebench.report.costs", "what a study will cost, before anybody spends it"),
    "status": ("vaebench.command.status", "how far a study is: cells, curves, time left"),
    "report": ("vaebench.command.report", "tables and report of what is finished; trains nothing"),
    "recommend": ("vaebench.command.recommend", "the best items for each user of a file"),
    "new": ("vaebench.command.new", "write a strategy, model, data set or metric of your own"),
    "verify": ("vaebench.sharing.verify", "do the results of a study or an archive agree?"),
    "archive": ("vaebench.sharing.archive", "a study in one file, for another person to check"),
    "record": ("vaebench.records.write", "a study's results as a small folder of data, to publish"),
    "results": ("vaebench.records.page", "records → the tables and sentences of all studies"),
    "site": (
        "vaebench.sharing.site.build",
        "static pages of records and archives, for a web server",
    ),
    "cite": ("vaebench.command.cite", "the BibTeX of all that a study used"),
    "chosen": ("vaebench.study.chosen", "what tuning chose, as a config file for other data"),
    "sync": ("vaebench.sharing.sync", "bring MLflow up to date"),
    "ui": ("vaebench.sharing.ui", "browse all studies in MLflow"),
    "power": ("vaebench.tables.power", "what a study of so many seeds and users can find"),
    "gallery": ("vaebench.plots.gallery", "draw β(t) of every strategy"),
    "adopt": ("vaebench.study.adopt", "take finished cells over into a newer version"),
    "aa": ("vaebench.statistics.aa", "how often the tests call noise of an A/A study a difference"),
}
"""Name → the module whose ``main`` takes the remaining arguments, and what it does."""

EXAMPLES = """examples:
  vaebench run                          the study of ./config.yaml, or the default study
  vaebench run mine.yaml -- --dry-run   what would run
  vaebench advise ratings.csv           how to set β for your data, within 10 minutes
  vaebench new strategy slow_start      a strategy of your own, with its test and a study
  vaebench verify results/default       do files, tables and report agree?
  vaebench COMMAND --help"""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def console() -> None:
    """The program ``vaebench``."""
    main(sys.argv[1:])


def usage() -> str:
    """The commands and what they do."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {words}" for name, (_, words) in COMMANDS.items()]
    return "\n".join(["usage: vaebench COMMAND …", "", *lines, "", EXAMPLES])


def main(arguments: Sequence[str]) -> None:
    """Run a command; see the module for how errors end."""
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
    except Exception as error:
        said = said_of(error)
        if said is None:
            raise
        sys.exit(f"vaebench: {said}")


def _run(arguments: Sequence[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())  # noqa: T201
        return
    name = arguments[0]
    if name == "--version":
        print(f"vaebench {__version__}")  # noqa: T201
        return
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        sys.exit(f"vaebench: {name}: no such command{hint}; allowed: {', '.join(COMMANDS)}")
    module, _ = COMMANDS[name]
    importlib.import_module(module).main(list(arguments[1:]))
