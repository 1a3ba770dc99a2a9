"""``python -m vaebench plan CONFIG``: what a study will cost, before anybody spends it.

Cells, updates, estimated hours per kind of device and disk, from measured times of an update
(``costs.yaml``). An estimate: linear in the number of items between the measured ones, in the batch
and in the model's parameters; evaluation after every epoch included, queueing and start-up not.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from pydantic import BaseModel, ConfigDict

from vaebench.cells.folder import NONE
from vaebench.cells.vae import resolve
from vaebench.components import create, unnamed
from vaebench.datasets import COUNTED, NO_FILE, Dataset, Images, Interactions
from vaebench.datasets.fetch import local_file
from vaebench.files import read_json
from vaebench.report.calibration import sentence
from vaebench.report.published import has
from vaebench.study.check import check
from vaebench.study.keys import HOMES
from vaebench.study.plan import Cell, Plan
from vaebench.study.sources import importable
from vaebench.study.trials import Trials
from vaebench.study.written import merged
from vaebench.tables.markdown import table
from vaebench.training.settings import Training

BATCH = 500
"""Users of the measured updates."""

FLOAT = 4
"""Bytes of a weight."""


class Strict(BaseModel):
    """No unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Device(Strict):
    """A kind of device: model class → items → seconds an update, seconds a ranked user.

    ``measured`` says where and how; None: a floor that was only computed. ``precision``: other than
    float32 → how many times as long an update takes.
    """

    measured: str | None
    gpu: bool
    precision: dict[str, float] = {}
    models: dict[str, dict[int, tuple[float, float]]]


class Fit(Strict):
    """A baseline's seconds at a number of items, and the power of items that they grow with."""

    items: int
    seconds: float
    power: float


class Size(Strict):
    """Users, items and interactions after the filters, of data sets with the options ``match``."""

    match: dict[str, Any]
    users: int
    items: int
    interactions: int
    checked: bool = True


class Costs(Strict):
    """The whole file."""

    devices: dict[str, Device]
    baselines: dict[str, Fit]
    sizes: list[Size]


BYTES_OF_ENTRY = 8
"""Of a stored interaction: a column and a value."""

NOTE = (
    "A cell that is training holds twice its weights more in a checkpoint. – is not known; + says "
    "that something unknown is not in the sum."
)


@dataclass(frozen=True)
class Line:
    """Cells of one (data set, model, strategy): how many, and each one's cost.

    ``hours`` are by device; ``updates``, ``hours`` and ``disk`` of one cell, None where not known.
    """

    what: str
    cells: int
    updates: int | None
    hours: dict[str, float | None]
    disk: float | None


class Counts(NamedTuple):
    """Training and validation examples, items or pixels, and the bytes of the split's files."""

    train: int
    validation: int
    features: int
    stored: int


def load() -> Costs:
    """The measurements that come with the package."""
    text = resources.files("vaebench.report").joinpath("costs.yaml").read_text(encoding="utf-8")
    return Costs(**yaml.safe_load(text))


def size(plan: Plan, name: str, costs: Costs) -> Counts | None:
    """The counts of a data set: of its split if made, else of a file at hand, else as known."""
    for split in plan.splits(name):
        if split.card.exists():
            return _counts(read_json(split.card)["counts"])
    dataset = plan.dataset(name)
    found = local_file(dataset, plan.local_folder(), plan.beside)
    if not dataset.raw_files() or (found and found[1].stat().st_size <= COUNTED):
        return _counted(dataset, found[1] if found else None)
    options = plan.dataset_options(name)
    known = next((each for each in costs.sizes if has(options, each.match)), None)
    split = options.get("split", {})
    if known is None or split.get("kind") != "strong":
        return None
    training = known.users - split["validation_users"] - split["test_users"]
    stored = BYTES_OF_ENTRY * known.interactions
    return Counts(training, split["validation_users"], known.items, stored)


def _counted(dataset: Dataset, raw: Path | None) -> Counts | None:
    """The counts of a small file, split as its job will split it."""
    if isinstance(dataset, Interactions):
        return _counts(dataset.parts(raw).counts)
    if isinstance(dataset, Images):
        parts = dataset.read(raw or NO_FILE)
        counts = {f"{part}_images": len(pictures) for part, pictures in parts.items()}
        return _counts(counts | {"pixels": parts["train"].shape[1]})
    return None


