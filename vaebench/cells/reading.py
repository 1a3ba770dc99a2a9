"""Reading a study's cells back as tidy frames: files in, frames out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet

from vaebench.cells.folder import KEYS, CellFolder, SplitFolder, card_among
from vaebench.errors import DataError
from vaebench.files import read_json
from vaebench.machine.logged import UNEXPECTED
from vaebench.seal import check, sealed
from vaebench.words import FIXED, METRICS, STREAMS

READ = ("config.json", "trace.parquet", "test.parquet", "summary.json")
"""The files of a cell that frames are made of."""

LATENTS = (
    "active_units",
    "collapsed",
    "mutual_information",
    "mutual_information_cap",
    "marginal_kl",
)
"""What a cell may say of its latents (``summary.json["latents"]``)."""


@dataclass(frozen=True)
class Cells:
    """All cells of a study; frames are made on demand, per-example values one metric at a time.

    A folder without ``status.json`` is a cell without a result: it stands in :meth:`table` as
    ``missing`` and nowhere else.

    Attributes:
        folders: of the cells.
        common: data set whose replicates have test parts of their own → :func:`common`.
    """

    folders: Sequence[Path]
    common: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Metric → what is known of it (unit, better, per, epoch), in the order of the tables."""
        found: dict[str, dict[str, Any]] = {}
        for folder in self._with_result:
            found |= read_json(folder / "summary.json")["metrics"]
        return {name: found[name] for name in ordered(found)}

    def table(self) -> pd.DataFrame:
        """One row a cell: its names, status, reason, test means, selection, latents and times."""
        return pd.DataFrame([self._row(folder) for folder in self.folders])

    def traces(self) -> pd.DataFrame:
        """One row a cell and epoch."""
        frames = []
        for folder in self._with_result:
            frame = pyarrow.parquet.read_table(folder / "trace.parquet").to_pandas()
            by = read_json(folder / "summary.json").get("selecting")
            frames.append(frame.assign(**CellFolder.parse(folder).names, selecting=by))
        return pd.concat(frames, ignore_index=True)

    def blocks(self) -> list[tuple[str, str]]:
        """(data set, model), in the order of the cells."""
        return list(self._blocks)

    def values(self, dataset: str, model: str, metric: str) -> dict[str, pd.DataFrame]:
        """Per-example values of the finished cells: strategy → frame (examples × seeds), finite.

        A cell without a single finite value of the metric is a missing cell: its seed is left out.
        Examples without a finite value in every other cell of a strategy (users without a held-out
        item) are left out of that strategy; rows keep their labels, so that strategies can be
        paired. A strategy for which nothing is left is left out.

        Where replicates have test parts of their own rows are of one replicate alone: they are not
        left out but NaN, and ``attrs["common"]`` of a frame is the share of examples in common.

        Raises:
            DataError: cells of the same data set were tested on different numbers of examples.
        """
        common = self.common.get(dataset)
        found: dict[str, dict[int, np.ndarray]] = {}
        sizes: dict[int | None, tuple[Path, int]] = {}
        for folder, cell in self._block(dataset, model).items():
            if metric not in self._columns.get(folder, ()):
                continue
            column = self._column(folder, metric)
            part = None if common is None else cell.seed
            first = sizes.setdefault(part, (folder, len(column)))
            if len(column) != first[1]:
                raise DataError(
                    f"{folder / 'test.parquet'}: {len(column)} test examples, but {first[0]} has "
                    f"{first[1]}; allowed: cells of one split (delete the cells of the other)"
                )
            column[~np.isfinite(column)] = np.nan
            if np.isfinite(column).any():
                found.setdefault(cell.strategy, {})[cell.seed] = column
        if common is not None:
            nested = {
                strategy: pd.DataFrame({seed: pd.Series(y) for seed, y in seeds.items()})
                for strategy, seeds in found.items()
            }
            for frame in nested.values():
                frame.attrs["common"] = common
            return nested
        frames = {strategy: pd.DataFrame(seeds).dropna() for strategy, seeds in found.items()}
        return {strategy: frame for strategy, frame in frames.items() if len(frame)}

    def selecting(self, dataset: str, model: str | None = None) -> str:
        """The validation metrics that selected the epochs of a data set's cells, in print.

        Args:
            dataset: the data set.
            model: of this model alone.
        """
        found = [name for of, by, name in self._selecting if of == dataset and model in (None, by)]
        return " or ".join(dict.fromkeys(found))

    def fixed(self, dataset: str) -> set[str]:
        """The models of a data set that draw nothing, so that their one seed is all seeds."""
        return {
            model
            for (of, model), cells in self._blocks.items()
            if of == dataset
            and len(cells) == 1
            and all(
                folder in self._columns and read_json(folder / "summary.json").get("deterministic")
                for folder in cells
            )
        }

    def interactions(self, dataset: str, model: str) -> pd.Series | pd.DataFrame | None:
        """|x_u| by the labels of the examples of :meth:`values`; None for data without counts.

        A frame with a column a replicate, where each has a test part of its own.
        """
        found: dict[int, pd.Series] = {}
        for folder, cell in self._block(dataset, model).items():
            if "interactions" in self._columns.get(folder, ()):
                table = pyarrow.parquet.read_table(
                    folder / "test.parquet", columns=["interactions"]
                )
                sizes = pd.Series(table["interactions"].to_numpy())
                if dataset not in self.common:
                    return sizes
                found.setdefault(cell.seed, sizes)
        return pd.DataFrame(found) if found else None

    def sources(self, cards: Sequence[Path | str]) -> pd.DataFrame:
        """What each finished cell's randomness was seeded by: see :mod:`statistics.variance`.

        One row a cell and metric: ``data, model, strategy, training`` (what was run), a column a
        source of variance (its level), ``metric, value``. Data sets are the same data under
        different splits if their cards agree in source, protocol and counts, but for the split's
        seed.

        Args:
            cards: the ``card.json`` of every split.
        """
        data = {Path(card): _data(Path(card)) for card in cards}
        rows = []
        for folder in self._columns:
            key = CellFolder.parse(folder).names
            config = read_json(folder / "config.json")
            card = card_among(cards, key["dataset"], config.get("replicate"))
            if card is None:
                continue
            identity, split = data[card]
            training = dict(config["training"])
            varied = training.pop("vary", list(STREAMS))
            drawn = f"{key['dataset']}/{key['model']}/{config.get('seed', key['seed'])}"
            what = {
                "data": identity,
                "model": _component(config["model"]),
                "strategy": _component(config["strategy"]),
                "training": json.dumps(training, sort_keys=True),
                "split": split,
                **{stream: drawn if stream in varied else FIXED for stream in STREAMS},
            }
            means = read_json(folder / "summary.json")["test"]
            rows += [
                {**what, "metric": metric, "value": means[metric]}
                for metric in self.metrics
                if means.get(metric) is not None
            ]
        columns = ["data", "model", "strategy", "training"]
        columns += ["split", *STREAMS, "metric", "value"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def _columns(self) -> dict[Path, set[str]]:
        """Finished cell → the metrics that it has a value of, and ``interactions``; read once."""
        return {
            folder: set(read_json(folder / "summary.json")["test"])
            for folder in self._with_result
            if read_json(folder / "status.json")["status"] == "done"
        }

    @cached_property
    def _blocks(self) -> dict[tuple[str, str], dict[Path, CellFolder]]:
        """(data set, model) → its cells: a question to a block reads no cell of another."""
        found: dict[tuple[str, str], dict[Path, CellFolder]] = {}
        for folder in self.folders:
            cell = CellFolder.parse(folder)
            found.setdefault((cell.dataset, cell.model), {})[folder] = cell
        return found

    def _block(self, dataset: str, model: str) -> dict[Path, CellFolder]:
        return self._blocks.get((dataset, model), {})

    @cached_property
    def _selecting(self) -> list[tuple[str, str, str]]:
        """(data set, model, what selected its epochs in print), each once."""
        found: dict[tuple[str, str, str], None] = {}
        for folder in self._columns:
            cell, summary = CellFolder.parse(folder), read_json(folder / "summary.json")
            name = summary.get("selecting", "")
            if name and (summary["selected"] or {}).get("epoch") is not None:
                found[cell.dataset, cell.model, METRICS.get(name, name)] = None
        return list(found)

    def _column(self, folder: Path, metric: str) -> np.ndarray:
        """The values of a metric: one a test example, or the only one of the cell."""
        if self.metrics[metric]["per"] == "cell":
            return np.array([read_json(folder / "summary.json")["test"][metric]], dtype=float)
        table = pyarrow.parquet.read_table(folder / "test.parquet", columns=[metric])
        return table[metric].to_numpy().astype(float)

    @cached_property
    def _with_result(self) -> dict[Path, None]:
        """The cells with a result; what frames are made of is checked against its digests once.

        Raises:
            DataError: a file is not the one that the cell wrote.
        """
        found = [folder for folder in self.folders if (folder / "status.json").exists()]
        for folder in found:
            check(folder, sealed(folder / "status.json"), READ)
        return dict.fromkeys(found)

    def _row(self, folder: Path) -> dict[str, Any]:
        if folder not in self._with_result:
            missing = {"status": "missing", "reason": why_missing(folder)}
            return CellFolder.parse(folder).names | missing
        summary = read_json(folder / "summary.json")
        status = read_json(folder / "status.json")
        selected = summary["selected"] or {}
        last = summary["last"] or {}
        latents = summary.get("latents") or {}
        target = summary.get("target") or {}
        return {
            **CellFolder.parse(folder).names,
            **{key: status[key] for key in ("status", "reason")},
            **summary["test"],
            "test_examples": summary["test_examples"],
            "test_without_target": summary["test_without_target"],
            "selected_epoch": selected.get("epoch"),
            "until": summary.get("until"),
            "ended": summary.get("ended"),
            "beta_selected": selected.get("beta"),
            "beta_last": last.get("beta"),
            "target_of": described(target),
            "target": target.get("nats"),
            "reached_selected": selected.get("reached"),
            "reached": last.get("reached"),
            "first_distortion": summary["first_batch"].get("distortion"),
            "first_rate": summary["first_batch"].get("rate"),
            **{name: latents.get(name) for name in LATENTS},
            "parameters": summary["parameters"],
            "seconds": summary["seconds"],
            "device": summary["device"],
        }


def described(target: Mapping[str, Any]) -> str | None:
    """What a strategy's target is a target of; None without one."""
    per = " per interaction" if target.get("per_interaction") else ""
    return f"{target['of']}{per}" if target else None


def _data(card: Path) -> tuple[str, str]:
    """What data a card describes, whatever the seed of the split; and that seed.

    Data without a published source (drawn, embedded) are told apart by their name.
    """
    facts, folder = read_json(card), SplitFolder.parse(card)
    protocol = dict(facts.get("protocol") or {})
    own = "–" if folder.replicate is None else f"replicate {folder.replicate}"
    seed = str(protocol.pop("seed", own))
    source = facts.get("source") or {}
    if not source.get("sha256") or seed == "–":
        return folder.dataset, seed
    counted = {name: facts["counts"][name] for name in ("users", "items", "interactions")}
    return json.dumps([source, protocol, counted], sort_keys=True), seed


def _component(spec: dict[str, Any]) -> str:
    """A component by what it is, not by its name in the study."""
    return json.dumps({k: v for k, v in spec.items() if k != "name"}, sort_keys=True)


def why_missing(folder: Path) -> str:
    """The last error in the logs of a cell without a result, as far as there is one."""
    cell = CellFolder.parse(folder)
    logs = [log for stage in ("test", "train") if (log := cell.log(stage)).exists()]
    if not logs:
        return "not started"
    lines = logs[0].read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.partition(" ERROR ")[2] for line in lines if " ERROR " in line]
    if errors and errors[-1] != UNEXPECTED:
        return errors[-1]
    return lines[-1] if errors else f"killed, or still running; its log is {logs[0]}"


