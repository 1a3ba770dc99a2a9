"""``ro-crate-metadata.json`` of an archive: what is in it, for programs that never met vaebench.

RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), written by the library ``rocrate``: the files and
folders of the study, the data sets with their licences, sources and works, the software with its
versions, the works of all components, and the run that made the one from the other. Cells and code
are described as folders; the manifest has the digest of every file. The same manifest and cards
give the same bytes.
"""

import json
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaebench.cells.folder import SplitFolder
from vaebench.files import read_json
from vaebench.sharing.citations import LIBRARIES, SOFTWARE, Used, Work, bibliography, citation, used
from vaebench.study.saved import Saved

CRATE = "ro-crate-metadata.json"
VERSION = "1.1"

FOLDERS = {
    "cells": "The cells: configuration, trace, weights, test values and summary of each training.",
    "tuning": "The trials of the tuning stage and what it chose.",
    "images": "What was measured of VAEs of pictures, and figures of it.",
    "logs": "The logs of cells without a result.",
    "code": "The source code that made the study, as it was when the study was packed.",
    "data": "The cards of the data sets: source, checksum, licence, protocol, counts. No raw data.",
    "tables": "The tables of the report, as CSV, Markdown and LaTeX.",
    "figures": "The figures of the report, as PDF and PNG.",
    "paper": "The skeleton of a paper, with its numbers.",
}
"""Folder of a study → what is in it."""

FILES = {
    "study.json": "The configuration of the study.",
    "report.html": "The report: the question, the answer, tables, figures.",
    "verdict.txt": "How the study ended, in a few sentences.",
    "seal.json": "The SHA-256 of every document and of the seals of cells.",
    "opened.json": "The registration, and when the test part was opened.",
    "MANIFEST.json": "The SHA-256 of every file of this archive, and where it was packed.",
}
"""File at the top of an archive → what it is."""

LISTED = ("tables", "figures", "paper", "data")
"""Folders whose files are described one by one."""

RIGHTS = (
    "Not stated for the results as a whole. The source code of vaebench has the licence MIT; raw "
    "data are not included, and each data set has the licence that is said with it."
)


def metadata(folder: Path, manifest: Mapping[str, Any]) -> bytes:
    """The content of ``ro-crate-metadata.json``.

    Args:
        folder: the study.
        manifest: of its archive, with ``files`` but for the metadata themselves.

    Raises:
        DataError: a file of the study cannot be read.
    """
    from rocrate.model import ContextEntity, Dataset, File  # noqa: PLC0415 (of archives alone)
    from rocrate.rocrate import ROCrate  # noqa: PLC0415

    study = Saved(folder)
    goes_back = used(study.plan)
    crate = ROCrate(gen_preview=False, version=VERSION)
    for path, said in _parts(folder, manifest["files"]):
        kind = Dataset if path.endswith("/") else File
        crate.add(kind(crate, dest_path=path, properties=said))
    entities = dict(_entities(study, manifest, goes_back))
    for name, said in entities.items():
        crate.add(ContextEntity(crate, name, properties=said))
    root = crate.root_dataset
    about = _root(study, goes_back)
    for key, value in about.items():
        root[key] = value
    root["mentions"] = _ids(name for name, each in entities.items() if _mentioned(each))
    return (json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=True) + "\n").encode()


