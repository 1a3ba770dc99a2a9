"""What a finished stage of a cell depends on, by content: its stamp, kept in its seal.

A stamp has four entries: ``spec``, a digest of what the study asks for; ``code``, of what the
source files say; ``card``, of the split's card; ``found``, of what other jobs found for it. The
first two are known when a study is planned. That of a part of a training has ``until``, the epoch
of its end, which is planned, too. That of a test has a fifth: ``trained``, of the seal of
the training whose weights it measured; in a study that registers something, ``opened`` is when its
test part was opened and with what registration (:mod:`vaebench.cells.opening`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vaebench.cells.folder import SplitFolder
from vaebench.cells.planned import unmoved
from vaebench.files import digest, read_json, write_json
from vaebench.machine.provenance import config_hash

SPLIT = "stamp.json"
"""Beside a split: its stamp. In no card, so that the same data stay the same whoever made them."""


def split(options: Mapping[str, Any], code: str) -> dict[str, str]:
    """The stamp of a split: what the study asks for, and what the source files say."""
    return {"options": config_hash(options), "code": code}


def before_split(card: Path, options: Mapping[str, Any], code: str) -> None:
    """Write the stamp of a split that is about to be made, so that none has that of another.

    Raises:
        DataError: the code was edited since the run planned it.
    """
    unmoved(SplitFolder.parse(card).study, code)
    card.unlink(missing_ok=True)
    write_json(card.with_name(SPLIT), split(options, code))


def planned(
    spec: Mapping[str, Any],
    code: str,
    metrics: Mapping[str, Any] | None = None,
    samples: int | None = None,
    until: int | None = None,
) -> dict[str, Any]:
    """The entries that a plan knows; ``until``: the last epoch of a rung."""
    wanted = {**spec, "metrics": metrics, "samples": samples}
    part = {} if until is None else {"until": until}
    return {"spec": config_hash(wanted), "code": code, **part}


def complete(
    plan: Mapping[str, Any],
    card: Path,
    found: Iterable[Path],
    trained: Path | None = None,
    place: int | None = None,
    *,
    opened: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """With the entries that the files of other jobs give; ``place``: of a trial in a rung."""
    given: dict[str, Any] = {"card": digest(card)}
    given["found"] = [findings(path, place) for path in found]
    given |= {"trained": digest(trained)} if trained else {}
    return {**plan, **given, **({"opened": dict(opened)} if opened else {})}


def findings(path: Path, place: int | None = None) -> str:
    """A digest of what a cell reads of another job: a cell's β, or the chosen options."""
    content = read_json(path)
    if place is not None:
        read = content["places"][place]
    else:
        read = content["beta"] if "beta" in content else content["chosen"]
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()
