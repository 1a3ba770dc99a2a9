"""A strategy of vaebench in a PyTorch loop of one's own."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from vaebench.strategies import Stats
from vaebench.strategies.cyclical import Cyclical

torch.manual_seed(0)
x = (torch.rand(200, 30) < torch.rand(30)).float()
encoder, decoder = nn.Linear(30, 2 * 4), nn.Linear(4, 30)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)

strategy, steps = Cyclical(cap=0.5, cycles=2), 60
for step in range(steps):
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    distortion = binary_cross_entropy_with_logits(decoder(z), x, reduction="none").sum(1)
    rate = (mean**2 + log_variance.exp() - 1 - log_variance) / 2  # (B, Z), nats
    stats = Stats(torch.tensor(step), steps, distortion.detach(), rate.detach())
    loss = (distortion + (strategy(stats) * rate).sum(1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    strategy.update(stats)  # what a closed loop, such as GECO, goes by
print(f"β {strategy(stats):.2f}, distortion {distortion.mean():.2f}, rate {rate.sum(1).mean():.2f}")
