"""The smallest files that are refused, one or more per refusal, with what a person knows who follows the message; all values are invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.ingest.kinds import ENDED, FLAGGED, SHEET, TICKETS, formula_book


@dataclass(frozen=True)
class Refusal:
    """Files that are refused.

    Attributes:
        code: Code of the error.
        files: Content by name of file.
        answers: By key of the mapping or option, what the person knows: the header meant by "its column", the file of an option.
        options: Options of ``check``, with {name} for a file.
        mapping: A mapping that is given in the first run.
        mended: The files after what the message asks for, where no mapping can answer it.
        command: That refuses them.
    """

    code: str
    files: Mapping[str, str | bytes]
    answers: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    mapping: str = ""
    mended: Mapping[str, str | bytes] = field(default_factory=dict)
    command: str = "check"


_AMBIGUOUS = "customer_id,start_date,end_date\n" + "".join(f"K{n},0{n % 9 + 1}/0{n % 8 + 1}/2023,\n" for n in range(20))
_MIXED = "customer_id,start_date\n" + "".join(f"K{n},{['05/04', '25/04', '04/25'][n % 3]}/2023\n" for n in range(30))
_HALF = "customer_id,start_date\n" + "".join(f"K{n},{f'2{n % 8 + 1}/04/2023' if n % 2 else f'2023-0{n % 9 + 1}-05'}\n" for n in range(40))
_NOTES = [f"the driver came {n} hours late and nobody called me back about order {n * 7}" for n in range(40)]
_TEXTS = "ticket_id,customer_id,complaint_date,category,Zeta\n" + "".join(
    f"T{n},K{n},2024-0{n % 9 + 1}-05,{_NOTES[n]},{'XY'[n % 2]}\n" for n in range(40)
)
_NO_CATEGORY = "ticket_id,customer_id,complaint_date,Zeta\n" + "".join(f"T{n},K{n},2024-0{n % 9 + 1}-05,{'XY'[n % 2]}\n" for n in range(40))
_ASKED = "customer_id,told_us,Zeta\n" + "".join(f"K{n},no,none of these\n" for n in range(1, 5))
_GONE = "customer_id,churned,Zeta,Eta\n" + "".join(f"K{n},{n % 2},{n},2023-0{n % 9 + 1}-05\n" for n in range(30))
_SHEET_TEXTS = "customer_id,tenure months,churned,complaint\n" + "".join(f"K{n},{n},{n % 2},{_NOTES[n] if n % 3 else ''}\n" for n in range(40))
_TWICE = "customer_id,start_date,end_date,customer_id\n" + "".join(f"K{n},2023-01-0{n % 9 + 1},,L{n}\n" for n in range(20))
VOLUMES = "month,category,complaints\n2024-01,A,10\n2024-02,B,20\n"
_AMOUNTS = "customer_id,start_date,revenue\n" + "".join(f'K{n},2023-01-05,"1,23{n}"\n' for n in range(9))
_CZECH = "customer_id,start_date,segment\n1,2024-01-25,příliš žluťoučký kůň\n2,2024-01-26,kůň\n"
_OLD_IDS = TICKETS.replace("\nK", "\nCRM-K")
_WORDS = "customer_id,start_date,churned\n" + "".join(f"K{n},2023-01-05,{'PQR'[n % 3]}\n" for n in range(30))

def _scores(header: str, cells: list[str], more: list[str] | None = None) -> str:
    """A file of scores with these cells in turn; `more` is what a column called kind holds."""
    kinds = [f",{kind}" for kind in more or [""]] if more else [""]
    rows = "".join(f"K{n},2024-0{n % 9 + 1}-05,{cells[n % len(cells)]}{kinds[n % len(kinds)]}\n" for n in range(24))
    return f"customer_id,answered at,{header}{',kind' if more else ''}\n{rows}"


REFUSALS = {
    "scores of a scale that few values show": Refusal(
        "scores_scale_unknown", {"scores.csv": _scores("score", ["2", "3", "4"])}, {"--score-scale": "1-5"}
    ),
    "scores in numbers and in words": Refusal("scores_two_scales", {"scores.csv": _scores("score", ["9", "good", "4"])}, {"--score-scale": "0-10"}),
    "percentages under a header of ten": Refusal(
        "scores_off_scale", {"scores.csv": _scores("nps", ["80", "95", "40"])}, {"--score-scale": "percent"}
    ),
    "two kinds of scores in one column": Refusal(
        "scores_several_kinds", {"scores.csv": _scores("score", ["9", "4"], ["NPS", "CSAT"])}, mended={"scores.csv": _scores("nps", ["9", "4"])}
    ),
    "two files of scores on two scales": Refusal(
        "scores_files_differ",
        {"a.csv": _scores("score", ["4/5", "2/5"]), "b.csv": _scores("score", ["8/10", "9/10"])},
        {"--score-scale": "1-5"},
    ),
    "a last day by its content alone": Refusal("mapping_uncertain", {"c.csv": ENDED.replace("end_date", "Zeta")}, {"end_date": "Zeta"}),
    "no header says who the customer is": Refusal(
        "mapping_uncertain", {"c.csv": ENDED.replace("customer_id", "Zeta")}, {"customer_id": "Zeta"}, ("--customers", "{c.csv}")
    ),
    "no header says when": Refusal(
        "mapping_uncertain", {"k.csv": TICKETS.replace("complaint_date", "Zeta")}, {"complaint_date": "Zeta"}, ("--complaints", "{k.csv}")
    ),
    "nothing is known": Refusal(
        "table_unrecognised",
        {"odd.csv": "alpha,beta,gamma\n2024-01-05,x,1\n2024-02-05,y,2\n2024-03-05,x,3\n"},
        {"--volumes": "odd.csv", "month": "alpha", "category": "beta", "complaints": "gamma"},
    ),
    "days in a script of their own": Refusal(
        "values_unreadable", {"c.csv": "customer_id,start_date,end_date,Zeta\nA,甲子年,,2024-01-05\nB,乙丑年,,2024-02-05\n"}, {"start_date": "Zeta"}
    ),
    "an amount that is none": Refusal(
        "values_unreadable",
        {"c.csv": "customer_id,start_date,revenue,Zeta\n" + "".join(f"K{n},2023-01-05,gold,{n}\n" for n in range(9))},
        {"revenue": "Zeta"},
    ),
    "an amount of a mapping that is none": Refusal(
        "values_unreadable",
        {"c.csv": "Nr,Beginn,Stufe,Zeta\n" + "".join(f"K{n},2023-01-05,gold,{n}\n" for n in range(9))},
        {"revenue": "Zeta"},
        mapping='[customers.columns]\ncustomer_id = "Nr"\nstart_date = "Beginn"\nrevenue = "Stufe"\n',
    ),
    "a count of a mapping that is none": Refusal(
        "values_unreadable",
        {"v.csv": "Monat,Art,Menge,Zeta\n2024-01,A,viele,1\n2024-02,A,wenige,2\n"},
        {"complaints": "Zeta"},
        ("--volumes", "{v.csv}"),
        mapping='[volumes.columns]\nmonth = "Monat"\ncategory = "Art"\ncomplaints = "Menge"\n',
    ),
    "a tenure of a mapping that is none": Refusal(
        "values_unreadable",
        {"s.csv": "Nr,Dauer,Weg,Zeta\n" + "".join(f"K{n},lang,{n % 2},{n}\n" for n in range(9))},
        {"tenure": "Zeta"},
        ("--customers", "{s.csv}"),
        mapping='[flat.columns]\ncustomer_id = "Nr"\ntenure = "Dauer"\nchurned = "Weg"\n',
    ),
    "who left and not when": Refusal("left_without_time", {"c.csv": _GONE}, {"tenure": "Zeta", "start_date": "Eta"}, ("--customers", "{c.csv}")),
    "texts as categories": Refusal("category_is_text", {"k.csv": _TEXTS}, {"category": "Zeta"}),
    "texts as complaints": Refusal("complained_is_text", {"s.csv": _SHEET_TEXTS}),
    "which status has left": Refusal("flag_values", {"s.csv": SHEET}),
    "which code has left": Refusal(
        "flag_values", {"s.csv": "customer_id,tenure months,churn\n" + "".join(f"K{n},{n},{n % 2 + 1}\n" for n in range(30))}
    ),
    "which word has left, with dates": Refusal("flag_values", {"c.csv": _WORDS}),
    "values in place of a header": Refusal(
        "no_header",
        {"c.csv": "".join(f"K{n},2023-01-0{n + 1},2024-01-05\n" for n in range(9))},
        mended={"c.csv": "customer_id,start_date,end_date\n" + "".join(f"K{n},2023-01-0{n + 1},2024-01-05\n" for n in range(9))},
    ),
    "a header over two columns": Refusal("header_twice", {"c.csv": _TWICE}),
    "no category": Refusal("category_missing", {"k.csv": _NO_CATEGORY}, {"category": "Zeta"}),
    "no reason in a survey of leavers": Refusal(
        "reason_missing",
        {"c.csv": ENDED, "k.csv": TICKETS, "s.csv": _ASKED},
        {"category": "Zeta"},
        options=("--customers", "{c.csv}", "--complaints", "{k.csv}", "--leaver-survey", "{s.csv}"),
        command="estimate",
    ),
    "a column of a mapping that is gone": Refusal(
        "column_not_found",
        {"c.csv": ENDED},
        {"start_date": "start_date"},
        ("--customers", "{c.csv}"),
        mapping='[customers.columns]\ncustomer_id = "customer_id"\nstart_date = "Joined"\n',
    ),
    "day or month first": Refusal("dates_ambiguous", {"c.csv": _AMBIGUOUS}),
    "day or month first, complaints without customers": Refusal(
        "dates_ambiguous", {"k.csv": "Issue,Received\n" + "".join(f"{'AB'[n % 2]},0{n % 9 + 1}/0{n % 8 + 1}/2024\n" for n in range(20))}
    ),
    "day first and month first": Refusal("dates_mixed", {"c.csv": _MIXED}),
    "dates that a spreadsheet turned round": Refusal("dates_half_converted", {"c.csv": _HALF}),
    "thousands or decimals": Refusal("numbers_ambiguous", {"c.csv": _AMOUNTS}),
    "thousands or decimals by points": Refusal("points_ambiguous", {"c.csv": _AMOUNTS.replace('"', "").replace("1,", "1.").replace("2,", "2.")}),
    "an amount beside its period": Refusal(
        "revenue_period_unclear",
        {"c.csv": "customer_id,start_date,price,billing\n" + "".join(f"K{n},2023-01-05,12,{'monthly' if n % 2 else 'annual'}\n" for n in range(20))},
    ),
    "sums beside their parts": Refusal(
        "sums_beside",
        {"v.csv": "month,region,category,complaints\n" + "".join(f"2024-0{m},N,A,4\n2024-0{m},S,A,6\n2024-0{m},All,A,10\n" for m in (1, 2))},
        mended={"v.csv": VOLUMES},
    ),
    "months of a fiscal calendar": Refusal(
        "fiscal_months",
        {"v.csv": "Fiscal Year,Fiscal Month,Category,Complaints\n2024,1,A,10\n2024,2,A,12\n"},
        {"month": "Fiscal Year & Fiscal Month"},
    ),
    "complaints without customers beside volumes": Refusal(
        "complaints_without_ids",
        {"k.csv": TICKETS.replace("customer_id", "Zeta"), "v.csv": VOLUMES},
        {"customer_id": "Zeta"},
        ("--complaints", "{k.csv}", "--volumes", "{v.csv}"),
    ),
    "departures without a day beside volumes": Refusal(
        "departures_undated",
        {
            "c.csv": FLAGGED.replace(",plan", ",Zeta").replace(",A,", ",2025-01-05,"),
            "v.csv": VOLUMES,
            "e.csv": "customer_id,event_date\nK0,2024-05-05\nK3,2024-06-05\n",
        },
        {"end_date": "Zeta", "--events": "e.csv"},
        ("--customers", "{c.csv}", "--volumes", "{v.csv}"),
    ),
    "two encodings": Refusal("encoding_ambiguous", {"c.csv": _CZECH.encode("cp1250")}),
    "ids that two systems write": Refusal(
        "ids_written_differently",
        {"c.csv": ENDED, "k.csv": _OLD_IDS},
        options=("--customers", "{c.csv}", "--complaints", "{k.csv}"),
        command="estimate",
    ),
    "formulas without results": Refusal("formulas_unsolved", {"c.xlsx": formula_book()}, mended={"c.csv": ENDED}),
    "ids cut short": Refusal(
        "ids_cut_short", {"c.csv": "customer_id,start_date\n" + "".join(f"1.23E+1{n % 3},2023-01-05\n" for n in range(30))}, mended={"c.csv": ENDED}
    ),
    "a year": Refusal(
        "periods_not_months", {"v.csv": "fiscal_year,category,complaints\n2022-23,Loans,58990\n2023-24,Loans,61000\n"}, mended={"v.csv": VOLUMES}
    ),
    "a year named by a mapping": Refusal(
        "periods_not_months",
        {"v.csv": "fiscal_year,category,complaints\n2022-23,Loans,58990\n2023-24,Loans,61000\n"},
        options=("--volumes", "{v.csv}"),
        mapping='[volumes.columns]\nmonth = "fiscal_year"\ncategory = "category"\n',
        mended={"v.csv": VOLUMES.replace("month", "fiscal_year")},
    ),
    "quarters across": Refusal("periods_not_months", {"v.csv": "category,Q1 2024,Q2 2024,Q3 2024\nA,1,2,3\nB,2,3,4\n"}, mended={"v.csv": VOLUMES}),
    "departures alone": Refusal(
        "events_without_customers",
        {"e.csv": "customer_id,event_date\nK0,2024-05-05\nK3,2024-06-05\n", "c.csv": ENDED},
        {"--customers": "c.csv"},
        ("--events", "{e.csv}"),
    ),
    "a sheet without dates beside volumes": Refusal(
        "flat_beside_dates",
        {"s.csv": "customer_id,tenure months,churned\n" + "".join(f"K{n},{n},{n % 2}\n" for n in range(30)), "v.csv": VOLUMES},
        options=("--customers", "{s.csv}", "--volumes", "{v.csv}"),
        mended={"s.csv": ENDED, "v.csv": VOLUMES},
    ),
    "a join to a table that is not there": Refusal(
        "link_table_missing",
        {"c.csv": ENDED, "k.csv": TICKETS, "s.csv": ENDED},
        {"--subscriptions": "s.csv"},
        ("--customers", "{c.csv}", "--complaints", "{k.csv}"),
        mapping='[relations.complaints]\ncolumn = "customer_id"\nother_table = "subscriptions"\nother_column = "customer_id"\n',
    ),
    "a value that a mapping cannot have": Refusal(
        "mapping_value_wrong", {"c.csv": ENDED}, {"decimal": "."}, mapping='[customers]\ndecimal = "comma"\n'
    ),
    "a table that is no table": Refusal("mapping_table_unknown", {"c.csv": ENDED}, {"kunden": "customers"}, mapping='[kunden]\ndecimal = "."\n'),
    "a field that a table has not": Refusal(
        "mapping_field_unknown",
        {"c.csv": ENDED},
        {"beginning": "start_date"},
        ("--customers", "{c.csv}"),
        mapping='[customers.columns]\ncustomer_id = "customer_id"\nbeginning = "start_date"\n',
    ),
    "an empty column": Refusal(
        "column_empty",
        {"c.csv": "customer_id,start_date,Zeta\n,2024-01-05,K1\n,2024-01-06,K2\n"},
        {"customer_id": "Zeta"},
        ("--customers", "{c.csv}"),
    ),
    "files that are not alike": Refusal(
        "files_differ",
        {"c1.csv": ENDED, "c2.csv": ENDED.replace("revenue", "Zeta")},
        options=("--customers", "c?.csv"),
        mended={"c1.csv": ENDED, "c2.csv": ENDED.replace("\nK", "\nL")},
    ),
    "a column per month of which one is none": Refusal(
        "months_unread",
        {"v.csv": "category,2024-01,2024-02,mois 3 2024\nA,1,2,3\nB,2,3,4\n"},
        options=("--volumes", "{v.csv}"),
        mended={"v.csv": "category,2024-01,2024-02,2024-03\nA,1,2,3\nB,2,3,4\n"},
    ),
    "every row wrong": Refusal(
        "all_rows_rejected",
        {"c.csv": "customer_id,start_date\nA,2199-01-05\nB,2199-01-06\n", "k.csv": TICKETS},
        command="estimate",
        options=("--customers", "{c.csv}", "--complaints", "{k.csv}"),
        mended={"c.csv": ENDED, "k.csv": TICKETS},
    ),
}
