"""Which source files does a result stand on?

Snakemake does not see edits of imported code. So each rule lists as inputs the modules it names and
all that these import, found by reading the import statements; nothing is run.
"""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

from vaebench.components import module_spec

PACKAGE = "vaebench"


def importable_by_jobs(folder: str) -> None:
    """Let every process that this one starts import from ``folder``: this package, a user's own."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, *paths]))


def source_files(*modules: str) -> list[str]:
    """The files of ``modules`` and of every module of this package that they import, sorted."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            path = _path(module)
            if path is not None:
                found[module] = path
                waiting += _imports(path)
                parent = module.rpartition(".")[0]
                waiting += [parent] if parent else []
    return sorted({shown(path) for path in found.values()})


@cache
def _path(module: str) -> Path | None:
    """The file of a module; None for a name in a module (``from a import b``)."""
    spec = module_spec(module)
    return Path(spec.origin) if spec and spec.origin else None


@cache
def _imports(path: Path) -> list[str]:
    """The modules of this package that the file imports, as written."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == PACKAGE]


@cache
def digest(path: str) -> str:
    """Of a file's content, read once a process."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def shown(path: Path) -> str:
    """Relative to the working directory where possible, so that results can move."""
    path = path.resolve()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
