"""The trajectory's picture: well-formed, self-contained, the same bytes, and curves where the numbers are."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from qevo_compiler.report.trajectory import trajectory_svg

SVG = "{http://www.w3.org/2000/svg}"


def picture(exact, lifted, errors, others=None, bound=None, names=None) -> ElementTree.Element:
    names = names or [f"x[{i}]" for i in range(exact.shape[1])]
    content = trajectory_svg("a <b> & c", names, exact, lifted, others or {}, errors, bound)
    assert content == trajectory_svg("a <b> & c", names, exact, lifted, others or {}, errors, bound)
    return ElementTree.fromstring(content)


def curves(root: ElementTree.Element) -> list[np.ndarray]:
    found = [line.get("points", "") for line in root.iter(f"{SVG}polyline")]
    return [np.array([pair.split(",") for pair in points.split()], float).reshape(-1, 2) for points in found]


def test_curves_follow_the_states() -> None:
    exact = np.stack([np.linspace(1, 0, 11), np.linspace(0, 0.5, 11)], axis=1)
    errors = {1: np.r_[0.0, np.full(10, 1e-2)], 2: np.r_[0.0, np.geomspace(1e-6, 1e-3, 10)]}
    root = picture(exact, exact + 1e-3, errors, {"circuit": exact[:3]}, (10, 2e-3))
    lines = curves(root)
    assert len(lines) == 6
    falling, rising = lines[0], lines[2]
    assert (np.diff(falling[:, 1]) > 0).all()
    assert (np.diff(rising[:, 1]) < 0).all()
    assert len(lines[4]) == 10  # a zero error has no logarithm
    assert len(list(root.iter(f"{SVG}circle"))) == 6
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"a <b> & c", "order 2", "proved at step 10", "circles: circuit"} <= set(texts)


def test_nothing_is_fetched() -> None:
    exact = np.linspace(0, 1, 4)[:, None]
    content = trajectory_svg("p", ["x"], exact, exact, {}, {1: np.full(4, 1e-3)}, None).decode()
    assert content.replace("http://www.w3.org/2000/svg", "").count("http") == 0
    assert "<script" not in content


@pytest.mark.parametrize("wild", [1e30, np.inf, np.nan])
def test_what_diverges_does_not_squeeze_the_optimizer(wild: float) -> None:
    exact = np.linspace(0, 1, 6)[:, None]
    lifted = exact.copy()
    lifted[3:] = wild
    root = picture(exact, lifted, {1: np.abs(lifted - exact)[:, 0]})
    own = curves(root)[0]
    assert np.ptp(own[:, 1]) > 50
    assert all(np.isfinite(line).all() for line in curves(root))


def test_exact_lifts_and_many_coordinates_are_drawn() -> None:
    exact = np.tile(np.linspace(0, 1, 3)[:, None], (1, 9))
    root = picture(exact, exact, {1: np.zeros(3)})
    assert "3 more not drawn" in [text.text for text in root.iter(f"{SVG}text")]
    still = np.full((4, 1), 0.25)
    assert len(curves(picture(still, still, {1: np.zeros(4)}))) == 3
