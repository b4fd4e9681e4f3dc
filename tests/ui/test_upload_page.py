"""The analyst's way from files to an estimate, and what happens with files that are no use."""

import io
from collections.abc import Callable

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from iceberg.cohort.counts_file import write_counts
from iceberg.locale import Translator
from iceberg.model.evidence import judge_evidence
from iceberg.ui.session.sample import beside_file, measured_files
from tests.ui.conftest import COMPLAINTS, CUSTOMERS, DATA, VOLUMES, assert_healthy, button, spoken, upload

OpenPage = Callable[..., AppTest]


def give(app: AppTest, **tables: str | bytes) -> AppTest:
    """Upload tables as CSV."""
    files = {
        table: (f"{table}.csv", content.encode() if isinstance(content, str) else content)
        for table, content in tables.items()
    }
    return upload(app, **files)


def confirm(app: AppTest) -> AppTest:
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    return app


def estimate(app: AppTest) -> AppTest:
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    return app


def test_an_empty_page_says_what_to_do(open_page: OpenPage) -> None:
    app = open_page("upload")
    assert any("Add both files" in box.value for box in app.info)
    assert not button(app, "columns.confirm")


def test_the_limit_is_named_and_no_command_is_on_screen(open_page: OpenPage) -> None:
    text = spoken(open_page("upload"))
    assert "200 MB" in text
    assert "python -m" not in text


def test_the_sample_files_can_be_downloaded_to_try_with(open_page: OpenPage) -> None:
    app = open_page("upload", language="fr")
    assert {element.key for element in app.get("download_button")} >= {"sample.customers", "sample.complaints"}


@pytest.mark.parametrize(("language", "leavers", "moments"), [("en", "leavers.csv", "positives.csv"), ("fr", "partants.csv", "moments.csv")])
def test_every_further_file_of_the_sample_is_offered_beside_its_box(open_page: OpenPage, language: str, leavers: str, moments: str) -> None:
    app = open_page("upload", language=language)
    offered = {element.key.removeprefix("sample."): element.proto for element in app.get("download_button")}
    assert {"incidents", "surveys", "leaver_surveys", "scores", "positives", "audit_1", "audit_2"} <= set(offered)
    assert len({offered[table].label for table in offered}) == len(offered)
    assert (beside_file(language, "positives").name, measured_files(language)["leaver_surveys"].name) == (moments, leavers)
    app.radio(key="shape").set_value("joined").run()
    joined = {element.key for element in app.get("download_button")}
    assert {"sample.incidents", "sample.positives"} <= joined and "sample.leaver_surveys" not in joined, "only where there is a box for it"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_sample_files_lead_to_an_estimate_of_their_own(open_page: OpenPage, language: str) -> None:
    names = {"en": ("customers.csv", "complaints.csv"), "fr": ("clients.csv", "reclamations.csv")}[language]
    app = open_page("upload", language=language)
    upload(
        app,
        customers=(names[0], (DATA / language / names[0]).read_bytes()),
        complaints=(names[1], (DATA / language / names[1]).read_bytes()),
    )
    confirm(app)
    assert "24,000" in spoken(app) or "24\N{NARROW NO-BREAK SPACE}000" in spoken(app)
    estimate(app)
    text = spoken(app)
    assert " + ".join(names) in text
    assert "Sample company" not in text
    assert "Entreprise exemple" not in text


def test_customers_and_linked_complaints_give_an_iceberg(open_page: OpenPage) -> None:
    app = estimate(confirm(give(open_page("upload"), customers=CUSTOMERS, complaints=COMPLAINTS)))
    assert len(app.metric) == 4
    assert "customers.csv + complaints.csv" in spoken(app)


def test_customers_and_volumes_give_an_iceberg(open_page: OpenPage) -> None:
    app = open_page("upload")
    app.radio(key="shape").set_value("volumes").run()
    estimate(confirm(give(app, customers=CUSTOMERS, volumes=VOLUMES)))
    assert len(app.metric) == 4


def test_volumes_alone_give_an_iceberg_that_calls_itself_assumption(open_page: OpenPage) -> None:
    app = open_page("upload")
    app.radio(key="shape").set_value("alone").run()
    estimate(confirm(give(app, volumes=VOLUMES)))
    assert "Level 0" in spoken(app)
    assert "if the assumptions hold" in app.header[0].value.lower()


