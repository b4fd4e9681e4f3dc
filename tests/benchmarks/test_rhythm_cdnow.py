"""BG/NBD by hand and from its own customers, and how equal numbers of calls are counted."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rhythm.bgnbd import BgNbd
from benchmarks.rhythm.cdnow import among_first, read_purchases, summarise


def test_alive_by_hand() -> None:
    """One repeat after a week, judged after three: odds of being lost 1 / (2 + 1 - 1) x ((1 + 3) / (1 + 1))^2 = 2, so alive in 1 of 3."""
    model = BgNbd(r=1, alpha=1, a=1, b=2)
    assert model.alive(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([3.0, 3.0])) == pytest.approx([1 / 3, 1])


def test_alive_of_the_example_of_its_authors() -> None:
    """Two repeats, the last in week 30.43 of 38.86, with the parameters of their CDNOW sample: 0.793 / 3.426 x (43.274 / 34.844)^2.243 = 0.3763."""
    model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    assert model.alive(np.array([2.0]), np.array([30.43]), np.array([38.86])) == pytest.approx(1 / 1.3763, abs=1e-4)


def test_likelihood_by_hand() -> None:
    """Rate from Exp(1), loss from U(0, 1): nothing in three weeks 1 / 4; one repeat after a week, then nothing, 1 / 2 x 1 / 16 + 1 / 2 x 1 / 4."""
    model = BgNbd(r=1, alpha=1, a=1, b=1)
    logs = model.log_likelihood(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([3.0, 3.0]))
    assert np.exp(logs) == pytest.approx([1 / 4, 5 / 32])


def test_parameters_of_simulated_customers_are_found() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for rate, loss in zip(rng.gamma(0.8, 1 / 6, 6_000), rng.beta(1, 2.5, 6_000), strict=True):
        now, last, repeats = rng.exponential(1 / rate), 0.0, 0
        while now <= 52:
            last, repeats = now, repeats + 1
            now = now + rng.exponential(1 / rate) if rng.random() >= loss else 99.0
        rows.append((repeats, last, 52.0))
    found = BgNbd.fit(*np.array(rows, dtype=float).T)
    assert (found.r, found.alpha, found.a / (found.a + found.b)) == pytest.approx((0.8, 6, 1 / 3.5), rel=0.15)


def test_those_who_tie_for_the_last_places_count_by_their_average() -> None:
    rank, hit = np.array([5.0, 4, 4, 4, 1]), np.array([True, True, False, False, True])
    assert among_first(rank, hit, 3) == pytest.approx(1 + 2 / 3) and among_first(rank, hit, 4) == 2


def test_purchases_are_read_and_counted(tmp_path: Path) -> None:
    """Two on a day are one; what came after the day of judgement is not known then."""
    file = tmp_path / "purchases.txt"
    file.write_text(
        " customer_id date n\n 00001 19971214 1 9.5\n 00001 19971214 2 9.5\n 00001 19971221 1 5\n 00001 19980105 1 5\n\n", encoding="ascii"
    )
    purchases = read_purchases(file)
    assert purchases["00001"][0] == date(1997, 12, 14) and len(purchases["00001"]) == 3
    assert [float(one[0]) for one in summarise(purchases)] == [1, 1, 2]
