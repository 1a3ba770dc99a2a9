"""What the columns of a file of ratings are, from their names and a sample of their content.

A guess is said, never hidden. Where two readings are possible there is none, and one sentence says
which option decides.
"""

import csv
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from vaebench.datasets.tables import NUMBER, WHOLE, opened
from vaebench.errors import DataError

SAMPLE = 1 << 20
"""Bytes of a file of text that a guess is made from; of a plain file from several places of it."""

PLACES = 8
LINES = 2_000
"""Rows of the sample that are looked at."""

DELIMITERS = ("::", "\t", ",", ";", "|", " ")
"""In the order of preference where two give as many columns."""

DECLARED = 100
"""The most columns of a table of ratings."""

NAMES = {
    "user": "user member customer client visitor session reviewer listener reader account person "
    "userid uid users customerid memberid visitorid sessionid reviewerid profile patient student",
    "item": "item movie film product article song track artist book venue business place joke game "
    "page video itemid iid items movieid productid articleid songid trackid artistid bookid asin "
    "isbn sku poi anime recipe beer course location app",
    "rating": "rating score stars star overall weight count plays play playcount listens freq "
    "frequency quantity value ratings points clicks views preference",
    "time": "timestamp time date datetime ts created when at day unixreviewtime reviewtime",
}
"""Role → words; the last word of a column's name decides."""

BESIDE_ID = {"id", "ids", "key", "code", "no", "nr", "number", "hash", "uuid", "index", "idx"}
"""Words that say that a column identifies what the word before names."""

FEWEST_LINES = 2
"""Of which the last, without an end, may be cut."""

FEW = 21
"""Distinct values up to which numbers can be a scale: 0.5 … 5 in halves are 10, 0 … 10 are 11."""

LARGEST = 100
"""The largest value of a scale."""

COUNTING = 10
"""The greatest end of a scale that is read as one of opinions; beyond it values are counts."""

COUNTS = {"count", "counts", "plays", "play", "playcount", "listens", "freq", "frequency"}
COUNTS |= {"quantity", "views", "clicks", "weight"}
"""Words of a column whose numbers say how often, whatever they are."""

LIKED = 0.8
"""The share of a scale's greatest value from which on a rating counts: 4 of 5, 8 of 10."""

SECONDS = (3e8, 5e9)
"""Times as seconds since 1970: from 1979 to 2128; in thousandths likewise."""

DATE = re.compile(r"^\d{4}-\d\d?-\d\d?([ T].*)?$")
NONE = "none"
"""What ``--rating`` is told where every row counts."""


@dataclass(frozen=True)
class Layout:
    """How a file is read, and what was assumed.

    Attributes:
        path: the file.
        delimiter: one character; None of Parquet.
        names: of the columns, in their order; made up as ``1``, ``2``, … where there is no header.
        skip: lines before the first row: blank ones, and the header.
        encoding: of a text.
        quoted: values may be quoted, with line ends in them.
        user: the name of a column.
        item: likewise.
        rating: likewise, or None where every row counts.
        threshold: rows count whose rating is at least this; None: all.
        said: what was assumed, in words.
    """

    path: Path
    delimiter: str | None
    names: list[str]
    skip: int
    encoding: str
    quoted: bool
    user: str
    item: str
    rating: str | None
    threshold: float | None
    said: list[str]

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        return [each for each in (self.user, self.item, self.rating) if each is not None]


@dataclass(frozen=True)
class Sample:
    """Some rows of a file as texts: the names of its columns, and of each its values."""

    names: list[str]
    values: dict[str, list[str]]
    delimiter: str | None = None
    header: bool = True
    skip: int = 1
    encoding: str = "utf8"
    quoted: bool = False


