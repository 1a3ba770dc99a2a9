"""The keys of a configuration as a JSON schema, for editors that complete and check.

python -m vaebench.study.schema > workflow/schemas/config.schema.json

It says what :mod:`vaebench.study.keys` says, with the settings of training and without the options
of components, which are those of their classes. The check of a study is vaebench's own.
"""

import json
from typing import Any

from vaebench.study.keys import Study
from vaebench.training.settings import Training

COMPONENT = {
    "type": "object",
    "properties": {
        "class": {"type": "string", "description": "file.Class; the other keys are its options"}
    },
    "required": ["class"],
}

CATALOGUES = ("datasets", "models", "strategies", "baselines", "metrics")


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a configuration."""
    found = Study.model_json_schema()
    training = Training.model_json_schema()
    found["$defs"] |= training.pop("$defs", {})
    found["$defs"]["Training"] = training
    for place in (found, found["$defs"]["Block"]):
        place["properties"]["training"] = {"$ref": "#/$defs/Training"}
    for name in CATALOGUES:
        for key in ("additionalProperties", "patternProperties"):
            inner = found["properties"][name].get(key)
            if key == "patternProperties" and inner:
                found["properties"][name][key] = dict.fromkeys(inner, COMPONENT)
            elif isinstance(inner, dict):
                found["properties"][name][key] = COMPONENT
    # a number or a list of numbers is short for a mapping
    found["properties"]["replicates"]["anyOf"] += [
        {"type": "integer"},
        {"type": "array", "items": {"type": "integer"}},
    ]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return head | found | {"title": "A study of vaebench"}


def text() -> str:
    """:func:`schema` as the file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201
