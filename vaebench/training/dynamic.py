"""Grey pictures of which every use draws binary ones: dynamic binarisation."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from vaebench.seeds import torch_stream


@dataclass(frozen=True)
class DynamicPictures:
    """Rows of probabilities; indexing draws x ~ Bernoulli(p) (Burda et al. 2016, appendix D).

    The draw of a batch is named by the batch: its row numbers seed the noise. A random batch never
    comes again, so the pixels are new in every epoch; all strategies of a seed see the same ones;
    and an interrupted training that draws its batches again gets the same pixels, with no state to
    keep. Batches of one or two pictures would see few different draws.

    Attributes:
        probabilities: (N, F) in [0, 1], on the device of training.
    """

    probabilities: Tensor

    def __len__(self) -> int:
        """N, the number of pictures."""
        return len(self.probabilities)

    @property
    def columns(self) -> int:
        """F, the number of pixels."""
        return self.probabilities.shape[1]

    def __getitem__(self, chosen: Tensor) -> Tensor:
        """The pictures numbered ``chosen`` (B,), drawn: (B, F) of 0 and 1."""
        digest = hashlib.sha256(chosen.cpu().numpy().tobytes()).digest()
        device = self.probabilities.device
        noise = torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)
        return torch.bernoulli(self.probabilities[chosen.to(device)], generator=noise)

    def fixed(self, *names: object) -> Tensor:
        """All pictures drawn once, from the stream of ``names``: (N, F) of 0 and 1.

        For whatever is fitted to the training pictures but not by updates: it must see the kind of
        picture that it will be tested on.
        """
        device = self.probabilities.device
        return torch.bernoulli(self.probabilities, generator=torch_stream(*names, device=device))
