"""How far is an update of Mult-VAE from its floor: its matrix products alone?

    python benchmarks/floor.py [--sizes ml-1m ml-20m msd] [--precision bfloat16] [--json FILE]

Timed in turn in one process, with the same shapes, types and threads: an update as training makes
it, the nine products of it (three layers, forward and two gradients, no sparse sums) as training
takes them, and the same products by ``torch.mm``. Quoted are medians over the rounds, and of the
ratios round by round. With --json every ratio is one line: name, ratio, least, most, unit, machine.

With --beside a second process keeps one core busy, and an update on two threads is compared with
one on one thread there: the ratio says how many times as fast two threads are.
"""

import json
import multiprocessing
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import SIZES, machine, parser, seconds, spread
from step import BATCH, ours

from vaebench.models.products import product

HIDDEN, LATENTS = 600, 200

Multiply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def products(size: str, precision: str, multiply: Multiply) -> Callable[[], None]:
    """All products of an update, on random numbers."""
    over_items = torch.bfloat16 if precision == "bfloat16" else torch.float32
    layers = [
        (HIDDEN, 2 * LATENTS, torch.float32),
        (LATENTS, HIDDEN, torch.float32),
        (HIDDEN, SIZES[size][0], over_items),
    ]
    operands = [
        tuple(torch.randn(shape).to(kind) for shape in ((BATCH, k), (k, n), (BATCH, n)))
        for k, n, kind in layers
    ]

    def work() -> None:
        for h, weight, grad in operands:
            multiply(h, weight)
            multiply(h.t(), grad)
            multiply(grad, weight.t())

    return work


def _spin() -> None:
    while True:
        pass


def rounds(works: dict[str, Callable[[], None]], count: int, clock: str) -> list[dict[str, float]]:
    """Seconds of each, in turn, after a round that warms up."""
    timed = [{name: seconds(work, clock) for name, work in works.items()} for _ in range(count + 1)]
    return timed[1:]


def beside(size: str, given: Any) -> list[float]:  # noqa: ANN401 (parsed options)
    """Seconds on one thread over those on two, both beside a busy process."""
    update = ours(size, given.users, given.precision, 1)

    def on(threads: int) -> Callable[[], None]:
        def work() -> None:
            torch.set_num_threads(threads)
            update()

        return work

    process = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True)
    process.start()
    timed = rounds({"one": on(1), "two": on(2)}, given.rounds, given.clock)
    process.terminate()
    torch.set_num_threads(given.threads)
    return [turn["one"] / turn["two"] for turn in timed]


def main() -> None:
    """Print the table; append the lines."""
    options = parser(__doc__, rounds=7, count=2_500)
    options.add_argument("--sizes", nargs="+", choices=SIZES, default=["ml-1m", "ml-20m"])
    options.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    options.add_argument("--beside", action="store_true", help="beside a busy process, instead")
    options.add_argument("--json", type=Path, help="file to which lines are appended")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    updates = -(-given.users // BATCH)
    print(machine(given))
    lines = []

    def keep(name: str, ratios: list[float]) -> str:
        found = {"ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
        told = {"unit": "times", "machine": machine(given)}
        lines.append({"name": name, **found, **told})
        return spread(ratios)

    if given.beside:
        print("| size | two threads are as fast as one, times |\n|---|---:|")
        for size in given.sizes:
            label = f"{size}, {given.precision}"
            found = keep(f"two threads beside a busy process, {label}", beside(size, given))
            print(f"| {label} | {found} |", flush=True)
    else:
        print("| size | update, ms | its products | ratio | by torch.mm | ratio |")
        print("|---|---:|---:|---:|---:|---:|")
        for size in given.sizes:
            works = {
                "update": ours(size, given.users, given.precision, 1),
                "floor": products(size, given.precision, product),
                "mm": products(size, given.precision, torch.mm),
            }
            timed = rounds(works, given.rounds, given.clock)
            for turn in timed:
                turn["update"] /= updates
            ms = {name: 1e3 * statistics.median(turn[name] for turn in timed) for name in works}
            label = f"{size}, {given.precision}"
            cells = [label, f"{ms['update']:.1f}"]
            for name, words in (("floor", "its products"), ("mm", "its products by torch.mm")):
                ratios = [turn["update"] / turn[name] for turn in timed]
                cells += [f"{ms[name]:.1f}", keep(f"update over {words}, {label}", ratios)]
            print("|", " | ".join(cells), "|", flush=True)
    if given.json:
        with given.json.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
