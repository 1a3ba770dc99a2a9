"""How long does it take to rank all items for held-out users?

    python benchmarks/evaluation.py [--users 10000] [--size ml-20m]

Ours: scores in chunks, top-k, membership in sorted keys. The textbook: dense matrices of what is
held out and a full sort, as public code writes it. Both are asked for the same numbers first.
"""

from collections.abc import Callable

import torch
from measure import SIZES, Rival, machine, pairs, parser, spread, users

from vaebench.cells.metrics import CHUNK, created, logits, ranked
from vaebench.metrics import Ranking
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.study.keys import SHIPPED
from vaebench.training.data import HeldOut

METRICS = {name: m for name, m in created(SHIPPED).items() if isinstance(m, Ranking)}


def prepared(size: str, count: int) -> tuple[MultVAE, SparseRows, SparseRows]:
    """A model, fold-in items, held-out items (none of them the same)."""
    items, mean = SIZES[size]
    both = users(count, items, mean)
    held_out = both.multiply(users(count, items, items / 5, seed=1)).tocsr()
    fold_in = (both - held_out).tocsr()
    fold_in.eliminate_zeros()
    model = MultVAE(items).eval()
    model.initialise(torch_stream("weights"))
    return model, SparseRows.from_scipy(fold_in), SparseRows.from_scipy(held_out)


def ours(size: str, count: int) -> Callable[[], dict[str, torch.Tensor]]:
    """The project's metrics."""
    model, fold_in, held_out = prepared(size, count)
    part = HeldOut(fold_in, fold_in, held_out)

    def metric() -> dict[str, torch.Tensor]:
        found = ranked(METRICS, logits(model), part).examples
        return {name: torch.from_numpy(values) for name, values in found.items()}

    return metric


def textbook(size: str, count: int) -> Callable[[], dict[str, torch.Tensor]]:
    """Dense, with a full sort."""
    model, fold_in, held_out = prepared(size, count)

    @torch.no_grad()
    def metric() -> dict[str, torch.Tensor]:
        parts = []
        for chosen in torch.arange(count).split(CHUNK):
            seen, wanted = fold_in[chosen], held_out[chosen].dense()
            scores = model.decode(model.encode(seen).mean).logits
            scores[seen.dense() > 0] = -torch.inf
            hits = wanted.gather(1, scores.argsort(1, descending=True)).double()
            discounts = 1 / torch.log2(torch.arange(2, hits.shape[1] + 2).double())
            ideal = wanted.sort(1, descending=True).values.double()
            ndcg = (hits * discounts)[:, :100].sum(1) / (ideal * discounts)[:, :100].sum(1)
            recalls = [hits[:, :k].sum(1) / wanted.sum(1).clamp(max=k) for k in (20, 50)]
            parts.append(torch.stack([ndcg, *recalls]))
        return dict(zip(METRICS, torch.cat(parts, 1), strict=True))

    return metric


def main() -> None:
    """Check that both agree, then print one line: seconds of both, and the ratio."""
    options = parser(__doc__, rounds=3, count=10_000)
    options.add_argument("--size", choices=SIZES, default="ml-20m")
    given = options.parse_args()
    for name, values in ours(given.size, CHUNK)().items():
        torch.testing.assert_close(values, textbook(given.size, CHUNK)()[name], equal_nan=True)
    print(machine(given))
    print(
        "| users × items | ours, s | textbook, s | ratio (min … max) | ours, GiB | textbook, GiB |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    one = Rival(ours, given.size, given.users, given=given)
    other = Rival(textbook, given.size, given.users, given=given)
    fast, slow, ratios = pairs(one, other, given.rounds)
    print(
        f"| {given.users} × {SIZES[given.size][0]} | {fast:.2f} | {slow:.2f} | {spread(ratios)} "
        f"| {one.end():.2f} | {other.end():.2f} |"
    )


if __name__ == "__main__":
    main()
