"""The evidence lower bound and its two parts as metrics."""

from torch import Tensor

from vaebench.metrics import Bound, Values


class ELBO(Bound):
    """−(D + R) at β = 1, whatever β the model was trained with, nats per example.

    Absent where the model has no bound: a prior that looks at the example, or no rate at all.
    """

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return bound.get("elbo")


class Distortion(Bound):
    """D = −E_q[log p(x|z)], nats per example."""

    better = None

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return bound["distortion"]


class Rate(Bound):
    """R = KL(q(z|x) ‖ p(z)), nats per example; absent where the model has none."""

    better = None

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return bound.get("rate")
