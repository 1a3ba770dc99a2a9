"""A study: what is compared on what. The configuration is checked before any job runs.

Every error is one sentence that names the key, its value and what is allowed.

A plan is made again in every job of a cluster, so importing this module and planning load neither
torch nor a component; :mod:`vaebench.study.check` does, and so do the sources of a cell whose
update order or selecting metric is its model's.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaebench.cells.folder import NONE, CellFolder, SplitFolder
from vaebench.cells.found import Reference, references
from vaebench.cells.selection import selecting
from vaebench.components import create, find, module_name, options
from vaebench.errors import ConfigError
from vaebench.study.keys import DRAWN, HOMES, OF_TUNING, ORDERS, Block, Source, read
from vaebench.study.precision import settled
from vaebench.study.registration import by_dataset
from vaebench.study.sources import code, shown, source_files

if TYPE_CHECKING:
    from vaebench.datasets import Dataset
    from vaebench.models import VAE


@dataclass(frozen=True)
class Cell:
    """One cell: its folder, and the specification that :func:`vaebench.cells.vae.run` takes.

    Attributes:
        folder: its names and paths.
        spec: what training depends on, as the study writes it.
        samples: of z per test example.
        stages: strategy → the cell that finds an option of this one first.
        replicate: whose split it is trained on; None in a study of seeds.
    """

    folder: CellFolder
    spec: dict[str, Any]
    samples: int = 10
    stages: dict[str, CellFolder] = field(default_factory=dict)
    replicate: int | None = None

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        return self.folder.dataset

    @property
    def model(self) -> str:
        """The name of its model or baseline."""
        return self.folder.model

    @property
    def strategy(self) -> str:
        """The name of its strategy; ``none`` for a baseline."""
        return self.folder.strategy

    @property
    def seed(self) -> int:
        """The number in its path: its seed, or replicate."""
        return self.folder.seed

    @property
    def path(self) -> str:
        """Its names as a path."""
        return self.folder.key

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline's."""
        return self.strategy == NONE