def layout(
    path: Path,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    threshold: float | None = None,
) -> Layout:
    """What the columns of ``path`` are.

    Args:
        path: CSV, TSV, another table of text (also ``.gz``, ``.zip``) or Parquet.
        user: name or number (from 1) of the column of users; by default guessed.
        item: likewise.
        rating: likewise; ``none``: every row counts.
        threshold: of a rating that counts; by default .8 of the end of a scale of opinions.

    Raises:
        DataError: no such file, not a table, or it is not clear what a column is; the sentence
            names the option that decides.
    """
    sample = sampled(path)
    given = {"user": user, "item": item, "rating": rating}
    roles: dict[str, str | None] = {
        role: _named(role, value, sample, path)
        for role, value in given.items()
        if value is not None and not (role == "rating" and value == NONE)
    }
    roles |= {"rating": None} if rating == NONE else {}
    said = [] if sample.header else ["the file has no header"]
    found = guessed(sample, roles, path)
    if len({found["user"], found["item"], found["rating"]} - {None}) < 2 + (
        found["rating"] is not None
    ):
        raise DataError(
            f"{path.name}: one column is to be two things; allowed: different columns for --user, "
            "--item and --rating"
        )
    level = threshold
    if found["rating"] is not None:
        numbers = _numbers(sample.values[found["rating"]])
        if threshold is None and not set(words(found["rating"])) & COUNTS:
            level = liked(numbers)
        if level is None:
            said.append(f"column {found['rating']!r} holds counts: every row counts")
            found = found | {"rating": None}
        else:
            said.append(f"rows count whose {found['rating']!r} is at least {level:g}")
    elif threshold is not None:
        raise DataError(
            f"{path.name}: --threshold needs a column of ratings; allowed: --rating COLUMN"
        )
    else:
        said.append("every row counts")
    user_column, item_column = found["user"], found["item"]
    assert user_column is not None  # noqa: S101 (guessed raises)
    assert item_column is not None  # noqa: S101
    return Layout(
        path,
        sample.delimiter,
        sample.names,
        sample.skip,
        sample.encoding,
        sample.quoted,
        user_column,
        item_column,
        found["rating"],
        level,
        said,
    )


def liked(values: Sequence[float]) -> float | None:
    """The threshold of a scale of opinions, .8 of its greatest value; None of counts.

    A scale has at most :data:`FEW` different values, the greatest at most :data:`COUNTING`. Of
    values that are 0 or less and 1, 1 counts; where all are the same every row counts.
    """
    distinct = set(values)
    if not 1 < len(distinct) <= FEW or max(distinct) > COUNTING:
        return None
    greatest = max(distinct)
    if greatest <= 1:
        return greatest
    return LIKED * greatest