def type_in(app: AppTest, months: dict[int, dict[str, int]]) -> AppTest:
    app.radio(key="shape").set_value("alone").run()
    app.text_input(key="typed.names").set_value("Billing, Price").run()
    app.session_state["typed"] = {"edited_rows": months, "added_rows": [], "deleted_rows": []}
    app.run()
    assert_healthy(app)
    return app


def test_volumes_can_be_typed_without_any_file(open_page: OpenPage) -> None:
    """Twelve months stand ready; months before the first number and after the last are left out."""
    app = type_in(open_page("upload"), {10: {"Billing": 40, "Price": 0}, 11: {"Billing": 12, "Price": 3}})
    estimate(confirm(app))
    assert "volumes.csv" in spoken(app)


def test_typed_volumes_say_which_cell_is_missing(open_page: OpenPage) -> None:
    app = type_in(open_page("upload"), {})
    assert any("Twelve months" in box.value for box in app.info)
    app = type_in(open_page("upload"), {2: {"Billing": 40, "Price": 1}, 4: {"Billing": 12}})
    [missing] = [box.value for box in app.warning]
    assert "Still empty (3)" in missing
    assert missing.count("Billing in") == 1
    assert missing.count("Price in") == 2
    assert not button(app, "columns.confirm")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_volumes_can_be_pasted_from_a_spreadsheet(open_page: OpenPage, language: str) -> None:
    app = open_page("upload", language=language)
    app.radio(key="shape").set_value("alone").run()
    app.text_area(key="typed.paste").set_value("month\tcategory\tcomplaints\n2025-01\tBilling\t40\n2025-02\tBilling\t35\n").run()
    assert_healthy(app)
    estimate(confirm(app))
    assert "volumes.csv" in spoken(app)


def test_excel_and_parquet_are_read_like_csv(open_page: OpenPage) -> None:
    customers, complaints = pd.read_csv(io.StringIO(CUSTOMERS), dtype=str), pd.read_csv(io.StringIO(COMPLAINTS), dtype=str)
    book, parquet = io.BytesIO(), io.BytesIO()
    customers.to_excel(book, index=False)
    complaints.to_parquet(parquet, index=False)
    app = upload(
        open_page("upload"),
        customers=("customers.xlsx", book.getvalue()),
        complaints=("complaints.parquet", parquet.getvalue()),
    )
    confirm(app)
    assert "Customers: 80 rows read = 80 kept + 0 rejected." in spoken(app)


def test_columns_are_proposed_with_a_reason_and_can_be_corrected(open_page: OpenPage) -> None:
    renamed = CUSTOMERS.replace("start_date", "arrived").replace("end_date", "quit")
    app = give(open_page("upload"), customers=renamed, complaints=COMPLAINTS)
    assert "to confirm" in spoken(app)  # the first day, by its values
    choose = {one.label: one for one in app.selectbox}
    choose["First day (required)"].set_value("arrived")
    choose["Last day (optional)"].set_value("quit")
    app.run()
    assert_healthy(app)
    confirm(app)
    assert "80 kept" in spoken(app)


def test_a_column_that_neither_name_nor_values_show_must_be_chosen_first(open_page: OpenPage) -> None:
    unclear = "customer_id,arrived\n" + "".join(f"C{number:03d},early\n" for number in range(40))
    app = give(open_page("upload"), customers=unclear, complaints=COMPLAINTS)
    assert any("Still to choose" in box.value for box in app.warning)
    assert not button(app, "columns.confirm")


def test_the_mapping_can_be_kept_and_opened_again(open_page: OpenPage) -> None:
    renamed = CUSTOMERS.replace("start_date", "arrived").replace("end_date", "quit")
    app = give(open_page("upload"), customers=renamed, complaints=COMPLAINTS)
    saved = (
        '[customers.columns]\ncustomer_id = "customer_id"\nstart_date = "arrived"\nend_date = "quit"\n\n'
        '[complaints.columns]\ncustomer_id = "customer_id"\ncomplaint_date = "complaint_date"\ncategory = "category"\n'
    )
    app.file_uploader(key="mapping.file").set_value(("mapping.toml", saved.encode(), "application/toml")).run()
    assert_healthy(app)
    confirm(app)
    assert any(element.key == "mapping.save" for element in app.get("download_button"))
    assert "80 kept" in spoken(app)