def _counts(of: Mapping[str, int]) -> Counts:
    """The counts on a card."""
    if "pixels" in of:
        images = [of[f"{part}_images"] for part in ("train", "validation", "test")]
        return Counts(images[0], images[1], of["pixels"], FLOAT * of["pixels"] * sum(images))
    users = of["train_users"], of["validation_users"]
    return Counts(*users, of["training_items"], BYTES_OF_ENTRY * of["interactions"])


def at(points: Mapping[int, Sequence[float]], items: int, place: int) -> float:
    """Linear in items through the two nearest points; in proportion to a single one."""
    if len(points) == 1:
        ((only, values),) = points.items()
        return values[place] * items / only
    near = sorted(sorted(points), key=lambda known: abs(known - items))[:2]
    low, high = sorted(near)
    slope = (points[high][place] - points[low][place]) / (high - low)
    # a line through noisy points must not fall below what fewer items cost
    return max(points[low][place] + slope * (items - low), min(p[place] for p in points.values()))


def parameters(model: Mapping[str, Any], items: int) -> int:
    """The number of weights, without making them."""
    with torch.device("meta"):
        made = create(HOMES["models"], dict(model), items)
    return sum(weight.numel() for weight in made.parameters())


def line(cells: Sequence[Cell], what: str, counts: Counts | None, costs: Costs) -> Line:
    """The cost of cells that differ by their seed alone; without counts, their number alone."""
    spec = cells[0].spec
    if counts is None:
        return Line(what, len(cells), None, dict.fromkeys(costs.devices), None)
    if cells[0].strategy == NONE:
        fit = costs.baselines.get(spec["model"]["class"])
        hours = fit.seconds * (counts.features / fit.items) ** fit.power / 3600 if fit else None
        return Line(what, len(cells), 0, dict.fromkeys(costs.devices, hours), 0.0)
    resolved = resolve(_numbers(spec))
    settings = Training(**resolved["training"])
    order = create("vaebench.training.orders", settings.update_order or {})
    updates = settings.epochs * order.passes * -(-counts.train // settings.batch_size)
    model = unnamed(resolved["model"])
    weights = parameters(model, counts.features)
    found: dict[str, float | None] = {}
    for name, device in costs.devices.items():
        points = device.models.get(model["class"])
        slower = {"float32": 1.0, **device.precision}.get(settings.precision)
        if points is None or slower is None:
            found[name] = None
            continue
        width = weights / parameters({"class": model["class"]}, counts.features)
        update = at(points, counts.features, 0) * settings.batch_size / BATCH * slower
        epochs = settings.epochs * counts.validation * at(points, counts.features, 1)
        found[name] = (updates * update + epochs) * width / 3600
    return Line(what, len(cells), updates, found, 2.0 * FLOAT * weights)


def _numbers(spec: dict[str, Any]) -> dict[str, Any]:
    """An option that another cell finds costs what any number costs."""
    strategy = {k: 1.0 if isinstance(v, Mapping) else v for k, v in spec["strategy"].items()}
    return spec | {"strategy": strategy}


def lines(plan: Plan, sizes: Mapping[str, Counts | None], costs: Costs) -> list[Line]:
    """All lines, data set after data set, final cells before trials."""
    trials, found = Trials(plan), []
    for dataset, counts in sizes.items():
        groups: dict[str, list[Cell]] = {}
        for cell in plan.cells.values():
            if cell.dataset == dataset:
                groups.setdefault(cell.folder.group, []).append(cell)
        found += [line(cells, what, counts, costs) for what, cells in groups.items()]
        for key, group in trials.groups.items():
            if group.cell.dataset == dataset:
                cells = [trials.cell(folder) for seeds in trials.cells(key) for folder in seeds]
                found.append(line(cells, f"tuning {key}", counts, costs))
    return found


def page(plan: Plan, costs: Costs) -> str:
    """The estimate as Markdown."""
    sizes = {name: size(plan, name, costs) for name in plan.datasets_used}
    found = lines(plan, sizes, costs)
    names = list(costs.devices)
    head = ["cells", "number", "updates each", *(f"hours each, {n}" for n in names), "MB each"]
    rows = [
        [
            each.what,
            str(each.cells),
            _shown(each.updates, ",d"),
            *(_shown(each.hours[name], ".3g") for name in names),
            _shown(each.disk and each.disk / 1e6, ".0f"),
        ]
        for each in found
    ]
    number = sum(each.cells for each in found)
    hours = [_total([(e.cells, e.hours[name]) for e in found], ".3g") for name in names]
    disk = _total([(e.cells, e.disk and e.disk / 1e6) for e in found], ".0f")
    totals = ["all", str(number), _total([(e.cells, e.updates) for e in found], ",d"), *hours, disk]
    split = [(len(plan.splits(name)), c and c.stored / 1e6) for name, c in sizes.items()]
    parts = [
        f"study {plan.study.name}: {number} cells\n",
        table(head, [*rows, totals]),
        f"Disk: {disk} MB of weights, {_total(split, '.0f')} MB of splits. {NOTE}",
        *(
            f"{name}: {device.measured or 'a computed floor, never measured; expect several times'}"
            for name, device in costs.devices.items()
        ),
        *_unknown_precision(plan, costs),
        *_with_patience(plan),
        *_replicates(plan),
        *(
            f"{name}: its size is not known before it is split, by "
            f"`{COMMAND} {plan.splits(name)[0].card}`"
            for name, counts in sizes.items()
            if counts is None
        ),
    ]
    return "\n".join(parts) + "\n"


COMMAND = "snakemake --configfile CONFIG --"
"""The ``--`` ends the list of config files; without it a target would be one of them."""


def _replicates(plan: Plan) -> list[str]:
    """A sentence for each data set: what its replicates draw, and which split they have."""
    if not plan.replicated:
        return []
    found = [f"Each replicate draws anew: {', '.join(plan.varied)}."]
    for name in plan.datasets_used:
        splits = plan.splits(name)
        said = plan.drawn_for(splits[0]) if len(splits) == 1 else f"{len(splits)} replicates' own"
        found.append(f"{name}: {len(splits)} split{'s' * (len(splits) > 1)}, {said}")
    return found


def _unknown_precision(plan: Plan, costs: Costs) -> list[str]:
    """A sentence for each precision that a device has no measurement of."""
    cells = [cell for cell in plan.cells.values() if not cell.is_baseline]
    wanted = {cell.spec["training"].get("precision", "float32") for cell in cells} - {"float32"}
    return [
        f"{name}: how long {precision} takes there is not known"
        for precision in sorted(wanted)
        for name, device in costs.devices.items()
        if precision not in device.precision
    ]


def _with_patience(plan: Plan) -> list[str]:
    """That these are the most epochs, where trainings may end earlier."""
    cells = [cell.spec["training"] for cell in plan.cells.values() if not cell.is_baseline]
    waits = sorted({each["patience"] for each in cells if each.get("patience") is not None})
    shown = ", ".join(map(str, waits))
    return [f"patience {shown}: trainings may end early; updates and hours are the most"] * bool(
        waits
    )


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _total(of: Sequence[tuple[int, float | None]], form: str) -> str:
    """Σ number · value of those that are known; + if some are not."""
    known = [number * value for number, value in of if value is not None]
    if not known:
        return "–"
    return format(sum(known), form) + ("+" if len(known) < len(of) else "")


def main(arguments: Sequence[str]) -> None:
    """Print the estimate of one study."""
    parser = argparse.ArgumentParser(
        prog="vaebench plan",
        description="What a study will cost before anybody spends it: cells, updates, hours, disk. "
        "Nothing is downloaded or written to the folder of results.",
        epilog="example: vaebench plan configs/reproduce-ml-20m.yaml",
    )
    parser.add_argument(
        "config", type=Path, nargs="+", help="the study's config file; of several, a later one wins"
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="train cells like the study's for half a minute and say how long it takes here",
    )
    cores = os.cpu_count() or 1
    parser.add_argument("--cores", type=int, default=cores, help="as for snakemake; default: all")
    given = parser.parse_args(arguments)
    config, beside = merged(given.config), [path.parent for path in given.config]
    importable(Path(__file__).parents[2], beside)
    plan = Plan(config, beside)
    check(plan)
    Trials(plan).check()
    print(page(plan, load()).replace("CONFIG", " ".join(map(str, given.config))), end="")  # noqa: T201
    if given.measure:
        print(sentence(plan, given.cores), end="")  # noqa: T201
