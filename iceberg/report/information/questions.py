"""The three questions to silent leavers, ready to send: each answers one unknown, and the categories come in another order each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iceberg.locale import Translator, visible

VERSIONS = 6
ANSWER_COLUMNS = ("customer_id", "reached", "reason", "would_have_stayed", "told_us")


def category_orders(categories: Sequence[str], *, seed: int, versions: int = VERSIONS) -> tuple[tuple[str, ...], ...]:
    """Orders of the answers: a random one and its turns, so that no category is first more often than it must be."""
    mixed = [categories[place] for place in np.random.default_rng(seed).permutation(len(categories))]
    step = max(1, len(mixed) // versions)
    return tuple(tuple(mixed[(turn * step) % len(mixed) :] + mixed[: (turn * step) % len(mixed)]) for turn in range(versions))


def question_text(categories: Sequence[str], words: Translator) -> str:
    """The three questions with the categories in this order."""
    answers = "\n".join(f"   [ ] {visible(name)}" for name in (*categories, words.text("information.none_of_these")))
    asked = [words.text(f"information.question_{name}") for name in ("reason", "stayed", "told")]
    scale = "   0  1  2  3  4  5  6  7  8  9  10"
    choice = f"   [ ] {words.format(True)}   [ ] {words.format(False)}"
    return f"1. {asked[0]}\n{answers}\n\n2. {asked[1]}\n{scale}\n\n3. {asked[2]}\n{choice}\n"


def questionnaire(categories: Sequence[str], words: Translator, *, seed: int) -> str:
    """All versions in one text, with how to send them and how to write the answers down."""
    parts = [words.text("information.questions_how", versions=VERSIONS, columns=", ".join(ANSWER_COLUMNS))]
    for number, order in enumerate(category_orders(categories, seed=seed), start=1):
        parts.append(f"--- {words.text('information.version', number=number, versions=VERSIONS)}\n\n{question_text(order, words)}")
    return "\n\n".join(parts)