def ordered(metrics: Iterable[str]) -> list[str]:
    """The shipped metrics first, in the order of the tables."""
    known = list(METRICS)
    return sorted(metrics, key=lambda name: known.index(name) if name in known else len(known))


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """The cells that did not finish, with their reason."""
    return table.loc[table["status"] != "done", [*KEYS, "status", "reason"]]


def common(cards: Sequence[Path | str]) -> dict[str, float]:
    """Data set → the share of test examples that two of its replicates have in common.

    U of N examples are drawn for each, so it is U/N on average. Empty where all cells have one
    test part: in a study of seeds, or of a split that is fixed.
    """
    of: dict[str, list[dict[str, int]]] = {}
    for card in cards:
        split = SplitFolder.parse(card)
        if split.replicate is not None:
            of.setdefault(split.dataset, []).append(read_json(Path(card))["counts"])
    return {name: share_of(counts[0]) for name, counts in of.items() if len(counts) > 1}


def splits(cards: Sequence[Path | str]) -> pd.DataFrame:
    """Of a study of replicates: ``dataset, split`` in words, ``common`` (NaN: one test part)."""
    shares, rows = common(cards), {}
    for card in cards:
        dataset, said = SplitFolder.parse(card).dataset, read_json(Path(card)).get("drawn_for", "")
        words = "drawn anew in every replicate" if dataset in shares else said.partition(": ")[2]
        rows[dataset] = {"dataset": dataset, "split": words, "common": shares.get(dataset)}
    return pd.DataFrame(list(rows.values()), columns=["dataset", "split", "common"])


def share_of(counts: Mapping[str, int]) -> float:
    """Of all examples of a split, those of the test part."""
    if "users" in counts:
        return counts["test_users"] / counts["users"]
    parts = [number for name, number in counts.items() if name.endswith("_images")]
    return counts["test_images"] / sum(parts)


def truths(cards: Sequence[Path | str]) -> dict[str, dict[str, float]]:
    """Data set → best possible test metrics, the mean over its cards; empty for real data."""
    found: dict[str, dict[str, list[float]]] = {}
    for card in cards:
        mine = found.setdefault(SplitFolder.parse(card).dataset, {})
        for metric, value in read_json(Path(card))["truth"].items():
            mine.setdefault(metric, []).append(value)
    return {
        dataset: {metric: sum(values) / len(values) for metric, values in of.items()}
        for dataset, of in found.items()
    }


def read_frames(paths: Sequence[Path | str]) -> dict[str, pd.DataFrame]:
    """The study's tables by name; an empty text is an empty text and not a missing one."""
    found = {}
    for path in map(Path, paths):
        frame = pd.read_csv(path)
        for column in ("note", "left_out"):
            if column in frame:
                frame[column] = frame[column].fillna("").astype(object)
        found[path.stem] = frame
    return found
