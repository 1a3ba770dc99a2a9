"""Train one cell, or one trial of the tuning stage."""

import sys

from vaebench.cells.job import of_snakemake

sys.exit(of_snakemake("train", snakemake))
