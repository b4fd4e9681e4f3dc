"""The sentences: a range with two significant digits, the same numbers in both languages, French as it is printed."""

import re
from dataclasses import replace

import pytest

from iceberg.locale import LANGUAGES, Translator, load_messages, round_significant
from iceberg.model.decision.chance_test import chance_test
from iceberg.model.results import CredibleInterval, Diagnostic, Evidence, IcebergEstimate, PlaceboInterval
from iceberg.model.summary import focus_estimate
from iceberg.report.advice import decision, noise_sentence, noise_text, tiles
from iceberg.report.files.pictures import chart_takeaway
from iceberg.report.words import (
    certainty_sentence,
    comparator_sentence,
    customers,
    definition,
    diagnostic_sentences,
    evidence_badge,
    headline,
    headline_sentence,
    in_hundred,
    money_range,
    ratio,
    share,
)
from tests.report.examples import example_estimate

NARROW, WIDE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
ESTIMATE = example_estimate(7, draws=200)


def plain_numbers(sentence: str) -> list[float]:
    """Every number of a sentence, whatever the language wrote it with."""
    joined = re.sub(rf"(?<=\d)[{NARROW},](?=\d{{3}})", "", sentence).replace(WIDE, " ")
    return [float(number.replace(",", ".")) for number in re.findall(r"\d+(?:[.,]\d+)?", joined)]


def with_total(estimate: IcebergEstimate, **changes: object) -> IcebergEstimate:
    return replace(estimate, total=replace(estimate.total, **changes))


def all_sentences(language: str, level: str = "3") -> list[str]:
    translator = Translator(language)
    estimate = example_estimate(7, draws=60, level=level)
    return [
        headline(estimate, translator),
        definition(translator),
        comparator_sentence(estimate, translator),
        *(comparator_sentence(estimate, translator, category=item.category) for item in estimate.categories),
        *(decision(estimate, item.category, translator).sentence for item in estimate.categories),
        *(part for tile in tiles(estimate, translator) for part in (tile.label, tile.value, tile.detail, tile.help)),
        evidence_badge(estimate, translator).says,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_headline_gives_a_range_and_the_most_likely_number_with_two_significant_digits(language: str) -> None:
    churn = ESTIMATE.total.silent_churn
    numbers = plain_numbers(headline(ESTIMATE, Translator(language)))
    assert numbers[:4] == [
        ESTIMATE.total.vocal_customers,
        *(round_significant(v) for v in (churn.median, churn.lower, churn.upper)),
    ]


@pytest.mark.parametrize("level", ["0", "1", "2", "3", "4", "F"])
def test_both_languages_say_the_same_numbers(level: str) -> None:
    english, french = all_sentences("en", level), all_sentences("fr", level)
    for one, other in zip(english, french, strict=True):
        assert sorted(plain_numbers(one)) == sorted(plain_numbers(other)), (one, other)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", ["0", "1", "2", "3"])
def test_no_sentence_shows_a_key_or_a_placeholder(language: str, level: str) -> None:
    for sentence in all_sentences(language, level):
        assert sentence
        assert not re.search(r"[{}]|\b(report|evidence|diagnostics)\.[a-z_]+", sentence)


@pytest.mark.parametrize("level", ["0", "2", "3"])
def test_french_puts_a_no_break_space_before_double_punctuation(level: str) -> None:
    for sentence in all_sentences("fr", level):
        assert not re.search(r"[^\s\d][:;?!%»]|[ ][:;?!%»]", sentence), sentence
        assert not re.search(r"« |«\w", sentence), sentence


def test_french_sentence_files_put_a_no_break_space_before_double_punctuation() -> None:
    ours = {
        key: text
        for key, text in load_messages("fr").items()
        if key.startswith(("report.", "evidence.levels", "evidence.kinds"))
    }
    assert [key for key, text in ours.items() if re.search(r"[^\s\d{}][;?!%»]|[ ][:;?!%»]|« ", text)] == []


def test_french_groups_thousands_with_a_narrow_no_break_space() -> None:
    assert customers(12_345, Translator("fr")) == f"12{NARROW}000"
    assert customers(12_345, Translator("en")) == "12,000"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (25.0, "25", "25"),
        (2.44, "2.4", "2,4"),
        (0.173, "0.17", "0,17"),
        (126, "130", "130"),
    ],
)
def test_a_ratio_has_two_significant_digits(value: float, english: str, french: str) -> None:
    assert (ratio(value, Translator("en")), ratio(value, Translator("fr"))) == (english, french)


def test_draws_never_prove_a_certainty_or_an_impossibility() -> None:
    translator = Translator("en")
    assert share(1.0, translator) == f">{WIDE}99%"
    assert share(0.0, translator) == share(0.005, translator) == f"<{WIDE}1%"
    assert share(0.37, translator) == "37%"


