"""What an analyst decides on the upload page: several files per table, which columns are joined, whose day it is, and what is too large."""

from collections.abc import Callable
from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ingest.joining.options import CategoryReport, Joining
from iceberg.locale import Translator
from iceberg.ui.upload.category_table import edited_names, with_names
from iceberg.ui.upload.limit import command_line
from tests.ui.conftest import COMPLAINTS, CUSTOMERS, assert_healthy, page_file, spoken, upload

OpenPage = Callable[..., AppTest]
CSV = "text/csv"


def give_parts(app: AppTest, table: str, *contents: str) -> AppTest:
    files = [(f"{table}-{place}.csv", content.encode(), CSV) for place, content in enumerate(contents, start=1)]
    app.file_uploader(key=f"file.{table}").set_value(files)
    return app


def halves(text: str) -> tuple[str, str]:
    header, *rows = text.splitlines()
    middle = len(rows) // 2
    return "\n".join([header, *rows[:middle], ""]), "\n".join([header, *rows[middle:], ""])


def test_a_table_may_come_in_several_files_and_each_is_accounted_for(open_page: OpenPage) -> None:
    app = open_page("upload")
    give_parts(app, "customers", *halves(CUSTOMERS))
    give_parts(app, "complaints", COMPLAINTS)
    app.run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    text = spoken(app)
    assert "80 rows read = 80 kept" in text
    assert "customers-1.csv: 40 rows read" in text
    assert "customers-2.csv: 40 rows read" in text
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    assert "customers-1.csv + customers-2.csv + complaints-1.csv" in spoken(app)


def test_a_second_file_that_is_no_table_is_named(open_page: OpenPage) -> None:
    app = open_page("upload")
    give_parts(app, "customers", CUSTOMERS, "<html><body>Log in</body></html>")
    give_parts(app, "complaints", COMPLAINTS)
    app.run()
    assert_healthy(app)
    assert "customers-2.csv" in "\n".join(element.value for element in app.error)


def test_another_pair_of_columns_can_be_joined_from_a_list(open_page: OpenPage) -> None:
    """Customers carry a second id that the complaints use as well: both pairs are offered, with how many ids meet."""
    customers = "customer_id,account_number,start_date,end_date\n" + "".join(
        f"c{i},{1000 + i},2024-0{1 + i % 6}-03,{'2025-03-14' if i % 4 == 0 else ''}\n" for i in range(80)
    )
    complaints = "customer_id,account_number,complaint_date,category\n" + "".join(
        f"c{i},{1000 + i},2025-0{1 + i % 3}-07,{'Late delivery' if i % 2 else 'Billing'}\n" for i in range(0, 80, 5)
    )
    app = open_page("upload")
    upload(app, customers=("customers.csv", customers.encode()), complaints=("complaints.csv", complaints.encode()))
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    picker = next(one for one in app.selectbox if one.key and one.key.startswith("relation.complaints."))
    assert len(picker.options) > 1
    assert "100% of 16 ids" in picker.options[0]
    other = next(option for option in picker.options if "account_number → customers.csv · account_number" in option)
    picker.set_value(picker.options.index(other)).run()
    assert_healthy(app)
    chosen = next(one for one in app.selectbox if one.key and one.key.startswith("relation.complaints."))
    assert "account_number → customers.csv · account_number" in chosen.options[0]


@pytest.mark.parametrize(("amounts", "asked"), [((10, 100), False), ((10, 11), True)])
def test_a_period_in_another_column_is_taken_or_asked_about_below_the_amounts(open_page: OpenPage, amounts: tuple[int, int], asked: bool) -> None:
    """Nothing is chosen beforehand where the amounts do not show it; what is chosen counts and is kept in the mapping."""
    rows = [f"c{i},2024-0{1 + i % 6}-03,,{amounts[i % 2]},{('monthly', 'annual')[i % 2]}\n" for i in range(80)]
    app = open_page("upload")
    customers = "customer_id,start_date,end_date,price,billing_cycle\n" + "".join(rows)
    upload(app, customers=("customers.csv", customers.encode()), complaints=("complaints.csv", COMPLAINTS.encode()))
    control = next(one for one in app.pills if one.key and one.key.endswith(".revenue.period"))
    assert control.value == (None if asked else "by_row")
    if asked:
        assert "Choose below the column" in spoken(app)
        control.set_value("by_row").run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "paid per what “billing_cycle” says" in spoken(app)


def test_the_time_zone_is_asked_where_it_can_move_a_day(open_page: OpenPage) -> None:
    zoned = COMPLAINTS.replace("-07,", "-07T23:30:00+00:00,")
    app = open_page("upload")
    upload(app, customers=("customers.csv", CUSTOMERS.encode()), complaints=("complaints.csv", zoned.encode()))
    zone = next(one for one in app.selectbox if one.key and one.key.endswith(".zone"))
    assert "as written" in zone.options[0]
    zone.set_value("Europe/Paris").run()
    assert_healthy(app)
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_command_for_a_refused_file_is_the_one_for_that_file(language: str) -> None:
    words = Translator(language)
    given = {"customers": ["my customers.csv"], "complaints": ["c.csv"]}
    line = command_line("linked", given, words)
    assert line.startswith("python -m iceberg estimate --customers 'my customers.csv' --complaints c.csv")
    assert ("--lang fr" in line) == (language == "fr")
    assert "--customers 'part-*.csv'" in command_line("flat", {"flat": ["part-1.csv", "part-2.csv"]}, words)
    assert "--activity a.parquet" in command_line("joined", {"activity": ["a.parquet"]}, words)
    assert "--customers" not in command_line("joined", {"activity": ["a.parquet"]}, words)


