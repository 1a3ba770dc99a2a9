"""The end of a study: its findings, or what failed; by then everything else is written."""

from pathlib import Path
from typing import Any

from vaebench.cells.reading import failures, read_frames
from vaebench.errors import CellsFailed
from vaebench.files import write_text
from vaebench.report.findings import findings
from vaebench.statistics.measures import measures_of
from vaebench.words import of_replicates


def write(given: Any, control: str, confidence: float, out: Path) -> None:  # noqa: ANN401 (Snakemake's)
    """Write that all cells finished, and the sentences that stand on top of the report.

    Args:
        given: ``frames``, the study's tables, and ``report``, where they say what failed.
        control: the control's name.
        confidence: of the intervals.
        out: the verdict.

    Raises:
        CellsFailed: some cells did not finish.
    """
    frames = read_frames(given.frames)
    cells = frames["cells"]
    failed = failures(cells)
    if len(failed):
        raise CellsFailed(f"{len(failed)} of {len(cells)} cells failed; see {given.report}")
    measures = measures_of(frames["measures"])
    said = findings(frames["results"], frames["models"], control, confidence, measures)
    if "splits" in frames:
        said = [of_replicates(sentence) for sentence in said]
    write_text(out, "\n".join([f"all {len(cells)} cells finished", *said, ""]))
