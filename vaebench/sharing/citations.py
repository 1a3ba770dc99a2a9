"""What a study goes back to: works by key, and the keys that its components name.

A class names the keys of its works under ``References:`` in its docstring; the works stand once, in
``references.bib``. A docstring is no part of a result's digest, so that a citation makes no result
old. The key ``vaebench`` is this software, described by ``CITATION.cff``; a component that goes
back to no publication names it. Docstrings are read, and nothing of a component is run.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from vaebench.components import module_name, module_spec
from vaebench.errors import DataError
from vaebench.machine import provenance
from vaebench.study.keys import HOMES, ORDERS
from vaebench.study.plan import Plan
from vaebench.study.product import PRODUCT

SOFTWARE = "vaebench"
"""The key of this software."""

CFF = "CITATION.cff"
BIB = "references.bib"
"""The file of works, beside this module; a user's own lies beside the module of the class."""

LIBRARIES = {
    "torch": "paszke2019",
    "numpy": "harris2020",
    "scipy": "virtanen2020",
    "pandas": "mckinney2010",
    "snakemake": "molder2021",
    "mlflow": "zaharia2018",
    "matplotlib": "hunter2007",
    "statsmodels": "seabold2010",
}
"""Library that computes, plots or keeps results → its work."""

_ENTRY = re.compile(r"^@(\w+)\{([\w:-]+),\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$")
NEEDED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "incollection": {"author", "title", "booktitle", "publisher", "year"},
    "book": {"author", "title", "publisher", "year"},
    "misc": {"author", "title"},
    "software": {"author", "title", "version", "date"},
}
"""Kind of a work → the fields without which it cannot be found."""


@dataclass(frozen=True)
class Work:
    """A work that can be cited: a BibTeX entry.

    Attributes:
        key: how components name it.
        kind: ``article``, ``inproceedings``, …
        fields: as BibTeX has them.
    """

    key: str
    kind: str
    fields: Mapping[str, str]

    def bibtex(self) -> str:
        """The entry."""
        lines = (f"  {name} = {{{value}}},\n" for name, value in self.fields.items())
        return f"@{self.kind}{{{self.key},\n{''.join(lines)}}}\n"

    @property
    def address(self) -> str | None:
        """Where the work is: by its DOI, or on arXiv."""
        if "doi" in self.fields:
            return f"https://doi.org/{self.fields['doi']}"
        return f"https://arxiv.org/abs/{self.fields['eprint']}" if "eprint" in self.fields else None

    @property
    def title(self) -> str:
        """The title without TeX."""
        return untex(self.fields["title"])

    @property
    def plain(self) -> str:
        """Authors, title, place and year without TeX, for people."""
        names = [name.partition(",") for name in self.fields["author"].split(" and ")]
        people = [f"{first.strip()} {last}".strip() for last, _, first in names]
        if people[-1] == "others":
            people[-1] = "et al."
        place = next(
            (self.fields[k] for k in ("journal", "booktitle", "publisher") if k in self.fields), ""
        )
        year = self.fields.get("year", self.fields.get("date", "")[:4])
        said = [", ".join(people), self.fields["title"], f"{place} {year}".strip()]
        return untex(". ".join(part for part in said if part))


