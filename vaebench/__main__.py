"""``python -m vaebench COMMAND …`` is ``vaebench COMMAND …``: see :mod:`vaebench.command`."""

import sys

from vaebench.command import COMMANDS, main

__all__ = ["COMMANDS", "main"]

if __name__ == "__main__":
    main(sys.argv[1:])
