"""``python -m vaebench plan CONFIG``: what a study will cost, before anybody spends it.

Cells, updates, estimated hours per kind of device and disk, from measured times of an update
(``costs.yaml``). An estimate: linear in the number of items between the measured ones, in the batch
and in the model's parameters; evaluation after every epoch included, queueing and start-up not.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel, ConfigDict

from vaebench.cells.folder import NONE
from vaebench.cells.vae import resolve
from vaebench.components import create, unnamed
from vaebench.errors import ConfigError, VaebenchError
from vaebench.files import read_json
from vaebench.report.published import has
from vaebench.study.keys import HOMES
from vaebench.study.plan import Cell, Plan
from vaebench.study.trials import Trials
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

    ``measured`` says where and how; None: a floor that was only computed.
    """

    measured: str | None
    gpu: bool
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
    "A cell that is training holds twice its weights more in a checkpoint. + some cells have no "
    "known time and are not in the sum; – no time is known."
)


@dataclass(frozen=True)
class Line:
    """Cells of one (data set, model, strategy): how many, and each one's cost.

    ``hours`` are by device, None where no time of the model is known; ``updates`` of one cell.
    """

    what: str
    cells: int
    updates: int
    hours: dict[str, float | None]
    disk: float


def load() -> Costs:
    """The measurements that come with the package."""
    text = resources.files("vaebench.report").joinpath("costs.yaml").read_text(encoding="utf-8")
    return Costs(**yaml.safe_load(text))


def size(plan: Plan, dataset: str, costs: Costs) -> tuple[int, int, int, int] | None:
    """Training users, validation users, items, interactions: of the split if made, else known."""
    card = plan.folder / "data" / dataset / "card.json"
    if card.exists():
        counts = read_json(card)["counts"]
        if "training_items" not in counts:  # pictures
            return None
        keys = ("train_users", "validation_users", "training_items", "interactions")
        users, validation, items, interactions = (int(counts[key]) for key in keys)
        return users, validation, items, interactions
    options = plan.dataset_options(dataset)
    known = next((each for each in costs.sizes if has(options, each.match)), None)
    split = options.get("split", {})
    if known is None or split.get("kind") != "strong":
        return None
    training = known.users - split["validation_users"] - split["test_users"]
    return training, split["validation_users"], known.items, known.interactions


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


def line(cells: Sequence[Cell], what: str, counts: tuple[int, int, int, int], costs: Costs) -> Line:
    """The cost of cells that differ by their seed alone."""
    training_users, validation_users, items, _ = counts
    spec = cells[0].spec
    if cells[0].strategy == NONE:
        fit = costs.baselines.get(spec["model"]["class"])
        hours = None if fit is None else fit.seconds * (items / fit.items) ** fit.power / 3600
        return Line(what, len(cells), 0, dict.fromkeys(costs.devices, hours), 0.0)
    resolved = resolve(_numbers(spec))
    settings = Training(**resolved["training"])
    order = create("vaebench.training.orders", settings.update_order or {})
    per_epoch = order.passes * -(-training_users // settings.batch_size)
    model = unnamed(resolved["model"])
    weights = parameters(model, items)
    found: dict[str, float | None] = {}
    for name, device in costs.devices.items():
        points = device.models.get(model["class"])
        if points is None:
            found[name] = None
            continue
        width = weights / parameters({"class": model["class"]}, items)
        batch = settings.batch_size / BATCH
        epoch = per_epoch * at(points, items, 0) * width * batch
        epoch += validation_users * at(points, items, 1) * width
        found[name] = settings.epochs * epoch / 3600
    return Line(what, len(cells), settings.epochs * per_epoch, found, 2.0 * FLOAT * weights)


def _numbers(spec: dict[str, Any]) -> dict[str, Any]:
    """An option that another cell finds costs what any number costs."""
    strategy = {k: 1.0 if isinstance(v, Mapping) else v for k, v in spec["strategy"].items()}
    return spec | {"strategy": strategy}


def lines(plan: Plan, costs: Costs) -> tuple[list[Line], list[str]]:
    """All lines, final cells first, and the data sets of unknown size."""
    trials, found, unknown = Trials(plan), [], []
    for dataset in plan.datasets_used:
        counts = size(plan, dataset, costs)
        if counts is None:
            unknown.append(dataset)
            continue
        groups: dict[str, list[Cell]] = {}
        for cell in plan.cells.values():
            if cell.dataset == dataset:
                groups.setdefault(cell.folder.group, []).append(cell)
        found += [line(cells, what, counts, costs) for what, cells in groups.items()]
        for key, group in trials.groups.items():
            if group.cell.dataset == dataset:
                cells = [trials.cell(folder) for seeds in trials.cells(key) for folder in seeds]
                found.append(line(cells, f"tuning {key}", counts, costs))
    return found, unknown


def page(plan: Plan, costs: Costs) -> str:
    """The estimate as Markdown."""
    found, unknown = lines(plan, costs)
    names = list(costs.devices)
    head = ["cells", "number", "updates each", *(f"hours each, {n}" for n in names), "MB each"]
    rows = [
        [
            each.what,
            str(each.cells),
            f"{each.updates:,}",
            *(_hours(each.hours[name]) for name in names),
            f"{each.disk / 1e6:.0f}",
        ]
        for each in found
    ]
    number = sum(each.cells for each in found)
    totals = ["all", str(number), f"{sum(e.cells * e.updates for e in found):,}"]
    for name in names:
        known = [e.cells * e.hours[name] for e in found if e.hours[name] is not None]  # type: ignore[operator]
        totals.append(_hours(sum(known)) + ("+" if len(known) < len(found) else ""))
    totals.append(f"{sum(e.cells * e.disk for e in found) / 1e6:.0f}")
    sizes = [size(plan, dataset, costs) for dataset in plan.datasets_used]
    bytes_of_splits = sum(BYTES_OF_ENTRY * counts[-1] for counts in sizes if counts)
    parts = [
        f"study {plan.study.name}: {number} cells with an estimate\n",
        table(head, [*rows, totals]),
        f"Splits: about {bytes_of_splits / 1e6:.0f} MB. {NOTE}",
        *(
            f"{name}: {device.measured or 'a computed floor, never measured; expect several times'}"
            for name, device in costs.devices.items()
        ),
        *(
            f"{name}: of unknown size or not of users and items; after "
            f"`snakemake --configfile … {plan.folder}/data/{name}/card.json` the split says it"
            for name in unknown
        ),
    ]
    return "\n".join(parts) + "\n"


def _hours(hours: float | None) -> str:
    return "–" if hours is None else f"{hours:.3g}"


def main(arguments: Sequence[str]) -> None:
    """Print the estimate of one study."""
    if len(arguments) != 1:
        sys.exit("usage: python -m vaebench plan CONFIG")
    try:
        text = Path(arguments[0]).read_text(encoding="utf-8")
        plan = Plan(_mapping(yaml.safe_load(text), arguments[0]), [Path(arguments[0]).parent])
        plan.check()
        print(page(plan, load()))  # noqa: T201 (what it is for)
    except (OSError, yaml.YAMLError) as error:
        sys.exit(f"vaebench: cannot read {arguments[0]}: {' '.join(str(error).split())}")
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")


def _mapping(config: object, name: str) -> dict[str, Any]:
    if not isinstance(config, dict):
        raise ConfigError(f"{name}: this is no study; allowed: a YAML file with keys and values")
    return config


if __name__ == "__main__":
    main(sys.argv[1:])
