"""The schema for editors is that of the keys, accepts what is shipped and refuses what is not."""

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from vaebench.study import schema
from vaebench.study.written import merged

ROOT = Path(__file__).parents[2]
FILE = ROOT / "workflow/schemas/config.schema.json"
SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "configs").rglob("*.yaml"))]


def test_the_file_is_the_models() -> None:
    """``python -m vaebench.study.schema > workflow/schemas/config.schema.json``."""
    assert FILE.read_text(encoding="utf-8") == schema.text()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    """A part of a study together with the others that its command names."""
    command = re.search(r"--configfile((?: \S+\.yaml){2,})", path.read_text("utf-8"))
    named = [ROOT / name for name in command[1].split()] if command else [path]
    files = [name for name in named if not name.name.startswith("chosen-on-")]  # a study makes it
    assert path in files
    jsonschema.validate(merged(files), schema.schema())


def edited(study: dict[str, Any], *place: str | int, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(study)
    home: Any = found
    for step in place[:-1]:
        home = home[step]
    home[place[-1]] = value
    return found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("seed",), 5),
        (("training", "epoch"), 5),
        (("training", "epochs"), 0),
        (("grid", 0, "training"), {"learning_rates": 1}),
        (("grid", 0, "strategy"), "constant"),
        (("strategies", "constant"), {"beta": 1}),
        (("seeds",), "5"),
    ],
)
def test_a_wrong_key_or_value_is_refused(place: tuple[str | int, ...], value: object) -> None:
    study = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(edited(study, *place, value=value), schema.schema())
