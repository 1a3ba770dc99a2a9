"""The contract of a data set as a check."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaebench.contracts.broken import (
    broken_facts,
    broken_options,
    global_streams_left_alone,
    report,
)
from vaebench.datasets import Dataset, Images, Interactions, RawFile
from vaebench.datasets.protocol import HELD_OUT
from vaebench.errors import DataError
from vaebench.files import digest
from vaebench.sparse import SparseRows
from vaebench.training.data import Data

PARTS = ("train", *HELD_OUT)

FILES = {
    "interactions": {
        *("train.npz", "items.txt", "train_users.txt"),
        *(f"{part}_{half}.npz" for part in HELD_OUT for half in ("fold_in", "held_out")),
        *(f"{part}_users.txt" for part in HELD_OUT),
    },
    "images": {f"{part}.npy" for part in PARTS},
}
"""What every split of a kind has; of pictures there may be more."""

FACTS = {"kind", "unit", "licence", "cite", "source", "counts", "truth", "files"}
"""What every card has."""


def check_dataset(
    dataset_class: type[Dataset],
    raw: Path | None = None,
    /,
    **options: Any,  # noqa: ANN401
) -> None:
    """Check a data set against all that fetching, splitting, training and testing rely on.

    - Options are keyword-only and annotated; ``kind`` is known; the raw files have names within the
      local folder and checksums that can be compared.
    - ``write_split`` writes the files of its kind, no others than the card names with their
      digests, and counts that are those of the files; the same bytes twice, from any folder; it
      leaves the raw file and global random streams alone, and the card names no place.
    - There is something to train on, and held-out examples of as many columns; of interactions no
      held-out item is in the fold-in part, and under strong generalisation no user in two parts.
    - An empty raw file is refused by a :class:`vaebench.errors.DataError`, and leaves no card.

    Args:
        dataset_class: the data set.
        raw: its raw file, its companions beside it; without one, a data set that needs a file is
            not split.
        options: of its constructor.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    report(dataset_class.__name__, _broken(dataset_class, lambda: dataset_class(**options), raw))


def _broken(
    dataset_class: type[Dataset], make: Callable[[], Dataset], raw: Path | None
) -> Iterator[str]:
    yield from broken_options(dataset_class)
    yield from broken_facts(dataset_class, {"kind": tuple(FILES)})
    if not issubclass(dataset_class, Interactions | Images):
        yield "it is neither Interactions nor Images; allowed: one of them"
    dataset = make()
    for name in ("licence", "cite"):
        if not isinstance(getattr(dataset, name), str):
            yield f"{name} is {getattr(dataset, name)!r}; allowed: a text"
    if not isinstance(dataset.counted_as(), str):
        yield f"counted_as() is {dataset.counted_as()!r}; allowed: a text"
    files = [*dataset.raw_files(), *dataset.companions()]
    for file in files:
        yield from _broken_raw_file(file)
    if len({file.name for file in files}) < len(files):
        yield "two raw files have one name; allowed: a name for each"
    with tempfile.TemporaryDirectory() as folder:
        if dataset.raw_files():
            yield from _broken_refusal(make(), Path(folder))
        if raw is not None or not dataset.raw_files():
            allowed = "numbers of named seeds"
            with global_streams_left_alone("write_split", allowed):
                yield from _broken_split(make, raw, Path(folder))


def _broken_raw_file(file: RawFile) -> Iterator[str]:
    path = Path(file.name)
    if not file.own and (path.is_absolute() or ".." in path.parts):
        yield f"the raw file {file.name!r} lies elsewhere; allowed: a name within the local folder"
    for key in ("checksum", "content"):
        value = getattr(file, key)
        if value is not None and value.partition(":")[0] not in ("sha256", "md5"):
            yield f"the {key} of {file.name!r} is {value!r}; allowed: sha256:… or md5:…"


def _broken_refusal(dataset: Dataset, folder: Path) -> Iterator[str]:
    """An empty file, which any download may leave."""
    empty, out = folder / Path(dataset.raw_files()[0].name).name, folder / "of nothing"
    empty.write_bytes(b"")
    out.mkdir()
    for other in dataset.companions():
        (folder / Path(other.name).name).write_bytes(b"")
    try:
        dataset.write_split(empty, out, {"name": empty.name})
    except DataError:
        pass
    except Exception as error:  # noqa: BLE001 (a stranger's class may raise anything)
        yield f"an empty file raises {type(error).__name__}: {error}; allowed: DataError"
    else:
        yield "an empty file is split; allowed: DataError"
    if (out / "card.json").exists():
        yield "a refused file leaves card.json; allowed: writing it last"


