"""The report: one HTML page that opens without a network."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from vaebench.captions import FIGURES
from vaebench.cells.reading import failures, read_frames, truths
from vaebench.errors import DataError
from vaebench.files import read_json, write_text
from vaebench.machine import provenance
from vaebench.plots.pictures import embedded
from vaebench.report import paper, published
from vaebench.report.findings import findings
from vaebench.report.paper import shown
from vaebench.statistics.measures import MEASURES, Measures, measures_of
from vaebench.tables import content, tuning
from vaebench.words import of_replicates


def page(
    config: Mapping[str, Any],
    frames: Mapping[str, pd.DataFrame],
    truths: Mapping[str, Mapping[str, float]],
    figures: Path,
    images: Path | None = None,
    choices: Sequence[Mapping[str, Any]] = (),
    measures: Measures = MEASURES,
    origin: Mapping[str, Any] | None = None,
) -> str:
    """The page as HTML.

    Args:
        config: the study's configuration.
        frames: the study's tables by name.
        truths: data set → what is best possible, for planted data.
        figures: the folder with a PNG for every figure.
        images: the list of figures of picture VAEs, if there are any.
        choices: of the tuning stage, if there was one.
        measures: the metrics.
        origin: where the results were made; by default :func:`here`.
    """
    origin = here() if origin is None else origin
    control, confidence, cells = config["control"], config["confidence"], frames["cells"]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vaebench.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    grids = [
        *content.everything(frames, truths, control, confidence, measures),
        *published.grids(frames.get("published", pd.DataFrame()), published.load()),
        *tuning.grids(choices),
    ]
    wanted = [name for name in FIGURES if shown(name, frames)]
    pictures = {
        name: base64.b64encode((figures / f"{name}.png").read_bytes()).decode()
        for name in [*wanted, *(tuning.FIGURES if choices else ())]
    }
    drawn, captions = embedded(images) if images else ({}, {})
    said = of_replicates if "splits" in frames else str
    captions = {name: said(text) for name, text in (FIGURES | captions).items()}
    found = findings(frames["results"], frames["models"], control, confidence, measures)
    return environment.get_template("page.html.jinja").render(
        name=config["name"],
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
        sections={
            section: [grid for grid in grids if grid.section == section]
            for section in dict.fromkeys(grid.section for grid in grids)
        },
        findings=[said(sentence) for sentence in found],
        pictures=pictures | drawn,
        captions=tuning.FIGURES | captions,
        cells=len(cells),
        failures=failures(cells).to_dict("records"),
        minutes=cells["seconds"].sum() / 60,
        times=cells.assign(until=pd.to_numeric(cells["until"]))
        .groupby(["dataset", "model", "strategy"], sort=False)
        .agg(
            count=("seconds", "count"),
            median=("seconds", "median"),
            max=("seconds", "max"),
            epochs=("until", "median"),
            early=("ended", lambda words: (words == "patience").sum()),
        )
        .reset_index()
        .to_dict("records"),
        devices=sorted(set(cells["device"].dropna())),
        origin=dict(origin),
        made=made(origin),
    )


def here() -> dict[str, Any]:
    """Commit, machine and versions that a page made now would name."""
    return {
        "commit": provenance.commit(),
        "machine": provenance.machine(),
        "versions": provenance.versions(),
    }


def origin(html: str) -> dict[str, Any]:
    """The commit, machine and versions that a page says it was made with.

    Raises:
        DataError: it says none.
    """
    _, _, rest = html.partition(ORIGIN)
    try:
        found = json.loads(rest.partition("</script>")[0])
        made(found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            "report.html: does not say what made it; allowed: as vaebench writes it"
        ) from error
    return dict(found)


ORIGIN = '<script type="application/json" id="origin">'


def made(origin: Mapping[str, Any] | None = None) -> str:
    """One sentence: versions, commit and machine; by default of this process."""
    origin = here() if origin is None else origin
    commit, machine = origin["commit"], origin["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    state = " with uncommitted changes" if commit["dirty"] else ""
    return (
        f"Commit {commit['commit'] or 'unknown'}{state}; {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}; {versions}."
    )


def write(
    config: Mapping[str, Any],
    given: Mapping[str, Sequence[str]],
    out: Mapping[str, str],
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write the page, the skeleton of a paper and its numbers.

    Args:
        config: the study's configuration.
        given: files: ``frames``, ``cards``, ``figures``, ``images`` (empty or one), ``choices``.
        out: files: ``page``, ``paper``, ``numbers``.
        origin: where the results were made; by default :func:`here`.
    """
    frames, figures = read_frames(given["frames"]), Path(given["figures"][0]).parent
    measures, images = measures_of(frames["measures"]), [Path(path) for path in given["images"]]
    chosen = [read_json(Path(path)) for path in given["choices"]]
    shown, best = images[0] if images else None, truths(given["cards"])
    html = page(config, frames, best, figures, shown, chosen, measures, origin)
    write_text(Path(out["paper"]), paper.skeleton(config, frames, made(origin), measures))
    found = paper.numbers(frames["results"], config["control"], measures)
    write_text(Path(out["numbers"]), found)
    write_text(Path(out["page"]), html)
