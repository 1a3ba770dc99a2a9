"""The outcome of a tuning stage, as a final cell reads it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaebench.errors import Diverged
from vaebench.files import read_json


def merged(
    spec: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Any]:
    """``spec`` with the options of ``settings`` (role → option → value) in their places."""
    return {**spec, **{role: {**spec[role], **each} for role, each in (settings or {}).items()}}


def chosen(spec: Mapping[str, Any], choice: Path | None) -> dict[str, Any]:
    """``spec`` with the options that the tuning stage chose; unchanged where there is no choice.

    Raises:
        Diverged: no trial finished, so there is nothing to run.
    """
    if choice is None:
        return dict(spec)
    found = read_json(choice)
    if found["chosen"] is None:
        raise Diverged(f"none of the {len(found['trials'])} trials of the tuning stage finished")
    return merged(spec, found["chosen"])
