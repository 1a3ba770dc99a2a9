"""The metadata of an archive: read back by the library of the standard, and bound to the files."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from vaebench.files import read_json
from vaebench.sharing.archive import pack
from vaebench.sharing.container import MANIFEST
from vaebench.sharing.crate import CRATE, differences

TERMS = {"@id", "@type", "about", "additionalType", "alternateName", "author", "citation"}
TERMS |= {"conformsTo", "contentSize", "datePublished", "description", "encodingFormat", "endTime"}
TERMS |= {"hasPart", "identifier", "instrument", "keywords", "license", "mentions", "name"}
TERMS |= {"object", "publisher", "result", "subjectOf", "url", "version"}
"""Terms of the context of RO-Crate 1.1 that we use; another word would mean nothing."""


@pytest.fixture(scope="module")
def unpacked(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, without its code; not to be changed."""
    home = tmp_path_factory.mktemp("crate")
    with tarfile.open(packed) as archive:
        members = [each for each in archive if "/code/" not in each.name]
        archive.extractall(home, members, filter="data")
    return home / "small"


def test_the_library_of_the_standard_reads_what_is_there(unpacked: Path) -> None:
    crate = ROCrate(unpacked)
    root = crate.root_dataset
    assert root["name"] == "vaebench study small"
    assert root["datePublished"][:3] == "202"
    assert root["author"]["name"] == "the vaebench authors"
    parts = {part.id for part in root["hasPart"]}
    for name in ("study.json", "report.html", "opened.json", "tables/results.csv", "cells/"):
        assert name in parts
    for part in root["hasPart"]:
        assert (unpacked / part.id).exists() or part.id == "code/"
        assert part["description"]
        if not part.id.endswith("/") and part.id != MANIFEST:
            assert int(part["contentSize"]) == (unpacked / part.id).stat().st_size
    listed = {name for name in read_json(unpacked / MANIFEST)["files"] if "/" not in name}
    assert listed - {CRATE} <= parts


def test_data_software_and_run_are_described(unpacked: Path) -> None:
    crate = ROCrate(unpacked)
    digits = crate.get("#data-digits")
    assert digits["license"]["description"] == "CC BY 4.0"
    assert digits["citation"][0].id == "https://doi.org/10.24432/C50P49"
    assert "Alpaydin" in digits["citation"][0]["description"]
    manifest = read_json(unpacked / MANIFEST)
    for name, version in manifest["versions"].items():
        assert crate.get(f"#{name}")["version"] == version
    run = crate.get("#run")
    assert {tool.id for tool in run["instrument"]} == {f"#{n}" for n in manifest["versions"]}
    assert {each.id for each in run["object"]} == {"study.json", "#data-digits", "#data-planted"}
    graph = read_json(unpacked / CRATE)["@graph"]
    ids = {entity["@id"] for entity in graph}
    for entity in graph:
        assert set(entity) <= TERMS, entity
        for value in entity.values():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict) and not each["@id"].startswith("https://w3id.org"):
                    assert each["@id"] in ids, each


def test_the_same_study_gives_the_same_archive(made: Path, packed: Path, tmp_path: Path) -> None:
    assert pack(made, tmp_path / "again.tar.gz").read_bytes() == packed.read_bytes()


@pytest.mark.parametrize(
    ("of", "key", "to"),
    [
        ("tables/results.csv", "contentSize", "1"),
        ("#licence-digits", "description", "public domain"),
        ("#data-digits", "description", "me"),
        ("#torch", "version", "9.9"),
        ("./", "license", {"@id": "https://spdx.org/licenses/MIT"}),
        ("./", "datePublished", "1999-01-01"),
    ],
)
def test_metadata_that_say_something_else_are_named(
    of: str, key: str, to: object, unpacked: Path, tmp_path: Path
) -> None:
    study = Path(shutil.copytree(unpacked, tmp_path / "small"))
    manifest = read_json(study / MANIFEST)
    assert differences(study, manifest) == []
    content = read_json(study / CRATE)
    (entity,) = [each for each in content["@graph"] if each["@id"] == of]
    assert key in entity
    entity[key] = to
    (study / CRATE).write_text(json.dumps(content))
    assert differences(study, manifest) == [f"{CRATE}: {of}: {key} does not follow from the study"]
