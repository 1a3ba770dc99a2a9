"""One palette keyed by strategy: the same in every figure and in MLflow.

Colours that colour-blind readers tell apart (Okabe & Ito 2008), and a marker and a line each, so
that a figure is legible in grey. More strategies than colours share colours, never a colour and a
marker.
"""

from collections.abc import Sequence

from vaebench.cells.folder import NONE

COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#8A8A00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
GREY = "#777777"
Line = str | tuple[int, tuple[int, ...]]


class Look:
    """Colour, marker and line of every strategy of a study, by its place in the configuration."""

    def __init__(self, strategies: Sequence[str]) -> None:
        self.order = list(strategies)

    def colour(self, strategy: str) -> str:
        """The strategy's colour in every figure; grey for a baseline, which has none."""
        if strategy == NONE:
            return GREY
        return COLOURS[self.order.index(strategy) % len(COLOURS)]

    def marker(self, strategy: str) -> str:
        """The strategy's marker in every figure."""
        return MARKERS[self._shifted(strategy)]

    def line(self, strategy: str) -> Line:
        """The strategy's line style in every figure."""
        return LINES[self._shifted(strategy)]

    @property
    def palette(self) -> dict[str, str]:
        """Strategy → colour, for seaborn."""
        return {strategy: self.colour(strategy) for strategy in self.order}

    def _shifted(self, strategy: str) -> int:
        place = self.order.index(strategy)
        return (place + place // len(COLOURS)) % len(MARKERS)
