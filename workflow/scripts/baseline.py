"""Fit one baseline and test it."""

import sys

from vaebench.cells.job import of_snakemake

sys.exit(of_snakemake("baseline", snakemake))
