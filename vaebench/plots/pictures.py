"""Figures of picture VAEs: what :mod:`vaebench.images.measure` measured in, figures out."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from vaebench.files import read_json, write_text
from vaebench.plots import panels, save
from vaebench.plots.palette import Look

CAPTIONS = {
    "bound": "Bound at β = 1 against training pictures seen, by the number of latents: solid "
    "training, dashed validation (mean over seeds). A gap between the two is overfitting.",
    "likelihood": "Test log-likelihood, nats per picture, one point a seed: filled L_K by "
    "importance sampling, open the ELBO. The percentage is the share of pictures with Pareto "
    "k̂ > .7, whose L_K is no more than a lower bound.",
    "reconstructions": "Test pictures (top) and the decoder's means at their μ, a row a strategy.",
    "samples": "Pictures drawn from the model, x ~ p(x|z) at z ~ p(z), with the same noise in "
    "every row; below each row the means of p(x|z) at the same z, smoother than any picture.",
    "manifold": "Means over a plane of two latents, on a grid of equal prior probability.",
    "traversals": "Means where one latent (a row) goes from −2 to 2 and the others stay at the μ "
    "of the first test picture; those latents whose μ vary most.",
    "interpolation": "Means on the line between the μ of two test pictures (ends left and right).",
    "latent_map": "μ of test pictures in a plane, coloured by class; training saw no class.",
    "pca": "Mean squared error per pixel of test pictures rebuilt from as many numbers as there "
    "are latents: one point a seed, line: PCA with as many components.",
    "anomaly": "AUROC of −ELBO for test pictures of the class that training never saw; .5 is "
    "chance.",
    "probe": "Test accuracy of logistic regression on μ from few labels per class (mean over seeds "
    "and five draws); grey: on the pixels.",
}
"""Figure → what is seen in it."""

Rows = list[dict[str, Any]]
Arrays = Mapping[str, Mapping[str, np.ndarray]]
"""Strategy → the arrays of its cell of the shown seed."""


def sheet(axis: Axes, pictures: np.ndarray, shape: Sequence[int], columns: int) -> None:
    """Pictures (N, F) as tiles, ``columns`` in a row, black 0 and white 1."""
    height, width = shape
    rows = len(pictures) // columns
    tiles = pictures.reshape(rows, columns, height, width)
    framed = np.ones((rows, columns, height + 1, width + 1))
    framed[:, :, :height, :width] = tiles.clip(0, 1)
    axis.imshow(
        framed.transpose(0, 2, 1, 3).reshape(rows * (height + 1), columns * (width + 1)),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    for side in axis.spines.values():
        side.set_visible(False)


def rows_of_pictures(arrays: Arrays, name: str, first: str | None = None) -> Figure:
    """One row a strategy, its name at the left; above them ``first`` (the originals)."""
    lines = [("test", next(iter(arrays.values()))[first])] if first else []
    lines += [(strategy, cell[name]) for strategy, cell in arrays.items()]
    return sheets(lines, shape_of(arrays))


def shape_of(arrays: Arrays) -> list[int]:
    """Height and width of the pictures."""
    shape: list[int] = next(iter(arrays.values()))["shape"].tolist()
    return shape


def sheets(lines: Sequence[tuple[str, np.ndarray]], shape: Sequence[int]) -> Figure:
    """Rows of pictures (N, F), each with its label at the left."""
    count = len(lines[0][1])
    size = 0.55
    figure = Figure(
        figsize=(1.1 + size * count, (size * shape[0] / shape[1] + 0.05) * len(lines) + 0.1),
        layout="constrained",
    )
    axes = figure.subplots(len(lines), 1, squeeze=False)[:, 0]
    for axis, (label, pictures) in zip(axes, lines, strict=True):
        sheet(axis, pictures, shape, count)
        axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    return figure


def reconstructions(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """Originals and what the decoder makes of their μ."""
    return rows_of_pictures(arrays, "reconstructions", "originals")


def samples(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """Draws from the model, and below them their means."""
    lines = [
        (label, cell[name])
        for strategy, cell in arrays.items()
        for label, name in ((strategy, "samples"), ("means", "sample_means"))
    ]
    return sheets(lines, shape_of(arrays))


def interpolation(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """Means on the way from one picture to another."""
    return rows_of_pictures(arrays, "interpolation")


def manifold(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """The plane of two latents, a panel a strategy."""
    figure, axes = panels(len(arrays), width=3.0, height=3.2)
    for axis, (strategy, cell) in zip(axes, arrays.items(), strict=True):
        sheet(axis, cell["manifold"], cell["shape"].tolist(), round(len(cell["manifold"]) ** 0.5))
        axis.set_title(strategy)
    return figure


def traversals(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """One latent a row, moved on its own, a panel a strategy."""
    figure, axes = panels(len(arrays), width=3.0, height=2.0)
    for axis, (strategy, cell) in zip(axes, arrays.items(), strict=True):
        columns = len(cell["traversals"]) // len(cell["traversed"])
        sheet(axis, cell["traversals"], cell["shape"].tolist(), columns)
        axis.set_title(strategy)
    return figure


def latent_map(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """Test pictures as points, a panel a strategy."""
    figure, axes = panels(len(arrays), width=2.6, height=2.6)
    for axis, (strategy, cell) in zip(axes, arrays.items(), strict=True):
        plane, labels = cell["latent_map"], cell.get("latent_labels")
        dots = axis.scatter(
            plane[:, 0],
            plane[:, 1],
            c="#0072B2" if labels is None else labels,
            cmap=None if labels is None else "tab10",
            s=4,
            linewidths=0,
        )
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.set_title(strategy)
        if labels is not None and axis is axes[-1]:
            handles, digits = dots.legend_elements(num=None)  # type: ignore[arg-type]
            axis.legend(
                handles,
                digits,
                loc="center left",
                bbox_to_anchor=(1, 0.5),
                fontsize=7,
                handletextpad=0,
            )
    return figure


def points(axis: Axes, rows: Rows, column: str, look: Look, *, filled: bool = True) -> list[str]:
    """One point a cell at the height of its strategy; returns the strategies in order."""
    present = [name for name in look.order if any(row["strategy"] == name for row in rows)]
    for row in rows:
        axis.plot(
            row[column],
            present.index(row["strategy"]),
            look.marker(row["strategy"]),
            color=look.colour(row["strategy"]),
            fillstyle="full" if filled else "none",
            markersize=5,
            alpha=0.8,
        )
    axis.set_yticks(range(len(present)), present)
    axis.set_ylim(len(present) - 0.5, -0.5)
    return present


def one_panel(rows: Rows) -> tuple[Figure, Axes]:
    """A panel as high as the strategies need."""
    strategies = len({row["strategy"] for row in rows})
    figure, axes = panels(1, width=4.6, height=0.9 + 0.28 * max(3, strategies))
    return figure, axes[0]


def likelihood(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """L_K, the ELBO, and how far L_K can be believed."""
    figure, axis = one_panel(rows)
    present = points(axis, rows, "log_likelihood", look)
    points(axis, rows, "elbo", look, filled=False)
    for place, strategy in enumerate(present):
        shares = [row["unreliable"] for row in rows if row["strategy"] == strategy]
        axis.annotate(
            f"{100 * sum(shares) / len(shares):.0f} %",
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
        )
    axis.set_xlabel("nats per test picture")
    return figure


def pca(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """Errors of rebuilding, and PCA's."""
    figure, axis = one_panel(rows)
    points(axis, rows, "squared_error", look)
    axis.axvline(rows[0]["squared_error_pca"], color="#555555", linestyle="--", linewidth=1)
    axis.set_xlabel(f"squared error per pixel, {rows[0]['latents']} numbers a picture")
    return figure


