"""How a command of this room ends: one sentence for an error, quiet for a closed pipe."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vaebench.errors import VaebenchError


@contextmanager
def command() -> Iterator[None]:
    """An input's error ends the process with its sentence and status 1."""
    try:
        yield
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")


def say(sentences: Iterable[str]) -> None:
    """Print the ``sentences``; where nobody reads on (``… | head``) that is no error."""
    try:
        print(*sentences, sep="\n", flush=True)  # noqa: T201
    except BrokenPipeError:
        # nothing is left to be written at the end of the interpreter either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