def test_a_broken_mapping_file_is_an_error_in_words(open_page: OpenPage) -> None:
    app = give(open_page("upload"), customers=CUSTOMERS, complaints=COMPLAINTS)
    app.file_uploader(key="mapping.file").set_value(("mapping.toml", b"[customers\n", "application/toml")).run()
    assert_healthy(app)
    assert any("mapping.toml" in box.value for box in app.error)


def test_dates_that_could_be_two_days_are_asked_for(open_page: OpenPage) -> None:
    """03/04/2025 may be 3 April or 4 March; the product does not guess."""
    doubtful = "customer_id,complaint_date,category\n" + "".join(f"c{i},0{1 + i % 9}/04/2025,Billing\n" for i in range(0, 80, 5))
    app = give(open_page("upload"), customers=CUSTOMERS, complaints=doubtful)
    orders = [radio for radio in app.radio if radio.key.endswith(".order")]
    assert len(orders) == 1
    assert not button(app, "columns.confirm")
    orders[0].set_value("day_first").run()
    assert_healthy(app)
    assert button(app, "columns.confirm")


def test_rejected_rows_are_listed_with_line_value_and_remedy(open_page: OpenPage) -> None:
    spoiled = CUSTOMERS + "c900,not a date,,North,5\n,2024-01-01,,North,5\n"
    app = confirm(give(open_page("upload"), customers=spoiled, complaints=COMPLAINTS))
    assert "82 rows read = 80 kept + 2 rejected" in spoken(app)
    issues = next(table.value for table in app.dataframe if "line" in table.value.columns)
    assert set(issues["line"]) >= {82, 83}
    assert "not a date" in set(issues["value"])
    assert all(issues["remedy"])
    assert any(element.key == "issues.download" for element in app.get("download_button"))


BAD_FILES = {
    "empty": b"",
    "header only": b"customer_id,start_date\n",
    "binary": bytes(range(256)) * 20,
    "web page": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "one column": b"customer_id\nc1\nc2\n",
    "cut archive": b"PK\x03\x04 not a workbook",
    "cut parquet": b"PAR1 nothing",
}


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_file_that_is_no_table_is_refused_in_words(open_page: OpenPage, kind: str, language: str) -> None:
    app = open_page("upload", language=language)
    app.file_uploader(key="file.customers").set_value(("customers.csv", BAD_FILES[kind], "text/csv"))
    app.file_uploader(key="file.complaints").set_value(("complaints.csv", COMPLAINTS.encode(), "text/csv"))
    app.run()
    assert_healthy(app)
    assert len(app.error) >= 1
    assert any("customers.csv" in box.value for box in app.error), "the message names the file"
    assert not button(app, "columns.confirm")


def test_a_file_without_any_usable_row_says_so(open_page: OpenPage) -> None:
    useless = "customer_id,start_date,end_date\n,2024-01-01,\n,2024-01-02,\n"
    app = give(open_page("upload"), customers=useless, complaints=COMPLAINTS)
    if button(app, "columns.confirm"):
        app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert len(app.error) + len(app.warning) >= 1
    assert not button(app, "estimate.run")


def test_the_session_can_return_to_the_sample(open_page: OpenPage) -> None:
    app = estimate(confirm(give(open_page("upload"), customers=CUSTOMERS, complaints=COMPLAINTS)))
    next(one for one in app.button if one.label == "Back to the sample company").click().run()
    assert_healthy(app)
    assert "Sample company" in spoken(app)


def test_no_customer_row_outlives_the_count(open_page: OpenPage) -> None:
    """After the estimate the session holds counts: no identifier of a customer is found anywhere in it."""
    marked = CUSTOMERS.replace("c17,", "SECRET-17,")
    app = estimate(confirm(give(open_page("upload"), customers=marked, complaints=COMPLAINTS)))
    study = app.session_state["study"]
    assert b"SECRET-17" not in write_counts(study.counts)
    assert all("SECRET-17" not in issue.value for issue in study.report.issues)


ACCOUNTS = "account_id,signup_date,industry,churn_flag\n" + "".join(f"A{n},2024-0{n % 6 + 1}-10,media,{n % 3 == 0}\n" for n in range(30))
SUBSCRIPTIONS = "subscription_id,account_id,start_date,end_date\n" + "".join(
    f"S{n},A{n % 30},2024-0{n % 6 + 1}-10,{'2025-03-01' if n % 30 < 10 else ''}\n" for n in range(60)
)
TICKETS = "account_id,submitted_at,category\n" + "".join(f"A{n},2024-{n % 3 + 9:02d}-05,{('billing', 'billings')[n % 2]}\n" for n in range(24))