def test_files_that_reach_beyond_today_may_be_believed(open_page: OpenPage) -> None:
    """A forecast export: complaints of a later year are left out, until a later day is taken for today."""
    later = date.today().year + 2
    app = open_page("upload")
    complaints = COMPLAINTS.replace("2025-01-", f"{later}-01-").encode()
    upload(app, customers=("customers.csv", CUSTOMERS.replace("2025-03-14", "").encode()), complaints=("complaints.csv", complaints))
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "the day taken for today" in spoken(app)
    assert "16 rows read = 10 kept + 6 rejected" in spoken(app)
    today = next(one for one in app.date_input if one.key and one.key.startswith("read_on."))
    today.set_value(date(later, 6, 30)).run()
    assert_healthy(app)
    assert "16 rows read = 16 kept + 0 rejected" in spoken(app)


def test_polish_headers_in_a_central_european_code_page_are_chosen_by_hand(open_page: OpenPage) -> None:
    """Neither the code page nor a header is known: both are asked, and the answers are enough."""
    customers = "Numer klienta;Data rozpoczęcia;Data zakończenia;Województwo\n" + "".join(
        f"k{i};{1 + i % 28:02d}.03.2024;{'14.03.2025' if i % 4 == 0 else ''};Łódź\n" for i in range(60)
    )
    complaints = "Numer klienta;Dzień skargi;Powód\n" + "".join(
        f"k{i};{1 + i % 28:02d}.01.2025;{'Faktura' if i % 2 else 'Dostawa'}\n" for i in range(0, 60, 5)
    )
    app = open_page("upload")
    upload(app, customers=("klienci.csv", customers.encode("cp1250")), complaints=("skargi.csv", complaints.encode()))
    question = next(radio for radio in app.radio if str(radio.key).endswith(".either"))
    assert any("zakończenia" in option for option in question.options)
    app = question.set_value("cp1250").run()
    chosen = {
        "customers": {"customer_id": "Numer klienta", "start_date": "Data rozpoczęcia", "end_date": "Data zakończenia", "segment": "Województwo"},
        "complaints": {"customer_id": "Numer klienta", "complaint_date": "Dzień skargi", "category": "Powód"},
    }
    for table, fields in chosen.items():
        for name, header in fields.items():
            lists = app.multiselect if name == "segment" else app.selectbox
            select = next(one for one in lists if str(one.key).startswith(f"column.{table}.") and str(one.key).endswith(f".{name}"))
            app = select.set_value([header] if name == "segment" else header).run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "60 rows read = 60 kept" in spoken(app)
    assert "12 rows read = 12 kept" in spoken(app)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_several_segment_columns_are_chosen_and_the_results_stand_by_each(open_page: OpenPage, language: str) -> None:
    """Regions and plans: counted by their cells, filtered by a plan, shown by region on a category's page, saved for next month."""
    head, *rows = CUSTOMERS.splitlines()
    customers = "\n".join([f"{head},plan", *(f"{row},{'Basic' if place % 3 else 'Premium'}" for place, row in enumerate(rows)), ""])
    app = open_page("upload", language=language)
    upload(app, customers=("customers.csv", customers.encode()), complaints=("complaints.csv", COMPLAINTS.encode()))
    columns = next(one for one in app.multiselect if str(one.key).endswith(".segment"))
    assert columns.value == ["segment"]
    columns.set_value(["segment", "plan"]).run()
    shown = spoken(app).replace("\u202f", "\u00a0")
    assert {"en": "“South · Premium”", "fr": "«\u00a0South · Premium\u00a0»"}[language] in shown
    app.button(key="columns.confirm").click().run()
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("category")).run()
    assert_healthy(app)
    by = app.segmented_control(key="category.segments_by")
    assert by.options[:2] == ["segment", "plan"]
    by.set_value("plan").run()
    assert_healthy(app)
    lists = {one.label: one for one in app.sidebar.multiselect}
    assert lists["plan"].options == ["Basic", "Premium"]
    lists["plan"].set_value(["Premium"]).run()
    assert_healthy(app)
    assert app.query_params["segment2"] == ["Premium"] or app.query_params["segment2"] == "Premium"


def test_complaints_without_a_category_are_counted_under_one_name(open_page: OpenPage) -> None:
    bare = "\n".join(line.rpartition(",")[0] for line in COMPLAINTS.splitlines()) + "\n"
    app = open_page("upload")
    upload(app, customers=("customers.csv", CUSTOMERS.encode()), complaints=("complaints.csv", bare.encode()))
    assert not [button for button in app.button if button.key == "columns.confirm"]
    field = next(one for one in app.text_input if one.key and one.key.endswith(".one_category"))
    field.set_value("All complaints").run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    assert "All complaints" in spoken(app)


def test_an_edited_table_of_categories_says_what_each_name_becomes() -> None:
    """As the browser sends the changed cells; a name that was cleared keeps itself, a dropped one is no category."""
    rows = [{"name": name, "rows": 3, "category": name, "proposal": "", "dropped": False} for name in ("Bill", "Billing", "Test", "Late")]
    edits = {"0": {"category": " Billing "}, 2: {"dropped": True}, 3: {"category": None}}
    edited = edited_names(rows, edits)
    assert edited == {"Bill": "Billing", "Billing": "Billing", "Test": "", "Late": "Late"}
    rules = with_names(Joining(), CategoryReport(names=tuple((row["name"], 3, (row["name"],)) for row in rows)), edited)
    assert (dict(rules.merge_categories), rules.drop_categories) == ({"Billing": ("Bill",)}, ("Test",))