def differences(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """What of an archive's metadata does not follow from its manifest and its cards.

    What another version of vaebench says of itself and of works is not compared.

    Raises:
        DataError: a file of the study cannot be read.
    """
    theirs = _by_id(read_json(folder / CRATE))
    files = {name: digest for name, digest in manifest["files"].items() if name != CRATE}
    made = json.loads(metadata(folder, {**manifest, "files": files}))
    free = {"#vaebench", *_free(made), *_free(read_json(folder / CRATE))}
    ours = _by_id(made)
    found = []
    for name in sorted(set(ours) | set(theirs)):
        one, two = (_compared(each.get(name), free) for each in (ours, theirs))
        if name not in free and one != two:
            keys = sorted(k for k in {*one, *two} if one.get(k) != two.get(k))
            found.append(f"{CRATE}: {name}: {', '.join(keys)} does not follow from the study")
    return found


def _by_id(content: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 (JSON)
    return {str(entity["@id"]): entity for entity in content["@graph"]}


def _free(content: Any) -> Iterator[str]:  # noqa: ANN401 (JSON)
    """Works and people: what our version of vaebench says of them may be another."""
    kinds = ("ScholarlyArticle", "Person", "Organization")
    yield from (str(e["@id"]) for e in content["@graph"] if e.get("@type") in kinds)


def _compared(entity: Mapping[str, Any] | None, free: set[str]) -> dict[str, Any]:
    return {
        key: _without(value, free) for key, value in (entity or {}).items() if key != "conformsTo"
    }


def _without(value: Any, free: set[str]) -> Any:  # noqa: ANN401 (JSON)
    """A property without what it says of works and people."""
    if isinstance(value, list):
        return [each for each in value if _without(each, free) is not None]
    if isinstance(value, dict) and value.get("@id") in free:
        return None
    return value


def _parts(folder: Path, files: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Files and folders of the archive, and what they are."""
    names = sorted({*files, "MANIFEST.json"})
    for top, words in FOLDERS.items():
        if any(name.startswith(f"{top}/") for name in names):
            yield f"{top}/", {"name": top, "description": words}
    for name in names:
        top, _, rest = name.partition("/")
        if rest and top not in LISTED:
            continue
        words = FILES.get(name, FOLDERS.get(top, ""))
        said = {"name": name, "description": words if not rest else f"One of {top}: {rest}."}
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        said |= {"encodingFormat": kind}
        if name != "MANIFEST.json":
            said |= {"contentSize": str((folder / name).stat().st_size)}
        yield name, said


def _root(study: Saved, goes_back: Used) -> dict[str, Any]:
    plan = study.plan
    sets = ", ".join(dict.fromkeys(block.dataset for block in plan.study.grid))
    strategies = ", ".join(plan.study.strategies)
    return {
        "name": f"vaebench study {study.folder.name}",
        "description": "A comparison of ways to set the weight β of the KL term of variational "
        f"autoencoders. Data: {sets}. Strategies: {strategies}. Control: {plan.study.control}.",
        "datePublished": _last(study),
        "license": {"@id": "#licence"},
        "author": _ids(name for name, _ in _people()),
        "publisher": _ids(name for name, _ in _people()),
        "keywords": ", ".join(citation().get("keywords", [])),
        "citation": _ids(_id(goes_back.works[key]) for key in sorted(goes_back.works)),
    }


def _last(study: Saved) -> str:
    """The day of the last training or test, of the files alone."""
    times = [0.0]
    for path in sorted(study.folder.glob("cells/*/*/*/*/summary.json")):
        summary = read_json(path)
        times += [summary.get(key) or 0.0 for key in ("started_at", "test_started_at")]
    return datetime.fromtimestamp(max(times), UTC).date().isoformat()


def _entities(
    study: Saved, manifest: Mapping[str, Any], goes_back: Used
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is no file: rights, people, data sets, software, works, the run."""
    yield "#licence", {"@type": "CreativeWork", "name": "Rights", "description": RIGHTS}
    mit = "https://spdx.org/licenses/MIT"
    yield mit, {"@type": "CreativeWork", "name": "MIT License"}
    yield from _people()
    about = citation()
    software = {"@type": "SoftwareApplication", "name": SOFTWARE, "description": about["title"]}
    software |= {"version": manifest["versions"].get(SOFTWARE, "unknown"), "license": {"@id": mit}}
    software |= {"author": _ids(name for name, _ in _people())}
    software |= {"identifier": str(manifest.get("commit"))}
    yield f"#{SOFTWARE}", software
    for name, version in sorted(manifest["versions"].items()):
        if name != SOFTWARE:
            cites = {"citation": {"@id": _id(_work(LIBRARIES[name]))}} if name in LIBRARIES else {}
            tool = {"@type": "SoftwareApplication", "name": name, "version": str(version)}
            yield f"#{name}", tool | cites
    sets = dict(_datasets(study, goes_back))
    yield from sets.items()
    tools = [f"#{name}" for name in sorted(manifest["versions"]) if name != SOFTWARE]
    yield (
        "#run",
        {
            "@type": "CreateAction",
            "name": f"Run of the study {study.folder.name}",
            "instrument": _ids((f"#{SOFTWARE}", *tools)),
            "object": _ids(("study.json", *(name for name in sets if name.startswith("#data-")))),
            "result": _ids(("report.html", "cells/", "tables/", "figures/")),
            "endTime": _last(study),
        },
    )
    for key in sorted(set(goes_back.works) - {SOFTWARE}):
        yield _id(goes_back.works[key]), _described(goes_back.works[key])


def _datasets(study: Saved, goes_back: Used) -> Iterator[tuple[str, dict[str, Any]]]:
    """The data sets, each with its licence, its source and its works."""
    cards = {SplitFolder.parse(path).dataset: path for path in reversed(study.cards())}
    for name, path in sorted(cards.items()):
        card = read_json(path)
        source = card["source"] or {}
        said: dict[str, Any] = {
            "@type": "CreativeWork",
            "additionalType": "https://schema.org/Dataset",
            "name": f"Data set {name}",
            "license": {"@id": f"#licence-{name}"},
            "subjectOf": {"@id": str(path.relative_to(study.folder))},
        }
        if card.get("cite"):
            said["description"] = f"To be cited as: {card['cite']}"
        if source.get("name"):
            said["alternateName"] = source["name"]
        if source.get("sha256"):
            said["identifier"] = f"sha256:{source['sha256']}"
        if source.get("url"):
            said["url"] = source["url"]
        named = [
            keys for what, keys in goes_back.keys.items() if what.startswith(f"data set {name} ")
        ]
        works = [goes_back.works[key] for keys in named for key in keys if key != SOFTWARE]
        if works:
            said["citation"] = _ids(map(_id, works))
        yield f"#data-{name}", said
        licence = {"@type": "CreativeWork", "name": f"Licence of {name}"}
        yield f"#licence-{name}", licence | {"description": str(card["licence"])}


def _people() -> Iterator[tuple[str, dict[str, Any]]]:
    """The authors of ``CITATION.cff``."""
    for place, each in enumerate(citation()["authors"], 1):
        if "name" in each:
            yield f"#author-{place}", {"@type": "Organization", "name": each["name"]}
        else:
            name = f"{each['given-names']} {each['family-names']}"
            yield each.get("orcid", f"#author-{place}"), {"@type": "Person", "name": name}


def _work(key: str) -> Work:
    return bibliography()[key]


def _id(work: Work) -> str:
    return work.address or (f"#{SOFTWARE}" if work.key == SOFTWARE else f"#work-{work.key}")


def _described(work: Work) -> dict[str, Any]:
    """A work for the metadata."""
    return {"@type": "ScholarlyArticle", "name": work.title, "description": work.plain}


def _ids(names: Iterable[str]) -> Any:  # noqa: ANN401 (JSON-LD)
    """References to entities; one alone stands without a list."""
    found = [{"@id": name} for name in names]
    return found[0] if len(found) == 1 else found


def _mentioned(entity: Mapping[str, Any]) -> bool:
    return entity["@type"] == "CreateAction" or "additionalType" in entity
