"""The figures of docs/validation.md.

    python benchmarks/validation_figures.py linear docs/figures/linear-vae.png
    python benchmarks/validation_figures.py pythae docs/figures/pythae.png OURS PYTHAE [OURS PYTHAE]

OURS and PYTHAE are ``result.json`` of ``binarized_mnist.py`` and ``independent_vae.py``.
"""

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaebench.plots import use_style

ROOT = Path(__file__).resolve().parents[1]


def linear() -> Figure:
    """Squared length of W and rate per eigen-direction, trained and in closed form."""
    sys.path.insert(0, str(ROOT))
    from tests.test_known_answers import EIGENVALUES, data, optimal  # noqa: PLC0415

    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    grid = np.linspace(0.2, 9.5, 400)
    for beta, colour, marker in ((1.0, "#0072B2", "o"), (2.0, "#D55E00", "s")):
        model = optimal(beta)
        u, lengths, _ = np.linalg.svd(model.decoder.weight.detach().numpy())
        x = data().numpy()
        variances = ((x @ u) ** 2).mean(0)
        theory = {"color": colour, "linewidth": 1}
        left.plot(grid, np.maximum(grid - beta, 0), label=f"β = {beta:g}", **theory)
        left.plot(variances, lengths**2, marker, color=colour, markersize=4)
        right.plot(grid, 0.5 * np.log(np.maximum(grid / beta, 1)), **theory)
        # the posterior's variance in the direction of W's column is β/λ where it is alive
        q = model.encode(data())
        rate = q.rate(model.prior()).mean(0).detach().numpy()
        order = np.argsort(-rate)
        right.plot(sorted(EIGENVALUES, reverse=True), rate[order], marker, color=colour, ms=4)
    left.set(xlabel="eigenvalue λ of the data", ylabel="squared length of W")
    right.set(xlabel="eigenvalue λ of the data", ylabel="rate (nats)")
    left.legend(fontsize=7)
    return figure


def pythae(files: list[Path]) -> Figure:
    """Validation bound against epochs, both implementations."""
    figure = Figure(figsize=(4.4, 2.8), layout="constrained")
    axis = figure.subplots()
    for number, file in enumerate(files):
        result = json.loads(file.read_text(encoding="utf-8"))
        ours = number % 2 == 0
        bounds = [row["validation"] if ours else -row["eval_epoch_loss"] for row in result["curve"]]
        axis.plot(
            range(1, len(bounds) + 1),
            bounds,
            "-" if ours else "--",
            color="#0072B2" if ours else "#D55E00",
            linewidth=1,
            label=("vaebench" if ours else "pythae") if number < 2 else None,  # noqa: PLR2004
        )
    axis.set(xlabel="epochs", ylabel="validation bound (nats)", ylim=(-120, -100))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=7)
    return figure


def main() -> None:
    """Draw one figure."""
    kind, out, *files = sys.argv[1:]
    use_style()
    figure = linear() if kind == "linear" else pythae([Path(file) for file in files])
    figure.savefig(out, dpi=150)


if __name__ == "__main__":
    main()
