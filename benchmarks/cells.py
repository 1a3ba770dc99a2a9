"""Several small cells on one machine: one after another, side by side, or stacked?

    python benchmarks/cells.py [--seeds 2]

Three ways to train the same network with several seeds: one after another with all threads; side by
side, one process with one thread each, as `snakemake --cores` does; stacked, one process that
multiplies all seeds' matrices at once (bmm). Stacked needs dense input and one shape for all, so
that all three are the textbook formulation here: compared are the ways, not the code.
"""

import statistics

import torch
from measure import Rival, machine, parser, users
from torch import Tensor

from vaebench.seeds import torch_stream

BATCH = 100
SHAPES = {"small": (300, 64, 16), "ml-1m": (3_483, 600, 200)}
"""Items, hidden units, latents: the default study's network, and the published one."""


class Stacked(torch.nn.Module):
    """Mult-VAE for S seeds at once: every weight is (S, inputs, outputs)."""

    def __init__(self, seeds: list[int], items: int, hidden: int, latents: int) -> None:
        super().__init__()
        shapes = [(items, hidden), (hidden, 2 * latents), (latents, hidden), (hidden, items)]
        self.weights = torch.nn.ParameterList()
        for layer, shape in enumerate(shapes):
            drawn = [torch.empty(shape) for _ in seeds]
            for seed, weight in zip(seeds, drawn, strict=True):
                torch.nn.init.xavier_uniform_(weight, generator=torch_stream(layer, seed))
            self.weights.append(torch.nn.Parameter(torch.stack(drawn)))

    def loss(self, x: Tensor, noise: torch.Generator) -> Tensor:
        """The sum over seeds of mean_i (D_i + .2 R_i), x (S, B, I)."""
        inputs = torch.nn.functional.normalize(x, dim=2)
        keep = torch.empty_like(inputs).uniform_(generator=noise) >= 0.5  # noqa: PLR2004
        first, second, third, fourth = self.weights
        hidden = torch.tanh(torch.bmm(inputs * keep / 0.5, first))
        mean, log_variance = torch.bmm(hidden, second).chunk(2, 2)
        z = mean + torch.exp(log_variance / 2) * torch.empty_like(mean).normal_(generator=noise)
        logits = torch.bmm(torch.tanh(torch.bmm(z, third)), fourth)
        distortion = -(x * torch.log_softmax(logits, 2)).sum(2)
        rate = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(2)
        return (distortion + 0.2 * rate).mean(1).sum()


class Epochs:
    """Epochs of some seeds together."""

    def __init__(self, shape: str, count: int, seeds: list[int]) -> None:
        items, hidden, latents = SHAPES[shape]
        self.x = torch.from_numpy(users(count, items, items / 10).toarray())
        self.model = Stacked(seeds, items, hidden, latents)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, fused=True)
        self.orders = [torch_stream("order", seed) for seed in seeds]
        self.noise = torch_stream("noise", *seeds)

    def __call__(self) -> None:
        """One epoch of each seed."""
        orders = [torch.randperm(len(self.x), generator=order) for order in self.orders]
        for chosen in torch.stack(orders).split(BATCH, 1):
            self.optimizer.zero_grad()
            self.model.loss(self.x[chosen], self.noise).backward()
            self.optimizer.step()


class InTurn:
    """All seeds, one after another."""

    def __init__(self, shape: str, count: int, seeds: int) -> None:
        self.cells = [Epochs(shape, count, [seed]) for seed in range(seeds)]

    def __call__(self) -> None:
        """One epoch of each."""
        for cell in self.cells:
            cell()


def main() -> None:
    """Print one line a shape: milliseconds for one epoch of all seeds, each way."""
    options = parser(__doc__, rounds=7, count=1_000)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    given = options.parse_args()
    print(machine(given))
    print("| shape | one after another, ms | side by side | stacked | by side | stacked |")
    print("|---|---:|---:|---:|---:|---:|")
    for shape in given.shapes:
        seeds = list(range(given.seeds))
        turn = Rival(InTurn, shape, given.users, given.seeds, given=given)
        stacked = Rival(Epochs, shape, given.users, seeds, given=given)
        given.threads, threads = max(1, given.threads // given.seeds), given.threads
        sides = [Rival(Epochs, shape, given.users, [seed], given=given) for seed in seeds]
        given.threads = threads
        rounds = []
        for _ in range(given.rounds + 1):  # the first warms up
            in_turn, together = turn.time(), stacked.time()
            for side in sides:
                side.start()
            rounds.append((in_turn, max(side.result() for side in sides), together))
        medians = [1e3 * statistics.median(column) for column in zip(*rounds[1:], strict=True)]
        gains = [statistics.median(row[0] / row[way] for row in rounds[1:]) for way in (1, 2)]
        cells = [f"{value:.0f}" for value in medians] + [f"{gain:.2f}×" for gain in gains]
        print(f"| {shape}, {given.seeds} seeds | {' | '.join(cells)} |", flush=True)
        for rival in (turn, stacked, *sides):
            rival.end()


if __name__ == "__main__":
    main()
