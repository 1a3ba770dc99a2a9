"""The report: one HTML page that opens without a network, the answer first."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from vaebench.cells.reading import failures, read_frames, truths
from vaebench.errors import DataError
from vaebench.files import read_json, write_text
from vaebench.machine import provenance
from vaebench.plots.palette import Look
from vaebench.plots.pictures import embedded
from vaebench.report import paper, published
from vaebench.report.answer import answers, how_sure, question, setting, to_do
from vaebench.report.charts import charts
from vaebench.report.figures import captions
from vaebench.report.web import render
from vaebench.statistics.measures import MEASURES, Measures, measures_of
from vaebench.tables import Column, Grid, content, decimals, heads, lines, tuning
from vaebench.words import of_replicates

PAIRS = "All pairs (exploratory)"
"""The section of tables of which the page has those of primary metrics alone."""


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
        frames: the study's tables by name; ``traces``, where they are given, are drawn as charts.
        truths: data set → what is best possible, for planted data.
        figures: the folder with a PNG for every figure.
        images: the list of figures of picture VAEs, if there are any.
        choices: of the tuning stage, if there was one.
        measures: the metrics.
        origin: where the results were made; by default :func:`here`.
    """
    origin = here() if origin is None else origin
    control, confidence, cells = config["control"], config["confidence"], frames["cells"]
    replicated = "splits" in frames
    said, repeats = (of_replicates, "replicate") if replicated else (str, "seed")
    grids = [
        *content.everything(frames, truths, control, confidence, measures),
        *published.grids(frames.get("published", pd.DataFrame()), published.load()),
        *tuning.grids(choices),
    ]
    found = answers(frames["results"], frames["models"], control, measures)
    first, rest = divided(grids, frames["results"])
    texts = captions(frames, confidence) | (tuning.FIGURES if choices else {})
    pictures = {
        name: base64.b64encode((figures / f"{name}.png").read_bytes()).decode() for name in texts
    }
    others, more = embedded(images) if images else ({}, {})
    texts, pictures = {name: said(text) for name, text in (texts | more).items()}, pictures | others
    pictures = fitting(pictures)
    look = Look(list(config["strategies"]))
    traces = frames.get("traces", pd.DataFrame())
    drawn = charts(found, frames["runs"], cells, traces, control, look)
    return render(
        "page.html.jinja",
        charts=drawn.drawn(look) if drawn.figures else None,
        name=config["name"],
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
        question=question(found, control),
        setting=setting(config, found, cells, repeats),
        answers=found,
        how_sure=said(how_sure(found, confidence)) if found else "",
        todo=to_do(found, frames["seeds"], len(failures(cells)), place_of(config), repeats),
        main_tables=first,
        sections=sections(rest, pictures, cells),
        pictures=pictures,
        captions=texts,
        drawn=drawn.figures,
        cells=len(cells),
        failures=failures(cells).to_dict("records"),
        origin=dict(origin),
        made=made(origin),
    )


MOST = 1_300_000
"""Characters of all pictures of a page, which then has less than 3 MiB."""

LIVE = ("curves", "beta", "rate_distortion")
"""Figures that are charts too: their pictures are the first to go."""


def fitting(pictures: Mapping[str, str]) -> dict[str, str]:
    """The pictures that a page has room for; of the others it has an empty one.

    First come those that no chart shows, in their order.
    """
    kept, size = dict.fromkeys(pictures, ""), 0
    for name in sorted(pictures, key=lambda name: name in LIVE):
        if size + len(pictures[name]) <= MOST:
            kept[name] = pictures[name]
            size += len(pictures[name])
    return kept


def place_of(config: Mapping[str, Any]) -> str:
    """The study's folder as a person would write it."""
    return f"results/{config['name']}"


IN_SECTION = {
    "Results": ("ranking", "elbo"),
    "Models and baselines": ("models",),
    "Across data sets": ("ranks", "profiles"),
    "User activity": ("activity",),
    "Training": ("curves", "beta", "rate_distortion"),
    tuning.SECTION: tuple(tuning.FIGURES),
}
"""Section → the figures in it; those of pictures have one of their own."""

ABOUT = {
    "Results": "means and intervals of all metrics",
    "Models and baselines": "against one control",
    "Across data sets": "ranks and scores",
    "User activity": "by quartile of the users' interactions",
    "Training": "learning curves, β as used, rate and distortion, run times",
    "Latents": "what the latents carry",
    "Companion tests": "what else may be said of the same differences",
    PAIRS: "primary metrics; tables/pairs.csv has all",
    "Pictures": "what the models draw",
}
"""Section → a few words on it."""