def test_no_complaint_invents_no_number() -> None:
    nothing = CredibleInterval(0.0, 0.0, 0.0)
    sentence = headline(with_total(ESTIMATE, vocal_customers=0, silent_churn=nothing), Translator("en"))
    assert plain_numbers(sentence) == []


def test_no_silent_churn_is_said_in_words() -> None:
    """The company lost customers all the same, and the sentence counts them."""
    nothing = with_total(ESTIMATE, silent_churn=CredibleInterval(0.0, 0.0, 0.2))
    sentence = headline(nothing, Translator("en"))
    assert ESTIMATE.silent_leavers > 0
    assert f"{ESTIMATE.silent_leavers:,} left without complaining" in sentence
    assert "no departure without a complaint" not in sentence
    assert "no departure without a complaint" in headline(replace(nothing, silent_leavers=0), Translator("en"))


def test_how_sure_the_total_is_is_said_as_a_count_of_a_hundred() -> None:
    churn, words = ESTIMATE.total.silent_churn, Translator("en")
    noisy = with_total(ESTIMATE, placebo=PlaceboInterval(0.0, churn.lower, churn.upper, exceeded=0.6))
    assert "Only 60 in 100 that the total is more than chance" in headline(noisy, words)
    assert "less than the low end" in headline(ESTIMATE, words)
    likely = with_total(ESTIMATE, placebo=PlaceboInterval(0.0, 0.0, churn.lower, exceeded=0.97))
    assert "97 in 100 that this is more than chance" in headline(likely, words)
    assert "do not count on the low end" in headline(likely, words)
    assert (in_hundred(0.999, words), in_hundred(0.001, words)) == ("more than 99 in 100", "less than 1 in 100")


def all_inside(estimate: IcebergEstimate) -> IcebergEstimate:
    """The estimate with every category, and the total, no larger than what chance gives."""
    noisy = with_total(estimate, placebo=placebo_like(estimate.total.silent_churn))
    return replace(noisy, categories=tuple(replace(item, placebo=placebo_like(item.silent_churn)) for item in estimate.categories))


def test_where_nothing_stands_out_the_headline_says_so_first() -> None:
    """The bold half of a sentence is what gets quoted."""
    words, noisy = Translator("en"), all_inside(ESTIMATE)
    assert headline_sentence(noisy, words).startswith("No silent churn stands out from chance")
    assert certainty_sentence(noisy, words) == "", "it is in the headline"
    first = next(tile for tile in tiles(noisy, words) if tile.key == "first")
    assert first.value == "None stands out"


def test_money_says_its_unit_once() -> None:
    interval = CredibleInterval(280_000.0, 480_000.0, 650_000.0)
    assert money_range(interval, "EUR", Translator("en")) == "€280K–650K"
    assert money_range(interval, "EUR", Translator("fr")) == f"280 à 650{WIDE}k€"
    assert money_range(CredibleInterval(850.0, 900.0, 1200.0), "EUR", Translator("fr")) == f"850{WIDE}€ à 1,2{WIDE}k€"
    assert money_range(CredibleInterval(0.0, 1.0, 1200.0), "EUR", Translator("en")) == "€0–1.2K"


def test_without_departures_the_headline_says_that_it_is_assumed() -> None:
    assert "If the assumptions hold" in headline(example_estimate(level="0", draws=60), Translator("en"))


def test_the_folk_ratio_is_refused_where_it_asks_for_more_leavers_than_there_were() -> None:
    sentence = comparator_sentence(ESTIMATE, Translator("en"))
    churn, vocal = ESTIMATE.total.silent_churn, ESTIMATE.total.vocal_customers
    ends = [round_significant(10 * value / vocal) for value in (churn.median, churn.lower, churn.upper)]
    assert plain_numbers(sentence) == [10, *map(round, ends), 250, 25, ESTIMATE.total.folk_estimate, ESTIMATE.silent_leavers]
    assert "1:" not in sentence


@pytest.mark.parametrize("level", ["1", "2"])
def test_below_level_three_the_departures_allow_but_do_not_support(level: str) -> None:
    sentence = comparator_sentence(example_estimate(level=level, draws=60), Translator("en"))
    assert "allow at most" in sentence and "For every" not in sentence


def test_without_departures_there_is_nothing_to_compare_the_folk_ratio_with() -> None:
    assert "no departures" in comparator_sentence(example_estimate(level="0", draws=60), Translator("en"))


def test_the_four_tiles_come_in_order_with_ranges() -> None:
    four = tiles(ESTIMATE, Translator("en"))
    assert [tile.key for tile in four] == ["silent", "money", "first", "pipeline"]
    assert all(tile.known for tile in four)
    assert "–" in four[0].value and "–" in four[1].value and "–" in four[3].value


