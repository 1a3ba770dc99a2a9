"""One palette keyed by strategy: the same in every figure and in MLflow.

Colours that colour-blind readers tell apart (Okabe & Ito 2008), and a marker and a line each, so
that a figure is legible in grey. More strategies than colours share colours, never a colour and a
marker.
"""

from collections.abc import Sequence

from vaebench.cells.folder import NONE

COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#6B4E16")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
GREY = "#777777"
SHAPES = {
    "o": "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0Z",
    "s": "M-.9,-.9H.9V.9H-.9Z",
    "^": "M0,-1L1,.9H-1Z",
    "D": "M0,-1.2L1,0L0,1.2L-1,0Z",
    "v": "M0,1L1,-.9H-1Z",
    "P": "M-.4,-1H.4V-.4H1V.4H.4V1H-.4V.4H-1V-.4H-.4Z",
    "X": "M-1,-.5L-.5,-1L0,-.5L.5,-1L1,-.5L.5,0L1,.5L.5,1L0,.5L-.5,1L-1,.5L-.5,0Z",
    "*": "M0,-1.2L.27,-.37L1.14,-.37L.44,.14L.71,.97L0,.46L-.71,.97L-.44,.14L-1.14,-.37L-.27,-.37Z",
}
"""Marker → its outline as an SVG path, for charts in a page."""

Line = str | tuple[int, tuple[int, ...]]

DASHES: dict[Line, list[float]] = {
    "-": [],
    "--": [5.5, 2.4],
    "-.": [9.6, 2.4, 1.5, 2.4],
    ":": [1.5, 2.5],
} | {line: [1.5 * length for length in line[1]] for line in LINES if isinstance(line, tuple)}
"""Line → lengths of its dashes and gaps in pixels, for charts in a page; they are 1.5 wide."""


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
