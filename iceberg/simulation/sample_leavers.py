"""The answers of leavers of a simulated company to a form: why each left is known, and so is how often the form has it wrong.

They are drawn after the company, from random numbers of their own: no other file of the sample depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from iceberg.simulation.company import SimulatedCompany

ASKED = 200  # silent leavers, drawn at random
ANSWER_RATE = 0.3
RIGHT = 0.8  # share of the reasons that are right, of those whom a problem made leave and of those who would have left anyway
STAYED = (7, 11), (0, 4)  # "would you still be a customer?", 0 to 10: whom a problem made leave, and the others


@dataclass(frozen=True, eq=False)
class SimulatedLeavers:
    """A survey of leavers, and what is true of the people it asked.

    Attributes:
        rows: reached, reason ("" for none of the categories), would_have_stayed ("" where nobody answered), told_us; one row per person asked.
        truth: asked, reached, and of those who were reached, by category and under ``none_of_these``, why they left.
    """

    rows: pd.DataFrame
    truth: dict[str, Any]


def simulate_leavers(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedLeavers:
    """A form sent to silent leavers of `company`, which is not changed."""
    kinds = company.truth["categories"]
    names = sorted(kinds)
    lost = np.array([kinds[name]["silent_churn"] for name in names], dtype=float)
    heard = np.array([kinds[name]["vocal_customers"] for name in names], dtype=float)
    silent = float(company.truth["silent_leavers"])
    causes = rng.choice(len(names) + 1, ASKED, p=np.append(lost, silent - lost.sum()) / silent)  # the last: natural
    reached = rng.random(ASKED) < ANSWER_RATE
    said = np.where(rng.random(ASKED) < RIGHT, causes, -1)
    wrong = rng.choice(len(names), ASKED, p=heard / heard.sum())  # a wrong reason is what everybody talks about
    named = np.where(said < 0, wrong, said)
    own = causes < len(names)
    stayed = np.where(own, rng.integers(*STAYED[0], ASKED), rng.integers(*STAYED[1], ASKED))
    words = np.append(names, "none of these")
    rows = pd.DataFrame(
        {
            "reached": np.where(reached, "yes", "no"),
            "reason": np.where(reached, words[named], ""),
            "would_have_stayed": np.where(reached, stayed.astype(str), ""),
            "told_us": np.where(reached, "no", ""),
        }
    )
    counts = np.bincount(causes[reached], minlength=len(names) + 1).tolist()
    truth = {"asked": ASKED, "reached": int(reached.sum()), "left_over": dict(zip((*names, "none_of_these"), counts, strict=True))}
    return SimulatedLeavers(rows, truth)
