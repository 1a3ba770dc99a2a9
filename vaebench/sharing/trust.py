"""Whose code a study's configuration runs: naming a class is running it.

A configuration is a program: ``class: file.Class`` imports the file. A stranger's study may name
only what comes with this package, found by its path in the package and without importing anything.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaebench.errors import ConfigError
from vaebench.study.keys import HOMES, ORDERS

PACKAGES = Path(__file__).parents[2]
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


def refuse_foreign(config: Mapping[str, Any], homes: Mapping[str, str] = HOMES) -> None:
    """Nothing, if every class that the configuration names is this package's.

    Args:
        config: a study's, or the specification of one cell; not yet checked.
        homes: its key → the package that the classes below the key have to be of.

    Raises:
        ConfigError: a class of somebody else's; nothing of it was imported.
    """
    for key, home, path in _classes(config, homes):
        if not _ours(home, path):
            raise ConfigError(
                f"{key}: {path!r} is not a class of vaebench, and to check the study would run it; "
                "allowed without --trust: classes of vaebench alone (with it, those of your own "
                "Python path; nothing of an archive is ever run)"
            )


def _classes(
    value: object, homes: Mapping[str, str], key: str = "", home: str = ORDERS
) -> Iterator[tuple[str, str, object]]:
    """Key, home package and path of every class that is named somewhere in ``value``."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            where = f"{key}.{name}" if key else str(name)
            if name == "class":
                yield where, home, inner
            else:
                below = home if key else homes.get(str(name), home)
                yield from _classes(inner, homes, where, below)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _classes(inner, homes, f"{key}.{number}", home)


def _ours(home: str, path: object) -> bool:
    """Whether ``path`` is a class that a module of this package's ``home`` defines."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return False
    module, _, name = path.removeprefix(f"{home}.").rpartition(".")
    file = PACKAGES.joinpath(*home.split("."), *module.split(".")).with_suffix(".py")
    if not module or not file.is_file():
        return False
    component = getattr(importlib.import_module(f"{home}.{module}"), name, None)
    return str(getattr(component, "__module__", "")).startswith("vaebench.")