def test_the_first_category_is_named_with_the_probability_that_it_is_first() -> None:
    best = max(ESTIMATE.categories, key=lambda item: item.probability_worst)
    tile = tiles(ESTIMATE, Translator("en"))[2]
    assert tile.value == best.category
    assert in_hundred(best.probability_worst, Translator("en")) in tile.detail


@pytest.mark.parametrize("level", ["0", "1", "2"])
def test_below_level_three_the_pipeline_says_what_is_missing(level: str) -> None:
    tile = tiles(example_estimate(level=level, draws=60), Translator("en"))[3]
    assert not tile.known
    assert plain_numbers(tile.value + tile.detail) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_selection_has_no_outlook_and_does_not_say_that_it_is_not_known_yet(language: str) -> None:
    words = Translator(language)
    tile = tiles(focus_estimate(ESTIMATE, segments=["North"]), words)[3]
    assert (tile.known, tile.value) == (False, words.text("report.tiles.pipeline.missing_selection"))
    assert tile.detail == words.text("report.tiles.pipeline.missing_detail_selection")


def test_without_revenue_the_money_tile_asks_for_the_column() -> None:
    tile = tiles(example_estimate(revenue=False, draws=60), Translator("en"))[1]
    assert not tile.known and "revenue column" in tile.detail


def test_a_category_that_is_mostly_assumption_is_to_be_measured_first() -> None:
    assert decision(ESTIMATE, "Contrat", Translator("en")).verdict == "measure_first"
    assert decision(ESTIMATE, "Livraison", Translator("en")).verdict == "fix"


