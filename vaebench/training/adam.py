"""Adam as torch computes it, started without torch's compiler.

torch's optimisers load ``torch._dynamo``, and with it a computer algebra system, only to tell the
compiler to leave them alone: 800 modules and more than a second of CPU in every cell, where nothing
is compiled. The methods that lie under those wrappers are called here directly; what they compute
and what they store is the same bit for bit. A version of torch without the wrappers does no harm.
"""

from inspect import unwrap
from typing import Any

import torch


class Adam(torch.optim.Adam):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980); options as ``torch.optim.Adam``."""

    add_param_group = unwrap(torch.optim.Adam.add_param_group)
    zero_grad = unwrap(torch.optim.Adam.zero_grad)
    state_dict = unwrap(torch.optim.Adam.state_dict)
    load_state_dict = unwrap(torch.optim.Adam.load_state_dict)

    @torch.no_grad()
    def step(self, closure: None = None) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Update the parameters by their gradients; a closure is not taken."""
        return unwrap(torch.optim.Adam.step)(self, closure)
