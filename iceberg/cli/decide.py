"""The `decide` command: what fixing a category costs and brings, and which fixes a budget buys."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import Options
from iceberg.cli.decisions.interventions import follow_interventions, follow_up_text, interventions_document
from iceberg.cli.estimate import Estimated, make_estimate, read_template_of
from iceberg.cli.terminal import DONE, print_result, write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.ingest.mapping import MappingSet
    from iceberg.model.decision.fixes import Decisions, Fix
    from iceberg.model.decision.information.studies import StudyKind
    from iceberg.model.results import IcebergEstimate


def run_decide(options: Options, words: Translator) -> int:
    """Estimate, decide, write the JSON document and the briefs that were asked for and print the decision.

    Raises:
        OptionError: When the costs decide nothing; a category that the study has not is named beside those it has.
    """
    from iceberg.model.decision.fixes import decide
    from iceberg.model.decision.information.design import StudyTarget, design_study
    from iceberg.model.decision.information.studies import stakes_of
    from iceberg.model.decision.mirror import hold_mirror
    from iceberg.report.decisions import decisions_document, mirror_document
    from iceberg.report.export import build_document
    from iceberg.report.information.studies import information_document

    fixes = fixes_of(options)
    template = read_template_of(options)
    made = make_estimate(options, words)
    followed = follow_interventions(made.estimate, made.counted.counts, made.counted.mapping)
    learned = dict(options.efficacies)
    fixes = tuple(one if one.category in learned else replace(one, efficacy=followed.efficacy(one.category)) for one in fixes)
    decisions = decide(made.estimate, fixes, budget=options.budget, years=options.years, customer_value=options.customer_value)
    text = follow_up_text(followed, words) + _text(decisions, made.estimate, words)
    briefs = _briefs(decisions, made, options, template)
    if options.json is not None:
        document = build_document(made.estimate, made.counted.counts, rows=made.counted.rows, language=words.language)
        stakes = stakes_of(made.estimate, fixes, budget=options.budget, years=options.years, customer_value=options.customer_value)
        prices = prices_of_mapping(made.counted.mapping)
        designed = () if stakes is None else design_study(made.estimate, StudyTarget(), stakes=stakes, prices=prices).reaches
        document["information"] = information_document(decisions.value_of_certainty, stakes, [one.value for one in designed])
        document |= interventions_document(followed, words) | decisions_document(decisions) | {"mirror": mirror_document(hold_mirror(made.estimate))}
        write_whole(options.json, (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
    for path, content in briefs.items():
        write_whole(path, content)
    print_result(text)
    return DONE


def _briefs(decisions: Decisions, made: Estimated, options: Options, template: bytes | None) -> dict[Path, bytes]:
    """The briefs that were asked for, by file: made before anything is written."""
    from iceberg.cli.source_names import name_files
    from iceberg.model.decision.agreed_test import AgreedTest
    from iceberg.report.files import Provenance, brief_bytes
    from iceberg.report.files.brief import Brief

    if not options.reports:
        return {}
    counts = made.counted.counts
    agreed = options.start or options.read_in or options.least_fall
    test = AgreedTest.proposed(counts.window.as_of, start=options.start, reading=options.read_in, least_fall=options.least_fall)
    brief = Brief(
        estimate=made.estimate,
        counts=counts,
        decisions=decisions,
        category=options.category or options.costs[0][0],
        test=test if agreed else None,
        owner=options.owner.strip(),
        provenance=Provenance(files=name_files(options), rows=made.counted.rows),
    )
    formats = {path: path.suffix.lower().removeprefix(".") for path in options.reports}
    return {path: brief_bytes(brief, format=name, language=options.language, template=template) for path, name in formats.items()}


def fixes_of(options: Options) -> tuple[Fix, ...]:
    """The fixes that were typed: a cost makes one, the other options speak of it.

    Raises:
        UsageError: When a category is named twice by one option, or by another option without a cost.
    """
    from iceberg.model.assumptions import Efficacy
    from iceberg.model.decision.fixes import Fix

    given = {"cost": options.costs, "running-cost": options.running_costs, "reach": options.reaches, "fix": options.efficacies}
    for name, pairs in given.items():
        for category, times in Counter(category for category, _ in pairs).items():
            if times > 1:
                raise UsageError("decide_named_twice", {"category": category, "option": f"--{name}"})
            if category not in dict(options.costs):
                raise UsageError("decide_without_cost", {"category": category, "option": f"--{name}"})
    running, reach, efficacy = dict(options.running_costs), dict(options.reaches), dict(options.efficacies)
    return tuple(
        Fix(category, cost, running.get(category, 0.0), reach.get(category, 1.0), efficacy.get(category, Efficacy()))
        for category, cost in options.costs
    )


def prices_of_mapping(mapping: MappingSet | None) -> dict[StudyKind, float]:
    """What a mapping says that studies cost."""
    from iceberg.model.decision.information.studies import StudyKind

    return {} if mapping is None else {StudyKind(name): price for name, price in mapping.study_prices.items()}


def _text(decisions: Decisions, estimate: IcebergEstimate, words: Translator) -> str:
    from iceberg.cli.text import build_table, wrap
    from iceberg.model.decision.mirror import hold_mirror
    from iceberg.report.decisions import decision_headline, display_decisions, doubt_sentences, idle_sentence, mirror_sentence

    mirror = hold_mirror(estimate)
    shown = display_decisions(decisions, estimate, words)
    names = ("category", "cost", "kept", "value", "pays", "best")  # as wide as a terminal
    heads = [words.text(f"decide.columns.{name}") for name in names]
    parts = [
        wrap(decision_headline(decisions, estimate, words)),
        "",
        build_table(heads, [[str(row[head]) for head in heads] for row in shown.to_dict("records")]),
        "",
        *(wrap(sentence) for sentence in doubt_sentences(decisions, estimate, words)),
        wrap(idle_sentence(decisions, estimate, words)),
        *([] if mirror is None else [wrap(mirror_sentence(mirror, words))]),
    ]
    return "\n".join(parts) + "\n"
