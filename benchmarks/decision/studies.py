"""Is a study worth what is said, and do ranges still cover after a survey of leavers? Simulated companies whose silent churn is known.

    python -m benchmarks.decision.studies [--seeds 1] [--families own] [--surveys 40] [--draws 20000]

Coverage: per company `--surveys` surveys of 200 answers are drawn from the true causes of its silent departures, with errors of reasons drawn from
their prior, and again with reasons right in 60 %; the share of the 90 % ranges that hold the truth, before and after. Each category with silent churn
or complainants counts once per survey; surveys of one company share its estimate, so their coverages are not independent: the spread over companies
is given as well.

Worth: expected value of 200 answers, and of an audit of 200 customers, to a choice between fixes that cost what they bring on average, as
`value_of_study` finds it from 2,000 draws, against the same from `--draws` draws of a fit of its own and 2,000 simulated results: what brute force
over the same likelihood gives. Studies whose worth is below one hundredth of that of certainty are left out. Coverage (`--draws 0`: nothing else) is
written to results/studies.json, worths alone (`--surveys 0`) to results/worths.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reasons.answers import Answers, StatedReasons
from iceberg.model.assumptions import Assumptions
from iceberg.model.decision.fixes import Fix
from iceberg.model.decision.information.answers import weigh_by_answers
from iceberg.model.decision.information.reasons import FORM, answer_shares, simulate_answers
from iceberg.model.decision.information.studies import Preposterior, StudyKind, StudyPlan, stakes_of, value_of_study
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate, LevelDraws
from iceberg.simulation.company import SimulatedCompany, simulate_world
from iceberg.simulation.worlds import FAMILIES, WORLDS

RESULTS = Path(__file__).parent / "results"
ANSWERS, WORTH = 200, 300.0
LOW_RIGHT = 0.6


def judge(family: str, seed: int, surveys: int, many: int) -> dict[str, Any]:
    """One company: coverage before and after surveys, and the worth of two studies by both ways."""
    company = simulate_world(family, seed=seed)
    counts = count_directly(company)
    estimate = estimate_iceberg(counts, seed=seed)
    covered = cover(company, counts, estimate, surveys) if surveys else {}
    return {"family": family, "seed": seed} | covered | (value(counts, estimate, seed, many) if many else {"studies": []})


def cover(company: SimulatedCompany, counts: CohortCounts, estimate: IcebergEstimate, surveys: int) -> dict[str, Any]:
    """Shares of the ranges that hold the truth: before, after, and after with reasons right in 60 %."""
    assert estimate.cells is not None  # an estimate of counts has them
    own = estimate.draws
    drawn = LevelDraws(own.silent_churn, own.natural, own.ratio, estimate.cells.excess, estimate.cells.ratio_prior)
    true = np.array([float(company.truth["categories"][name]["silent_churn"]) for name in counts.categories])
    shares = np.append(true, max(counts.silent_leavers - true.sum(), 0.0))[None] / max(counts.silent_leavers, 1)
    rng = np.random.default_rng([estimate.seed, 7])
    found: dict[str, Any] = {"before": holds(own.silent_churn, true)}
    for name, right in (("after", None), ("after_60", LOW_RIGHT)):
        inside, powers = [], []
        for number in range(surveys):
            errors = FORM.draw(1024, seed=int(rng.integers(2**31)))[rng.integers(1024)]
            errors = errors if right is None else np.array([right, right, errors[2]])
            answers = simulate_answers(ANSWERS, answer_shares(shares, errors), FORM.concentration, rng=rng)[0]
            asked = replace(counts, stated=(stated(answers, counts.categories),))
            weighed = weigh_by_answers(drawn, asked, seed=number)
            inside.append(holds(weighed.draws.silent_churn, true))
            powers.append(next((float(str(one.values["share"])) for one in weighed.remarks if one.code == "answers_tempered"), 1.0))
        found |= {name: float(np.mean(inside)), f"{name}_tempered": float(np.mean(np.array(powers) < 1))}
    return found


def holds(churn: FloatArray, true: FloatArray) -> float:
    """Share of the categories whose 90 % range holds the truth."""
    low, high = np.quantile(churn.sum(axis=(2, 3), dtype=np.float64), [0.05, 0.95], axis=0)
    return float(((np.round(low) <= true) & (true <= np.round(high))).mean())


def stated(answers: np.ndarray, categories: tuple[str, ...]) -> StatedReasons:
    """Answers of leavers of all cells alike."""
    named = tuple(
        Answers(None, name, None, True, int(number)) for name, number in zip((*categories, ""), answers, strict=True) if number
    )
    return StatedReasons("survey", named, asked=int(answers.sum()), reached=int(answers.sum()))


def value(counts: CohortCounts, estimate: IcebergEstimate, seed: int, many: int) -> dict[str, Any]:
    """Worth of two studies from the product's draws and from many more."""
    fixes = [Fix(item.category, max(0.3 * WORTH * item.silent_churn.median / 2, 1.0)) for item in estimate.categories]
    widest = max(estimate.categories, key=lambda item: item.silent_churn.upper - item.silent_churn.lower).category
    reference = estimate_iceberg(counts, seed=seed + 1000, assumptions=Assumptions(draws=many))
    found: dict[str, Any] = {"studies": []}
    for study in (StudyPlan(StudyKind.LEAVER_SURVEY, ANSWERS), StudyPlan(StudyKind.INCIDENT_AUDIT, ANSWERS, widest)):
        if study.number > Preposterior(estimate).largest(study.kind, study.category):
            continue
        own, other = (stakes_of(one, fixes, customer_value=WORTH) for one in (estimate, reference))
        assert own is not None and other is not None  # a customer has a value
        short = value_of_study(estimate, study, stakes=own).worth
        long = Preposterior(reference).value(study, other, simulations=2000).worth
        found["studies"].append({"kind": str(study.kind), "said": short, "reference": long, "certainty": other.certainty})
    return found


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Coverage over companies, and how far the worths are apart."""
    def spread(name: str) -> dict[str, float]:
        values = np.array([row[name] for row in rows])
        return {"mean": round(float(values.mean()), 3), "lowest_company": round(float(values.min()), 3)}

    worths = [one for row in rows for one in row["studies"] if one["reference"] > 0.01 * one["certainty"]]
    coverage = {} if "before" not in rows[0] else {
        "coverage_before": spread("before"),
        "coverage_after": spread("after") | {"tempered": round(float(np.mean([row["after_tempered"] for row in rows])), 3)},
        "coverage_after_right_60": spread("after_60") | {"tempered": round(float(np.mean([row["after_60_tempered"] for row in rows])), 3)},
        "of_companies": [{name: value for name, value in row.items() if name != "studies"} for row in rows],
    }
    return {"companies": len(rows), **coverage, **(compare_worths(worths) if worths else {}), "load_average": round(os.getloadavg()[0], 1)}


def compare_worths(worths: list[dict[str, Any]]) -> dict[str, Any]:
    """How far what is said is from the reference."""
    apart = np.array([abs(one["said"] - one["reference"]) / one["reference"] for one in worths])
    said, reference = (sum(one[name] for one in worths) for name in ("said", "reference"))
    return {
        "worths_compared": len(worths),
        "worth_median_distance": round(float(np.median(apart)), 3),
        "worth_within_20_percent": round(float((apart <= 0.2).mean()), 3),
        "worth_of_all_said_over_reference": round(said / reference, 3),
        "worths": [{name: value if isinstance(value, str) else round(value, 1) for name, value in one.items()} for one in worths],
    }


def main() -> int:
    """Judge the companies one after the other; what is known by then is written after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="own", help="own, all, or names separated by commas")
    parser.add_argument("--seeds", type=int, default=1, help="companies per family")
    parser.add_argument("--surveys", type=int, default=40, help="surveys per company; 0 for the worths alone")
    parser.add_argument("--draws", type=int, default=20_000, help="draws of the reference; 0 for the coverage alone")
    options = parser.parse_args()
    families = {"own": list(FAMILIES), "all": list(WORLDS)}.get(options.families) or options.families.split(",")
    rows: list[dict[str, Any]] = []
    place = RESULTS / ("studies.json" if options.surveys else "worths.json")
    RESULTS.mkdir(exist_ok=True)
    for seed in range(options.seeds):
        for family in families:
            rows.append(judge(family, seed, options.surveys, options.draws))
            place.write_text(json.dumps(summarise(rows), indent=1) + "\n", encoding="utf-8")
            print(json.dumps(rows[-1]), file=sys.stderr)
    print(json.dumps(summarise(rows), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