def anomaly(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """How well the bound finds the class that was left out."""
    figure, axis = one_panel(rows)
    points(axis, rows, "auroc", look)
    axis.set_xlabel(f"AUROC of class {rows[0]['held_out_class']}")
    return figure


def probe(arrays: Arrays, rows: Rows, look: Look) -> Figure:  # noqa: ARG001
    """Accuracy against labels per class."""
    figure, axes = panels(1, width=4.6)
    axis = axes[0]
    counts = list(rows[0]["probe"])
    frame = pd.DataFrame(
        {"strategy": row["strategy"], "labels": count, "accuracy": row["probe"][count]}
        for row in rows
        for count in counts
    )
    for strategy, group in frame.groupby("strategy", sort=False):
        means = group.groupby("labels", sort=False)["accuracy"].mean()
        axis.plot(
            range(len(counts)),
            means,
            marker=look.marker(str(strategy)),
            color=look.colour(str(strategy)),
            markersize=4,
            label=strategy,
        )
    axis.plot(range(len(counts)), list(rows[0]["probe_pixels"].values()), "--", color="#888888")
    axis.set_xticks(range(len(counts)), counts)
    axis.set_xlabel("labels per class")
    axis.set_ylabel("test accuracy")
    axis.legend(fontsize=7)
    return figure


def bound(traces: pd.DataFrame, images: int, latents: Mapping[str, int]) -> Figure:
    """Training and validation bound against pictures seen, a colour a number of latents.

    Args:
        traces: of one data set and the control strategy, all models and seeds.
        images: training pictures, seen once an epoch.
        latents: model → Z, in the order of the legend.
    """
    figure, axes = panels(1, width=4.6, height=3.2)
    axis = axes[0]
    for place, (model, size) in enumerate(latents.items()):
        means = (
            traces[traces["model"] == model].groupby("epoch")[["elbo", "validation_elbo"]].mean()
        )
        colour = f"C{place}"
        axis.plot(means.index * images, means["elbo"], color=colour, label=f"{model}: {size}")
        axis.plot(means.index * images, means["validation_elbo"], "--", color=colour)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    axis.xaxis.set_minor_formatter(NullFormatter())
    shown = traces[traces["epoch"] > 1]
    if len(shown):  # the first epoch is far below and would flatten the rest
        axis.set_ylim(bottom=shown[["elbo", "validation_elbo"]].min().min())
    axis.set_xlabel("training pictures seen")
    axis.set_ylabel("bound (nats per picture)")
    axis.legend(title="latents", fontsize=7, title_fontsize=7)
    return figure


DRAWN: dict[str, tuple[str, Callable[[Arrays, Rows, Look], Figure]]] = {
    "likelihood": ("log_likelihood", likelihood),
    "reconstructions": ("reconstructions", reconstructions),
    "samples": ("samples", samples),
    "manifold": ("manifold", manifold),
    "interpolation": ("interpolation", interpolation),
    "traversals": ("traversals", traversals),
    "latent_map": ("latent_map", latent_map),
    "pca": ("squared_error", pca),
    "anomaly": ("auroc", anomaly),
    "probe": ("probe", probe),
}
"""Figure → the number or array without which it is not drawn, and how it is."""


def draw(
    chosen: Sequence[str],
    seed: int,
    folders: Sequence[Path],
    rows: Rows,
    look: Look,
    out: Path,
) -> list[dict[str, str]]:
    """Draw the chosen figures of every (data set, model) whose cells have what they need.

    Returns:
        One entry a figure: ``title``, ``file`` (a PNG in ``out``, a PDF beside it), ``caption``.
    """
    entries = []
    groups: dict[tuple[str, str], Rows] = {}
    for row, folder in zip(rows, folders, strict=True):
        groups.setdefault((row["dataset"], row["model"]), []).append(row | {"folder": folder})
    for (dataset, model), group in groups.items():
        arrays = {}
        for strategy in look.order:
            for row in group:
                if (row["strategy"], row["seed"]) == (strategy, seed):
                    with np.load(row["folder"] / "values.npz", allow_pickle=False) as values:
                        arrays[strategy] = dict(values)
        for name in chosen:
            needed, drawing = DRAWN.get(name, ("", None))
            having = {s: a for s, a in arrays.items() if needed in a}
            measured = [row for row in group if needed in row]
            if drawing and (having or measured):
                stem = f"{name}-{dataset}-{model}"
                save(drawing(having, measured, look), out / stem)
                entries.append(entry(name, f"{dataset}, {model}", stem))
    return entries


def entry(name: str, of: str, stem: str) -> dict[str, str]:
    """What the report needs to know of a figure."""
    return {"title": of, "file": f"{stem}.png", "caption": f"{of}. {CAPTIONS[name]}"}


def write_index(path: Path, entries: list[dict[str, str]]) -> None:
    """The list of figures, for the report."""
    write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def embedded(index: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What an HTML page needs: name → PNG in base64, and name → caption, in order."""
    pictures, captions = {}, {}
    for found in read_json(index):
        name = f"images/{found['file']}"
        content = (index.parent / found["file"]).read_bytes()
        pictures[name] = base64.b64encode(content).decode()
        captions[name] = found["caption"]
    return pictures, captions
