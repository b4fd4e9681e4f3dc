"""A form of a day or an amount that is recognised is parsed: both read the same table of patterns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceberg.ingest.values.date_forms import FORMS, day_sql, days_in, moved_sql
from iceberg.ingest.values.dates import date_sql, recognise_dates
from iceberg.ingest.values.numbers import number_sql, recognise_numbers

FORMATS = tuple(dict.fromkeys(form.format for form in FORMS))
FRENCH = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
WEEKDAYS = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
CONNECTION = duckdb.connect()


def parsed(text: str, expression: str) -> object:
    """The value of an expression over one text."""
    return CONNECTION.execute(f"SELECT {expression} FROM (SELECT ?::VARCHAR AS t)", [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Mar 1, 2023", date(2023, 3, 1)),
        ("March 5, 2023", date(2023, 3, 5)),
        ("Apr 9 2024", date(2024, 4, 9)),
        ("mar. 7 mars 2023", date(2023, 3, 7)),
        ("mar. 28 nov. 2023", date(2023, 11, 28)),
        ("mardi 28 novembre 2023 à 10h05", date(2023, 11, 28)),
        ("1er janvier 2023", date(2023, 1, 1)),
        ("Tue, 28 Nov 2023 10:05:33 +0100", date(2023, 11, 28)),
        ("Tuesday, 28-Nov-23 10:05:33 GMT", date(2023, 11, 28)),
        ("Tue Nov 28 10:05:33 UTC 2023", date(2023, 11, 28)),
        ("Tue Nov 28 2023 10:05:33 GMT+0100 (CET)", date(2023, 11, 28)),
        ("28-NOV-23 10.05.33.123456000 PM +01:00", date(2023, 11, 28)),
        ("28-FÉVR.-23", date(2023, 2, 28)),
        ("28NOV2023", date(2023, 11, 28)),
        ("Nov 28 2023 10:05:33:123AM", date(2023, 11, 28)),
        ("2023-11-28 10h05", date(2023, 11, 28)),
        ("2023-11-28-10.05.33.123456", date(2023, 11, 28)),
        ("28/11/2023 10:05:00.000", date(2023, 11, 28)),
        ("01/31/2024 01:05:00 PM +0000", date(2024, 1, 31)),
        ("01/31/2024 1:05:00 p.m. EST", date(2024, 1, 31)),
        ("mar. 28/11/2023", date(2023, 11, 28)),
        ("20231128T100533Z", date(2023, 11, 28)),
        ("2023. 11. 28.", date(2023, 11, 28)),
        ("28 de noviembre de 2023", date(2023, 11, 28)),
        ("2023-11-28T10:05:33+01:00[Europe/Paris]", date(2023, 11, 28)),
        ("2023-11-28 10:05:33.123456 +0000 UTC", date(2023, 11, 28)),
        ("28.11.2023, 10:05 Uhr", date(2023, 11, 28)),
        ("2023년 11월 28일", date(2023, 11, 28)),
        ("2023년 3월 5일 화요일 오후 3:05", date(2023, 3, 5)),
        ("2023년 3월 5일 (일) 오전 11시 5분 7초", date(2023, 3, 5)),
        ("2023. 3. 5. 오후 3:05", date(2023, 3, 5)),
        ("2023-03-05 오전 12:05:00", date(2023, 3, 5)),
        ("2023年3月5日 下午3:05", date(2023, 3, 5)),
        ("2023年03月05日下午3时5分", date(2023, 3, 5)),
        ("2023/3/5 上午 09:05:07", date(2023, 3, 5)),
        ("2023年3月5日(日) 15時05分", date(2023, 3, 5)),
        ("2023年3月5日午後3時5分7秒", date(2023, 3, 5)),
        ("2023年03月05日 星期日 15:05:09", date(2023, 3, 5)),
        ("5 Μαρτίου 2023", date(2023, 3, 5)),
        ("2023. március 5.", date(2023, 3, 5)),
        ("5 Agustus 2023", date(2023, 8, 5)),
        ("5 березня 2023", date(2023, 3, 5)),
    ],
)
def test_a_day_as_a_system_writes_it_is_read_as_it_is_meant(text: str, day: date) -> None:
    """In a column of its own the form is recognised, and every value is that day."""
    reading = recognise_dates([text])
    assert reading is not None
    assert parsed(text, date_sql("t", reading)) == day


@pytest.mark.parametrize(
    "text",
    [
        *("令和6年1月5日", "113年3月5日", "2023年13月5日", "2023년 3월 35일", "3월 5일", "2023-W48-2", "2023-332", "spring", "31/31/2023", "Q1 2023"),
        *("2022-23", "10:05", "1.23E+12"),
    ],
)
def test_a_form_that_is_not_known_is_refused_and_not_guessed(text: str) -> None:
    """Neither recognised nor parsed."""
    assert recognise_dates([text]) is None
    assert parsed(text, day_sql("t", FORMATS)) is None


written_days = st.dates(date(1970, 1, 1), date(2068, 12, 31)).flatmap(
    lambda day: st.sampled_from(
        [
            day.isoformat(),
            f"{day:%d/%m/%Y}",
            f"{day:%m/%d/%y}",
            f"{day:%d.%m.%Y %H:%M}",
            f"{day:%b} {day.day}, {day.year}",
            f"{day:%A} {day.day} {day:%B} {day.year}",
            f"{WEEKDAYS[day.weekday()]} {day.day} {FRENCH[day.month - 1]} {day.year}",
            f"{day:%d-%b-%y}".upper(),
            f"{day:%Y%m%d}",
            f"{day:%Y-%m}",
            f"{day:%m/%Y}",
            f"{FRENCH[day.month - 1]} {day.year}",
            f"{day:%a, %d %b %Y} 23:59:59 +0200",
            f"{day.year}년 {day.month}월 {day.day}일 오후 3:05",
            f"{day.year}年{day.month}月{day.day}日 下午3时5分",
        ]
    )
)
noise = st.text(alphabet="0123456789/-.: aàeéjnovmrtTZ+'\"=,()年月日년월일时分오후下午", max_size=24)


texts = st.lists(st.one_of(written_days, noise, st.tuples(written_days, noise).map("".join)), min_size=1, max_size=200)
EVERY_FORMAT = f"SELECT {', '.join(day_sql('t', [name]) for name in FORMATS)} FROM (SELECT unnest(?::VARCHAR[]) AS t)"


@settings(max_examples=25, deadline=None)
@given(texts)
def test_what_python_recognises_the_engine_parses_to_the_same_day(column: list[str]) -> None:
    """Of every format, for days as systems write them, for noise and for days with noise behind them."""
    found = [tuple(days_in(text).get(name) for name in FORMATS) for text in column]
    assert CONNECTION.execute(EVERY_FORMAT, [column]).fetchall() == found


@settings(max_examples=30, deadline=None)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)), st.integers(-12, 14), st.booleans())
def test_a_moment_with_an_offset_has_the_day_of_the_zone_that_is_asked_for(moment: datetime, hours: int, half_day: bool) -> None:
    """On a clock of 24 or of 12 hours."""
    clock = f"{moment:%m/%d/%Y %I:%M:%S %p}" if half_day else f"{moment:%Y-%m-%d %H:%M:%S}"
    text = f"{clock} {hours:+03d}:00"
    utc = moment.replace(tzinfo=timezone(timedelta(hours=hours))).astimezone(UTC)
    format_ = "month_first" if half_day else "iso"
    assert parsed(text, moved_sql("t", day_sql("t", [format_]), "UTC")) == utc.date()


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("US$1,000.00", 1000.0, "USD"), ("CA$ 1 000,50", 1000.5, "CAD"), ("1 000,50 $ CA", 1000.5, "CAD"), ("$1,000.00 CAD", 1000.0, "CAD"),
        ("R$ 1.234,56", 1234.56, "BRL"), ("1 234,50 kr", 1234.5, "SEK"), ("₹1,23,456.00", 123456.0, "INR"), ("CHF 1'234.50", 1234.5, "CHF"),
        ("1’234.50 CHF", 1234.5, "CHF"), ("Fr. 1'234.50", 1234.5, "CHF"), ("12,50 €", 12.5, "EUR"), ("-€50.00", -50.0, "EUR"),
        ("(US$50.00)", -50.0, "USD"), ("1.234,00-", -1234.0, ""), ("120 € HT", 120.0, "EUR"), ("1 000 FCFA", 1000.0, "XOF"), ("50 %", 50.0, ""),
    ],
)  # fmt: skip
def test_an_amount_is_read_with_its_currency_before_or_behind_it(text: str, amount: float, currency: str) -> None:
    """And named by its code."""
    reading = recognise_numbers([text])
    assert reading is not None
    assert (reading.currency, parsed(text, number_sql("t", reading))) == (currency, amount)


def test_amounts_in_two_currencies_are_converted_by_rates_and_others_are_not_read() -> None:
    """A currency for which no rate is given is never added to the others."""
    reading = recognise_numbers(["€1,000.00", "$1,000.00"])
    assert reading is not None
    assert reading.unconverted == ("USD",)
    converted = reading.converted({"USD": 0.5})
    assert converted.unconverted == ()
    assert [parsed(text, number_sql("t", converted)) for text in ("€1,000.00", "$1,000.00", "1,000.00", "£1,000.00")] == [1000, 500, 1000, None]
