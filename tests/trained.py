"""A whole cell in one call: trained, then tested with the metrics that every study has."""

from pathlib import Path
from typing import Any

from vaebench.cells import test, vae
from vaebench.study.keys import SHIPPED


def run(
    spec: dict[str, Any], data: Path, out: Path, *, samples: int = 10, **more: Any
) -> dict[str, Any]:
    """Summary and status of the cell."""
    vae.run(spec, data, out, **more)
    return test.run(out, data, SHIPPED, samples=samples)
