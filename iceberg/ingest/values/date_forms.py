"""The forms in which systems write a day: one table of patterns by which texts are recognised in Python and parsed in SQL.

Both engines of regular expressions get the same patterns, so that a form that is recognised is a form that is parsed; a test compares the two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

from iceberg.ingest.engine.connection import quote_text

# Lower case, without accents: French and English first, then neighbours. No name means two months.
_MONTHS = {
    1: "january janvier januar januari janv jan enero ene gennaio gen janeiro stycznia sty ocak ledna ianuarie tammikuuta января",
    2: "february fevrier fevr februar februari feb fev febrero febbraio fevereiro lutego lut subat unora februarie helmikuuta февраля",
    3: "march mars mar maerz marz mrz marzo maart mrt marco marts marca mart brezna martie maaliskuuta марта",
    4: "april avril avr apr abril abr aprile kwietnia kwi nisan dubna aprilie huhtikuuta апреля",
    5: "may mai mayo maggio mag maio mei maj maja mayis mayıs kvetna toukokuuta мая",
    6: "june juin jun juni junio giugno giu junho czerwca cze haziran cervna iunie kesakuuta июня",
    7: "july juillet juil jul juli julio luglio lug julho lipca lip temmuz cervence iulie heinakuuta июля",
    8: "august aout aug aou agosto ago augustus augusti sierpnia sie agustos srpna elokuuta августа",
    9: "september septembre sept sep septiembre settembre set setembro wrzesnia wrz eylul zari septembrie syyskuuta сентября",
    10: "october octobre oct oktober okt octubre ottobre ott outubro out pazdziernika paz ekim rijna octombrie lokakuuta октября",
    11: "november novembre nov noviembre novembro listopada lis kasim kasım listopadu noiembrie marraskuuta ноября",
    12: "december decembre dec dezember dez diciembre dic dicembre dezembro grudnia gru aralik aralık prosince decembrie joulukuuta декабря",
}
_FURTHER_MONTHS = {  # Greek, Ukrainian, Hungarian, Indonesian
    1: "ιανουαριου ιαν січня",
    2: "φεβρουαριου φεβ лютого",
    3: "μαρτιου μαρ березня marcius marc maret",
    4: "απριλιου απρ квітня aprilis",
    5: "μαιου μαι травня majus",
    6: "ιουνιου ιουν червня junius",
    7: "ιουλιου ιουλ липня julius",
    8: "αυγουστου αυγ серпня augusztus agustus",
    9: "σεπτεμβριου σεπ вересня szeptember szept",
    10: "οκτωβριου οκτ жовтня",
    11: "νοεμβριου νοε листопада",
    12: "δεκεμβριου δεκ грудня desember",
}
_NUMBER_OF_MONTH = {name: number for names in (_MONTHS, _FURTHER_MONTHS) for number, listed in names.items() for name in listed.split()}
MONTH_NAMES = "|".join(sorted(_NUMBER_OF_MONTH, key=lambda name: (-len(name), name)))  # longer names first
_DAYS = (
    "monday|mon|tuesday|tues|tue|wednesday|weds|wed|thursday|thurs|thur|thu|friday|fri|saturday|sat|sunday|sun|"
    "lundi|lun|mardi|mar|mercredi|mer|jeudi|jeu|vendredi|ven|samedi|sam|dimanche|dim|"
    "montag|mo|dienstag|di|mittwoch|mi|donnerstag|do|freitag|fr|samstag|sa|sonntag|so|"
    "lunes|martes|miercoles|mie|jueves|jue|viernes|vie|sabado|sab|domingo|dom|lunedi|martedi|mercoledi|giovedi|gio|venerdi|sabato|domenica|"
    "maandag|ma|dinsdag|woensdag|wo|donderdag|vrijdag|vr|zaterdag|za|zondag|zo|(?:segunda|terca|quarta|quinta|sexta)(?:-feira)?|seg|ter|qua|qui|sex"
)
_PIVOT = "69"  # two digits of a year are of 1969 to 2068, as in POSIX
_LONGEST = 80  # characters; a longer text is no day
_BLANK = " *[\\t\\n\\r\u00a0\u202f\u2009][ \\t\\n\\r\u00a0\u202f\u2009]*| {2,}"
_ORDINAL = "(?:er|re|st|nd|rd|th|\\.|\u00ba)?"
_HALF_DAY = " ?[ap]\\.? ?m\\.?"
_ZONES = (
    "est|edt|cst|cdt|mst|mdt|pst|pdt|akst|akdt|hst|cet|cest|wet|west|eet|eest|bst|ist|msk|jst|aest|aedt|nzst|nzdt|[a-z]+/[a-z_]+(?:/[a-z_]+)?"
)
_OFFSET = "(?:(?:z|utc|gmt|ut)(?: ?[+-][0-9]{1,2}(?::?[0-9]{2})?)?|[+-][0-9]{2}(?::?[0-9]{2})?(?: (?:utc|gmt))?)"
_NAMED = "(?: ?(?:\\([^)]*\\)|\\[[^]]*\\]))?"  # the zone again, by its name
_ZONE = f"(?: ?(?:{_OFFSET}|{_ZONES}))?{_NAMED}"
_CLOCK = (
    "[0-9]{1,2}(?: ?[:.h] ?[0-9]{2}(?: ?(?::|\\.|m|min) ?[0-9]{2}(?:[.,:][0-9]{1,9})?)?(?: ?(?:sec|s|min|mn|m|uhr|h))?"
    f"(?:{_HALF_DAY})?| ?h|{_HALF_DAY})"
)
_TIME = f"(?:[ t,:-]+(?:a |at |um |klo |- )?{_CLOCK}{_ZONE}|{_NAMED})?"
_GAP = "(?: ?[-/.] ?| )"  # between the numbers of a day
_LOOSE = "[ .,/'-]*"  # beside the name of a month
_YEAR = "([0-9]{4}|[0-9]{2})"
_EAST_WEEKDAY = (
    " ?(?:[(（][月火水木金土日一二三四五六월화수목금토일](?:曜日?|요일)?[)）]|"
    "(?:星期|周|週|礼拜|禮拜)[一二三四五六日天]|[月火水木金土日]曜日?|[월화수목금토일]요일) ?"
)
# Days of East Asia, rewritten as the others are: 2024年3月5日(火) 下午3時05分, 2024년 3월 5일 화요일 오후 3:05, 2024/3/5 上午 9:05.
# Minutes and seconds of one digit get a second one, since a clock has two. ASCII texts are left alone.
_EAST_STEPS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("([0-9]{4}) ?[年년] ?([0-9]{1,2}) ?[月월] ?([0-9]{1,2}) ?[日일号號] ?", "\\1-\\2-\\3 "),
        ("([0-9]{4}) ?[年년] ?([0-9]{1,2}) ?[月월]$", "\\1-\\2"),
        (_EAST_WEEKDAY, " "),
        ("([时時시点點]) ?([0-9]) ?([分분])", "\\1 0\\2\\3"),
        ("([分분]) ?([0-9]) ?([秒초])", "\\1 0\\2\\3"),
        ("([0-9]{1,2}) ?[时時시点點] ?([0-9]{2}) ?[分분](?: ?([0-9]{2}) ?[秒초])?", "\\1:\\2"),
        ("([0-9]{1,2}) ?[时時시点點]", "\\1:00"),
        (" ?(?:오전|上午|午前|凌晨|早上|清晨) ?([0-9]{1,2}[0-9:.]*)", " \\1 am"),
        (" ?(?:오후|下午|午後|晚上|傍晚) ?([0-9]{1,2}[0-9:.]*)", " \\1 pm"),
        (" {2,}", " "),
        (" $", ""),
    )
)
# What is taken off every text before it is compared with a form.
_STEPS = (
    (re.compile(_BLANK), " "),
    (re.compile("^ ?['=\"]+(?:le )?|^ ?le |^ | $|\"$"), ""),
    (
        re.compile(
            f"^(?:{_DAYS})\\.?,? +((?:[0-9]{{1,2}}{_ORDINAL}{_LOOSE}(?:de )?(?:{MONTH_NAMES})|(?:{MONTH_NAMES})[. ]|"
            f"[0-9]{{1,4}} ?[-/.] ?[0-9]{{1,2}}[-/. ]).*)$"
        ),
        "\\1",
    ),
)


@dataclass(frozen=True)
class Form:
    """One form of a day.

    Attributes:
        format: Name of the format that it belongs to.
        pattern: Matches the whole text in lower case, without accents, double blanks and the name of the day of the week.
        parts: Replacement that gives year, month and day with hyphens; the month may be a name, the year may have two digits.
    """

    format: str
    pattern: re.Pattern[str]
    parts: str

    def read(self, text: str) -> date | None:
        """The day in a text as `tidy` leaves it; None where it has another form or there is no such day."""
        return _day(self.pattern.sub(self.parts, text)) if self.pattern.match(text) else None

    def sql(self, text: str) -> str:
        """SQL of year, month and day as `parts` gives them, NULL where the form does not fit; `text` is SQL of a text as `tidy_sql` leaves it."""
        pattern = quote_text(self.pattern.pattern)
        return f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_replace({text}, {pattern}, {quote_text(self.parts)}) END"


def _form(name: str, pattern: str, parts: str) -> Form:
    return Form(name, re.compile(f"^{pattern}$"), parts)


FORMS = (
    _form("iso", f"([0-9]{{4}}){_GAP}([0-9]{{1,2}}){_GAP}([0-9]{{1,2}})\\.?{_TIME}", "\\1-\\2-\\3"),
    _form("day_first", f"([0-9]{{1,2}}){_GAP}([0-9]{{1,2}}){_GAP}{_YEAR}{_TIME}", "\\3-\\2-\\1"),
    _form("month_first", f"([0-9]{{1,2}}){_GAP}([0-9]{{1,2}}){_GAP}{_YEAR}{_TIME}", "\\3-\\1-\\2"),
    _form(
        "yyyymmdd",
        "((?:19|20)[0-9]{2}|[29]999)(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
        f"(?:{_TIME}|[ t]?[0-9]{{6}}(?:[.,][0-9]{{1,9}})?{_ZONE}|[ t][0-9]{{4}}{_ZONE})",
        "\\1-\\2-\\3",
    ),
    # The name says which number is the month, whatever the order: 1 March 2023, March 1, 2023, 2023 March 1, and the clock between day and year.
    _form("named_month", f"([0-9]{{1,2}}){_ORDINAL}{_LOOSE}(?:(?:de|of) )?({MONTH_NAMES})\\.?,?{_LOOSE}(?:de )?{_YEAR}{_TIME}", "\\3-\\2-\\1"),
    _form("named_month", f"({MONTH_NAMES})\\.?{_LOOSE}([0-9]{{1,2}}){_ORDINAL}(?:[ ,/.-]+([0-9]{{4}})|, ?'?([0-9]{{2}})){_TIME}", "\\3\\4-\\1-\\2"),
    _form("named_month", f"([0-9]{{4}}){_LOOSE}({MONTH_NAMES})\\.?{_LOOSE}([0-9]{{1,2}})\\.?{_TIME}", "\\1-\\2-\\3"),
    _form("named_month", f"({MONTH_NAMES})\\.? ([0-9]{{1,2}}) {_CLOCK}{_ZONE} ([0-9]{{4}})", "\\3-\\1-\\2"),
    _form("year_month", "((?:19|20)[0-9]{2})(?:[-/. ]?m?(0[1-9]|1[0-2])|[-/. ]m?([1-9]))", "\\1-\\2\\3-1"),
    _form("month_year", "(0?[1-9]|1[0-2])[-/. ]((?:19|20)[0-9]{2})", "\\2-\\1-1"),
    _form("named_month_year", f"({MONTH_NAMES})\\.?[ /-]*'?{_YEAR}", "\\2-\\1-1"),
    _form("named_month_year", f"([0-9]{{4}})[ /-]*({MONTH_NAMES})\\.?", "\\1-\\2-1"),
)
_MOMENT = f"([0-9]{{1,2}}) ?[:.h] ?([0-9]{{2}})[0-9:.,ms ]*([ap])?[ .m]*({_OFFSET}){_NAMED}(?: [0-9]{{4}})?$"
_OFFSET_PARTS = "([+-])([0-9]{1,2}):?([0-9]{2})?"
_CLOCK_END = f"(?:[:.h] ?[0-9]{{2}}|t[0-9]{{4}}(?:[0-9]{{2}})?|[:.h][0-9]{{2}}[.,:][0-9]{{1,9}}|{_HALF_DAY})(?:{_HALF_DAY})?"
_WITH_ZONE = re.compile(f"{_CLOCK_END} ?(?:{_OFFSET}|{_ZONES}){_NAMED}(?: [0-9]{{4}})?$")


@cache
def forms_of(format_: str) -> tuple[Form, ...]:
    """The forms of one format; none where a number alone is the day."""
    return tuple(form for form in FORMS if form.format == format_)


def tidy(text: str) -> str:
    """A text in lower case, without accents, double blanks, a quotation mark before it and the name of the day of the week."""
    folded = unicodedata.normalize("NFD", text)
    text = unicodedata.normalize("NFC", "".join(letter for letter in folded if not unicodedata.combining(letter))).lower()
    *steps, weekday = _STEPS
    for pattern, replacement in (*steps, *(() if text.isascii() else _EAST_STEPS), weekday):
        text = pattern.sub(replacement, text)
    return text


def tidy_sql(text: str) -> str:
    """SQL of the same; `text` is SQL of a VARCHAR."""
    text = f"lower(strip_accents({text}))"
    *steps, (weekday, rest) = _STEPS
    text = _replaced_sql(text, steps)
    east = f"CASE WHEN strlen(cut) > length(cut) THEN {_replaced_sql('cut', _EAST_STEPS)} ELSE cut END"  # not ASCII
    text = f"list_transform([{text}], lambda cut: {east})[1]"
    named = f"regexp_replace(plain, {quote_text(weekday.pattern)}, {quote_text(rest)})"  # costly, and only for a text that begins with a letter
    return f"list_transform([{text}], lambda plain: CASE WHEN plain >= 'a' THEN {named} ELSE plain END)[1]"


def _replaced_sql(text: str, steps: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """SQL of a text after every one of these steps; `text` is SQL of it."""
    for pattern, replacement in steps:
        text = f"regexp_replace({text}, {quote_text(pattern.pattern)}, {quote_text(replacement)}, 'g')"
    return text


def days_in(text: str) -> dict[str, date]:
    """The day of a text by every format of which it has a form."""
    found: dict[str, date] = {}
    if len(text) > _LONGEST or not any(map(str.isdigit, text)):
        return found
    plain = tidy(text)
    for form in FORMS:
        if form.format not in found and (day := form.read(plain)) is not None:
            found[form.format] = day
    return found


def day_sql(text: str, formats: Iterable[str]) -> str:
    """SQL of the DATE that a text holds by the first of these formats that fits it, else NULL; `text` is SQL of a VARCHAR."""
    forms = ", ".join(form.sql("plain") for name in formats for form in forms_of(name))
    months = " ".join(f"WHEN '{name}' THEN '{number}'" for name, number in _NUMBER_OF_MONTH.items())
    century = f"CASE WHEN strlen(parts[1]) > 2 THEN '' WHEN parts[1] < '{_PIVOT}' THEN '20' ELSE '19' END"
    day = f"TRY_CAST({century} || parts[1] || '-' || CASE parts[2] {months} ELSE parts[2] END || '-' || parts[3] AS DATE)"
    # Lists of one, so that the text is made plain, and cut, once.
    cut = f"list_transform([string_split(coalesce({forms}, NULL::VARCHAR), '-')], lambda parts: {day})[1]"
    return f"list_transform([{tidy_sql(text)}], lambda plain: {cut})[1]"


def has_zone(text: str) -> bool:
    """Whether a text ends in a time with a zone or an offset, so that its day depends on where it is read."""
    return bool(_WITH_ZONE.search(tidy(text)))


def moved_sql(text: str, day: str, zone: str) -> str:
    """SQL of the DATE in `zone` of a moment with an offset; `day` where there is none. `text` and `day` are SQL of the text and of its day."""
    plain = tidy_sql(text)
    hour, minute, half, offset = (f"regexp_extract({plain}, {quote_text(_MOMENT)}, {place})" for place in (1, 2, 3, 4))
    sign, hours, minutes = (f"regexp_extract({offset}, {quote_text(_OFFSET_PARTS)}, {place})" for place in (1, 2, 3))
    hour = f"TRY_CAST({hour} AS INTEGER)"
    clock = f"CASE WHEN {half} = '' THEN {hour} ELSE {hour} % 12 + CASE {half} WHEN 'p' THEN 12 ELSE 0 END END"
    ahead = f"coalesce(TRY_CAST({hours} AS INTEGER), 0) * 60 + coalesce(TRY_CAST({minutes} AS INTEGER), 0)"
    utc = f"({day} + to_hours({clock}) + to_minutes(TRY_CAST({minute} AS INTEGER)) - to_minutes(CASE {sign} WHEN '-' THEN -1 ELSE 1 END * ({ahead})))"
    return f"CASE WHEN {offset} = '' THEN {day} ELSE CAST(({utc} AT TIME ZONE 'UTC') AT TIME ZONE '{zone}' AS DATE) END"


def _day(parts: str) -> date | None:
    year, month, day = parts.split("-")
    if len(year) == 2:
        year = ("20" if year < _PIVOT else "19") + year
    try:
        return date(int(year), _NUMBER_OF_MONTH.get(month) or int(month), int(day))
    except ValueError:
        return None
