"""What the measurements share: synthetic users, paired timings of two processes, the machine."""

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import scipy.sparse
import torch

from vaebench.machine.provenance import commit, processor

SIZES = {"ml-1m": (3_483, 96), "ml-20m": (20_108, 73), "msd": (41_140, 71)}
"""Items and mean interactions of a user, as the protocol leaves them."""


def users(count: int, items: int, mean: float, seed: int = 0) -> scipy.sparse.csr_matrix:
    """Users with log-normal activity and items of Zipf popularity, every interaction 1."""
    random = np.random.default_rng(seed)
    wanted = random.lognormal(np.log(mean) - 0.5, 1.0, count).clip(5, items / 2).astype(int)
    popularity = 1 / np.arange(1, items + 1)
    drawn = random.choice(items, size=int(wanted.sum()), p=popularity / popularity.sum())
    rows = np.repeat(np.arange(count), wanted)
    matrix = scipy.sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, drawn)), (count, items)
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""CPU seconds on one thread tell the work done where other programs keep the machine busy."""


def seconds(work: Callable[[], object], clock: str) -> float:
    """Seconds of one call."""
    start = CLOCKS[clock]()
    work()
    return CLOCKS[clock]() - start


def parser(description: str | None, *, rounds: int, count: int) -> argparse.ArgumentParser:
    """The options that all paired measurements have."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--users", type=int, default=count)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--clock", choices=CLOCKS, default="wall")
    return made


class Rival:
    """One of two implementations, in a process of its own: own allocator, own memory."""

    def __init__(
        self,
        make: Callable[..., Callable[[], object]],
        *arguments: object,
        given: argparse.Namespace,
    ) -> None:
        """Start a process that calls ``make(*arguments)`` once and its result in every round."""
        context = multiprocessing.get_context("spawn")
        self.here, there = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(there, make, arguments, given.threads, given.clock), daemon=True
        )
        self.process.start()

    def start(self) -> None:
        """Begin a round."""
        self.here.send("round")

    def result(self) -> float:
        """Seconds of the round that was begun."""
        return float(self.here.recv())

    def time(self) -> float:
        """Seconds of one round."""
        self.start()
        return self.result()

    def end(self) -> float:
        """Stop; the peak resident memory in GiB."""
        self.here.send("end")
        peak = float(self.here.recv())
        self.process.join()
        return peak


def _serve(
    there: Connection,
    make: Callable[..., Callable[[], object]],
    arguments: tuple[object, ...],
    threads: int,
    clock: str,
) -> None:
    torch.set_num_threads(threads)
    work = make(*arguments)
    while there.recv() == "round":
        there.send(seconds(work, clock))
    there.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def pairs(one: Rival, other: Rival, rounds: int) -> tuple[float, float, list[float]]:
    """Medians of both in seconds, and the ratios other/one, timed in turn after a warm-up."""
    one.time(), other.time()
    timed = [(one.time(), other.time()) for _ in range(rounds)]
    medians = [statistics.median(column) for column in zip(*timed, strict=True)]
    return medians[0], medians[1], [b / a for a, b in timed]


def spread(ratios: list[float]) -> str:
    """Median (min … max)."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"


def machine(given: argparse.Namespace) -> str:
    """One line: processor, threads, clock, torch, commit."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    at = (commit()["commit"] or "no commit")[:7]
    how = f"{given.threads} threads, {given.clock} time"
    return f"{processor()}{gpu}, {how}, torch {torch.__version__}, commit {at}"
