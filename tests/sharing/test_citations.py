"""Every component names works, every work is whole, and what they say of each other agrees."""

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_docs import REFERENCE
from vaebench import __version__
from vaebench.command import main
from vaebench.command.cite import lines
from vaebench.datasets import Dataset
from vaebench.errors import DataError
from vaebench.sharing.citations import (
    BIB,
    SOFTWARE,
    Work,
    bibliography,
    citation,
    keys,
    untex,
    used,
    works,
)
from vaebench.study.plan import Plan
from vaebench.study.written import read

ROOT = Path(__file__).parents[2]
SHIPPED = [
    pytest.param(REFERENCE.KINDS[kind][0], path, component, id=f"{kind}/{path}")
    for kind in REFERENCE.KINDS
    for path, component in REFERENCE.components(kind)
]
ADDRESS = re.compile(r"arXiv:(\d{4}\.\d{4,5}|\d{7})|doi:(10\.[^\s,;)]+\w)")


def addresses(text: str) -> set[str]:
    """The arXiv numbers and DOIs in a text."""
    return {first or second for first, second in ADDRESS.findall(text)}


def plain(text: str) -> str:
    """Letters without accents, in small."""
    parts = unicodedata.normalize("NFD", untex(text).replace("ø", "o"))
    return "".join(each for each in parts if not unicodedata.combining(each)).lower()


@pytest.mark.parametrize(("home", "path", "component"), SHIPPED)
def test_a_component_names_works_that_agree_with_its_words(
    home: str, path: str, component: Any
) -> None:
    """Each address in its docstring or citation is a work's; a data set's citation names each."""
    named = keys(home, path)
    assert named, "no References: in its docstring"
    found = [bibliography()[key] for key in named]
    words = (component.__doc__ or "") + getattr(component, "cite", "")
    known = {work.fields.get(name) for work in found for name in ("doi", "eprint")}
    assert addresses(words) <= known
    if issubclass(component, Dataset) and component.cite:
        for work in found[:1]:
            person = plain(work.fields["author"].partition(",")[0])
            if work.key == "rahmani2022":  # cited by the name of the collection
                assert "FairRecSys" in component.cite
            else:
                assert person in plain(component.cite)
                assert work.fields["year"] in component.cite


def test_every_work_is_whole_used_and_said_as_its_key_says() -> None:
    text = (ROOT / "vaebench/sharing" / BIB).read_text(encoding="utf-8")
    found = works(ROOT / "vaebench/sharing" / BIB)
    assert list(found) == sorted(found)
    assert len(found) == text.count("\n@")
    for key, work in found.items():
        if work.kind != "misc" or "year" in work.fields:
            assert re.fullmatch(r"[a-z]+\d{4}[a-z]*", key)
            assert work.fields["year"] in key
        first = plain(work.fields["author"].partition(",")[0]).replace(" ", "").replace("-", "")
        assert key.startswith(first), key
        assert addresses(f"arXiv:{work.fields.get('eprint', '1234.5678')}")
        assert not re.search(r"[\\{}$]", work.plain), key
    ours = [path.read_text(encoding="utf-8") for path in (ROOT / "vaebench").rglob("*.py")]
    assert [key for key in found if not any(key in each for each in ours)] == []


def test_the_citation_file_describes_this_version() -> None:
    """The keys of CFF 1.2.0 that are required, and those that find it again."""
    about = citation()
    assert {"cff-version", "message", "title", "authors"} <= set(about)
    assert about["cff-version"] == "1.2.0"
    assert {"abstract", "keywords", "license", "type", "date-released", "version"} <= set(about)
    assert about["version"] == __version__ or about["version"] == _version()
    assert about["license"] == "MIT"
    assert bibliography()[SOFTWARE].kind == "software"


def _version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.+)"$', text, re.MULTILINE)[1]  # type: ignore[index]


def entries(text: str) -> dict[str, Work]:
    """The entries of printed BibTeX, read back."""
    path = Path(text)
    return works(path)


def test_a_study_prints_all_that_it_used_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["cite", str(ROOT / "configs/tuned-ml-1m.yaml")])
    printed = capsys.readouterr().out
    (tmp_path / "used.bib").write_text(printed)
    found = works(tmp_path / "used.bib")
    wanted = {"harper2015", "liang2018", "shenbin2020", "steck2019", "paszke2019", "vaebench"}
    assert wanted <= set(found)
    assert "vaebench" in found
    assert "lecun1998" not in found, "of the catalogue only what the grid uses"
    assert "Version" in found["paszke2019"].fields["note"]
    assert "@" not in "".join(line for line in printed.splitlines() if line.startswith("%"))
    for line in printed.splitlines():
        if line.startswith("% "):
            assert all(
                key in found for key in re.findall(r"[a-z]+\d{4}[a-z]*", line.partition(": ")[2])
            )


OWN = '''
from vaebench.strategies.constant import Constant


class Slow(Constant):
    """β(t) = β, slowly.

    References:
        doe2030, kingma2013, nobody1999
    """


class Silent(Constant):
    """β(t) = β."""
'''


def test_a_class_of_one_s_own_brings_its_own_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_own.py").write_text(OWN)
    entry = Work("doe2030", "misc", {"author": "Doe, Jo", "title": "Slow", "year": "2030"})
    (tmp_path / BIB).write_text(entry.bibtex())
    monkeypatch.syspath_prepend(tmp_path)
    study = read(ROOT / "config.yaml")
    study["strategies"] |= {"slow": {"class": "slow_own.Slow"}}
    study["strategies"] |= {"silent": {"class": "slow_own.Silent"}}
    study["grid"] = [study["grid"][0] | {"strategies": ["constant", "slow", "silent"]}]
    plan = Plan(yaml.safe_load(yaml.safe_dump(study)))
    found = used(plan)
    assert found.keys["strategy slow (slow_own.Slow)"] == ["doe2030", "kingma2013"]
    assert found.unknown == [
        "strategy slow (slow_own.Slow) names nobody1999, which is not in references.bib",
        "strategy silent (slow_own.Silent) names no work under References: in its docstring",
    ]
    assert "title = {Slow}" in "\n".join(lines(plan))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@misc{a,\n  author = {A},\n  title = {B},\n}\n" * 2, "a is there twice"),
        ("@misc{a,\n  author = {A},\n}\n", "a has no title"),
        ("@misc{a,\n  author = {A,\n  title = {B},\n}\n", "is no field"),
        ("@misc{a,\n  author = {A},\n  title = {B},\n", "an entry is not whole"),
    ],
)
def test_a_damaged_bibliography_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / BIB).write_text(text)
    with pytest.raises(DataError, match=words):
        works(tmp_path / BIB)


def test_tex_becomes_plain_text() -> None:
    assert bibliography()["astrom1995"].plain == (
        "Karl Johan Åström, Tore Hägglund. PID Controllers: Theory, Design, and Tuning. "
        "Instrument Society of America 1995"
    )
    assert "Matúš Medo" in bibliography()["zhou2010"].plain
    assert bibliography()["burgess2018"].title == "Understanding Disentangling in β-VAE"
