"""Where the workflow lies: beside the package in a checkout, inside of it once installed.

A wheel holds the Snakefile, ``workflow/``, the profiles and the shipped configurations below
``vaebench/product``, put there when the wheel is built (``setup.py``).
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
"""The package's own folder."""

INSIDE = PACKAGE / "product"

INSTALLED = INSIDE.is_dir()
"""Whether this is an installed wheel, which every Python of its environment can import."""

PRODUCT = INSIDE if INSTALLED else PACKAGE.parent
"""The folder of Snakefile, ``workflow/``, ``profiles/`` and ``configs/``."""


def shipped(given: str) -> Path:
    """The file or folder called ``given``: the user's own, or one that comes with vaebench.

    A path that is in neither place is returned as it was given.
    """
    own, ours = Path(given), PRODUCT / given
    return ours if not own.exists() and ours.exists() else own
