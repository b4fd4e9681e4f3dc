"""What is settled about the customers of Spark before they are judged: ids that differ in letter case only, and departures without a day."""

from __future__ import annotations

from iceberg.errors import FileError
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.notes import Notes
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.spark.state import SparkLoad

_NAMING = ("complaints", "incidents")
_WORTH = 0.01  # judgement, as in `iceberg.ingest.joining.identifiers`: a smaller gain is no reason to change ids


def make_ids_alike(load: SparkLoad) -> Notes:
    """Make ids lower case in every table where more of them then meet a customer, unless customers would become one; a note for each such table.

    Blanks around ids are taken off when they are read.
    """
    naming = [table for table in _NAMING if table in load.judged]
    if not naming or load.mappings.joining.id_normalisation:
        return ()
    engine, customers = load.engine, load.rows_of("customers")
    counted = f"SELECT count(DISTINCT customer_id), count(DISTINCT lower(customer_id)) FROM {customers}"
    [(ids, folded)] = engine.execute(counted).fetchall()
    if folded < ids:
        return ()
    notes: Notes = ()
    for table in naming:
        before, after = (_share_met(load, table, text) for text in ("customer_id", "lower(customer_id)"))
        if after >= before + _WORTH:
            own, other = _pair(load, table)
            shares: dict[str, object] = {"before": round(100 * before), "after": round(100 * after), "own": own, "other": other}
            notes += (("ids_made_alike", {"file": load.judged[table].source.reading.file, **shares}),)
    for table in ("customers", *naming) if notes else ():
        rows = load.rows_of(table)
        engine.view(f"alike_{table}", f"SELECT * EXCLUDE (customer_id), lower(customer_id) AS customer_id FROM {rows}")
        load.relations[table] = f"alike_{table}"
    return notes


def _share_met(load: SparkLoad, table: str, text: str) -> float:
    """The share of the ids of a table that the customers have; `text` is SQL of how both are compared."""
    there = f"SELECT DISTINCT {text} AS id FROM {load.rows_of('customers')}"
    here = f"SELECT DISTINCT {text} AS id FROM {load.rows_of(table)} WHERE customer_id IS NOT NULL"
    counted = f"SELECT count(*) AS ids, count(there.id) AS met FROM ({here}) AS here LEFT JOIN ({there}) AS there ON here.id = there.id"
    [(ids, met)] = load.engine.execute(counted).fetchall()
    return int(met) / int(ids) if ids else 0.0


def _pair(load: SparkLoad, table: str) -> tuple[str, str]:
    """The first id of a table and the id of the customer that it is but for letter case."""
    both = f"{load.rows_of(table)} AS own JOIN {load.rows_of('customers')} AS other ON lower(own.customer_id) = lower(other.customer_id)"
    differ = f"SELECT own.customer_id AS mine, other.customer_id AS theirs FROM {both} WHERE own.customer_id <> other.customer_id"
    [(own, other)] = load.engine.execute(f"{differ} ORDER BY mine LIMIT 1").fetchall()
    return str(own), str(other)


def require_dated(load: SparkLoad, item: JudgedTable) -> Notes:
    """Refuse a customers table that marks departures but gives no dates: without dates every customer would count as still active.

    Returns:
        The note that they count as still here, where the mapping asks for that.

    Raises:
        FileError: ``spark_undated_departures``.
    """
    flag = item.fields.columns.get("churned")
    if flag is None:
        return ()
    trusted = f"{load.rows_of('customers')} WHERE (flags & {reject_mask('customers')}) = 0"
    counted = f"SELECT count(*), count(end_date), count(CASE WHEN churned = 1 THEN 1 END) FROM {trusted}"
    [(everyone, left, flagged)] = load.engine.execute(counted).fetchall()
    if left or not flagged:
        return ()
    values: dict[str, object] = {"file": item.source.reading.file, "column": flag.header, "count": int(flagged), "customers": int(everyone)}
    if load.mappings.joining.undated_departures == "sheet":
        raise FileError("spark_undated_departures", values)
    return (("undated_ignored", values | {"silent": int(flagged)}),)
