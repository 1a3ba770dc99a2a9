"""Tables and figures → one HTML page, and a paper's skeleton."""

from pathlib import Path

from vaebench.cells.reading import read_frames, truths
from vaebench.files import read_json, write_text
from vaebench.machine.logged import job
from vaebench.report import paper
from vaebench.report.page import made, page
from vaebench.statistics.measures import measures_of

with job(snakemake.log[0]):
    given, out, config = snakemake.input, snakemake.output, snakemake.params.config
    frames = read_frames(given.frames)
    images = Path(given.images[0]) if given.images else None
    figures, choices = Path(given.figures[0]).parent, [read_json(Path(c)) for c in given.choices]
    measures = measures_of(frames["measures"])
    html = page(config, frames, truths(given.cards), figures, images, choices, measures)
    write_text(Path(out.paper), paper.skeleton(config, frames, made(), measures))
    write_text(Path(out.numbers), paper.numbers(frames["results"], config["control"], measures))
    write_text(Path(out.page), html)
