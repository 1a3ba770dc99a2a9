"""How the files of a cell are written: tables, weights, and the seal that closes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from safetensors.torch import save

from vaebench import seal as sealing
from vaebench.cells.folder import SEALS
from vaebench.files import whole, write_json


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Parquet, whole or not at all."""
    table = pa.table({name: column(values) for name, values in columns.items()})
    with whole(path) as temporary:
        pa.parquet.write_table(table, temporary)


def column(values: Any) -> pa.Array:  # noqa: ANN401 (a list or an array)
    """Numbers as an Arrow array; ``pa.array`` would load pandas to ask whether it is one of its."""
    numbers = np.ascontiguousarray(values)
    if numbers.dtype.kind not in "if":
        return pa.array(values)
    kind = pa.from_numpy_dtype(numbers.dtype)
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def write_weights(path: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Safetensors, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_bytes(save(dict(weights)))


def seal(folder: Path, name: str, content: dict[str, Any]) -> dict[str, Any]:
    """Write ``content`` as the seal ``name``, with the digests of the files that it closes."""
    written = content | {"files": sealing.seal(folder, SEALS[name])}
    write_json(folder / name, written)
    return written
