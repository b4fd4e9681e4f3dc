"""The `design` command: which study to make before anything is fixed, whom to ask, and the questions to send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import Options
from iceberg.cli.decide import fixes_of, prices_of_mapping
from iceberg.cli.estimate import make_estimate
from iceberg.cli.terminal import DONE, print_result, write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.model.decision.information.design import Design
    from iceberg.model.decision.information.studies import Stakes, StudyKind
    from iceberg.model.results import IcebergEstimate


def run_design(options: Options, words: Translator) -> int:
    """Estimate, design the study, write the document and the questions that were asked for and print the answer.

    Raises:
        OptionError: When the target or a cost names no category; the message names those there are.
    """
    from iceberg.model.decision.fixes import decide
    from iceberg.model.decision.information.design import StudyTarget, design_study
    from iceberg.model.decision.information.studies import stakes_of
    from iceberg.report.export import build_document
    from iceberg.report.information.questions import questionnaire
    from iceberg.report.information.studies import design_document, information_document

    fixes, typed = fixes_of(options), _typed_prices(options)
    made = make_estimate(options, words)
    prices = prices_of_mapping(made.counted.mapping) | typed
    estimate = made.estimate
    names = tuple(item.category for item in estimate.categories)
    target = StudyTarget() if options.decision else StudyTarget.parse(options.target or "", names)
    stakes = stakes_of(estimate, fixes, budget=options.budget, years=options.years, customer_value=options.customer_value)
    design = design_study(estimate, target, stakes=stakes, prices=prices)
    text = _text(design, estimate, words, stakes)
    if options.json is not None:
        document = build_document(estimate, made.counted.counts, rows=made.counted.rows, language=words.language)
        certainty = None
        if fixes:
            decided = decide(estimate, fixes, budget=options.budget, years=options.years, customer_value=options.customer_value)
            certainty = decided.value_of_certainty
        document |= {"design": design_document(design), "information": information_document(certainty, stakes, [one.value for one in design.reaches])}
        write_whole(options.json, (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
    if options.questions is not None:
        asked = tuple(item.category for item in estimate.categories if item.vocal_customers)
        write_whole(options.questions, questionnaire(asked, words, seed=estimate.seed).encode())
    print_result(text)
    return DONE


def _typed_prices(options: Options) -> dict[StudyKind, float]:
    from iceberg.model.decision.information.studies import StudyKind

    unknown = next((name for name, _ in options.study_prices if name not in list(StudyKind)), None)
    if unknown is not None:
        raise UsageError("study_kind_unknown", {"value": unknown, "known": ", ".join(StudyKind)})
    return {StudyKind(name): price for name, price in options.study_prices}


def _text(design: Design, estimate: IcebergEstimate, words: Translator, stakes: Stakes | None) -> str:
    from iceberg.cli.text import wrap
    from iceberg.model.decision.information.sampling import plan_sample
    from iceberg.report.information.studies import design_headline, design_remarks, display_design, display_sample

    parts = [wrap(design_headline(design, estimate, words, stakes=stakes))]
    if design.reaches:
        parts += ["", _table(display_design(design, estimate, words)), "", *(wrap(one) for one in design_remarks(design, estimate, words))]
    first = next(iter(design.reaches), None)
    if first is not None and first.value.study.kind.asks_leavers:
        people = min(first.value.study.to_ask, estimate.silent_leavers)
        sample = display_sample(plan_sample(estimate, people), words)
        parts += ["", wrap(words.text("information.sample_lead", people=people)), "", _table(sample)]
    return "\n".join(parts) + "\n"


def _table(shown: pd.DataFrame) -> str:
    from iceberg.cli.text import build_table

    return build_table([str(name) for name in shown], shown.to_numpy().tolist())
