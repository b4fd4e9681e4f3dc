"""``python -m benchmarks.rhythm.cdnow CDNOW_master.txt``: of those called lost after 52 weeks of CDNOW, how many bought within the next 26?

The file (Fader and Hardie, brucehardie.com/datasets) has every purchase of 23,570 people whose first one was in the first quarter of 1997. It is not
kept here. The product learns from the 52 weeks to Sunday 28 December 1997 and judges that day; the 26 weeks after it are the outcome. BG/NBD
learns from the same days of all customers. Each of the three calls equally many of the same people: the product's regulars.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.rhythm.bgnbd import BgNbd
from iceberg.arrays import BoolArray, FloatArray
from iceberg.cohort.rhythm.assumptions import BASELINE_WEEKS, COLLAPSE_RATIO, FALSE_ALARMS
from iceberg.cohort.rhythm.breaks.change_point import find_breaks
from iceberg.cohort.rhythm.read import without_inactivity
from iceberg.cohort.rhythm.reduce import Learned
from iceberg.cohort.rhythm.returns import masses_by_age
from iceberg.cohort.rhythm.weeks import ActivityWeeks
from iceberg.ingest.load import load_tables

JUDGED, OUTCOME_WEEKS = date(1997, 12, 28), 26
SETTLED = (0.5, 0.7, 0.8, 0.9)
RESULT = Path(__file__).parent / "results" / "cdnow.md"


@dataclass(frozen=True, eq=False)
class Judged:
    """The product's regulars, one entry each: what each method says, and what came.

    Attributes:
        lasts: The product's `p_lasts` of those whom it calls broken at its default, 0 of the others.
        alive: P(alive) of BG/NBD.
        silent: Days since the last purchase.
        again: Whether the customer bought in the outcome weeks.
        back: Whether on more days per week than `COLLAPSE_RATIO` of the own rhythm before the break.
    """

    lasts: FloatArray
    alive: FloatArray
    silent: FloatArray
    again: BoolArray
    back: BoolArray


def read_purchases(file: Path) -> dict[str, list[date]]:
    """Days of purchase by customer, each day once and in order."""
    days: dict[str, set[date]] = {}
    for line in file.read_text(encoding="ascii").splitlines():
        customer, day = (*line.split(), "", "")[:2]
        if customer.isdigit():  # neither the header nor an empty line
            days.setdefault(customer, set()).add(date(int(day[:4]), int(day[4:6]), int(day[6:])))
    return {customer: sorted(own) for customer, own in days.items()}


def summarise(purchases: dict[str, list[date]]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Repeats, weeks from first to last and weeks from first to `JUDGED`, as `BgNbd` wants them."""
    rows = []
    for days in purchases.values():
        known = [day for day in days if day <= JUDGED]
        rows.append((len(known) - 1, (known[-1] - known[0]).days / 7, (JUDGED - known[0]).days / 7))
    repeats, last, age = np.array(rows, dtype=float).T
    return repeats, last, age


def regulars(purchases: dict[str, list[date]]) -> dict[str, tuple[float, float]]:
    """What `Judged.lasts` holds, and active days per week before the break, of the product's regulars by customer."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "purchases.csv"
        rows = [f"{customer},{day}" for customer, days in purchases.items() for day in days if day <= JUDGED]
        log.write_text("\n".join(["customer_id,activity_date", *rows]) + "\n", encoding="ascii")
        tables, _ = load_tables(None, None, activity=log, mapping=without_inactivity(None))
        with tables, tables.engine.work():
            weeks = ActivityWeeks.read(tables)
            learned = Learned.of(weeks)
            baseline = min(BASELINE_WEEKS, weeks.weeks)
            found = find_breaks(weeks.block(0, weeks.people).until(weeks.weeks, baseline), learned.settings, learned.history.index[-baseline:])
            called = found.probability >= learned.history.threshold(FALSE_ALARMS)[0]
            lasts = np.where(called, learned.lasting.of(masses_by_age(found)), 0)
            names = weeks.ids(found.rows.tolist())
    return {names[row]: (float(one), float(rate)) for row, one, rate in zip(found.rows.tolist(), lasts, found.before, strict=True)}


def judge(purchases: dict[str, list[date]]) -> tuple[Judged, BgNbd]:
    """Let all three judge."""
    counted = summarise(purchases)
    model = BgNbd.fit(*counted)
    alive = dict(zip(purchases, model.alive(*counted).tolist(), strict=True))
    rows = []
    for customer, (lasts, rate) in regulars(purchases).items():
        days = purchases[customer]
        known = [day for day in days if day <= JUDGED]
        later = sum(JUDGED < day <= JUDGED + timedelta(weeks=OUTCOME_WEEKS) for day in days)
        rows.append((lasts, alive[customer], (JUDGED - known[-1]).days, later > 0, later > COLLAPSE_RATIO * rate * OUTCOME_WEEKS))
    lasts, alive_, silent, again, back = np.array(rows, dtype=float).T
    return Judged(lasts, alive_, silent, again > 0, back > 0), model


def among_first(rank: FloatArray, hit: BoolArray, number: int) -> float:
    """How many hits there are among the `number` with the highest rank; of those who tie for the last places, their average."""
    edge = np.sort(rank)[-number]
    above, tied = rank > edge, rank == edge
    return float(hit[above].sum() + (number - above.sum()) * hit[tied].mean())


def report(judged: Judged, model: BgNbd) -> str:
    """The table."""
    lines = [
        f"{len(judged.lasts):,} regulars; {judged.again.sum():,} bought again within {OUTCOME_WEEKS} weeks, {judged.back.sum():,} at more than "
        f"{COLLAPSE_RATIO:.0%} of their rhythm. BG/NBD: r {model.r:.3f}, alpha {model.alpha:.2f}, a {model.a:.3f}, b {model.b:.2f}.",
        "",
        "| called lost from | called | bought again: product | BG/NBD | silence | silent for | back in rhythm: product | BG/NBD | silence |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ranks = (judged.lasts, -judged.alive, judged.silent)
    for limit in SETTLED:
        number = int((judged.lasts >= limit).sum())
        if not number:
            break
        again, back = ([among_first(rank, hit, number) for rank in ranks] for hit in (judged.again, judged.back))
        shown = [[f"{one:.0f} ({one / number:.1%})" for one in group] for group in (again, back)]
        days = f"{np.sort(judged.silent)[-number] / 7:.0f} weeks"
        lines.append("| " + " | ".join([f"{limit}", f"{number:,}", *shown[0], days, *shown[1]]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m benchmarks.rhythm.cdnow CDNOW_master.txt")
    text = report(*judge(read_purchases(Path(sys.argv[1]))))
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
