"""The files of a record, version 1: ``record.json`` and five Parquet files (zstd), in one folder.

``record.json`` says what was asked (configuration, registration, opening), of which data (source,
licence, whom to cite, counts and shape of every split), what is finished and what is not, with
which versions, commits and machines, and seals the other files by their SHA-256. A cell is named by
``dataset, model, strategy, seed``; in a study of replicates ``seed`` is the replicate.

- ``cells``: a row a cell with a result, whatever its status.
- ``metrics``: a row a cell and metric: mean and variance over all test examples, and the covariance
  with the control's cell of the same seed, in the model ``reference``.
- ``sample``: a row a data set and seed: which test examples stand in ``examples`` (at most
  :data:`MOST_EXAMPLES`, the same for every cell), and how many interactions they have.
- ``examples``: a row a finished cell: the primary metric of these examples, float32, NaN where an
  example has none.
- ``trials``: a row a trained trial of the tuning stage: its options and its score on validation.

The same study gives the same bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from vaebench.errors import DataError
from vaebench.files import read_json, whole, write_text
from vaebench.seal import check, seal

FORMAT, VERSION = "vaebench record", 1
RECORD = "record.json"
MOST_EXAMPLES = 1_000
MOST_BYTES = 8 * 2**20
"""Of one file."""
MOST_UNPACKED = 256 * 2**20
"""Bytes of one file's columns."""

_CELL = [("dataset", pa.string()), ("model", pa.string()), ("strategy", pa.string())]
_CELL += [("seed", pa.int64())]
_RUN = [("config", pa.string()), ("options", pa.string()), ("epoch", pa.int32())]
_RUN += [("updates", pa.int64()), ("beta", pa.float64()), ("rate", pa.float64())]
_RUN += [("distortion", pa.float64()), ("seconds", pa.float64())]

SCHEMAS: dict[str, pa.Schema] = {
    "cells": pa.schema(
        [
            *(*_CELL, ("status", pa.string()), ("reason", pa.string()), *_RUN),
            *[("beta_last", pa.float64()), ("started_at", pa.float64())],
            *[("tested_at", pa.float64()), ("test_seconds", pa.float64())],
            *[("examples", pa.int32()), ("without_target", pa.int32())],
        ]
    ),
    "metrics": pa.schema(
        [
            *(*_CELL, ("metric", pa.string()), ("examples", pa.int32()), ("mean", pa.float64())),
            *[("variance", pa.float64()), ("reference", pa.string())],
            ("covariance", pa.float64()),
        ]
    ),
    "sample": pa.schema(
        [
            *[("dataset", pa.string()), ("seed", pa.int64()), ("of", pa.int32())],
            *[("example", pa.list_(pa.int32())), ("interactions", pa.list_(pa.float32()))],
        ]
    ),
    "examples": pa.schema([*_CELL, ("metric", pa.string()), ("values", pa.list_(pa.float32()))]),
    "trials": pa.schema(
        [
            *(*_CELL, ("replicate", pa.int64()), ("rung", pa.int32()), ("trial", pa.int32())),
            *(("status", pa.string()), *_RUN),
            *[("metric", pa.string()), ("score", pa.float64())],
        ]
    ),
}
"""Name of a file → its columns: ``options`` are JSON, times seconds since 1970, β, rate and
distortion those of the selected epoch, on validation, in nats."""

FILES = {name: f"{name}.parquet" for name in SCHEMAS}
"""Table → its file."""


@dataclass(frozen=True)
class Record:
    """A record in memory: ``about`` is ``record.json``, ``tables`` the others by name."""

    about: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    @property
    def name(self) -> str:
        """The study's."""
        return str(self.about["study"])


def write(folder: Path, about: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Write a record; ``record.json``, with the seal, comes last.

    Args:
        folder: where to; made if it is not there.
        about: what ``record.json`` says, but for format, version and seal.
        rows: table → its rows, each column → value.

    Raises:
        DataError: a file cannot be written, or is larger than a record's may be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    for name, schema in SCHEMAS.items():
        table = pa.Table.from_pylist(rows[name], schema=schema)
        path = folder / FILES[name]
        with whole(path) as temporary:
            pa.parquet.write_table(table, temporary, compression="zstd", compression_level=19)
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: has {path.stat().st_size} bytes; allowed: {MOST_BYTES}")
    said = {"format": FORMAT, "version": VERSION, **about, "files": seal(folder, FILES.values())}
    text = json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / RECORD, text + "\n")


def read(folder: Path) -> Record:
    """A record whose files are those of its seal and have the columns of this version.

    Raises:
        DataError: it is none, or one of another version, or damaged; the message names the file.
    """
    path = folder / RECORD
    if not path.is_file():
        raise DataError(f"{folder}: there is no {RECORD} in it; allowed: a record of a study")
    for each in (path, *(folder / name for name in FILES.values())):
        if each.is_file() and each.stat().st_size > MOST_BYTES:
            raise DataError(f"{each}: has {each.stat().st_size} bytes; allowed: {MOST_BYTES}")
    about = read_json(path)
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise DataError(f"{path}: is not a record; allowed: as `vaebench record` writes it")
    if about.get("version") != VERSION:
        raise DataError(
            f"{path}: is of version {about.get('version')}; allowed: {VERSION}, by this vaebench"
        )
    files = about.get("files")
    if not isinstance(files, dict) or set(files) != set(FILES.values()):
        raise DataError(f"{path}: 'files' is damaged; allowed: {', '.join(FILES.values())}")
    check(folder, files)
    return Record(about, {name: _table(folder / FILES[name], name) for name in SCHEMAS})


def _table(path: Path, name: str) -> pd.DataFrame:
    try:
        file = pa.parquet.ParquetFile(path)
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(number).total_byte_size for number in groups)
        if size > MOST_UNPACKED:
            raise DataError(f"{path}: unpacks to {size} bytes; allowed: {MOST_UNPACKED}")
        if not file.schema_arrow.equals(SCHEMAS[name]):
            raise DataError(f"{path}: has other columns than a record of version {VERSION}")
        frame: pd.DataFrame = file.read().to_pandas()
    except (pa.ArrowException, OSError) as error:
        words = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: is damaged ({words})") from error
    return frame