def test_a_category_inside_its_placebo_is_only_watched() -> None:
    first, *others = ESTIMATE.categories
    noisy = replace(ESTIMATE, categories=(replace(first, placebo=placebo_like(first.silent_churn)), *others))
    assert decision(noisy, first.category, Translator("en")).verdict == "watch"


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(KeyError):
        decision(ESTIMATE, "nothing of the kind", Translator("en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["assumption_led", "mixed", "data_led"])
@pytest.mark.parametrize("level", ["0", "1", "2", "3", "4", "F"])
def test_the_badge_says_which_rung_speaks(language: str, kind: str, level: str) -> None:
    badge = evidence_badge(replace(ESTIMATE, evidence=Evidence(level, kind)), Translator(language))
    assert badge.label and badge.help and level in badge.says


def test_every_reason_of_the_badge_has_its_sentence() -> None:
    reasons = (("departures_cap", {"silent_leavers": 8370}),)
    badge = evidence_badge(replace(ESTIMATE, evidence=Evidence("1", "assumption_led", reasons)), Translator("en"))
    assert "8,370" in badge.reasons[0]


def test_an_unknown_diagnostic_is_named_rather_than_hidden() -> None:
    says, do = diagnostic_sentences(Diagnostic("brand_new"), Translator("en"))
    assert "brand_new" in says and do


def test_silent_churn_is_defined_on_screen() -> None:
    assert "left without complaining" in definition(Translator("en"))


def placebo_like(interval: CredibleInterval, *, exceeded: float = 0.5) -> PlaceboInterval:
    return PlaceboInterval(interval.lower, interval.median, interval.upper, exceeded=exceeded)


def test_each_category_inside_its_noise_is_named() -> None:
    first, *others = ESTIMATE.categories
    noisy = replace(ESTIMATE, categories=(replace(first, placebo=placebo_like(first.silent_churn)), *others))
    assert "“Livraison”" not in noise_sentence(ESTIMATE, Translator("en"))
    assert f"Not distinguishable from it: “{first.category}”." in noise_sentence(noisy, Translator("en"))
    silent = replace(ESTIMATE, categories=tuple(replace(item, placebo=placebo_like(item.silent_churn)) for item in ESTIMATE.categories))
    assert "No category stands clear" in noise_sentence(silent, Translator("en"))


def test_more_categories_than_are_read_are_counted_instead_of_named() -> None:
    many = replace(ESTIMATE, categories=tuple(replace(item, placebo=placebo_like(item.silent_churn)) for item in ESTIMATE.categories[:-1]))
    many = replace(many, categories=(*many.categories, ESTIMATE.categories[-1]))
    assert f"Not distinguishable from it: {len(many.categories) - 1} of {len(many.categories)} categories." in noise_sentence(many, Translator("en"))
    assert f"{len(many.categories) - 1} des {len(many.categories)} motifs" in noise_sentence(many, Translator("fr"))


def test_without_a_placebo_nothing_is_said_about_noise() -> None:
    assert noise_sentence(example_estimate(level="2", draws=60), Translator("en")) is None
    assert noise_text(float("nan"), None, Translator("en")) == Translator("en").text("report.unknown")


def test_a_figure_inside_its_noise_says_so_in_words() -> None:
    assert noise_text(12.0, False, Translator("en")).startswith("not distinguishable from chance")
    assert noise_text(12.0, True, Translator("en")).startswith("more than chance")


@pytest.mark.parametrize(
    ("exceeded", "verdict", "said"),
    [(0.5, "watch", "not distinguishable from chance ("), (0.95, "measure_first", "95 in 100 that this is more than chance")],
)
def test_a_verdict_inside_noise_speaks_as_the_headline_does(exceeded: float, verdict: str, said: str) -> None:
    """Where only the low end is in doubt the category is to be measured; where all of it is, to be watched."""
    first, *others = ESTIMATE.categories
    doubtful = replace(first, placebo=placebo_like(first.silent_churn, exceeded=exceeded))
    noisy = replace(ESTIMATE, categories=(doubtful, *others))
    decided = decision(noisy, first.category, Translator("en"))
    assert decided.verdict == verdict
    assert said in decided.sentence
    beside = noise_sentence(noisy, Translator("en"))
    assert beside is not None
    assert ("Not distinguishable" in beside) == (verdict == "watch")
    assert ("not at the low end" in beside) == (verdict == "measure_first")


UNTESTED = {"en": "not tested for this selection", "fr": "non testé pour cette sélection"}
SELECTIONS = {"period": {"months": (ESTIMATE.cells.months[1], ESTIMATE.cells.months[-1])}, "segment": {"segments": ["North"]}}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("chosen", SELECTIONS)
def test_a_selection_whose_placebo_is_not_known_says_so_and_never_fix(language: str, chosen: str) -> None:
    """A study stored by an earlier version keeps no placebo per cell: that is no proof that a part of it stands clear of chance."""
    whole, words = example_estimate(7, draws=200), Translator(language)
    part = focus_estimate(replace(whole, draws=replace(whole.draws, placebo=None)), **SELECTIONS[chosen])
    assert {chance_test(part, item) for item in (None, *part.categories)} == {"untested"}
    decided = [decision(part, item.category, words) for item in part.categories]
    assert {one.verdict for one in decided} == {"not_tested"}
    assert {one.label for one in decided} == {words.text("report.verdict.not_tested")}
    said = [headline(part, words), noise_sentence(part, words), chart_takeaway("ranking", part, words), *(one.sentence for one in decided)]
    assert all(UNTESTED[language] in str(sentence).lower() for sentence in said)
    first = next(tile for tile in tiles(part, words) if tile.key == "first")
    assert UNTESTED[language] in first.detail and first.label == words.text("report.tiles.first.label_not_tested")


@pytest.mark.parametrize("chosen", SELECTIONS)
def test_below_the_test_against_chance_a_selection_is_to_be_measured_first_as_the_whole_is(chosen: str) -> None:
    whole = example_estimate(7, draws=200, level="2")
    part = focus_estimate(whole, **SELECTIONS[chosen])
    assert {decision(one, item.category, Translator("en")).verdict for one in (whole, part) for item in one.categories} == {"measure_first"}


def test_the_whole_study_chosen_by_hand_keeps_its_test() -> None:
    cells = ESTIMATE.cells
    assert cells is not None
    whole = focus_estimate(ESTIMATE, segments=cells.segments, months=(cells.months[0], cells.months[-1]))
    assert chance_test(whole) == "clear"
    assert [decision(whole, item.category, Translator("en")) for item in whole.categories] == [
        decision(ESTIMATE, item.category, Translator("en")) for item in ESTIMATE.categories
    ]
    assert UNTESTED["en"] not in headline(whole, Translator("en")).lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_remarks_beside_a_selection_say_that_they_are_about_the_whole_study(language: str) -> None:
    words = Translator(language)
    part = focus_estimate(replace(ESTIMATE, draws=replace(ESTIMATE.draws, placebo=None)), **SELECTIONS["period"])
    first, *others = [diagnostic_sentences(one, words)[0] for one in part.diagnostics]
    assert UNTESTED[language] in first.lower()
    assert others == [words.text("report.of_whole_study", sentence=diagnostic_sentences(one, words)[0]) for one in ESTIMATE.diagnostics]


def test_a_category_without_a_placebo_among_tested_ones_is_never_to_be_fixed() -> None:
    """Small categories are taken together after the test."""
    first, *others = ESTIMATE.categories
    pooled = replace(ESTIMATE, categories=(replace(first, placebo=None), *others))
    assert decision(ESTIMATE, first.category, Translator("en")).verdict == "fix"
    assert decision(pooled, first.category, Translator("en")).verdict == "not_tested"
