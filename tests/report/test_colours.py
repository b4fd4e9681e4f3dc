"""The twelve category colours as people with a colour vision deficiency see them."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from iceberg.report.palette import THEMES

# Machado, Oliveira and Fernandes (2009), A physiologically-based model for simulation of color vision deficiency, IEEE TVCG 15(6), severity 1.0;
# they act on linear RGB.
MACHADO = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = TO_XYZ.sum(1)
# CIE 1976 distances, judgement: 2.3 is just noticeable (Mahy, Van Eycken and Oosterlinck 1994).
NEIGHBOURS, FIRST_FIVE, ANY_TWO = 20.0, 18.0, 12.0


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    ratios = TO_XYZ @ rgb / WHITE
    f = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def seen(colour: str, deficiency: str | None) -> np.ndarray:
    rgb = linear(colour)
    return lab(rgb if deficiency is None else np.clip(np.array(MACHADO[deficiency]) @ rgb, 0, 1))


def distance(first: str, second: str, deficiency: str | None) -> float:
    return float(np.linalg.norm(seen(first, deficiency) - seen(second, deficiency)))


@pytest.mark.parametrize("deficiency", [None, *MACHADO])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_category_colours_are_told_apart_by_every_eye(theme: str, deficiency: str | None) -> None:
    """Neighbours and the first five stand further apart than any two of the twelve: they meet in nearly every chart."""
    colours = THEMES[theme].categories
    assert min(distance(one, other, deficiency) for one, other in pairwise(colours)) >= NEIGHBOURS
    assert min(distance(one, other, deficiency) for one, other in combinations(colours[:5], 2)) >= FIRST_FIVE
    assert min(distance(one, other, deficiency) for one, other in combinations(colours, 2)) >= ANY_TWO


def test_the_simulation_leaves_grey_grey_and_confuses_what_it_should() -> None:
    """Each row of the matrices sums to one; red and green of equal lightness fall together without the long or middle cone."""
    for deficiency in MACHADO:
        assert distance("#808080", "#808080", deficiency) == pytest.approx(0, abs=1e-9)
        assert np.abs(seen("#808080", deficiency)[1:]).max() < 1
    for deficiency in ("deuteranopia", "protanopia"):
        assert distance("#a06a30", "#6f8a30", deficiency) < 0.5 * distance("#a06a30", "#6f8a30", None)