def test_several_tables_are_joined_and_what_contradicts_is_shown_beside_its_choice(open_page: OpenPage) -> None:
    app = open_page("upload")
    app.radio(key="shape").set_value("joined").run()
    confirm(give(app, customers=ACCOUNTS, complaints=TICKETS, subscriptions=SUBSCRIPTIONS))
    assert "Subscriptions folded to customers" in spoken(app)
    contradictions = next(table.value for table in app.dataframe if "rule" in table.value.columns and "examples" in table.value.columns)
    assert any("Flagged as churned" in text for text in contradictions["what"])
    choice = next(box for box in app.selectbox if str(box.key).startswith("joining.flag"))
    choice.set_value("leave_out").run()
    assert_healthy(app)
    assert "rejected" in spoken(app)
    app.button(key="press.merge_all").click().run()
    assert_healthy(app)
    assert not button(app, "press.merge_all")
    assert "1 counted" in " ".join(element.label for element in app.expander)


def test_two_possible_encodings_are_asked_about_with_both_readings(open_page: OpenPage) -> None:
    """Nothing goes on until the analyst says which one has the words right."""
    czech = CUSTOMERS.decode() if isinstance(CUSTOMERS, bytes) else CUSTOMERS
    words = "příliš žluťoučký kůň".encode("cp1250")
    lines = czech.encode().splitlines()
    column = lines[0].split(b",").index(b"segment")
    cells = lines[1].split(b",")
    cells[column] = words
    data = b"\n".join([lines[0], b",".join(cells), *lines[2:]]) + b"\n"
    app = give(open_page("upload"), customers=data, complaints=COMPLAINTS)
    [question] = [one for one in app.radio if str(one.key).endswith(".either")]
    assert any("příliš" in option for option in question.options)
    assert any("pøíliš" in option for option in question.options)
    assert not [one for one in app.button if one.key == "estimate.run"]
    app = question.set_value("cp1250").run()
    assert_healthy(app)
    assert "cp1250" in spoken(app)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_incident_log_and_a_survey_can_be_added_and_lead_to_level_four(open_page: OpenPage, language: str) -> None:
    """The sample's own, in both languages: read, mapped, checked, counted."""
    names = {
        "en": {"customers": "customers", "complaints": "complaints", "incidents": "incidents", "surveys": "survey"},
        "fr": {"customers": "clients", "complaints": "reclamations", "incidents": "incidents", "surveys": "enquete"},
    }[language]
    app = open_page("upload", language=language)
    assert {element.key for element in app.get("download_button")} >= {"sample.incidents", "sample.surveys"}
    upload(app, **{table: (f"{name}.csv", (DATA / language / f"{name}.csv").read_bytes()) for table, name in names.items()})
    confirm(app)
    text = spoken(app)
    for table in ("incidents", "surveys"):
        assert Translator(language).text(f"ui.upload.table_{table}") in text
    assert button(app, "estimate.run")
    [files] = app.session_state["caches"]["upload"]._results.values()
    [*_, counts] = [result.counts for key, result in files._results._results.items() if key.startswith("count|")]
    assert judge_evidence(counts).level == "4"


def test_of_one_workbook_each_table_takes_its_own_sheet(open_page: OpenPage) -> None:
    book = io.BytesIO()
    with pd.ExcelWriter(book) as writer:
        pd.read_csv(io.StringIO(CUSTOMERS), dtype=str).to_excel(writer, sheet_name="Customers", index=False)
        pd.read_csv(io.StringIO(COMPLAINTS), dtype=str).to_excel(writer, sheet_name="Complaints", index=False)
    app = upload(open_page("upload"), customers=("company.xlsx", book.getvalue()), complaints=("company.xlsx", book.getvalue()))
    confirm(app)
    assert "Customers: 80 rows read = 80 kept" in spoken(app)
    assert "Complaints: 16 rows read = 16 kept" in spoken(app)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_two_files_in_each_others_place_are_swapped_by_a_button(open_page: OpenPage, language: str) -> None:
    app = upload(open_page("upload", language=language), customers=("a.csv", COMPLAINTS.encode()), complaints=("b.csv", CUSTOMERS.encode()))
    assert button(app, "press.swap")
    app.button(key="press.swap").click().run()
    assert_healthy(app)
    assert not button(app, "press.swap")
    confirm(app)
    assert button(app, "estimate.run")


