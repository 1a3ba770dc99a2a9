"""Which source files does a result depend on, and are they still what they were?

Snakemake does not see edits of imported code. So each rule names the modules it depends on and all
that these import, found by reading the import statements; nothing is run. What counts is what the
code says: comments, docstrings and the names of our own modules are no part of a digest, so that a
comment or a moved file makes no result old.
"""

import ast
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from vaebench.components import module_spec
from vaebench.study.product import INSTALLED

PACKAGE = "vaebench"

PUBLIC = Path(__file__).resolve().parents[1] / "__init__.py"
"""The package's own module, which every result depends on."""


def importable(folder: Path, beside: Iterable[Path] = ()) -> None:
    """Let this process and all that it starts import this package and a user's own modules.

    Args:
        folder: of this package; nothing comes before it, unless it is an installed one, which
            needs no path.
        beside: the folders of the config; they and the working folder come last.
    """
    first, own = (
        [] if INSTALLED else [str(folder)],
        [str(path.resolve()) for path in (*beside, Path())],
    )
    given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([*first, *given, *own]))
    sys.path[:] = dict.fromkeys([*first, *sys.path, *own])


def source_files(*modules: str) -> list[str]:
    """The files of ``modules`` and of every module of theirs and of ours that they import, sorted.

    Theirs: a user's own class may import modules that lie beside it or below its package. What is
    installed (torch, pandas) does not count: the environment has a version for it.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            path = _path(module)
            if path is not None and ours(path):
                found[module] = path
                waiting += _imports(path, module)
                parent = module.rpartition(".")[0]
                waiting += [parent] if parent else []
    return sorted({shown(path) for path in found.values()})


def imported(script: Path) -> list[str]:
    """The modules that a script imports, without what Python itself has."""
    return [name for name in _imports(script, "") if _path(name)]


@cache
def _path(module: str) -> Path | None:
    """The file of a module; None for a name in a module (``from a import b``)."""
    spec = module_spec(module)
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


@cache
def ours(path: Path) -> bool:
    """Whether it is a file of this package, or of a user: not of Python, nor installed."""
    if path.is_relative_to(Path(__file__).parents[1]):
        return True
    return not {"site-packages", "dist-packages"} & set(path.parts) and not path.is_relative_to(
        Path(os.__file__).parent
    )


@cache
def _imports(path: Path, module: str) -> list[str]:
    """The modules that the file of ``module`` imports, as absolute names."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names = []
    for node in ast.walk(ast.parse(content(shown(path)), shown(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = node.module or ""
            if node.level:  # relative: a user's package
                parts = package.split(".")
                base = parts[: len(parts) - node.level + 1]
                home = ".".join([*base, *filter(None, [node.module])])
            names += [home, *(f"{home}.{alias.name}" for alias in node.names)]
    return [name for name in names if name and not _standard(name)]


@cache
def _standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


@cache
def content(path: str) -> bytes:
    """The bytes of a file, read once a process: what a digest is made of, whatever happens then."""
    return Path(path).read_bytes()


@cache
def digest(path: str) -> str:
    """Of what the code in a file says, read once a process.

    Comments and docstrings are left out. So is where our own modules lie: instead of its name an
    imported module of ours has a digest of what it says itself.
    """
    tree = _said(path)
    for node in _our_imports(tree):
        target = _path(node.module or "")
        node.module = _own(target) if target else node.module
    return _hash(ast.dump(tree))


@cache
def _own(path: Path) -> str:
    """As :func:`digest`, whatever the file imports of ours."""
    tree = _said(shown(path))
    for node in _our_imports(tree):
        node.module = PACKAGE
    return _hash(ast.dump(tree))


def _said(path: str) -> ast.Module:
    """The syntax tree without docstrings; comments are in no tree.

    What the package itself offers to users, whom it imports nothing for, says nothing to a result.
    """
    tree = ast.parse(content(path), path)
    if Path(path).resolve() == PUBLIC:
        tree.body = [node for node in tree.body if not _offers(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not _says_nothing(each)] or [ast.Pass()]
    return tree


def _offers(node: ast.stmt) -> bool:
    """``__all__`` and the module's own ``__getattr__``."""
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


def _our_imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
            yield node


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _says_nothing(node: ast.stmt) -> bool:
    """A docstring, of a definition or of a constant; and the number of a release."""
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "__version__" for t in node.targets)
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def code(files: Iterable[str]) -> str:
    """One digest of what all ``files`` say, wherever they lie."""
    return _hash(" ".join(sorted(map(digest, files))))


def shown(path: Path) -> str:
    """Relative to the working directory where possible, so that results can move."""
    path = path.resolve()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
