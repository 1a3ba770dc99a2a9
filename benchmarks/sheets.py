"""Every figure of a study as its readers see it: in colour, grey, colour-blind.

python benchmarks/sheets.py results/NAME/figures OUT

Writes one PNG a figure, with the five views side by side at the size of print (144 dots an inch).
Matrices: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

VIEWS = {
    "colour": np.eye(3),
    "grey": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""View → matrix of linear RGB."""

WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


BEND, TOE = 0.04045, 0.0031308
"""Below these sRGB is a straight line."""


def linear(colour: np.ndarray) -> np.ndarray:
    """SRGB in [0, 1] → linear RGB."""
    return np.where(colour <= BEND, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    """Linear RGB → sRGB in [0, 1]."""
    light = light.clip(0, 1)
    return np.where(light <= TOE, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def seen(colour: np.ndarray, view: str) -> np.ndarray:
    """Colours (…, 3) in sRGB as they are seen in a view."""
    return encoded(linear(colour) @ VIEWS[view].T)


def lab(colour: np.ndarray) -> np.ndarray:
    """Colours in sRGB (…, 3) → CIE L*a*b* under D65: the distance of two is ΔE*ab (1976)."""
    share = linear(colour) @ TO_XYZ.T / WHITE
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def sheet(figure: Path) -> Image.Image:
    """The five views of a picture side by side."""
    with Image.open(figure) as picture:
        pixels = np.asarray(picture.convert("RGB")) / 255
    parts = [(255 * seen(pixels, view)).round().astype(np.uint8) for view in VIEWS]
    return Image.fromarray(np.concatenate(parts, axis=1))


def main() -> None:
    """Write the sheets of a folder of figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for figure in sorted(given.figures.glob("*.png")):
        sheet(figure).save(given.out / figure.name)
        print(given.out / figure.name)


if __name__ == "__main__":
    main()
