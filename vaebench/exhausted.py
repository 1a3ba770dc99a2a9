"""A cell that needs more memory than there is fails alone, with its reason in its files.

A process that the kernel or a scheduler kills leaves no reason: such a cell has no result and is
tried again.
"""

import gc
from pathlib import Path
from typing import Any

import torch

from vaebench import cell, checkpoint

STATUS = "out of memory"


def run(spec: dict[str, Any], data_folder: Path, out: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """:func:`vaebench.cell.run`, where a lack of memory is a status of the cell and no crash.

    Chunks are not made smaller and tried again: that would draw other noise, and the cell would no
    longer be comparable with its siblings.
    """
    try:
        return cell.run(spec, data_folder, out, **more)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        words = str(error) or "no memory left"
    # only here, after the error and all that its frames held are gone, is there room to write
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    reason = f"{words.splitlines()[0]}; allowed: a smaller model or batch, or more memory"
    outcome = cell.Outcome(cell.resolve(spec), {"status": STATUS, "reason": reason})
    result = cell.write(out, outcome, {})
    (out / checkpoint.NAME).unlink(missing_ok=True)
    return result


def out_of_memory(error: BaseException) -> bool:
    """Whether this is Python's, NumPy's, Arrow's, CUDA's or torch's word for no memory left."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)
