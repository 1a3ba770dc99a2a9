"""The variants of a contract: what the contract tests walk."""

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def variants(package: ModuleType, contract: type[T]) -> list[type[T]]:
    """Every class of a contract that a file of its package defines."""
    found = []
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for _, value in inspect.getmembers(module, inspect.isclass):
            if issubclass(value, contract) and value.__module__ == module.__name__:
                found.append(value)
    return found
