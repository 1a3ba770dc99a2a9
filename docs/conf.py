"""How the documentation is built: ``make docs``; every warning is an error."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

project = "vaebench"
author = "the vaebench authors"
copyright = "the vaebench authors"  # noqa: A001 (Sphinx's name)

extensions = [
    "components",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "_ext", "README.md"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository: tests/test_docs.py

autodoc_typehints = "none"  # the reference has tables of options
autodoc_member_order = "bysource"
default_role = "code"

html_theme = "furo"
html_title = "vaebench"
html_show_sphinx = False
