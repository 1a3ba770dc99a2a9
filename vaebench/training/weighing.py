"""Whether a strategy goes with what a model gives it to weigh, and with what it is told."""

from vaebench.errors import ConfigError
from vaebench.models import RATE, VAE
from vaebench.models.dial import Dialled
from vaebench.strategies import Strategy
from vaebench.strategies.constant import Constant


def check_weighs(strategy: Strategy, model: VAE, names: tuple[str, str] | None = None) -> None:
    """Refuse a strategy that has nothing to weigh, or whose options are nats of another thing.

    Args:
        strategy: of β.
        model: what gives it something to weigh.
        names: what a study calls the two; by default their classes.

    Raises:
        ConfigError: the model has neither a rate nor a penalty, and the strategy is no constant; or
            the strategy goes by nats of rate, and β weighs a penalty in another unit.
    """
    ours, theirs = names or (type(strategy).__name__, type(model).__name__)
    if not model.is_penalised() and not isinstance(strategy, Constant):
        raise ConfigError(
            f"{ours!r} weighs the rate, and {theirs!r} has none; allowed: a constant.Constant"
        )
    aim = strategy.aim()
    in_nats = strategy.in_nats or (aim is not None and aim.of == "rate")
    if in_nats and model.weighs != RATE:
        raise ConfigError(
            f"{ours!r} goes by nats of rate, and of {theirs!r} β weighs the {model.weighs}; "
            "allowed: a strategy without a target or a floor of the rate"
        )


def check_dial(strategy: Strategy, model: VAE, names: tuple[str, str] | None = None) -> None:
    """Refuse a strategy that tells β to a model without gates for it.

    Args:
        strategy: of β.
        model: what it trains.
        names: what a study calls the two; by default their classes.

    Raises:
        ConfigError: the model cannot be told β.
    """
    tells = type(strategy).dial is not Strategy.dial
    if tells and not isinstance(model, Dialled):
        ours, theirs = names or (type(strategy).__name__, type(model).__name__)
        raise ConfigError(
            f"{ours!r} draws β anew for every example, and {theirs!r} is not told which; allowed: "
            "gated_mult_vae.GatedMultVAE, gated_image_mlp.GatedImageMLP, or a strategy of one β"
        )
