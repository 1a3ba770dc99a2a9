"""A line more in a YAML file: everything else, comments included, stays as it was written.

The text is read as a tree whose nodes know their places; what is new goes behind the last entry of
its mapping or list, in that one's style. The result is read back, and is what it should be.
"""

import copy
from typing import Any

import yaml

from vaebench.errors import ConfigError

Path = tuple[str | int, ...]
"""Keys and numbers that lead to a place: ``("grid", 0, "strategies")``."""


def added(text: str, place: Path, value: Any, key: str | None = None) -> str:  # noqa: ANN401 (JSON)
    """``text`` with ``value`` at the end of the list at ``place``, or under ``key`` of the mapping.

    Raises:
        ConfigError: ``place`` is not there, has the key, or is written in a way that this cannot
            add to.
    """
    wanted = yaml.safe_load(text)
    home = wanted
    for step in place:
        home = home[step]
    if key is None:
        home.append(copy.deepcopy(value))
    elif key in home:
        where = ".".join(map(str, (*place, key)))
        raise ConfigError(f"{where}: is there already; allowed: another name")
    else:
        home[key] = copy.deepcopy(value)
    entry = flow(value) if key is None else f"{key}: {flow(value)}"
    new = _with(text, _node(text, place), entry)
    try:
        found = yaml.safe_load(new)
    except yaml.YAMLError:
        found = None
    if found != wanted:
        where = ".".join(map(str, place)) or "the file"
        raise ConfigError(f"{where}: cannot be added to; allowed: writing it yourself: {entry}")
    return new


def flow(value: Any) -> str:  # noqa: ANN401 (JSON)
    """``value`` in one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _node(text: str, place: Path) -> Any:  # noqa: ANN401 (a node that holds others)
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in place:
        if isinstance(node, yaml.MappingNode):
            node = next(value for name, value in node.value if name.value == step)
        else:
            node = node.value[step]
    return node


def _with(text: str, node: Any, entry: str) -> str:  # noqa: ANN401
    if not node.value:  # [] or {}
        place = int(node.end_mark.index) - 1
        return text[:place] + entry + text[place:]
    last = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    place = _end(last)
    if node.flow_style:
        return f"{text[:place]}, {entry}{text[place:]}"
    line = text.find("\n", place)
    line = len(text) if line < 0 else line  # behind a comment
    dash = "" if isinstance(node, yaml.MappingNode) else "- "
    return f"{text[:line]}\n{' ' * node.start_mark.column}{dash}{entry}{text[line:]}"


def _end(node: Any) -> int:  # noqa: ANN401
    """Where what ``node`` says ends; the mark of a block is behind the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
