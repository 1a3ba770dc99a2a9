"""What a user's module says when it cannot be imported: file, line and error, in one sentence."""

import traceback
from pathlib import Path

from vaebench.study.product import PACKAGE
from vaebench.study.sources import ours


def said_of(error: BaseException) -> str | None:
    """The sentence, if ``error`` was raised while a user's own module was imported; else None.

    The line is the last one of a file of the user's, whatever that line called.
    """
    if isinstance(error, SyntaxError) and error.filename and _own(error.filename):
        return _sentence(error.filename, error.lineno, error.msg, error)
    importing, place = False, None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("<frozen importlib"):
            importing = True
        elif importing and _own(frame.filename):
            place = (frame.filename, frame.lineno)
    return _sentence(*place, str(error), error) if place else None


def _own(file: str) -> bool:
    path = Path(file)
    return path.is_file() and ours(path) and not path.is_relative_to(PACKAGE)


def _sentence(file: str, line: int | None, words: str, error: BaseException) -> str:
    said = " ".join(words.split())
    return (
        f"{file}, line {line}: {type(error).__name__}: {said}; allowed: a module that can be "
        "imported"
    )
