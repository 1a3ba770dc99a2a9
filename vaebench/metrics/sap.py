"""The separated attribute predictability score."""

import numpy as np
import torch
from torch import Tensor

from vaebench.metrics import Representation
from vaebench.metrics.factors import generator, mean_gap


class SAP(Representation):
    """Mean over factors of the accuracy of the best latent minus that of the second best.

    The accuracy is that of a linear support vector classifier (C = .01, classes balanced) which
    sees one latent alone, on half of the pictures after training on the other half. Kumar et al.
    2018, arXiv:1711.00848, §3, for factors that are classes as in Locatello et al. 2019,
    arXiv:1811.12359, appendix C. The factors themselves do not reach 1: a line cannot part more
    than a few classes.

    Example:
        >>> import torch
        >>> from vaebench.metrics.sap import SAP
        >>> factors = torch.cartesian_prod(torch.arange(2), torch.arange(2)).repeat(50, 1)
        >>> SAP().value(factors.double(), factors, torch.Generator().manual_seed(0)) > 0.3
        True
    """

    def value(self, codes: Tensor, factors: Tensor, noise: torch.Generator) -> float:
        """In [0, 1]."""
        from sklearn.svm import LinearSVC  # noqa: PLC0415 (a second of imports)

        order = generator(noise).permutation(len(codes))
        train, test = order[: len(order) // 2], order[len(order) // 2 :]
        scores = np.zeros((codes.shape[1], factors.shape[1]))
        for k, values in enumerate(factors.numpy().T):
            if len(np.unique(values[train])) == 1:
                continue  # there is nothing to tell apart, and every latent does it
            for j, column in enumerate(codes.numpy().T):
                machine = LinearSVC(C=0.01, class_weight="balanced", random_state=0)
                machine.fit(column[train, None], values[train])
                scores[j, k] = (machine.predict(column[test, None]) == values[test]).mean()
        return mean_gap(scores)
