"""A model of interactions: say here what is new in it."""

from vaebench.models import Initial, ItemsEncoder, Output, Recommender, Width


class Mine(Recommender):
    """I-hidden-Z-I: a hidden layer before the posterior; write your own networks here."""

    def __init__(
        self,
        features: int,
        *,
        hidden: Width = 100,
        latents: Width = 20,
        initial: Initial = "glorot",
    ) -> None:
        super().__init__(latents, initial)
        self.encoder = ItemsEncoder(features, [hidden, 2 * latents], 0.5)
        self.decoder = Output(latents, features)