def divided(grids: Sequence[Grid], results: pd.DataFrame) -> tuple[list[Grid], list[Grid]]:
    """Tables of the verdicts, and all others; of exploratory pairs those of primary metrics alone.

    A verdict stands right behind the names, so that it can be seen on a narrow screen.
    """
    mains = results[results["primary"]] if len(results) else results
    titles = {
        f"{row.dataset}, {row.model}: " + metric
        for row in mains.drop_duplicates(["dataset", "model"]).itertuples()
        for metric in [row.metric]
    }
    first: list[Grid] = []
    rest: list[Grid] = []
    for grid in map(verdict_first, grids):
        place = grid.title.partition(": ")[0]
        is_main = f"{place}: {grid.metric}" in titles
        if grid.section == PAIRS and not is_main:
            continue
        (first if grid.section == "Results" and is_main else rest).append(grid)
    return first, rest


def verdict_first(grid: Grid) -> Grid:
    """The column of verdicts right behind those of names."""
    if "verdict" not in grid.head:
        return grid
    names = 1 + (grid.head[1] == "strategy")
    old = grid.head.index("verdict")
    order = [*range(names), old, *(n for n in range(names, len(grid.head)) if n != old)]
    lines = [[line[place] for place in order] for line in grid.lines]
    return replace(grid, head=[grid.head[place] for place in order], lines=lines)


def sections(
    grids: Sequence[Grid], pictures: Mapping[str, str], cells: pd.DataFrame
) -> list[dict[str, Any]]:
    """What is folded: title, a few words, figures and tables of each section, in order."""
    by_title: dict[str, list[Grid]] = {}
    for grid in grids:
        by_title.setdefault(grid.section, []).append(grid)
    by_title["Training"] = [times(cells)]
    images = [name for name in pictures if name.startswith("images/")]
    wanted = {**IN_SECTION, **({"Pictures": images} if images else {})}
    order = dict.fromkeys([*by_title, *wanted])
    found = []
    for title in sorted(order, key=lambda name: name not in ("Results", "Training")):
        shown_here = [name for name in wanted.get(title, ()) if name in pictures]
        tables = by_title.get(title, [])
        if tables or shown_here:
            about = ABOUT.get(title, "")
            found.append({"title": title, "about": about, "figures": shown_here, "grids": tables})
    return found


def times(cells: pd.DataFrame) -> Grid:
    """How long the cells took."""
    groups = (
        cells.assign(until=pd.to_numeric(cells["until"]))
        .groupby(["dataset", "model", "strategy"], sort=False)
        .agg(
            count=("seconds", "count"),
            median=("seconds", "median"),
            most=("seconds", "max"),
            epochs=("until", "median"),
            early=("ended", lambda words: (words == "patience").sum()),
        )
        .reset_index()
    )
    columns = [
        Column("cells of", lambda row: f"{row.dataset}, {row.model}, {row.strategy}"),
        Column("number", lambda row: str(row.count_)),
        Column("median s", lambda row: decimals(row.median_, 1)),
        Column("longest s", lambda row: decimals(row.most, 1)),
        Column("epochs, median", lambda row: "–" if pd.isna(row.epochs) else f"{row.epochs:g}"),
        Column("ended by patience", lambda row: str(row.early)),
    ]
    rows = groups.rename(columns={"count": "count_", "median": "median_"})
    devices = ", ".join(sorted(set(cells["device"].dropna())))
    said = f"{cells['seconds'].sum() / 60:.1f} minutes of training and evaluation on {devices}."
    return Grid("Training", "Run times", heads(columns), lines(columns, rows), said)


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
        given: files: ``frames``, ``cards``, ``figures``, ``images`` (empty or one), ``choices``,
            and ``traces`` (one, or none: then no training is drawn as a chart).
        out: files: ``page``, ``paper``, ``numbers``.
        origin: where the results were made; by default :func:`here`.
    """
    frames, figures = read_frames(given["frames"]), Path(given["figures"][0]).parent
    measures, images = measures_of(frames["measures"]), [Path(path) for path in given["images"]]
    chosen = [read_json(Path(path)) for path in given["choices"]]
    if given.get("traces"):
        frames["traces"] = pd.read_parquet(given["traces"][0])
    shown, best = images[0] if images else None, truths(given["cards"])
    html = page(config, frames, best, figures, shown, chosen, measures, origin)
    write_text(Path(out["paper"]), paper.skeleton(config, frames, made(origin), measures))
    found = paper.numbers(frames["results"], config["control"], measures)
    write_text(Path(out["numbers"]), found)
    write_text(Path(out["page"]), html)