@dataclass
class Used:
    """What a study uses: what for → key, in the order of the study.

    Attributes:
        keys: e.g. ``model mult-vae`` → its keys.
        works: key → work, of all of these.
        unknown: what names no work: a sentence each.
    """

    keys: dict[str, list[str]] = field(default_factory=dict)
    works: dict[str, Work] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def works(path: Path) -> dict[str, Work]:
    """Key → work, of a file of BibTeX in the layout of ``references.bib``.

    Raises:
        DataError: the file is missing, an entry is not whole or a key is there twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    found: dict[str, Work] = {}
    for kind, key, body in _ENTRY.findall(text):
        fields = dict(_fields(path, key, body))
        if key in found:
            raise DataError(f"{path}: {key} is there twice; allowed: one entry a work")
        absent = NEEDED.get(kind, {"author", "title"}) - set(fields)
        if absent:
            raise DataError(f"{path}: {key} has no {', '.join(sorted(absent))}")
        found[key] = Work(key, kind, fields)
    if len(found) != len(re.findall("^@", text, re.MULTILINE)):
        raise DataError(f"{path}: an entry is not whole; allowed: a field a line, `name = {{…}},`")
    return found


def _fields(path: Path, key: str, body: str) -> Iterator[tuple[str, str]]:
    for line in body.splitlines():
        match = _FIELD.fullmatch(line)
        if match is None or not _balanced(match[2]):
            raise DataError(f"{path}: {key}: {line.strip()!r} is no field; allowed: name = {{…}},")
        yield match[1], match[2]


def _balanced(text: str) -> bool:
    depth = 0
    for place, letter in enumerate(text):
        escaped = place > 0 and text[place - 1] == "\\"
        depth += 0 if escaped else {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0


@cache
def citation() -> dict[str, Any]:
    """The content of ``CITATION.cff``: this software.

    Raises:
        DataError: it is not there.
    """
    path = PRODUCT / CFF
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, TypeError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


@cache
def bibliography() -> dict[str, Work]:
    """Key → work, of everything that comes with vaebench, and vaebench itself."""
    return works(Path(__file__).with_name(BIB)) | {SOFTWARE: _software()}


def _software() -> Work:
    about = citation()
    people = " and ".join(_person(each) for each in about["authors"])
    fields = {"author": people, "title": str(about["title"]).replace("β", r"$\beta$")}
    fields |= {"version": str(about["version"]), "date": str(about["date-released"])}
    fields |= {"url": about["repository-code"]} if "repository-code" in about else {}
    return Work(SOFTWARE, "software", fields)


def _person(each: Mapping[str, str]) -> str:
    if "name" in each:  # a group: BibTeX takes no name apart that stands in braces
        return f"{{{each['name']}}}"
    return f"{each['family-names']}, {each['given-names']}"


@cache
def keys(home: str, path: str) -> tuple[str, ...] | None:
    """The keys that a class names in its docstring; None where it names none.

    Args:
        home: the package of its kind, e.g. ``vaebench.models``.
        path: ``file.Class``, as a configuration says it.

    Raises:
        ConfigError: there is no such module.
    """
    name = path.rpartition(".")[2]
    for node in ast.walk(_tree(home, path)[1]):
        if isinstance(node, ast.ClassDef) and node.name == name:
            text = ast.get_docstring(node) or ""
            match = re.search(r"^References:\n((?:    .*\n?)+)", text, re.MULTILINE)
            return tuple(re.findall(r"[\w:-]+", match[1])) if match else None
    return None


def _tree(home: str, path: str) -> tuple[Path, ast.Module]:
    spec = module_spec(module_name(home, path))
    file = Path(spec.origin) if spec and spec.origin else Path()
    return file, ast.parse(file.read_text(encoding="utf-8") if file.is_file() else "")


def used(plan: Plan) -> Used:
    """What the cells of a study go back to; of the catalogues what the grid uses."""
    found, study = Used(), plan.study
    _add(found, "software vaebench", [SOFTWARE])
    for block in study.grid:
        for kind, names in (
            ("datasets", [block.dataset]),
            ("models", [block.model]),
            ("strategies", block.strategies),
            ("baselines", block.baselines),
        ):
            catalogue: Mapping[str, Any] = getattr(study, kind)
            for name in names:
                if name in catalogue:
                    _component(found, kind, name, catalogue[name]["class"])
    for name, spec in study.all_metrics.items():
        _component(found, "metrics", name, spec["class"])
    for name, path in _orders(plan):
        _component(found, "orders", name, path)
    for name, key in _methods(plan):
        _add(found, f"method {name}", [key])
    for name, key in LIBRARIES.items():
        _add(found, f"software {name}", [key])
    return found


WORDS = {
    "datasets": "data set",
    "models": "model",
    "strategies": "strategy",
    "baselines": "baseline",
    "metrics": "metric",
    "orders": "update order",
}


def _component(found: Used, kind: str, name: str, path: str) -> None:
    home = ORDERS if kind == "orders" else HOMES[kind]
    what, mine = f"{WORDS[kind]} {name} ({path})", keys(home, path)
    if mine is None:
        found.unknown.append(f"{what} names no work under References: in its docstring")
        return
    file, _ = _tree(home, path)
    own = works(file.with_name(BIB)) if file.with_name(BIB).is_file() else {}
    known = own | bibliography()
    for key in mine:
        if key not in known:
            found.unknown.append(f"{what} names {key}, which is not in {BIB}")
    _add(found, what, [key for key in mine if key in known], known)


def _add(found: Used, what: str, named: list[str], known: Mapping[str, Work] | None = None) -> None:
    if named and what not in found.keys:
        found.keys[what] = named
        found.works |= {key: (known or bibliography())[key] for key in named}


def _orders(plan: Plan) -> Iterator[tuple[str, str]]:
    """The update orders that a study names."""
    trainings = [plan.study.training, *(block.training for block in plan.study.grid)]
    for training in trainings:
        order = training.get("update_order") if isinstance(training, Mapping) else None
        if isinstance(order, Mapping) and "class" in order:
            yield str(order["class"]).partition(".")[0], str(order["class"])


def _methods(plan: Plan) -> Iterator[tuple[str, str]]:
    """What every study of its kind is made with."""
    study = plan.study
    yield "Adam", "kingma2015"
    yield "Holm's correction", "holm1979"
    kinds = {plan.split_of(split).kind for split in plan.splits()}
    if "interactions" in kinds:
        yield "split and ranking of held-out users", "liang2018"
    if study.replicates is not None:
        yield "replicates", "bouthillier2021"
    if study.tuning is not None and study.tuning.rungs is not None:
        yield "successive halving", "jamieson2016"


def versions() -> dict[str, str]:
    """Library → its version here, of those in :data:`LIBRARIES`."""
    here = provenance.versions()
    return {name: here[name] for name in LIBRARIES if name in here}


TEX = (
    (re.compile(r"\\url\{([^}]*)\}"), r"\1"),
    (re.compile(r"\$\\beta\$"), "β"),
    (re.compile(r"\{\\AA\}"), "Å"),
    (re.compile(r"\{\\o\}"), "ø"),
    (re.compile(r"\\&"), "&"),
    (re.compile(r"--"), "–"),
)
ACCENTS = {'"': "\u0308", "'": "\u0301", "v": "\u030c"}


def untex(text: str) -> str:
    """A field of BibTeX as plain text."""
    import unicodedata  # noqa: PLC0415 (here alone)

    for pattern, plain in TEX:
        text = pattern.sub(plain, text)
    text = re.sub(
        r"\{\\(['\"v])(?:\{(\w)\}|(\w))\}",
        lambda found: (found[2] or found[3]) + ACCENTS[found[1]],
        text,
    )
    return unicodedata.normalize("NFC", text.replace("{", "").replace("}", ""))
