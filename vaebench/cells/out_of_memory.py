"""A cell that needs more memory than there is fails alone, with its reason in its files.

A process that the kernel or a scheduler kills leaves no reason: such a cell has no result and is
tried again.
"""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

STATUS = "out of memory"

T = TypeVar("T")


def within_memory(work: Callable[[], T], otherwise: Callable[[str], T]) -> T:
    """What ``work`` returns; where it lacks memory, what ``otherwise`` returns, given the reason.

    Chunks are not made smaller and tried again: that would draw other noise, and the cell would no
    longer be comparable with its siblings.
    """
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        words = (str(error) or "no memory left").splitlines()[0]
    # only here, after the error and all that its frames held are gone, is there room to write
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    return otherwise(f"{words}; allowed: a smaller model or batch, or more memory")


def lacks_memory(error: BaseException) -> bool:
    """Whether this is Python's, NumPy's, Arrow's, CUDA's or torch's word for no memory left."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)
