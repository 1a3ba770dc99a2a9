"""The model of a cell, and the names that seed its random streams."""

from collections.abc import Mapping
from typing import Any

import torch

from vaebench.components import create, unnamed
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, contents
from vaebench.words import FIXED, STREAMS


def streams_of(spec: Mapping[str, Any]) -> dict[str, tuple[object, ...]]:
    """Stream → the names that seed it, of a resolved specification.

    The strategy is not among them, so that the strategies of a seed start alike.
    """
    names = (spec["dataset"], spec["model"]["name"], spec["seed"])
    varied = spec["training"]["vary"]
    return {stream: names if stream in varied else (FIXED,) for stream in STREAMS}


def build(spec: Mapping[str, Any], inputs: int, names: tuple[object, ...]) -> VAE:
    """The model of ``spec`` with weights drawn from the stream of ``names``."""
    model: VAE = create("vaebench.models", unnamed(spec), inputs)
    model.initialise(torch_stream("weights", *names))
    return model


def features(examples: Batch) -> int:
    """Items or pixels of a batch."""
    x = contents(examples)
    return x.shape[1] if isinstance(x, torch.Tensor) else x.columns
