"""The tuning stage as a study writes it. Importing this costs a plan no time."""

from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vaebench.search import Range

Option = Annotated[str, Field(pattern=r"^(model|training)\.[a-z_0-9]+$")]
"""An option that strategies share: ``training.learning_rate``, ``model.dropout``."""


TRIALS = 16
"""Of each strategy where a study says nothing."""


def fraction(share: float | str) -> Fraction:
    """A share as a study writes it, exactly: ``1/9``, ``0.25`` or ``1``.

    Raises:
        ValueError: not in (0, 1].
    """
    try:
        found = Fraction(str(share))
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if not 0 < found <= 1:
        raise ValueError("should be a share in (0, 1], such as 1/9 or 0.25")
    return found


def _share(given: float | str) -> float | str:
    fraction(given)
    return given


Share = Annotated[int | float | str, AfterValidator(_share)]


def _rising(shares: list[Share]) -> list[Share]:
    found = [fraction(share) for share in shares]
    if found[-1] != 1 or any(a >= b for a, b in pairwise(found)):
        raise ValueError("should rise to 1")
    return shares


def _falling(shares: list[Share]) -> list[Share]:
    found = [fraction(share) for share in shares]
    if found[0] != 1 or any(a < b for a, b in pairwise(found)):
        raise ValueError("should begin with 1 and not rise")
    return shares


_EPOCHS: list[Share] = ["1/9", "2/9", 1]
_TRIALS: list[Share] = [1, "2/3", "2/9"]


class Rungs(BaseModel):
    """Successive halving: all trials train a little, the best of them on, the best of those whole.

    Rung k trains the best ``trials[k]`` of all trials of a strategy up to ``training[k]`` of their
    epochs, and goes on from the state in which the rung before left them. Schedules are those of
    the whole training (Jamieson & Talwalkar 2016, arXiv:1502.07943). The defaults, 9 → 6 → 2 trials
    at 1/9, 2/9 and all of the epochs, cost 3.2 trainings instead of 9.

    Attributes:
        training: of each rung, the share of the epochs at its end; the last one's is 1.
        trials: of each rung, the share of all trials that are in it, rounded up; the first one's
            is 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    training: Annotated[list[Share], Field(min_length=2), AfterValidator(_rising)] = _EPOCHS
    trials: Annotated[list[Share], Field(min_length=2), AfterValidator(_falling)] = _TRIALS

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.training) != len(self.trials):
            raise ValueError("should have as many shares of training as of trials")
        return self

    def until(self, epochs: int) -> list[int]:
        """The last epoch of each rung of a training of so many epochs; ½ is rounded up."""
        half = Fraction(1, 2)
        return [max(1, int(fraction(share) * epochs + half)) for share in self.training]

    def places(self, trials: int) -> list[int]:
        """How many of so many trials are in each rung."""
        return [-int(-fraction(share) * trials // 1) for share in self.trials]


class Tuning(BaseModel):
    """The stage as a study writes it.

    Attributes:
        trials: for each (data set, model, strategy) and each baseline.
        trials_per_option: so many for each tuned option of it instead; the trials of one option
            are the first of those of two.
        options: strategy or baseline → those of its options that are tuned, two at most; the
            others have their defaults.
        rungs: successive halving instead of whole trainings.
        seeds: of the trials; none of the final runs'. A trial's score is the mean over them.
        training: of all trials, over the final cells' own; usually fewer epochs.
        shared: options of model or training, tuned together with each strategy's own.
        space: strategy or baseline → option → range, instead of the declared one.
        fixed: strategies and baselines that run as written, for instance with published options.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    trials: Annotated[int, Field(ge=1)] | None = None
    trials_per_option: Annotated[int, Field(ge=1)] | None = None
    options: dict[str, Annotated[list[str], Field(min_length=1, max_length=2)]] = {}
    rungs: Rungs | None = None
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [1_000]
    training: dict[str, Any] = {}
    shared: dict[Option, Range] = {}
    space: dict[str, dict[str, Range]] = {}
    fixed: list[str] = []

    def number(self, options: int) -> int:
        """How many trials a strategy has of which so many options are tuned."""
        if self.trials_per_option is None:
            return TRIALS if self.trials is None else self.trials
        return self.trials_per_option * options