def sampled(path: Path) -> Sample:
    """Some rows of a file.

    Raises:
        DataError: there is no such file, it is empty, or no table.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder; allowed: one file, CSV or Parquet")
    if not path.is_file():
        raise DataError(f"{path}: no such file; allowed: one file, CSV or Parquet")
    if not path.stat().st_size:
        raise DataError(f"{path}: is empty; allowed: one row an interaction")
    with path.open("rb") as file:
        begin = file.read(4)
    return _parquet(path) if begin == b"PAR1" else _text(path)


def _parquet(path: Path) -> Sample:
    try:
        with pa.parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            batch = next(file.iter_batches(LINES), None)
    except (pa.ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"{path.name}: not readable as Parquet: {said}") from error
    if batch is None:
        raise DataError(f"{path.name}: has no rows; allowed: one row an interaction")
    values = {
        name: ["" if v is None else str(v) for v in batch.column(place).to_pylist()]
        for place, name in enumerate(names)
    }
    return Sample(names, values)


def _text(path: Path) -> Sample:
    begin, others = _bytes(path)
    encoding = _encoding(path, begin)
    text = begin.decode(encoding, "replace").removeprefix("\ufeff")
    lines = _lines(text)
    if not lines:
        raise DataError(f"{path.name}: has only blank lines; allowed: one row an interaction")
    more = [line for each in others for line in _lines(each.decode(encoding, "replace"))[1:]]
    delimiter = _delimiter(path, lines[:LINES])
    rows = _split([*lines[:LINES], *more[:LINES]], delimiter)
    width = len(rows[0])
    rows = [row for row in rows if len(row) == width]
    first, rest = rows[0], rows[1:]
    header = _is_header(first, rest)
    if header and not rest:
        raise DataError(f"{path.name}: has a header and no rows; allowed: one row an interaction")
    names = [name.strip() for name in first] if header else list(map(str, range(1, width + 1)))
    body = rest if header else rows
    values = {name: [row[place].strip() for row in body] for place, name in enumerate(names)}
    blank = len(text) - len(text.lstrip("\r\n"))
    skip = text[:blank].count("\n") + header
    return Sample(names, values, delimiter, header, skip, encoding, '"' in text)


def _bytes(path: Path) -> tuple[bytes, list[bytes]]:
    """The beginning of a text, unpacked, and pieces from the middle of a plain file."""
    others: list[bytes] = []
    with opened(path) as content:
        if not isinstance(content, Path):
            try:
                return content.read(SAMPLE), []
            except (OSError, EOFError) as error:
                raise DataError(f"{path.name}: is damaged; allowed: a whole file") from error
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(SAMPLE // 2)
            for place in range(1, PLACES):
                start = size * place // PLACES
                if start > len(begin):
                    file.seek(start)
                    others.append(file.read(SAMPLE // 2 // PLACES))
    return begin, others


def _encoding(path: Path, begin: bytes) -> str:
    """The word for the encoding: UTF-8 if it is that, UTF-16 by its mark, else Latin 1."""
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in begin or len(re.findall(rb"[\x01-\x08\x0e-\x1f]", begin)) > len(begin) / 100:
        raise DataError(f"{path.name}: is not text; allowed: CSV, or Parquet")
    try:
        begin[: begin.rfind(b"\n") + 1 or None].decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf8"


def _lines(text: str) -> list[str]:
    """The whole lines that are not blank; a single one without an end counts."""
    lines = text.split("\n")
    kept = lines[:-1] if len(lines) > FEWEST_LINES and lines[-1] else lines
    return [line.rstrip("\r") for line in kept if line.strip()]


def _split(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    if delimiter == "::":
        return [line.split("::") for line in lines]
    return [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row]


def _delimiter(path: Path, lines: Sequence[str]) -> str:
    """What gives nearly every line the same number of columns, the most of these.

    Raises:
        DataError: nothing does.
    """
    best, most = "", 1
    for each in DELIMITERS:
        widths = [len(row) for row in _split(lines, each)]
        width = max(set(widths), key=widths.count) if widths else 0
        if widths[:1] == [width] and widths.count(width) >= 0.98 * len(widths) and width > most:
            best, most = each, width
    if not best or most > DECLARED:
        raise DataError(
            f"{path.name}: is no table with a user and an item in each row, as its first line "
            f"shows: {lines[0][:60]!r}; allowed: columns divided by comma, tab, semicolon, bar, "
            "blank or ::"
        )
    return best


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """A first line with the name of a role in it, or with a text over a column of numbers."""
    if len(set(first)) < len(first) or any(not name.strip() for name in first):
        return False
    if any(_role(name) for name in first) and not any(_is_number(name) for name in first):
        return True
    for place, name in enumerate(first):
        values = [row[place].strip() for row in rest if row[place].strip()]
        if values and not _is_number(name.strip()) and all(map(_is_number, values)):
            return True
    return False


def _is_number(text: str) -> bool:
    return bool(re.match(NUMBER, text))


def _numbers(values: Sequence[str]) -> list[float]:
    return [float(value) for value in values if _is_number(value)]


def words(name: str) -> list[str]:
    """The words of a column's name: ``userId``, ``user_id``, ``USER ID`` → user, id."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", apart) if word]


def _role(name: str) -> str | None:
    """What a column is by its name."""
    found = words(name)
    kept = [word for word in found if word not in BESIDE_ID] or found
    if not kept:
        return None
    return next((role for role, known in NAMES.items() if kept[-1] in known.split()), None)


