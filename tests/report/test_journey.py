"""What is said of the journey: nothing else of the document moves, no count of one to four is shown or follows, and a channel is no place."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iceberg.cli.main import main
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.journey.stages import Journey, StageEstimate, estimate_journey
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.charts.journey.coastline import build_coastline
from iceberg.report.charts.journey.sea_floor import sea_floor
from iceberg.report.files import report_bytes
from iceberg.report.journey.buoys import buoys_of
from iceberg.report.journey.sentences import channel_table, journey_headline, journey_sentences, journey_table
from iceberg.report.journey.small_counts import shown_counts, vocal_by_stage
from iceberg.report.words import in_hundred
from iceberg.simulation.company import simulate_world
from tests.companies import write_company
from tests.model.test_positives import estimated, positives

MAPPING = '[journey]\nbilling = "buying"\n"no such thing" = "use"\n'


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}")
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    frame = pd.read_csv(folder / "complaints.csv")
    frame.assign(Étape=["livraison" if place % 3 else "ailleurs" for place in range(len(frame))], Via="web").to_csv(folder / "told.csv", index=False)
    return folder


def run(folder: Path, *options: str, complaints: str = "complaints.csv", capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, object]]:
    files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / complaints)]
    assert main(["estimate", *files, "--json", str(folder / "out.json"), "--quiet", *options]) == 0
    return capsys.readouterr().out.replace("\n", " "), json.loads((folder / "out.json").read_text(encoding="utf-8"))


def test_the_journey_changes_no_byte_of_the_rest(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, without = run(company, capsys=capsys)
    for complaints, options in (("complaints.csv", ("--mapping", str(company / "mapping.toml"))), ("told.csv", ())):
        _, having = run(company, *options, complaints=complaints, capsys=capsys)
        assert "journey" in having and "journey" not in without
        having.pop("journey")
        assert json.dumps(having) == json.dumps(without)


def test_the_document_says_what_is_placed_and_what_nobody_knows(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, document = run(company, "--mapping", str(company / "mapping.toml"), complaints="told.csv", capsys=capsys)
    journey = document["journey"]
    assert isinstance(journey, dict)
    assert [one["stage"] for one in journey["stages"]] == ["buying", "delivery"]
    assert journey["stages"][0]["categories"] == ["billing"] and journey["split_categories"] == ["delivery"]
    assert journey["unknown_categories"] == ["no such thing"]
    assert [one["text"] for one in journey["unknown_stages"]] == ["ailleurs"]
    [channel] = journey["channels"]
    assert channel["channel"] == "web" and channel["silent_churn"] is None and not journey["channel_is_place"]
    assert all(part in said for part in ("Where on the journey", "no such thing", "ailleurs", "not where it happened"))
    vocal = [one["vocal_customers"] for one in document["categories"] if one["category"] == "billing"]  # type: ignore[index, union-attr]
    assert journey["stages"][0]["vocal_customers"] == vocal[0]


def test_french_says_the_same(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, _ = run(company, "--mapping", str(company / "mapping.toml"), "--lang", "fr", complaints="told.csv", capsys=capsys)
    assert all(part in said for part in ("Où, sur le parcours", "no such thing", "ailleurs", "pas celui où il est survenu", "achat"))


def test_a_step_that_is_none_ends_with_status_two_and_its_place(company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[journey]\nbilling = "bying"\n', encoding="utf-8")
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv")]
    for language in LANGUAGES:
        assert main(["estimate", *files, "--mapping", str(wrong), "--quiet", "--lang", language]) == 2
        said = capsys.readouterr().err.replace("\n", " ")
        assert all(part in said for part in ("wrong.toml", "bying", "billing", "before, buying"))


def test_a_small_count_is_hidden_with_another_that_would_give_it_away() -> None:
    assert shown_counts([30, 3, 12, 40]) == [30, None, None, 40]
    assert shown_counts([30, 1, 2, 40]) == [None, None, None, 40]
    assert shown_counts([3, 4, 50]) == [None, None, 50]
    assert shown_counts([30, 0, 12]) == [30, 0, 12] and shown_counts([3]) == [None] and shown_counts([]) == []


def test_no_random_counts_give_a_small_one_away() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        numbers = rng.poisson(rng.choice([0.5, 3.0, 30.0], int(rng.integers(1, 9)))).tolist()
        shown = shown_counts(numbers)
        hidden = [number for number, one in zip(numbers, shown, strict=True) if one is None]
        assert all(one is None or (one == number and not 0 < one < 5) for one, number in zip(shown, numbers, strict=True))
        everybody_hidden = len(hidden) == sum(number > 0 for number in numbers)
        assert not hidden or everybody_hidden or (len(hidden) > 1 and sum(hidden) >= 5)


def step(name: str, *, vocal: int, by_column: int = 0, share: float = 0.5, chance: float | None = 0.9) -> StageEstimate:
    lost = CredibleInterval(100 * share * 0.8, 100 * share, 100 * share * 1.2)
    part = CredibleInterval(share * 0.8, share, share * 1.2)
    return StageEstimate(name, vocal, by_column, lost, part, chance if name else None)


def journey(*stages: StageEstimate, unplaced: StageEstimate | None = None) -> Journey:
    return Journey(stages, unplaced or step("", vocal=0, share=0.0), False, (), (), (), (), False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_says_no_more_than_the_draws(language: str) -> None:
    words = Translator(language)
    name = words.text("journey.stage_delivery")
    half = journey_headline(journey(step("delivery", vocal=50, share=0.5), step("use", vocal=20, share=0.3, chance=0.1)), words)
    chance = in_hundred(0.9, words)
    assert half == words.text("journey.headline_half", stage=name, low=words.percent(0.4), high=words.percent(0.6), probability=chance)
    unsure = journey_headline(journey(step("delivery", vocal=50, share=0.4, chance=0.5), step("use", vocal=20, share=0.35, chance=0.5)), words)
    assert unsure.startswith(words.text("journey.headline_open", stage=name, low="", high="", share="", probability="").split(name)[0])
    outside = journey_headline(journey(step("delivery", vocal=5, share=0.2), unplaced=step("", vocal=90, share=0.8)), words)
    assert outside == words.text("journey.mostly_unplaced", low=words.percent(0.64), share=words.percent(0.8), high=words.percent(0.96))
    unordered = journey_headline(journey(step("delivery", vocal=5, chance=None)), words)
    spans = {"low": words.percent(0.4), "share": words.percent(0.5), "high": words.percent(0.6)}
    assert unordered == words.text("journey.headline_unordered", stage=name, **spans)
    assert journey_headline(journey(), words) == words.text("journey.no_stage")
    blind = replace(step("delivery", vocal=5), silent_churn=None, share=None)
    assert journey_headline(journey(blind), words) == words.text("journey.no_range")
    assert journey_table(journey(blind), words).empty


def test_what_a_column_adds_to_a_step_is_not_shown_where_it_is_small() -> None:
    found = journey(step("delivery", vocal=103, by_column=3), step("use", vocal=40, by_column=40), step("help", vocal=60, by_column=9))
    assert vocal_by_stage(found) == [None, 40, None, 0]
    assert vocal_by_stage(journey(step("delivery", vocal=103))) == [103, 0]


def test_the_floor_is_level_at_the_steps_and_never_deeper_than_the_deepest() -> None:
    floor = sea_floor(np.array([0.0, 1.0, 2.0]), np.array([-10.0, -50.0, -5.0]))
    assert floor["depth"].min() == -50.0 and floor["depth"].iloc[[0, -1]].tolist() == [0.0, 0.0]
    assert floor.loc[floor["at"] == 1.0, "depth"].tolist() == [-50.0] and floor["at"].is_monotonic_increasing
    assert sea_floor(np.array([0.0]), np.array([-10.0])).empty


@pytest.fixture(scope="module")
def made() -> tuple[IcebergEstimate, CohortCounts]:
    world = simulate_world("mixed", 3)
    rng = np.random.default_rng(0)
    told = world.complaints.assign(stage=rng.choice(["delivery", "use", "nowhere"], len(world.complaints)), channel="web")
    mapping = MappingSet.from_dict({"journey": {str(world.complaints["category"].iloc[0]): "help"}})
    tables, _ = load_tables(world.customers, told, mapping=mapping)
    with tables:
        counts = reduce_tables(tables)
    return estimate_iceberg(counts, assumptions=Assumptions(draws=200)), counts


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_coastline_is_drawn_from_the_table_and_is_valid(made: tuple[IcebergEstimate, CohortCounts], language: str) -> None:
    words, found = Translator(language), estimate_journey(*made)
    assert found is not None
    table = journey_table(found, words)
    assert table["placed"].tolist() == [True] * (len(table) - 1) + [False] and len(channel_table(found, words)) == 1
    for theme in ("light", "dark"):
        for narrow in (False, True):
            drawn = build_coastline(table, words, theme, description="x", narrow=narrow)  # type: ignore[arg-type]  # both themes
            drawn.to_dict(validate=True)
    build_coastline(table.iloc[:0], words, description="x").to_dict(validate=True)
    assert all(sentence for sentence in journey_sentences(found, words))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_carries_sentence_picture_and_steps_and_viewers_no_channel(made: tuple[IcebergEstimate, CohortCounts], language: str) -> None:
    words = Translator(language)
    estimate, counts = made
    page, viewers = (report_bytes(estimate, counts, format="html", language=language, smallest=smallest).decode() for smallest in (0, 5))
    assert all(words.text("journey.title") in text for text in (page, viewers))
    assert words.text("journey.channels") in page and words.text("journey.channels") not in viewers
    assert words.text("journey.title") not in report_bytes(estimate, replace(counts, journey=None), format="html", language=language).decode()


def test_a_document_for_viewers_counts_nobody_by_step(made: tuple[IcebergEstimate, CohortCounts]) -> None:
    document = json.loads(report_bytes(*made, format="json", smallest=5))
    assert document["journey"]["channels"] == [] and {one["vocal_customers"] for one in document["journey"]["stages"]} == {None}


def with_moments(*moments: tuple[str, str]) -> Journey:
    steps = journey(step("delivery", vocal=50, share=0.5), step("help", vocal=20, share=0.3, chance=0.1))
    return replace(steps, moments=moments)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("effect", "buoy"), [(0.9, "certain"), (0.0, "open")])
def test_a_buoy_has_a_number_only_where_it_is_certain(language: str, effect: float, buoy: str) -> None:
    """Of 4,000 expected departures many fewer, or as many; the depth of the step stays as it is."""
    words, found = Translator(language), estimated(positives(4_000.0, effect=effect))
    steps = with_moments(("Compliment", "help"))
    table, without = journey_table(steps, words, moments=found), journey_table(steps, words)
    assert table["buoy"].tolist() == ["", buoy] and without["buoy"].tolist() == ["", ""]
    assert table.drop(columns=["buoy", "buoy_text", "buoy_says"]).equals(without.drop(columns=["buoy", "buoy_text", "buoy_says"]))
    assert (table["buoy_text"][1] == "?") == (buoy == "open")
    [said] = journey_sentences(steps, words, moments=found)
    assert words.text("journey.stage_help") in said and table["buoy_says"][1].split(":")[-1].strip() in said
    for theme in ("light", "dark"):
        for narrow in (False, True):
            drawn = build_coastline(table, words, theme, description="x", narrow=narrow).to_dict(validate=True)  # type: ignore[arg-type]
            assert "buoy_text" in json.dumps(drawn) and "buoy_text:N" not in json.dumps(build_coastline(without, words, description="x").to_dict())


def test_what_cannot_be_told_from_engagement_has_a_buoy_without_a_figure() -> None:
    words, found = Translator("en"), estimated(positives(4_000.0, effect=0.9, unseen=0.9))
    assert found.whole.reading == "engagement"
    [said] = journey_sentences(with_moments(("compliment", "help")), words, moments=found)
    assert words.text("positives.reading_engagement") in said and not any(letter.isdigit() for letter in said)


def test_moments_that_the_file_lacks_are_named_and_viewers_read_no_kind_of_several() -> None:
    words, found = Translator("en"), estimated(positives(4_000.0, kinds=("call-back", "gift")))
    steps = with_moments(("call-back", "help"), ("serenade", "delivery"))
    assert any("serenade" in one for one in journey_sentences(steps, words, moments=found))
    assert len(buoys_of(steps, found, words)) == 1 and buoys_of(steps, found, words, whole=False) == ()
    assert journey_sentences(steps, words) == ()  # without a file of good moments nothing is said of them


def test_moments_without_a_kind_are_what_the_only_name_of_the_mapping_says() -> None:
    words = Translator("en")
    nameless = estimated(replace(positives(4_000.0), kinds=("",), codes=("",)))
    assert [one.name for one in buoys_of(with_moments(("welcome call", "help")), nameless, words)] == ["welcome call"]
    assert buoys_of(with_moments(("welcome call", "help"), ("gift", "delivery")), nameless, words) == ()


def test_the_command_says_the_buoys_of_a_mapping(company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"C{number},2024-08-{1 + number % 28:02d},compliment" for number in range(100, 180)]
    (tmp_path / "positives.csv").write_text("\n".join(["customer id,compliment date,kind", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "buoys.toml").write_text('[journey]\nbilling = "buying"\n[journey.moments]\ncompliment = "help"\n', encoding="utf-8")
    given = ("--positives", str(tmp_path / "positives.csv"), "--mapping", str(tmp_path / "buoys.toml"))
    said, document = run(company, *given, capsys=capsys)
    assert "compliment (help)" in said
    assert isinstance(document["journey"], dict) and document["journey"]["moments"] == [{"kind": "compliment", "stage": "help"}]
