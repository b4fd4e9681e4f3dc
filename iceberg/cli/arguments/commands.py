"""The commands and the options of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from iceberg.cli.arguments.activity_types import DEPARTURES, LARGEST_FALSE_ALARMS, check_budget, check_departures, check_settled
from iceberg.cli.arguments.option_types import (
    COMPANIES,
    Option,
    check_amount,
    check_amount_of,
    check_change,
    check_column_of,
    check_columns,
    check_company,
    check_control,
    check_date,
    check_discount,
    check_efficacy_of,
    check_engine,
    check_factor,
    check_format,
    check_intervention,
    check_language,
    check_merge,
    check_month,
    check_names,
    check_part,
    check_period,
    check_rate,
    check_ratio,
    check_scale,
    check_separator,
    check_share_of,
    check_term,
    check_undated,
    check_version,
    check_whole,
)
from iceberg.ingest.schema import TABLE_OF_OPTION
from iceberg.locale import LANGUAGES
from iceberg.model.assumptions import LARGEST_BIAS
from iceberg.report.files.formats import BRIEF_FORMATS, COMPARISON_FORMATS, FORMATS

_LARGEST_SEED = 2**63 - 1


def _whole(name: str, smallest: int, largest: int, *, help_key: str = "") -> Option:
    return Option(name, "number", check_whole(f"--{name}", smallest, largest), help_key)


_MAPPING = (Option("mapping", "file", Path), Option("segments", "columns", check_columns))
_READING = (
    *(Option(name, "file") for name in TABLE_OF_OPTION),
    Option("as-of", "date", check_date("--as-of")),
    *(_whole("inactivity-days", 1, 3650), _whole("gap-days", 0, 3650)),
    Option("score-scale", "scale", check_scale),
    Option("exchange-rate", "rate", check_rate, is_list=True, field="exchange_rates"),
    Option("undated-departures", "sheet|ignore", check_undated),
    Option("merge-category", "merge", check_merge, is_list=True, field="merges"),
    Option("drop-category", "category_name", is_list=True, field="drops"),
    *(Option("split-categories", "separator", check_separator), Option("keep-spellings")),
)
_RESOURCES = (Option("memory-limit", "size"), Option("temp-dir", "folder", Path))
_ENGINE = (Option("engine", "duckdb|spark", check_engine), Option("spark-url", "address"))
_STORE = (Option("store", "store_address"), Option("author", "text"))
_NOTIFY = (
    *(Option("notify", "target", is_list=True), Option("notify-when", "condition", is_list=True)),
    Option("notify-lang", "|".join(LANGUAGES)),
)
_ESTIMATE = (
    *_READING,
    Option("departures", "|".join(DEPARTURES), check_departures),
    Option("settled", "share", check_settled),
    Option("since", "date", check_date("--since")),
    _whole("score-lookback-days", 30, 730),
    Option("ratio", "number", check_ratio),
    _whole("horizon-days", 1, 730),
    *(Option(name, "number", check_factor(f"--{name}", LARGEST_BIAS)) for name in ("incident-bias", "survey-bias")),
    _whole("window-months", 1, 120),
    Option("keep-months"),
    Option("recording-change", "change", check_change, is_list=True, field="recording_changes"),
    Option("no-recording-change"),
    *(_whole("money-months", 1, 120), Option("discount", "number", check_discount)),
    _whole("look-back-days", 0, 3650),
    Option("term", "term_value", check_term),
    Option("keep-cancellations"),
    Option("negative-controls", "names", check_names),
    Option("intervention", "intervention_value", check_intervention, is_list=True, field="interventions"),
    _whole("seed", 0, _LARGEST_SEED),
    *_MAPPING,
    Option("json", "file", Path),
    *_RESOURCES,
    *_ENGINE,
    Option("quiet"),
)
_FIXES = (
    Option("cost", "amount_of", check_amount_of("--cost"), is_list=True, field="costs"),
    Option("running-cost", "amount_of", check_amount_of("--running-cost"), is_list=True, field="running_costs"),
    Option("fix", "percent_of", check_efficacy_of, is_list=True, field="efficacies"),
    Option("reach", "percent_of", check_share_of, is_list=True, field="reaches"),
    *(Option(name, "amount", check_amount(f"--{name}")) for name in ("budget", "customer-value")),
    _whole("years", 1, 10),
)
_AUDIT = Option("audit", "sheet_file", help="audit_given", is_list=True, field="audit_sheets")
_SPHERES = Option("spheres", "sheet_file", help="spheres_given")
_REPORT = Option("report", "report_file", check_format(FORMATS), is_list=True, field="reports", formats=tuple(FORMATS))
_TEMPLATE = Option("template", "template_file", Path)
COMMON = (Option("lang", "|".join(LANGUAGES), check_language), Option("help"))
OPTIONS_OF: dict[str, tuple[Option, ...]] = {
    "demo": (Option("out", "folder", Path), Option("company", "|".join(COMPANIES), check_company)),
    "check": (*_READING, *_MAPPING, *_RESOURCES, *_ENGINE),
    "estimate": (*_ESTIMATE, _AUDIT, _SPHERES, _REPORT, _TEMPLATE),
    "publish": (*_ESTIMATE, _AUDIT, _SPHERES, _REPORT, _TEMPLATE, Option("title", "text"), *_STORE, *_NOTIFY),
    "studies": (
        _whole("version", 1, 10**9, help_key="study_version"),
        Option("out", "file", Path, "export_out"),
        _whole("days", 1, 36_500),
        Option("for-ever"),
        Option("yes"),
        *_STORE,
    ),
    "compare": (
        Option("period", "period_value", check_period, is_list=True, field="periods"),
        Option("category", "text"),
        Option("apart"),
        Option("keep", "mapping_file", Path),
        Option("study", "study_id", check_version, "compared", is_list=True, field="compared"),
        *_ESTIMATE,
        replace(_REPORT, check=check_format(COMPARISON_FORMATS), help="comparison_report", formats=tuple(COMPARISON_FORMATS)),
        *_STORE,
    ),
    "decide": (
        *_FIXES,
        *_ESTIMATE,
        _AUDIT,
        _SPHERES,
        replace(_REPORT, check=check_format(BRIEF_FORMATS), help="brief_report", formats=tuple(BRIEF_FORMATS)),
        _TEMPLATE,
        Option("category", "text", help="brief_category"),
        Option("owner", "text"),
        *(Option(name, "month", check_month(f"--{name}")) for name in ("start", "read-in")),
        Option("least-fall", "percent", check_part("--least-fall")),
    ),
    "design": (
        *(Option("target", "target_value", help="study_target"), Option("decision")),
        *_FIXES,
        Option("study-price", "amount_of_study", check_amount_of("--study-price"), is_list=True, field="study_prices"),
        Option("questions", "file", Path),
        *_ESTIMATE,
    ),
    "callback": (
        Option("list", "list_file", check_format(("csv",)), field="call_list"),
        Option("i-may-see-names", field="may_see_names"),
        _whole("n", 1, 100_000, help_key="people"),
        Option("control", "share", check_control),
        _whole("months", 1, 24, help_key="callback_months"),
        *_ESTIMATE,
    ),
    "rhythm": (
        *(Option(name, "file", help=f"rhythm_{name}") for name in ("activity", "customers", "complaints", "incidents")),
        Option("false-alarms", "number", check_budget("--false-alarms", LARGEST_FALSE_ALARMS)),
        Option("settled", "share", check_settled),
        _whole("members-brought", 1, 10_000, help_key="members_brought"),
        Option("list", "list_file", check_format(("csv",)), "rhythm_list", field="call_list"),
        Option("i-may-see-names", field="may_see_names"),
        *_MAPPING,
        Option("json", "file", Path, "rhythm_json"),
        *_RESOURCES,
        Option("quiet"),
    ),
    "audit": (
        *(Option(name, "file", help=f"audit_{name}") for name in ("complaints", "customers")),
        _whole("draw", 1, 100_000),
        Option("out", "sheet_file", check_format(("csv", "xlsx")), "audit_out"),
        _whole("raters", 2, 20),
        Option("by", "columns", check_columns),
        replace(_whole("months", 1, 120, help_key="audit_months"), field="audit_months"),
        Option("case-column", "header"),
        _whole("seed", 0, _LARGEST_SEED),
        Option("read", "sheet_file", is_list=True, field="sheets"),
        Option("column", "column_of", check_column_of, "ticket_column", is_list=True, field="ticket_columns"),
        Option("reply-text", "header"),
        *_MAPPING,
        Option("json", "file", Path, "audit_json"),
        *_RESOURCES,
        Option("quiet"),
    ),
    "spheres": (
        *(Option(name, "file", help=f"spheres_{name}") for name in ("complaints", "volumes")),
        Option("out", "file", check_format(("csv",)), "spheres_out"),
        *_MAPPING,
        *_RESOURCES,
        Option("quiet"),
    ),
    "dashboard": (_whole("port", 1, 65_535),),
}
COMMANDS = tuple(OPTIONS_OF)