class Plan:
    """A checked study and all that the workflow asks of it.

    ``beside``: the folders of its config files, where a user's own raw files are looked for first.
    """

    def __init__(self, config: dict[str, Any], beside: Sequence[Path] = ()) -> None:
        self.beside = [Path(shown(folder)) for folder in beside]
        study = read(config)
        self.folder = Path(study.results) / study.name
        self.study = study = settled(study, self.folder / "study.json")
        self._drawn_by: dict[str, str | None] = {}
        self.cells = self._grid(study.numbers)
        used = {cell.strategy for cell in self.cells.values()}
        if study.control not in used:
            raise ConfigError(
                f"control: {study.control!r} is not in the grid; allowed: {', '.join(sorted(used))}"
            )
        self.datasets_used = list(dict.fromkeys(cell.dataset for cell in self.cells.values()))
        self._outside: dict[str, Cell] = {}
        self._sources: dict[tuple[str, ...], list[str]] = {}
        self._codes: dict[tuple[str, ...], str] = {}

    def _grid(self, numbers: list[int]) -> dict[str, Cell]:
        """All cells by their path; ``numbers`` are the seeds or the replicates."""
        study = self.study
        cells: dict[str, Cell] = {}
        for number, block in enumerate(study.grid):
            for key in ("dataset", "model"):
                self._known(f"grid.{number}.{key}", getattr(block, key), f"{key}s")
            for strategy in block.strategies:
                self._known(f"grid.{number}.strategies", strategy, "strategies")
                for seed in numbers[: block.seeds or block.replicates]:
                    self._add(cells, self._cell(block, strategy, seed), number)
            for name in block.baselines:
                self._known(f"grid.{number}.baselines", name, "baselines")
                # a fit that draws nothing is the same for all seeds, not for replicates
                once = self.deterministic(name) and self._is_fixed(block.dataset)
                for seed in numbers[:1] if once else numbers:
                    self._add(cells, self.baseline_cell(block.dataset, name, seed), number)
        return cells

    def _add(self, cells: dict[str, Cell], cell: Cell, block: int) -> None:
        if cell.path in cells:
            raise ConfigError(f"grid.{block}: {cell.path} is in the grid twice; allowed: once")
        cells[cell.path] = cell

    def deterministic(self, name: str) -> bool:
        """Does the baseline draw nothing, so that one seed is all seeds?"""
        baseline = find(HOMES["baselines"], self.study.baselines[name]["class"])
        return bool(baseline.deterministic)

    def baseline_cell(self, dataset: str, name: str, seed: int) -> Cell:
        """A baseline on a data set; see :func:`vaebench.cells.baseline.run`."""
        model = {"name": name, **self.study.baselines[name]}
        spec = {"study": self.study.name, "dataset": dataset, "model": model, **self._seed(seed)}
        if threads := self.study.training.get("compute_threads"):
            spec["compute_threads"] = threads
        if dataset in self.study.natural:  # else a baseline is judged by the metric of its data
            spec["select"] = self._metric(self.study.natural[dataset])
        folder = CellFolder(self.folder, dataset, name, NONE, seed)
        return Cell(folder, spec, replicate=seed if self.replicated else None)

    @property
    def order(self) -> list[str]:
        """Strategies in the order of tables and colours; what stands for none comes last."""
        return [*self.study.strategies, *([NONE] if self.study.baselines else [])]

    def cell(self, folder: CellFolder) -> Cell:
        """The cell of a folder: of the grid, or outside of it, trained as the grid trains its like.

        Raises:
            ConfigError: a name that the study does not define.
        """
        if folder.key in self.cells:
            return self.cells[folder.key]
        dataset, model, strategy = folder.dataset, folder.model, folder.strategy
        if model in self.study.baselines and strategy == NONE:
            self._known("the path", dataset, "datasets")
            cell = self._outside[folder.key] = self.baseline_cell(dataset, model, folder.seed)
            return cell
        for kind, name in (("datasets", dataset), ("models", model), ("strategies", strategy)):
            self._known("the path", name, kind)
        like = [b for b in self.study.grid if (b.dataset, b.model) == (dataset, model)]
        training = like[0].training if like else {}
        strategies = like[0].strategies if like else []
        block = Block(
            dataset=dataset, model=model, strategies=[*strategies, strategy], training=training
        )
        cell = self._outside[folder.key] = self._cell(block, strategy, folder.seed)
        return cell

    def has_pictures(self, path: str) -> bool:
        """Whether the cell at ``path`` is a VAE of pictures."""
        cell = self.cells[path]
        return not cell.is_baseline and self.dataset(cell.dataset).kind == "images"

    def dataset(self, name: str) -> "Dataset":
        """The data set called ``name``, as the study writes it."""
        created: Dataset = self.created("datasets", name)
        return created

    @property
    def replicated(self) -> bool:
        """Whether the numbers of this study's cells are replicates, not seeds."""
        return self.study.replicates is not None

    @property
    def varied(self) -> list[str]:
        """What each replicate draws anew, in words; without a tuning stage nothing of one."""
        given, tuned = self.study.replicates, self.study.tuning is not None
        sources = given.vary if given else ()
        return [DRAWN[source] for source in sources if tuned or source not in OF_TUNING]

    def drawn(self, source: Source, replicate: int) -> int:
        """The replicate whose draw of ``source`` a replicate has: its own, or 0 for all of them."""
        given = self.study.replicates
        return replicate if given is not None and source in given.vary else 0

    def card(self, cell: Cell) -> Path:
        """The card of the split that a cell, or trial, is trained and tested on."""
        return self.split(cell.dataset, cell.replicate).card

    def split(self, name: str, replicate: int | None) -> SplitFolder:
        """The split of a data set that a replicate has; None: that of all."""
        if replicate is not None and self._split_seed(name) is not None:
            return SplitFolder(self.folder, name, self.drawn("split", replicate))
        return SplitFolder(self.folder, name)

    def splits(self, *names: str) -> list[SplitFolder]:
        """All splits that the grid needs, or those of the data sets ``names``."""
        needed = dict.fromkeys((cell.dataset, cell.replicate) for cell in self.cells.values())
        found = (self.split(*each) for each in needed if not names or each[0] in names)
        return list(dict.fromkeys(found))

    def split_options(self, split: SplitFolder) -> dict[str, Any]:
        """Class and all options of a data set as its split draws them.

        The seed of a replicate's split is made of the configured one and the replicate's number,
        and is never the configured one, with which others have looked at the test part.
        """
        options = self.dataset_options(split.dataset)
        key = self._split_seed(split.dataset)
        if split.replicate is None or key is None:
            return options
        from vaebench.seeds import seed  # noqa: PLC0415 (torch: see the module)

        *parents, last = key.split(".")
        place = options
        for parent in parents:
            place = place[parent]
        configured = place[last]
        place[last] = seed("split", configured, split.replicate) % 2**32
        place[last] += place[last] == configured
        return options

    def split_of(self, split: SplitFolder) -> "Dataset":
        """The data set as its split draws it."""
        if split.replicate is None:
            return self.dataset(split.dataset)
        created: Dataset = create(HOMES["datasets"], self.split_options(split))
        return created

    def published(self) -> dict[str, dict[str, Any]]:
        """Data set → class and all options, of those that are split as the study writes them."""
        shared = [split.dataset for split in self.splits() if split.replicate is None]
        return {name: self.dataset_options(name) for name in shared}

    def drawn_for(self, split: SplitFolder) -> str | None:
        """Whose split this is, in words for its card; None in a study of seeds."""
        if not self.replicated:
            return None
        if split.replicate is None:
            return "every replicate: the split is published and fixed"
        if self.study.replicates and "split" not in self.study.replicates.vary:
            return "every replicate: the study does not vary it"
        return f"replicate {split.replicate}"

    def _split_seed(self, name: str) -> str | None:
        """The option that draws the split of a data set; None where it is fixed.

        Raises:
            ConfigError: the class has no such option.
        """
        if name not in self._drawn_by:
            key = self.dataset(name).split_seed()
            place: Any = self.dataset_options(name)
            for part in key.split(".") if key else ():
                place = place.get(part) if isinstance(place, dict) else None
            if place is None:
                raise ConfigError(
                    f"datasets.{name}: its split is drawn by {key}, which is no option of it, so "
                    "that no replicate can draw another; allowed: a class with this option"
                )
            self._drawn_by[name] = key
        return self._drawn_by[name]

    def _is_fixed(self, dataset: str) -> bool:
        """Whether what draws nothing is the same for all seeds or replicates of a data set."""
        given = self.study.replicates
        if given is None:
            return True
        tuned = self.study.tuning is not None and OF_TUNING & {*given.vary}
        return not tuned and ("split" not in given.vary or self._split_seed(dataset) is None)

    def _seed(self, number: int) -> dict[str, int]:
        """The seed of a final run; with the replicate, of which it may not be its own."""
        if not self.replicated:
            return {"seed": number}
        return {"seed": self.drawn("final", number), "replicate": number}

    def question(self) -> dict[str, Any]:
        """What the statistics are asked: :class:`vaebench.statistics.study.Question`."""
        study = self.study
        return {
            "order": self.order,
            "control": study.control,
            "confidence": study.confidence,
            "margin": study.margin,
            "primary": study.primary,
            "units": self.units(),
            **({"varied": self.varied} if self.replicated else {}),
            **({"natural": study.natural} if study.natural else {}),
            **({"registered": by_dataset(study)} if study.registration else {}),
        }

    def units(self) -> dict[str, str]:
        """Data set → what it counts as across data sets; empty: nothing, as it was drawn."""
        given = self.study.units
        return {
            name: given[name] if name in given else self.dataset(name).counted_as()
            for name in self.datasets_used
        }

    def local_folder(self) -> Path | None:
        """The folder of files that the user already has; VAEBENCH_RAW overrules the config."""
        folder = os.environ.get("VAEBENCH_RAW") or self.study.local_files
        return Path(folder) if folder else None

    def local_inputs(self, name: str) -> list[str]:
        """The user's own raw files of a data set, those that are there."""
        from vaebench.datasets.fetch import (  # noqa: PLC0415 (torch: see the module)
            local_file,
            lying_in,
        )

        dataset, folder = self.dataset(name), self.local_folder()
        found = local_file(dataset, folder, self.beside)
        others = [lying_in(folder, dataset, other, self.beside) for other in dataset.companions()]
        return [str(path) for path in (found and found[1], *others) if path]

    def dataset_options(self, name: str) -> dict[str, Any]:
        """Class and all options of a data set as plain data."""
        return self._options("datasets", name)

    def dataset_sources(self, name: str) -> list[str]:
        """The source files that a split depends on."""
        return source_files("vaebench.datasets.jobs", self._module("datasets", name))

    def dataset_code(self, name: str) -> str:
        """One digest of what :meth:`dataset_sources` say."""
        return self._code(self.dataset_sources(name))

    def training_sources(self, cell: Cell) -> list[str]:
        """The source files that training a cell depends on; of a baseline, fitting and testing it.

        Found once for all data sets and seeds: a grid of thousands of cells has few combinations.
        """
        if cell.is_baseline:
            modules = ["vaebench.cells.baseline", self._module("baselines", cell.model)]
            modules += self._metric_modules()
        else:
            modules = [
                "vaebench.cells.vae",
                self._module("models", cell.model),
                self._module("strategies", cell.strategy),
                module_name(ORDERS, self._update_order(cell)["class"]),
                *self._selecting(cell),
            ]
        return list(self._files(*modules))

    def test_sources(self, cell: Cell) -> list[str]:
        """The source files that the test of a trained cell depends on."""
        model = self._module("models", cell.model)
        return list(self._files("vaebench.cells.test", model, *self._metric_modules()))

    def training_code(self, cell: Cell) -> str:
        """One digest of what :meth:`training_sources` say: a parameter of the job.

        A parameter that changes reruns the job as an input file does. But input files are objects
        that Snakemake walks again and again: thirty a cell were half the time of planning.
        """
        return self._code(self.training_sources(cell))

    def test_code(self, cell: Cell) -> str:
        """One digest of what :meth:`test_sources` say."""
        return self._code(self.test_sources(cell))

    def uses(self) -> dict[str, list[str]]:
        """Every digest of code that jobs of this plan are made with → its files.

        Those of splits, of the grid's cells, and of cells outside of it that were asked for.
        """
        found = {self.dataset_code(name): self.dataset_sources(name) for name in self.datasets_used}
        for cell in (*self.cells.values(), *self._outside.values()):
            found[self.training_code(cell)] = self.training_sources(cell)
            if not cell.is_baseline:
                found[self.test_code(cell)] = self.test_sources(cell)
        return found

    def _files(self, *modules: str) -> list[str]:
        if modules not in self._sources:
            self._sources[modules] = source_files(*modules)
        return self._sources[modules]

    def _code(self, files: list[str]) -> str:
        key = tuple(files)
        if key not in self._codes:
            self._codes[key] = code(files)
        return self._codes[key]

    def _metric_modules(self) -> list[str]:
        metrics = self.study.all_metrics.values()
        return sorted({module_name(HOMES["metrics"], each["class"]) for each in metrics})

    def _selecting(self, cell: Cell) -> list[str]:
        """The module of the metric that selects a cell's epoch."""
        if "select" in cell.spec:
            return [module_name(HOMES["metrics"], cell.spec["select"]["class"])]
        model: type[VAE] = find(HOMES["models"], cell.spec["model"]["class"])
        _, metric = selecting(cell.spec, model.data_kind)
        return [module_name(HOMES["metrics"], metric["class"])]

    def _update_order(self, cell: Cell) -> dict[str, Any]:
        """The update order of a cell: its block's, or its model's own."""
        given: dict[str, Any] | None = cell.spec["training"].get("update_order")
        if given:
            return given
        own: type[VAE] = find(HOMES["models"], cell.spec["model"]["class"])
        return own.update_order

    def _cell(self, block: Block, strategy: str, seed: int) -> Cell:
        study = self.study
        training = {**study.training, **study.selecting(block.dataset), **block.training}
        samples = training.pop("test_samples", 10)
        spec = {
            "study": study.name,
            "dataset": block.dataset,
            "model": {"name": block.model, **study.models[block.model]},
            "strategy": {"name": strategy, **study.strategies[strategy]},
            **self._seed(seed),
            "training": training,
        }
        name = training.get("select")
        if name is not None:
            if name not in study.all_metrics:
                raise ConfigError(
                    f"training.select: {name!r} is no metric of the study; allowed: "
                    f"{', '.join(study.all_metrics)}"
                )
            spec["select"] = self._metric(name)
        folder = CellFolder(self.folder, block.dataset, block.model, strategy, seed)
        replicate = seed if self.replicated else None
        return Cell(folder, spec, samples, self._stages(block, strategy, seed), replicate)

    def _metric(self, name: str) -> dict[str, Any]:
        """A metric as the specification of a cell has it."""
        about = {k: v for k, v in self.study.all_metrics[name].items() if k != "epoch"}
        return {"name": name, **about}

    def _stages(self, block: Block, strategy: str, seed: int) -> dict[str, CellFolder]:
        """Strategy → cell for each option that another strategy's cell finds."""
        try:
            needed: dict[str, Reference] = references(self.study.strategies[strategy])
        except ConfigError as error:
            raise ConfigError(f"strategies.{strategy}.{error}") from None
        stages = {}
        for option, reference in needed.items():
            key = f"strategies.{strategy}.{option}.of"
            if reference.of not in block.strategies or reference.of == strategy:
                raise ConfigError(
                    f"{key}: {reference.of!r} is not another strategy of the same block of the "
                    f"grid; allowed: {', '.join(s for s in block.strategies if s != strategy)}"
                )
            if references(self.study.strategies[reference.of]):
                raise ConfigError(
                    f"{key}: {reference.of!r} has an option that a cell finds, too; allowed: a "
                    "strategy with numbers alone"
                )
            names = (block.dataset, block.model, reference.of, seed)
            stages[reference.of] = CellFolder(self.folder, *names)
        return stages

    def _known(self, key: str, name: str, kind: str) -> None:
        catalogue = getattr(self.study, kind)
        if name not in catalogue:
            raise ConfigError(
                f"{key}: {name!r} is not defined; allowed: {', '.join(sorted(catalogue))}"
            )

    def created(self, kind: str, name: str, *arguments: object) -> Any:  # noqa: ANN401
        """The component called ``name`` of a catalogue, with ``arguments`` as from the data.

        Raises:
            ConfigError: the class or one of its options is not usable.
        """
        component = dict(getattr(self.study, kind)[name])
        if kind == "metrics":
            component.pop("epoch", None)
        try:
            return create(HOMES[kind], component, *arguments)
        except ConfigError as error:
            raise ConfigError(f"{kind}.{name}.{error}") from error

    def _options(self, kind: str, name: str) -> dict[str, Any]:
        spec = dict(getattr(self.study, kind)[name])
        path = spec.pop("class")
        return {"class": path, **options(find(HOMES[kind], path), spec)}

    def _module(self, kind: str, name: str) -> str:
        return module_name(HOMES[kind], getattr(self.study, kind)[name]["class"])
