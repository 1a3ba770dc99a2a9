"""Config files as they are written: each key once, no value that readers read differently.

Snakemake reads config files as YAML 1.1, where ``yes`` is true, ``010`` is 8, ``1:30`` is 90,
``1e-3`` is a text, and the last of two equal keys wins. YAML 1.2 (core schema,
https://yaml.org/spec/1.2.2) disagrees. Nobody should have to know who reads a value;
such a value is refused.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from vaebench.errors import ConfigError

CORE: tuple[tuple[str, str], ...] = (
    (r"~|null|Null|NULL|", "null"),
    (r"true|True|TRUE|false|False|FALSE", "bool"),
    (r"[-+]?(0|[1-9][0-9]*)", "int"),
    (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "other int"),
    (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "float",
    ),
)
"""What a word without quotes is in YAML 1.2; ``other int``: 1.1 may read another number."""


def read(path: Path) -> dict[str, Any]:
    """The keys and values of a config file, YAML or JSON.

    Raises:
        ConfigError: it cannot be read, or :func:`check` finds something.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check(text, str(path))
        config = yaml.safe_load(text) if _json(text, str(path)) is None else json.loads(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: this is no study; allowed: a YAML file with keys and values")
    return config


def merged(paths: Iterable[Path]) -> dict[str, Any]:
    """Config files as one, as ``snakemake --configfile A.yaml B.yaml`` has them: a later file wins.

    Sections are merged key by key; anything else, a list too, is replaced.

    Raises:
        ConfigError: see :func:`read`.
    """
    found: dict[str, Any] = {}
    for path in paths:
        found = _over(found, read(path))
    return found


def _over(first: Any, later: Any) -> Any:  # noqa: ANN401 (what stands in a config)
    if not isinstance(later, dict):
        return later
    known = first if isinstance(first, dict) else {}
    return known | {key: _over(known.get(key), value) for key, value in later.items()}


def check(paths: Iterable[str | Path]) -> None:
    """Refuse config files that say two things.

    Raises:
        ConfigError: a key that stands twice, or a value that YAML 1.1 and 1.2 read differently.
    """
    for path in paths:
        try:
            _check(Path(path).read_text(encoding="utf-8"), str(path))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def _check(text: str, name: str) -> None:
    if _json(text, name) is not None:
        return
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is not None:
            for key, finding, line in _findings(root, loader, (), set()):
                where = f"{name}, line {line + 1}: {'.'.join(key) or 'the file'}"
                raise ConfigError(f"{where}: {finding}")
    finally:
        loader.dispose()


def _json(text: str, name: str) -> Any:  # noqa: ANN401
    """The content of a JSON file, which Snakemake tries first; None if it is none."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ConfigError(f"{name}: {key}: the key is written twice; allowed: once")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except ValueError:
        return None


Finding = tuple[tuple[str, ...], str, int]
"""A key, what is wrong there, and the line."""


def _findings(
    node: yaml.Node, loader: yaml.SafeLoader, key: tuple[str, ...], visited: set[yaml.Node]
) -> Iterator[Finding]:
    if node in visited:  # an alias
        return
    visited.add(node)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            word = str(name.value)
            here = (*key, word)
            if isinstance(name, yaml.ScalarNode) and word != "<<":
                if word in seen:
                    first = f"the key is already in line {seen[word]}; allowed: once"
                    yield here, first, name.start_mark.line
                seen[word] = name.start_mark.line + 1
                yield from _findings(name, loader, key, visited)
            yield from _findings(value, loader, here, visited)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _findings(value, loader, (*key, str(number)), visited)
    elif isinstance(node, yaml.ScalarNode) and node.style is None:
        finding = _two_meanings(node, loader)
        if finding:
            yield key, finding, node.start_mark.line


def _two_meanings(node: yaml.ScalarNode, loader: yaml.SafeLoader) -> str | None:
    """What is wrong with a word without quotes."""
    kind, ours = _core(node.value), node.tag.rpartition(":")[2]
    if kind == ours:
        return None
    meant = "a date" if ours == "timestamp" else _said(loader.construct_object(node))
    allowed = "true, false, a decimal number without leading zeros"
    if kind == "float":
        allowed = yaml.safe_dump(float(node.value)).split()[0]
    return (
        f"{node.value} is {meant} to some readers of YAML and not to others; allowed: {allowed}, "
        f"or '{node.value}' in quotes for a text"
    )


def _said(value: object) -> str:
    return "a text" if isinstance(value, str) else str(value).lower()


def _core(word: str) -> str:
    """The kind of a word without quotes by YAML 1.2's core schema."""
    return next((kind for pattern, kind in CORE if re.fullmatch(pattern, word)), "str")
