"""What a run of the workflow shows on the terminal: a table of jobs, a line a cell, the verdict."""

import logging
import sys
from pathlib import Path

NOISE = (
    "Assuming unrestricted shared",
    "Conda environments: ignored",
    "Execute ",
    "Reasons:",
    "Select jobs to execute",
    "Some jobs were triggered by provenance",
    "Using shell",
)
"""How remarks of Snakemake begin that say nothing of a study."""

EVENTS = ("progress", "job_finished", "resources_info")
"""Its remarks on each job, of which there are several a cell."""


class Calm(logging.Filter):
    """Of Snakemake's remarks those that say something of a study, each once; and all warnings.

    No setting of Snakemake's does this: ``quiet: progress`` hides the table of jobs as well, and
    without it there are four remarks a job.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: set[str] = set()
        self.over = False

    def watch(self, log: logging.Logger) -> None:
        """Filter what ``log`` shows on the terminal; its file has everything."""
        for handler in log.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the remark is shown."""
        if record.levelno > logging.INFO:
            return True
        text = record.getMessage().strip()
        event = getattr(record, "event", None)
        if self.over or text in self.shown or text.startswith(NOISE):
            return False
        if event is not None and event.value in EVENTS:
            return False
        self.shown.add(text)
        return True

    def end(self, study: Path, *, report: bool) -> None:
        """The last lines of a run that went well: the verdict, and the report that it made."""
        self.over = True
        if report:
            verdict = (study / "verdict.txt").read_text(encoding="utf-8")
            sys.stderr.write(f"{verdict.rstrip()}\nreport: {study / 'report.html'}\n")
