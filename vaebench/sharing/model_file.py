"""One file for one model: weights as safetensors, and in its header what they are weights of.

Reading executes nothing of a file: safetensors is numbers behind a header of JSON, the model's
class has to be one of this package's, and the network of the header is first made without memory
and compared with the numbers that are there, so that a header cannot ask for what the file has not.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vaebench.cells.built import build, streams_of
from vaebench.components import create, find, unnamed
from vaebench.errors import ConfigError, DataError
from vaebench.files import whole
from vaebench.models import VAE
from vaebench.sharing.trust import refuse_foreign
from vaebench.study.keys import HOMES

KEY = "vaebench"
"""Of the header's metadata."""

LONGEST = 200
"""Characters of an error of others in ours."""


def write(path: Path, model: VAE, about: dict[str, Any]) -> None:
    """Weights and ``about``, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    with whole(path) as temporary:
        save_file(weights, temporary, {KEY: json.dumps(about)})


def read(path: Path, *, trust: bool = False) -> tuple[VAE, dict[str, Any]]:
    """The model, in evaluation mode, and what the header says of it.

    Args:
        path: a file that :func:`write` wrote; ``config`` and ``items`` are in its header.
        trust: import a model class that is not vaebench's, from your own Python path.

    Raises:
        DataError: no such file, or not one of ours: the first thing that is wrong.
        ConfigError: the model's class is not vaebench's, and ``trust`` is not given.
    """
    try:
        with safe_open(str(path), "pt") as file:
            about = json.loads((file.metadata() or {})[KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        config, items = about["config"], about["items"]
        if not trust:
            refuse_foreign({"model": config["model"]}, {"model": HOMES["models"]})
        model = _model(config["model"], items, weights)
        streams_of(config)
    except ConfigError:
        raise
    except (
        *(OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError),
        *(AttributeError, MemoryError, OverflowError),
    ) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        words = f"it has no {words}" if isinstance(error, KeyError) else words
        raise DataError(
            f"cannot load {path}: {words[:LONGEST]}; allowed: a file that save() wrote"
        ) from error
    return model, about


def _model(spec: dict[str, Any], items: Any, weights: dict[str, Tensor]) -> VAE:  # noqa: ANN401
    """The model of ``spec`` with these weights.

    Raises:
        ValueError: they are not its weights, or ``items`` are not its items.
    """
    if not isinstance(items, list) or len(set(map(str, items))) < len(items):
        raise ValueError("items should be a list without repeats")
    if not issubclass(find(HOMES["models"], spec["class"]), VAE):
        raise ValueError(f"{spec['class']!r} is no model")  # noqa: TRY004 (of a file)
    with torch.device("meta"):
        empty: VAE = create(HOMES["models"], unnamed(spec), len(items))
    if empty.data_kind != "interactions":
        raise ValueError(f"{spec['class']!r} is a model of {empty.data_kind}, not of interactions")
    wanted = {name: tuple(value.shape) for name, value in empty.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in weights.items()}
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise ValueError(
                f"{name!r} has shape {given.get(name, 'none')}, and of {spec['class']!r} with "
                f"{len(items)} items it has {wanted.get(name, 'none')}"
            )
    for name, _ in empty.named_parameters():
        if weights[name].dtype != torch.float32 or not math.isfinite(weights[name].sum().item()):
            raise ValueError(f"{name!r} is not made of finite numbers of float32")
    model = build(spec, len(items), ("read",))
    model.load_state_dict(weights)
    return model.eval()
