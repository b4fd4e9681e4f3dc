"""``python -m benchmarks.rhythm.run``: judges every family and writes results/rhythm.json and results/rhythm.md; a minute and a half on two cores."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.rhythm.families import FAMILIES, MEMBERS, SEEDS
from benchmarks.rhythm.others import OTHERS, OtherLog, make_log
from iceberg.cohort.rhythm.aftermath import Aftermath
from iceberg.cohort.rhythm.assumptions import BASELINE_WEEKS, CUT_WEEKS, FALSE_ALARMS, LEAST_WEEKS, SETTLED, WEEKS_PER_MONTH
from iceberg.cohort.rhythm.breaks.change_point import find_breaks
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock, build_week_index
from iceberg.cohort.rhythm.breaks.fitting import fit_settings
from iceberg.cohort.rhythm.history import History, history_baseline
from iceberg.cohort.rhythm.returns import Lasting, is_settled, masses_by_age
from iceberg.simulation.gym import FADED, NEVER, VisitLog, simulate_visits

RESULTS = Path(__file__).parent / "results"
LOW = 0.45  # of the own rhythm: at or below it, a rhythm is broken
_STILL = 0.5
_FEWEST_IN_DECILE = 200  # over all seeds of a family; of fewer members chance alone makes a gap of a tenth


def block_of(log: VisitLog | OtherLog) -> WeekBlock:
    days = log.weekly.astype(np.uint8)
    first = np.where((days > 0).any(1), (days > 0).argmax(1), days.shape[1]).astype(np.int32)
    return WeekBlock(days, first, np.full(len(days), NEVER, np.int32), np.zeros(len(days), np.int32))


def judge(log: VisitLog | OtherLog) -> dict[str, object]:
    block, width = block_of(log), log.world.weeks
    index = build_week_index(block)
    ends = tuple(end for end in (width, width - 13, width - 26) if end >= history_baseline(width))
    baseline = min(BASELINE_WEEKS, width)
    settings = fit_settings(block, index, baseline=baseline, ends=ends)
    index = settings.week_index
    history = History.judge(block, index, settings)
    threshold, said_rate = history.threshold(FALSE_ALARMS)
    lasting = history.lasting()
    begin = time.process_time()
    found = find_breaks(block.until(width, baseline), settings, index[-baseline:])
    seconds = time.process_time() - begin
    broken, lasts = found.probability, lasting.of(masses_by_age(found))
    rows, called = found.rows, found.probability >= threshold
    week, kind, broke = found.likeliest_week() + width - baseline, log.kind[rows], log.broke[rows]
    seen = called & (kind > 0) & (broke >= width - baseline + 8)
    older = (broke <= width - 8) & (broke >= width - baseline + 8)
    faded = np.stack([found.silent.sum(1), found.faded.sum(1), found.partial.sum(1)]).argmax(0) == 1  # as the product counts kinds
    near = np.abs(week - broke)
    low_now = log.level[rows, -3:].mean(1) <= LOW
    gone = log.lasting[rows, -1] <= LOW
    settled = is_settled(broken, lasts, SETTLED)
    # Who broke before the weeks that are read, or before having a rhythm, has another one in them: of that one something is said.
    own = (kind == 0) | (broke >= np.maximum(width - baseline, block.first[rows] + LEAST_WEEKS))
    low, high = (one + width - baseline for one in found.week_range())
    inside = (low <= broke) & (broke <= high)
    result: dict[str, object] = {
        "regulars": len(rows),
        "threshold": threshold,
        "said_chance_alarms": said_rate,
        **alarms(log, history, threshold, lasting),
        "settled": int(settled.sum()),
        "settled_wrong": int((settled & ~gone).sum()),
        "sudden": [int((near[seen & (kind != FADED)] <= 2).sum()), int((seen & (kind != FADED)).sum())],
        "fades": [int(((near <= 6) | faded)[seen & (kind == FADED)].sum()), int((seen & (kind == FADED)).sum())],
        "range_covers": [int(inside[seen & (kind != FADED)].sum()), int((seen & (kind != FADED)).sum())],
        "found": [int((called & gone & older).sum()), int((gone & older).sum())],
        "said_broken": deciles(broken[own], low_now[own]),
        "said_lasts": deciles(lasts[own], gone[own]),
        "seconds_per_100000": 1e5 * seconds / max(len(rows), 1),
    }
    if isinstance(log, VisitLog) and log.world.incidents:
        result["after"] = after(log, block, found, width - baseline)
    return result


def alarms(log: VisitLog | OtherLog, history: History, threshold: float, lasting: Lasting) -> dict[str, float]:
    """New alarms and new settled calls at each cut, and how many of them concern members who had not broken then."""
    state = history.cuts[0].broken >= threshold
    before = is_settled(history.cuts[0].broken, lasting.of(history.cuts[0].masses), SETTLED)
    months = raised = chance = settled = settled_chance = settled_pause = 0.0
    for cut in history.cuts[1:]:
        new = cut.regular & ~state & (cut.broken >= threshold)
        level = np.minimum(log.level[:, max(cut.end - 3, 0) : cut.end].mean(1), log.level[:, cut.end - 1])
        level = np.where((log.kind == FADED) & (log.broke < cut.end), 0, level)  # a fade under way is no chance
        lasts = is_settled(cut.broken, lasting.of(cut.masses), SETTLED)
        months += (cut.regular & ~state).sum() * CUT_WEEKS / WEEKS_PER_MONTH
        raised, chance = raised + new.sum(), chance + (level[new] > _STILL).sum()
        fresh = lasts & ~before
        settled, settled_chance = settled + fresh.sum(), settled_chance + (level[fresh] > _STILL).sum()
        settled_pause += ((level[fresh] <= _STILL) & (log.lasting[fresh, cut.end - 1] > _STILL)).sum()
        state = (cut.broken >= threshold) | (state & (cut.broken >= _STILL))
        before |= lasts
    per = 1000 / max(months, 1e-9)
    calls = {"alarms": raised, "chance_alarms": chance, "settled_calls": settled, "settled_chance": settled_chance, "settled_pause": settled_pause}
    return {"months": float(months)} | {name: float(value * per) for name, value in calls.items()}


def deciles(said: np.ndarray, true: np.ndarray) -> list[list[float]]:
    """Sums by decile: said, true, number."""
    place = np.minimum((said * 10).astype(int), 9)
    return [[float(said[place == one].sum()), float(true[place == one].sum()), int((place == one).sum())] for one in range(10)]


def after(log: VisitLog, block: WeekBlock, found: object, start: int) -> list[dict[str, object]]:
    """Found and true breaks after incidents of each kind, of regulars who were struck."""
    events = [[], [], []]
    first: dict[tuple[int, int], int] = {}
    for member, day, category, _ in sorted(log.incidents.tolist(), key=lambda row: row[1]):
        if day // 7 >= start:
            first.setdefault((member, category), day // 7)
    for (member, category), week in sorted(first.items()):
        for values, value in zip(events, (member, category, week), strict=True):
            values.append(value)
    columns = dict(zip(("number", "category", "week"), map(np.array, events), strict=True))
    sums = Aftermath((("incidents", "harmful"), ("incidents", "harmless")), columns, start, log.world.weeks - start)
    sums.add(block.until(log.world.weeks, log.world.weeks - start), found, 0)
    weekly = log.weekly
    caused = log.by_incident & (log.broke >= start + 10) & (log.broke <= log.world.weeks - 3)
    true = [sum(bool(caused[one] and weekly[one, start + 1 : log.broke[one]].sum() >= 8) for one in range(len(weekly))), 0]
    return [
        {
            "category": one.category, "struck": one.struck, "observed": one.observed, "expected": one.expected, "true_excess": true[place],
            "ratio": vars(one.ratio), "placebo": vars(one.placebo), "verdict": one.verdict,
        }
        for place, one in enumerate(sums.results())
    ]  # fmt: skip


def gap(parts: list[list[list[float]]]) -> str:
    """The largest distance of said and true over deciles, with what was said and true there; and the members in deciles too small to be judged."""
    said, true, number = np.sum([np.array(part) for part in parts], axis=0).T
    enough = number >= _FEWEST_IN_DECILE
    if not enough.any():
        return "–"
    distance = np.where(enough, np.abs(said - true) / np.maximum(number, 1), 0)
    worst = int(distance.argmax())
    left = int(number[~enough].sum())
    return f"{distance[worst]:.2f} ({said[worst] / number[worst]:.2f}: {true[worst] / number[worst]:.2f})" + (f", {left} not judged" if left else "")


def judge_one(task: tuple[str, int]) -> dict[str, object]:
    family, seed = task
    return judge(make_log(family, seed) if family in OTHERS else simulate_visits(FAMILIES[family], seed=seed))


def main() -> None:
    for name, families in (("rhythm", tuple(FAMILIES)), ("others", tuple(OTHERS))):
        tasks = [(family, seed) for family in families for seed in SEEDS]
        results: dict[str, list[dict]] = {family: [] for family in families}
        with ProcessPoolExecutor() as pool:
            for (family, seed), found in zip(tasks, pool.map(judge_one, tasks), strict=True):
                results[family].append(found)
                print(family, seed, flush=True)
        rows = ",\n".join(f'"{family}": [\n' + ",\n".join(json.dumps(run, default=float) for run in runs) + "\n]" for family, runs in results.items())
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text("{\n" + rows + "\n}\n", encoding="utf-8")
        (RESULTS / f"{name}.md").write_text(report(results), encoding="utf-8")


def report(results: dict[str, list[dict]]) -> str:
    """The table, and what it holds over all families."""
    head = (
        "family", "regulars", "chance alarms", "settled by chance", "settled in a pause", "settled, wrong", "week within 2", "range covers", "fades",
        "found", "lasts: largest gap", "broken: largest gap", "s per 100,000",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, runs in results.items():
        def mean(key: str, runs: list[dict] = runs) -> float:
            return float(np.mean([run[key] for run in runs]))

        def part(key: str, runs: list[dict] = runs) -> str:
            good, all_ = (sum(run[key][place] for run in runs) for place in (0, 1))
            return f"{good / all_:.2f} of {all_}" if all_ else "–"

        settled, wrong = (sum(run[key] for run in runs) for key in ("settled", "settled_wrong"))
        gaps = [gap([run[key] for run in runs]) for key in ("said_lasts", "said_broken")]
        cells = [
            name, f"{mean('regulars'):,.0f}", *(f"{mean(key):.2f}" for key in ("chance_alarms", "settled_chance", "settled_pause")),
            f"{wrong} of {settled}",
            part("sudden"), part("range_covers"), part("fades"), part("found"), *gaps, f"{mean('seconds_per_100000'):.1f}",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    every = [run for runs in results.values() for run in runs]
    twice = " (twice as many with incidents)" if "incidents" in results else ""
    lines += ["", f"{len(results)} families, {len(SEEDS)} seeds each, {MEMBERS:,} members{twice}."]
    for key, says in (("said_lasts", "lasts"), ("said_broken", "is broken")):
        sums = np.sum([np.array(run[key]) for run in every], axis=0)
        pairs = [f"{said / n:.2f}: {true / n:.2f}" for said, true, n in sums.tolist() if n >= 20]
        lines += ["", f"Said that a break {says}, and true, by decile over all families: " + "; ".join(pairs) + "."]
    if "incidents" in results:
        lines += ["", *after_incidents(results["incidents"])]
    return "\n".join(lines) + "\n"


def after_incidents(runs: list[dict]) -> list[str]:
    """What was found after incidents of either kind over all logs, and in the weeks before them."""
    head = ("incident", "found beyond what was due", "caused in truth", "ratio, median", "weeks before, median", "its range holds 1", "verdicts")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for place, category in enumerate(one["category"] for one in runs[0]["after"]):
        found = [run["after"][place] for run in runs]
        holds = sum(one["placebo"]["lower"] <= 1 <= one["placebo"]["upper"] for one in found)
        verdicts = Counter(str(one["verdict"]) for one in found)
        cells = (
            category, f"{sum(one['observed'] - one['expected'] for one in found):,.0f}", f"{sum(one['true_excess'] for one in found):,}",
            *(f"{np.median([one[key]['median'] for one in found]):.1f}" for key in ("ratio", "placebo")), f"{holds} of {len(found)}",
            ", ".join(f"{verdict} {number}" for verdict, number in verdicts.most_common()),
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
