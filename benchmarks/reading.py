"""How long does it take to read and split raw files of the published sizes, in how much memory?

    python benchmarks/reading.py [ml-20m] [netflix] [msd] [--scale 1] [--folder FOLDER]

The files are drawn, not real, but have the published layout, rows, users and items: log-normal
activity of users, Zipf-Mandelbrot popularity of items. Each is read and split in a process of its
own, whose seconds and peak resident memory are quoted (Linux). ``--scale`` shrinks rows and users;
the drawn files stay in ``--folder`` for the next time.
"""

import argparse
import io
import multiprocessing
import platform
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from vaebench.datasets import Interactions
from vaebench.datasets.movielens import MovieLens
from vaebench.datasets.msd import MEMBER, MSD
from vaebench.datasets.netflix import TRAINING_SET, Netflix
from vaebench.files import read_json, whole
from vaebench.machine.provenance import machine

BLOCK = 1_000_000
"""Rows drawn at once."""


@dataclass(frozen=True)
class Size:
    """Rows, users and items of a raw file, before any filter."""

    rows: int
    users: int
    items: int
    least: int  # rows of the least active user


PUBLISHED = {
    "ml-20m": Size(20_000_263, 138_493, 26_744, 20),
    "netflix": Size(100_480_507, 480_189, 17_770, 1),
    "msd": Size(48_373_586, 1_019_318, 384_546, 10),
}


def activity(users: int, random: np.random.Generator) -> np.ndarray:
    """Log-normal weights of the users."""
    return random.lognormal(sigma=1.2, size=users)


def popularity(items: int, random: np.random.Generator) -> np.ndarray:
    """Weights 1 / (50 + rank) of the items, in random order: the first has about .3 % of all."""
    return 1 / (50 + random.permutation(items))


def shared_out(total: int, weights: np.ndarray, least: int, most: int) -> np.ndarray:
    """About ``total`` rows, in proportion to ``weights`` within [least, most]."""
    scale = total / weights.sum()
    for _ in range(30):
        counts = np.clip(scale * weights, least, most).astype(np.int64)
        scale *= total / counts.sum()
    return counts


