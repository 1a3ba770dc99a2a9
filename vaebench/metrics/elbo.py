"""The evidence lower bound and its two parts as metrics."""

from torch import Tensor

from vaebench.metrics import Bound, Values


class ELBO(Bound):
    """−(D + R) at β = 1, whatever β the model was trained with, nats per example.

    Absent where the model has no bound: a prior that looks at the example, or no rate at all.

    References:
        kingma2013

    Example:
        >>> import torch
        >>> from vaebench.metrics.elbo import ELBO
        >>> bound = {"elbo": torch.tensor([-9.0])}
        >>> ELBO().values(bound)
        tensor([-9.])
    """

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return bound.get("elbo")


class Distortion(Bound):
    """D = −E_q[log p(x|z)], nats per example.

    References:
        kingma2013

    Example:
        >>> import torch
        >>> from vaebench.metrics.elbo import Distortion
        >>> bound = {"distortion": torch.tensor([7.0]), "rate": torch.tensor([2.0])}
        >>> Distortion().values(bound)
        tensor([7.])
    """

    better = None

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return bound["distortion"]


class Reconstruction(Bound):
    """E_q[log p(x|z)] = −D, nats per example: what selects an epoch where there is no bound.

    It says nothing about the rate that a reconstruction costs, so it cannot compare models.

    References:
        kingma2013

    Example:
        >>> import torch
        >>> from vaebench.metrics.elbo import Reconstruction
        >>> bound = {"distortion": torch.tensor([7.0]), "rate": torch.tensor([2.0])}
        >>> Reconstruction().values(bound)
        tensor([-7.])
    """

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return -bound["distortion"]


class Rate(Bound):
    """R = KL(q(z|x) ‖ p(z)), nats per example; absent where the model has none.

    References:
        kingma2013

    Example:
        >>> import torch
        >>> from vaebench.metrics.elbo import Rate
        >>> bound = {"distortion": torch.tensor([7.0]), "rate": torch.tensor([2.0])}
        >>> Rate().values(bound)
        tensor([2.])
    """

    better = None

    def values(self, bound: Values) -> Tensor | None:
        """(U,)."""
        return bound.get("rate")
