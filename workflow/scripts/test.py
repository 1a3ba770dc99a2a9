"""Test one trained cell."""

import sys

from vaebench.cells.job import of_snakemake

sys.exit(of_snakemake("test", snakemake))