def _named(role: str, value: str, sample: Sample, path: Path) -> str:
    """The column that an option names."""
    if value in sample.names:
        return value
    if value.isdigit() and 1 <= int(value) <= len(sample.names):
        return sample.names[int(value) - 1]
    raise DataError(
        f"--{role}: {path.name} has no column {value!r}; allowed: {', '.join(sample.names)}, or a "
        f"number from 1 to {len(sample.names)}"
    )


def guessed(sample: Sample, roles: Mapping[str, str | None], path: Path) -> dict[str, str | None]:
    """User, item and rating: those given, then by names, then by content.

    By content a time is what lies in :data:`SECONDS` or is written as a date, a rating what has few
    and small numbers; of two columns that are left the first is the user, as in every published
    file.

    Raises:
        DataError: there are too few columns, or too many that could be it.
    """
    found = dict(roles)
    taken = {column for column in found.values() if column is not None}
    by_name: dict[str, list[str]] = {}
    for name in sample.names:
        role = _role(name) if sample.header else None
        if role and name not in taken:
            by_name.setdefault(role, []).append(name)
    for role in ("user", "item", "rating"):
        if role not in found and role in by_name:
            found[role] = _only(role, by_name[role], sample, path)
            taken.add(str(found[role]))
    times = set(by_name.get("time", []))
    rest = [name for name in sample.names if name not in taken | times]
    if "user" in found and "item" in found:
        found.setdefault("rating", None)
        return found
    # by content: what is left of times and of scales may be ids
    timeless = [name for name in rest if not _is_time(sample.values[name])]
    rest = timeless if len(timeless) >= _wanting(found) else rest
    scales = [name for name in rest if _is_scale(sample.values[name])]
    if "rating" not in found and scales and len(rest) - 1 >= _wanting(found):
        found["rating"] = scales[-1]
        rest.remove(scales[-1])
    missing = [role for role in ("user", "item") if role not in found]
    if len(rest) != len(missing):
        raise _unclear(path, missing, sample.names if len(rest) < len(missing) else rest)
    return {"rating": None} | found | dict(zip(missing, rest, strict=True))


def _unclear(path: Path, missing: Sequence[str], names: Sequence[str]) -> DataError:
    """The error of a table whose columns do not say what they are."""
    options = " and ".join(f"--{role}" for role in missing)
    return DataError(
        f"{path.name}: it is not clear which of the columns {', '.join(names)} is the "
        f"{' and which the '.join(missing)}; allowed: {options} COLUMN"
    )


def _wanting(found: Mapping[str, str | None]) -> int:
    return sum(role not in found for role in ("user", "item"))


def _only(role: str, names: Sequence[str], sample: Sample, path: Path) -> str:
    """The one column of a role; of several the one that identifies.

    Raises:
        DataError: several do, or none does.
    """
    if len(names) == 1:
        return names[0]
    ids = [name for name in names if set(words(name)) & BESIDE_ID]
    if len(ids) == 1:
        return ids[0]
    if role == "rating":
        scales = [name for name in names if _is_scale(sample.values[name])]
        if len(scales) == 1:
            return scales[0]
    raise DataError(
        f"{path.name}: columns {', '.join(names)} could all be the {role}; allowed: --{role} COLUMN"
    )


def _is_time(values: Sequence[str]) -> bool:
    known = [value for value in values if value]
    if not known:
        return False
    if all(map(DATE.match, known)):
        return True
    if not all(re.match(WHOLE, value) for value in known):
        return False
    numbers = list(map(float, known))
    low, high = SECONDS
    return any(low * s <= min(numbers) and max(numbers) <= high * s for s in (1, 1000))


def _is_scale(values: Sequence[str]) -> bool:
    """Few small numbers, which come again after others: sorted ids come in one piece each."""
    known = [value for value in values if value]
    if not known or not all(map(_is_number, known)):
        return False
    numbers = list(map(float, known))
    if len(set(numbers)) > FEW or max(map(abs, numbers)) > LARGEST:
        return False
    pieces = 1 + sum(a != b for a, b in itertools.pairwise(numbers))
    return len(set(numbers)) == 1 or pieces > len(set(numbers))
