"""The editable table of assumptions per category: priors to a frame for the editor, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions, CategoryPrior, Pert
from iceberg.model.priors import CAPTURE_PRESETS, FAMILIES, category_prior

ENDS = ("low", "mode", "high")
SHARES = ("p", "q", "c")


def priors_frame(categories: Sequence[str], priors: Mapping[str, CategoryPrior], words: Translator) -> pd.DataFrame:
    """One row per category: family, the three ends of p, q and c, grade and source of p."""
    rows = []
    for category in categories:
        prior = priors.get(category) or category_prior(category, assumptions=Assumptions())
        shares = {f"{name}_{end}": getattr(getattr(prior, name), end) for name in SHARES for end in ENDS}
        rows.append(
            {
                "category": category,
                "family": family_name(prior.family, words),
                **shares,
                "grade": prior.p_grade,
                "source": prior.source,
            }
        )
    columns = ["category", "family", *(f"{name}_{end}" for name in SHARES for end in ENDS), "grade", "source"]
    return pd.DataFrame(rows, columns=columns)


def priors_from_frame(frame: pd.DataFrame, before: Mapping[str, CategoryPrior], words: Translator) -> dict[str, CategoryPrior]:
    """The priors as edited. Choosing another family brings that family's published values.

    Raises:
        OptionError: Where a lowest, likely and highest value are out of order.
    """
    families = {family_name(key, words): key for key in FAMILIES}
    edited = {}
    for row in frame.to_dict("records"):
        category = str(row["category"])
        prior = before.get(category) or category_prior(category, assumptions=Assumptions())
        family = families.get(str(row["family"]), prior.family)
        if family != prior.family:
            edited[category] = replace(FAMILIES[family], c=prior.c)
            continue
        p, q, c = (Pert(*(float(row[f"{name}_{end}"]) for end in ENDS)) for name in SHARES)
        edited[category] = replace(prior, p=p, q=q, c=c)
    return edited


def with_capture(priors: Mapping[str, CategoryPrior], preset: str) -> dict[str, CategoryPrior]:
    """The same priors for a file that captures another share of the complaints."""
    return {name: replace(prior, c=CAPTURE_PRESETS[preset]) for name, prior in priors.items()}


def published_priors(categories: Sequence[str]) -> dict[str, CategoryPrior]:
    """The published priors of each category, by the family its name suggests."""
    return {category: category_prior(category, assumptions=Assumptions()) for category in categories}


def family_name(key: str, words: Translator) -> str:
    """A family in the reader's language."""
    return words.text(f"evidence.families.{key}")


def capture_name(key: str, words: Translator) -> str:
    """A preset of the share of complaints that a file captures, in the reader's language."""
    return words.text(f"evidence.captures.{key}")