def pairs(
    counts: np.ndarray, weights: np.ndarray, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of distinct pairs: ``counts[a]`` pairs (a, b), b drawn by ``weights``; sorted."""
    cumulative = np.cumsum(weights / weights.sum())
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(BLOCK, ends[-1], BLOCK))
    for block in np.split(np.arange(len(counts)), np.unique(cuts)):
        keys = np.empty(0, np.int64)
        for _ in range(8):  # what was drawn twice is drawn again; the last few may stay away
            missing = counts[block] - np.bincount(
                keys // len(weights) - block[0], minlength=len(block)
            )
            drawn = np.searchsorted(cumulative, random.random(missing.sum()))
            drawn = np.minimum(drawn, len(weights) - 1)
            keys = np.sort(np.append(keys, np.repeat(block, missing) * len(weights) + drawn))
            keys = keys[np.diff(keys, prepend=-1) > 0]  # np.unique hashes: ten times slower here
        yield keys // len(weights), keys % len(weights)


def text(columns: dict[str, pa.Array], file: object, *, header: bool, delimiter: str = ",") -> None:
    """Append rows of delimited text."""
    options = pa.csv.WriteOptions(
        include_header=header, delimiter=delimiter, quoting_style="none", quoting_header="none"
    )
    pa.csv.write_csv(pa.table(columns), file, options)


def write_ml_20m(path: Path, size: Size, random: np.random.Generator) -> None:
    """``ml-20m.zip`` with ``ml-20m/ratings.csv``, in the order of users and movies."""
    movies = np.sort(random.choice(131_262, size.items, replace=False)) + 1
    stars = pa.array([f"{half / 2}" for half in range(1, 11)])
    counts = shared_out(size.rows, activity(size.users, random), size.least, size.items // 2)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("ml-20m/ratings.csv", "w", force_zip64=True) as file,
    ):
        blocks = pairs(counts, popularity(size.items, random), random)
        for number, (users, items) in enumerate(blocks):
            columns = {
                "userId": pa.array(users + 1),
                "movieId": pa.array(movies[items]),
                "rating": stars.take(pa.array(random.binomial(9, 0.7, len(users)))),
                "timestamp": pa.array(random.integers(789_652_009, 1_427_784_002, len(users))),
            }
            text(columns, file, header=number == 0)


def write_netflix(path: Path, size: Size, random: np.random.Generator) -> None:
    """``nf_prize_dataset.tar.gz`` with ``training_set.tar``, which has one file a film."""
    inner = path.with_suffix(".tar")
    user_ids = np.sort(random.choice(2_649_429, size.users, replace=False)) + 1
    dates = pa.array(np.arange("1999-11-11", "2006-01-01", dtype="datetime64[D]").astype(str))
    counts = shared_out(size.rows, popularity(size.items, random), 1, size.users // 2)
    with tarfile.open(inner, "w") as archive:
        for films, users in pairs(counts, activity(size.users, random), random):
            stars = 1 + random.binomial(4, 0.65, len(users))
            days = dates.take(pa.array(random.integers(len(dates), size=len(users))))
            for rows in np.split(np.arange(len(films)), np.flatnonzero(np.diff(films)) + 1):
                rows = pa.array(random.permutation(rows))  # noqa: PLW2901 (a film has no order)
                columns = {
                    "user": pa.array(user_ids[users[rows]]),
                    "rating": pa.array(stars[rows]),
                    "date": days.take(rows),
                }
                film = 1 + films[rows[0].as_py()]
                content = io.BytesIO(f"{film}:\n".encode())
                content.seek(0, io.SEEK_END)
                text(columns, content, header=False)
                add(archive, f"training_set/mv_{film:07}.txt", content)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(inner, f"download/{TRAINING_SET}")
    inner.unlink()


def add(archive: tarfile.TarFile, name: str, content: io.BytesIO) -> None:
    """One file of a tar archive."""
    member = tarfile.TarInfo(name)
    member.size = content.tell()
    content.seek(0)
    archive.addfile(member, content)


def write_msd(path: Path, size: Size, random: np.random.Generator) -> None:
    """``train_triplets.txt.zip``: user hashes of 40 digits and song names of 18, no header."""
    digits = random.bytes(20 * size.users).hex()
    hashes = pa.array([digits[at : at + 40] for at in range(0, len(digits), 40)])
    names = random.choice(16**6, size.items, replace=False)
    songs = pa.array([f"SO{name:06X}12AB018{name % 1000:03}" for name in names.tolist()])
    counts = shared_out(size.rows, activity(size.users, random), size.least, size.items // 8)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(MEMBER, "w", force_zip64=True) as file,
    ):
        for users, items in pairs(counts, popularity(size.items, random), random):
            columns = {
                "user": hashes.take(pa.array(users)),
                "song": songs.take(pa.array(items)),
                "plays": pa.array(random.geometric(0.35, len(users))),
            }
            text(columns, file, header=False, delimiter="\t")


WRITERS: dict[str, Callable[[Path, Size, np.random.Generator], None]] = {
    "ml-20m": write_ml_20m,
    "netflix": write_netflix,
    "msd": write_msd,
}


def dataset(name: str, scale: float) -> Interactions:
    """The data set with its published split; the held-out users and thresholds scaled."""
    full: dict[str, Interactions] = {
        "ml-20m": MovieLens(release="ml-20m"),
        "netflix": Netflix(),
        "msd": MSD(),
    }
    found = full[name]
    scaled = ("min_users_per_item", "validation_users", "test_users")
    found.split = found.split.model_copy(
        update={option: round(scale * getattr(found.split, option)) for option in scaled}
    )
    return found


def measured(name: str, scale: float, raw: Path, out: Path) -> list[float]:
    """Seconds to read, to split and write, of CPU in all; peak resident memory in GiB."""
    subject = dataset(name, scale)
    marks, cpu = [time.perf_counter()], time.process_time()
    ratings = subject.read(raw)
    marks.append(time.perf_counter())
    subject.read = lambda _: ratings  # type: ignore[method-assign]
    subject.write_split(raw, out, {"name": raw.name})
    marks.append(time.perf_counter())
    return [*np.diff(marks).tolist(), time.process_time() - cpu, peak()]


def peak() -> float:
    """The peak resident memory of this process, GiB."""
    # not getrusage's maximum, which a process inherits from its parent
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kib) / 2**20


def drawn(name: str, scale: float, folder: Path) -> Path:
    """The raw file; written first unless it is there."""
    size = shrunk(name, scale)
    path = folder / f"{name} x {scale:g}" / dataset(name, scale).raw_files()[0].name
    if not path.exists():
        with whole(path) as temporary:
            WRITERS[name](temporary, size, np.random.default_rng(0))
    return path


def shrunk(name: str, scale: float) -> Size:
    """A published size with fewer rows and users."""
    size = PUBLISHED[name]
    return Size(round(scale * size.rows), round(scale * size.users), size.items, size.least)


def row(name: str, scale: float, folder: Path) -> str:
    """One line of the table."""
    size, path = shrunk(name, scale), drawn(name, scale, folder)
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as child,
        tempfile.TemporaryDirectory(dir=folder) as out,
    ):
        read, write, cpu, peak = child.submit(measured, name, scale, path, Path(out)).result()
        counts = read_json(Path(out) / "card.json")["counts"]
    return (
        f"| {name} | {size.rows:,} | {path.stat().st_size / 2**20:,.0f} "
        f"| {counts['users']:,} × {counts['items']:,}, {counts['interactions']:,} "
        f"| {read:.0f} | {write:.0f} | {cpu:.0f} | {size.rows / (read + write):,.0f} | {peak:.2f} |"
    )


def main() -> None:
    """Print a line a data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PUBLISHED)}; all by default")
    parser.add_argument("--scale", type=float, default=1.0, help=".01 for a smoke test")
    parser.add_argument("--folder", type=Path, help="for the raw files, up to 4 GB")
    arguments = parser.parse_args()
    facts = machine()
    print(f"{facts['processor']}, {facts['cores']} cores, {facts['system']},", end=" ")
    print(f"Python {platform.python_version()}, pyarrow {pa.__version__}, NumPy {np.__version__}")
    print()
    print(
        "| layout | rows | raw file, MiB | users × items, interactions after the filter "
        "| read, s | split and write, s | of CPU, s | rows/s | peak RSS, GiB |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.names or PUBLISHED:
            print(row(name, arguments.scale, arguments.folder or Path(temporary)), flush=True)


if __name__ == "__main__":
    main()