def test_a_file_is_judged_when_it_arrives(open_page: OpenPage) -> None:
    app = upload(open_page("upload"), customers=("customers.csv", b"customer_id,start_date\n"))
    assert any("customers.csv" in box.value for box in app.error)
    app = upload(open_page("upload"), customers=("customers.csv", CUSTOMERS.encode()))
    assert "A table of 5 columns" in spoken(app)
    assert not app.error


def test_files_and_choices_stay_when_the_page_is_left_and_for_another_language(open_page: OpenPage) -> None:
    app = confirm(give(open_page("upload"), customers=CUSTOMERS, complaints=COMPLAINTS))
    for page in ("method", "upload"):
        app.switch_page(f"iceberg/ui/pages/{page}.py").run()
        assert_healthy(app)
    assert "80 rows read = 80 kept" in spoken(app), "columns stay confirmed"
    for language in ("fr", "en", "fr"):
        app.segmented_control(key="lang").set_value(language).run()
        assert_healthy(app)
        assert button(app, "estimate.run")
    estimate(app)
    app.switch_page("iceberg/ui/pages/upload.py").run()
    assert_healthy(app)
    assert button(app, "columns.confirm"), "the way back to the columns"


def test_this_months_files_with_the_same_choices_need_no_confirmation(open_page: OpenPage) -> None:
    renamed = CUSTOMERS.replace("start_date", "arrived").replace("end_date", "quit")
    app = give(open_page("upload"), customers=renamed, complaints=COMPLAINTS)
    choose = {one.label: one for one in app.selectbox}
    choose["First day (required)"].set_value("arrived")
    choose["Last day (optional)"].set_value("quit")
    app.run()
    estimate(confirm(app))
    app.switch_page("iceberg/ui/pages/upload.py").run()
    app.button(key="press.next_month").click().run()
    assert_healthy(app)
    assert not button(app, "columns.confirm"), "the boxes are empty"
    turn = next(one.key for one in app.file_uploader if one.key.startswith("file.customers"))
    app.file_uploader(key=turn).set_value(("july.csv", renamed.encode(), "text/csv"))
    app.file_uploader(key=turn.replace("customers", "complaints")).set_value(("july2.csv", COMPLAINTS.encode(), "text/csv"))
    app.run()
    assert_healthy(app)
    assert "80 rows read = 80 kept" in spoken(app)
    assert button(app, "estimate.run")


def test_ids_that_do_not_meet_are_a_question_before_the_estimate(open_page: OpenPage) -> None:
    strangers = COMPLAINTS + "".join(f"stranger{n},2025-02-07,Billing\n" for n in range(4))
    app = confirm(give(open_page("upload"), customers=CUSTOMERS, complaints=strangers))
    assert app.button(key="estimate.run").disabled
    next(box for box in app.checkbox if box.key.startswith("ids.accepted.")).check().run()
    assert not app.button(key="estimate.run").disabled


def test_a_customers_file_that_says_of_nobody_that_they_left_is_a_question(open_page: OpenPage) -> None:
    without_end = pd.read_csv(io.StringIO(CUSTOMERS), dtype=str).drop(columns="end_date").to_csv(index=False)
    app = give(open_page("upload"), customers=without_end, complaints=COMPLAINTS)
    assert not button(app, "columns.confirm")
    next(box for box in app.checkbox if box.key.startswith("column.nobody.")).check().run()
    assert button(app, "columns.confirm")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_file_of_another_kind_is_judged_below_its_box_in_the_language_of_the_page(open_page: OpenPage, language: str) -> None:
    """The browser would refuse it in English, and only where the pointer rests."""
    app = open_page("upload", language=language)
    app.file_uploader(key="file.customers").set_value([("letter.pdf", b"%PDF-1.4 nothing", "application/pdf")]).run()
    assert_healthy(app)
    said = {"en": "letter.pdf is a document or a picture", "fr": "letter.pdf est un document ou une image"}[language]
    assert any(said in box.value for box in app.error)