def _broken_split(make: Callable[[], Dataset], raw: Path | None, folder: Path) -> Iterator[str]:
    """Two splits, the second from another folder."""
    source = {"name": raw.name if raw else None, "sha256": digest(raw) if raw else None}
    outs = []
    for number, read in enumerate((raw, raw and _elsewhere(make(), raw, folder / "elsewhere"))):
        outs.append(folder / f"split {number}")
        outs[-1].mkdir()
        make().write_split(read, outs[-1], source)
    if raw is not None and digest(raw) != source["sha256"]:
        yield "it writes to its raw file; allowed: reading"
    one, two = ({path.name: digest(path) for path in out.iterdir()} for out in outs)
    for name in sorted(one.keys() | two.keys()):
        if one.get(name) != two.get(name):
            yield f"{name} differs between two splits of one file; allowed: the same bytes"
    yield from _broken_card(make(), outs[0], one, source)
    yield from _broken_parts(make(), Data(outs[0], torch.device("cpu")))


def _elsewhere(dataset: Dataset, raw: Path, folder: Path) -> Path:
    """The raw file and its companions in another folder, as links."""
    folder.mkdir()
    others = [raw.parent / Path(other.name).name for other in dataset.companions()]
    for path in (raw, *others):
        if path.exists():
            (folder / path.name).symlink_to(path.absolute())
    return folder / raw.name


def _broken_card(
    dataset: Dataset, out: Path, digests: dict[str, str], source: dict[str, Any]
) -> Iterator[str]:
    if "card.json" not in digests:
        yield "there is no card.json; allowed: write_card writes it"
        return
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    missing = FACTS - card.keys()
    if missing:
        yield f"card.json has no {', '.join(sorted(missing))}; allowed: what write_card writes"
    if card["kind"] != dataset.kind or card["source"] != source:
        yield "card.json has another kind or source; allowed: those of the data set and the file"
    if lacking := FILES[dataset.kind] - card["files"].keys():
        yield f"there is no {min(lacking)}; allowed: the files of {dataset.kind}"
    if card["files"] != {name: found for name, found in digests.items() if name != "card.json"}:
        yield "card.json has other files or digests than there are; allowed: one for each file"
    for text in _texts(card):
        if Path(text).is_absolute():
            yield f"card.json names the place {text!r}; allowed: what is true on every machine"


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 (JSON)
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _broken_parts(dataset: Dataset, data: Data) -> Iterator[str]:
    """Read back as training and testing do."""
    card = json.loads((data.folder / "card.json").read_text(encoding="utf-8"))
    train, held_out = data.train(), {part: data.held_out(part) for part in HELD_OUT}
    sizes = {"train": len(train)} | {part: len(held_out[part].examples) for part in HELD_OUT}
    what = "users" if dataset.kind == "interactions" else "images"
    for part, size in sizes.items():
        if size < 1:
            yield f"{part} has no examples; allowed: at least one"
        counted = card["counts"].get(f"{part}_{what}")
        if counted != size:
            yield f"card.json counts {counted} {what} of {part}, which has {size}; allowed: that"
    for part, found in held_out.items():
        if found.fold_in is not None and found.held_out is not None:
            yield from _broken_halves(part, found.fold_in, found.held_out)
    yield from _broken_columns(data, dataset)


def _broken_halves(part: str, fold_in: SparseRows, held_out: SparseRows) -> Iterator[str]:
    pairs = [
        set(zip(x.rows.tolist(), x.indices.tolist(), strict=True)) for x in (fold_in, held_out)
    ]
    if pairs[0] & pairs[1]:
        yield f"{part}: a held-out item is in the fold-in part, too; allowed: one of them"
    if not pairs[1]:
        yield f"{part}: nobody has a held-out item; allowed: at least one"


def _broken_columns(data: Data, dataset: Dataset) -> Iterator[str]:
    columns = {part: _columns(data, part) for part in PARTS}
    if len(set(columns.values())) > 1:
        yield f"the parts have {columns} columns; allowed: as many in each"
    if isinstance(dataset, Interactions) and getattr(dataset.split, "kind", None) == "strong":
        users = {part: (data.folder / f"{part}_users.txt").read_text().split() for part in PARTS}
        together = [name for names in users.values() for name in names]
        if len(set(together)) < len(together):
            yield "a user is in two parts; allowed: strong generalisation, a part for each user"
    if isinstance(dataset, Images):
        for part in PARTS:
            pixels = np.load(data.folder / f"{part}.npy")
            if pixels.dtype != np.float32 or not ((pixels >= 0) & (pixels <= 1)).all():
                yield f"{part} is {pixels.dtype} or outside [0, 1]; allowed: float32 in [0, 1]"


def _columns(data: Data, part: str) -> int:
    if data.kind() == "images":
        return int(np.load(data.folder / f"{part}.npy").shape[1])
    matrix = data.train() if part == "train" else data.held_out(part).examples
    assert isinstance(matrix, SparseRows)  # noqa: S101 (of interactions)
    return matrix.columns
