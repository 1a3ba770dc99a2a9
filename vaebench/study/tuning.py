"""The tuning stage as a study writes it. Importing this costs a plan no time."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from vaebench.search import Range

Option = Annotated[str, Field(pattern=r"^(model|training)\.[a-z_0-9]+$")]
"""An option that strategies share: ``training.learning_rate``, ``model.dropout``."""


class Tuning(BaseModel):
    """The stage as a study writes it.

    Attributes:
        trials: for each (data set, model, strategy) and each baseline.
        seeds: of the trials; none of the final runs'. A trial's score is the mean over them.
        training: of all trials, over the final cells' own; usually fewer epochs.
        shared: options of model or training, tuned together with each strategy's own.
        space: strategy or baseline → option → range, instead of the declared one.
        fixed: strategies and baselines that run as written, for instance with published options.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    trials: Annotated[int, Field(ge=1)] = 16
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [1_000]
    training: dict[str, Any] = {}
    shared: dict[Option, Range] = {}
    space: dict[str, dict[str, Range]] = {}
    fixed: list[str] = []
