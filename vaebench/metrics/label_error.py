"""How often a model that tells classes apart is wrong."""

import torch
from torch import Tensor

from vaebench.metrics import Likelihood
from vaebench.models import VAE
from vaebench.sparse import Batch, Labelled


class LabelError(Likelihood):
    """1 where the likeliest class of q(y|x) is not the picture's, else 0; its mean is a share.

    Defined for models that classify, such as ``m2.M2``, on data with labels.

    Example:
        >>> import torch
        >>> from vaebench.metrics.label_error import LabelError
        >>> from vaebench.models.m2 import M2
        >>> from vaebench.sparse import Labelled
        >>> model, y = M2(16, latents=2, classes=3).eval(), torch.tensor([0, 1])
        >>> LabelError().values(model, Labelled(torch.ones(2, 16), y), torch.Generator()).shape
        torch.Size([2])
    """

    data_kind = "images"
    better = "lower"
    unit = ""

    @torch.no_grad()
    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor | None:  # noqa: ARG002
        """(U,), each 0 or 1."""
        if not isinstance(examples, Labelled):
            return None
        shares = model.classify(examples)
        return None if shares is None else (shares.argmax(1) != examples.y).double()
