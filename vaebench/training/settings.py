"""How a cell is trained: the section ``training`` of a configuration."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vaebench.training.estimators import Kind, Samples

Stream = Literal["weights", "batches", "noise"]
"""See :data:`vaebench.words.STREAMS`."""

OF_TESTING = {"test_samples"}
"""Settings that no training depends on."""


class Training(BaseModel):
    """How a cell is trained; the same for every strategy of a block.

    ``patience`` ends a training that many epochs after its best one, but never while a schedule
    moves (:mod:`vaebench.training.patience`); T and all schedules keep their length.
    ``estimator`` is that of the bound, with ``samples`` of z per example. ``update_order``, by
    default the model's own, says which batches come and what learns from each. ``precision`` is
    that of products: ``tf32`` for all on a GPU that has it, ``bfloat16`` for the product over items
    while training; a processor that lacks it refuses. (``auto`` in a study is one of them when it
    is planned: :mod:`vaebench.study.precision`.) ``select`` names the validation metric that
    selects the epoch, by default NDCG@100 for interactions and the ELBO for pictures. ``vary``
    names the random streams that the seed moves; another is the same in all cells that leave it
    out, so that a study can vary one source of variance at a time
    (:mod:`vaebench.statistics.variance`). ``cuda_graph`` lets a GPU replay recorded updates.
    ``compute_threads`` is how many threads compute, in training and test, whatever the job was
    given: sums are added in another order by another number of threads, so that a result then has
    the same bits wherever a job runs on one kind of processor. By default all that the job has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 500
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    learning_rate_cycles: Annotated[int, Field(ge=1)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    patience: Annotated[int, Field(ge=1)] | None = None
    update_order: dict[str, Any] | None = None
    estimator: Kind = "sgvb_b"
    samples: Samples = 1
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    select: str | None = None
    validation_samples: Annotated[int, Field(ge=1)] = 1
    test_samples: Annotated[int, Field(ge=1)] = 10
    vary: list[Stream] = ["weights", "batches", "noise"]
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 5.0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cuda_graph: bool = True
    compute_threads: Annotated[int, Field(ge=1)] | None = None
