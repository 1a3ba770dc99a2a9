"""The findings as text; an error if a cell failed, when everything else is written."""

from pathlib import Path

from vaebench.cells.reading import failures, read_frames
from vaebench.errors import CellsFailed
from vaebench.files import write_text
from vaebench.jobs import job
from vaebench.report.page import findings
from vaebench.statistics.measures import measures_of

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    frames = read_frames(given.frames)
    failed, cells = failures(frames["cells"]), frames["cells"]
    if len(failed):
        raise CellsFailed(f"{len(failed)} of {len(cells)} cells failed; see {given.report}")
    results, models, measures = frames["results"], frames["models"], measures_of(frames["measures"])
    said = findings(results, models, params.control, params.confidence, measures)
    text = "\n".join([f"all {len(cells)} cells finished", *said])
    write_text(Path(snakemake.output[0]), f"{text}\n")
