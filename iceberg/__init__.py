"""Silent-churn iceberg: how many customers left without a word behind each complaint category.

Files become trusted tables (`load_tables`), tables become counts (`reduce_tables`), counts become an estimate
(`estimate_iceberg`). Names are imported on first use, so that ``import iceberg`` costs nothing and loads neither the
dashboard nor a chart library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from iceberg.version import __version__

if TYPE_CHECKING:  # the same names as in `_HOMES`, where type checkers and editors read them
    from iceberg.cohort.counts import CohortCounts as CohortCounts
    from iceberg.cohort.reduce import reduce_tables as reduce_tables
    from iceberg.cohort.rhythm.counts import RhythmCounts as RhythmCounts
    from iceberg.cohort.rhythm.read import read_rhythm as read_rhythm
    from iceberg.cohort.window import ObservationWindow as ObservationWindow
    from iceberg.errors import EvidenceError as EvidenceError
    from iceberg.errors import FileError as FileError
    from iceberg.errors import IcebergError as IcebergError
    from iceberg.errors import MappingError as MappingError
    from iceberg.errors import OptionError as OptionError
    from iceberg.ingest.columns.mapping import ColumnMapping as ColumnMapping
    from iceberg.ingest.load import load_tables as load_tables
    from iceberg.ingest.mapping import MappingSet as MappingSet
    from iceberg.ingest.schema import RowIssue as RowIssue
    from iceberg.ingest.tables import IngestReport as IngestReport
    from iceberg.ingest.tables import Tables as Tables
    from iceberg.model.assumptions import Assumptions as Assumptions
    from iceberg.model.assumptions import CategoryPrior as CategoryPrior
    from iceberg.model.assumptions import Efficacy as Efficacy
    from iceberg.model.assumptions import SilentRatioPrior as SilentRatioPrior
    from iceberg.model.decision.agreed_test import AgreedTest as AgreedTest
    from iceberg.model.decision.callback import CallPlan as CallPlan
    from iceberg.model.decision.callback import plan_callback as plan_callback
    from iceberg.model.decision.fixes import Decisions as Decisions
    from iceberg.model.decision.fixes import Fix as Fix
    from iceberg.model.decision.fixes import decide as decide
    from iceberg.model.decision.follow_up import FollowUp as FollowUp
    from iceberg.model.decision.follow_up import Intervention as Intervention
    from iceberg.model.decision.follow_up import follow_up as follow_up
    from iceberg.model.decision.follow_up import learned_efficacy as learned_efficacy
    from iceberg.model.decision.information.studies import StudyKind as StudyKind
    from iceberg.model.decision.information.studies import StudyPlan as StudyPlan
    from iceberg.model.decision.information.studies import StudyValue as StudyValue
    from iceberg.model.decision.information.studies import stakes_of as stakes_of
    from iceberg.model.decision.information.studies import value_of_study as value_of_study
    from iceberg.model.estimate import estimate_iceberg as estimate_iceberg
    from iceberg.model.results import CategoryEstimate as CategoryEstimate
    from iceberg.model.results import CredibleInterval as CredibleInterval
    from iceberg.model.results import Diagnostic as Diagnostic
    from iceberg.model.results import IcebergEstimate as IcebergEstimate
    from iceberg.model.results import TotalEstimate as TotalEstimate
    from iceberg.simulation.company import SimulatedCompany as SimulatedCompany
    from iceberg.simulation.company import simulate_company as simulate_company
    from iceberg.simulation.worlds import CompanyTruth as CompanyTruth

_HOMES = {
    "iceberg.cohort.counts": ("CohortCounts",),
    "iceberg.cohort.reduce": ("reduce_tables",),
    "iceberg.cohort.rhythm.counts": ("RhythmCounts",),
    "iceberg.cohort.rhythm.read": ("read_rhythm",),
    "iceberg.cohort.window": ("ObservationWindow",),
    "iceberg.errors": ("EvidenceError", "FileError", "IcebergError", "MappingError", "OptionError"),
    "iceberg.ingest.mapping": ("ColumnMapping", "MappingSet"),
    "iceberg.ingest.load": ("load_tables",),
    "iceberg.ingest.tables": ("IngestReport", "RowIssue", "Tables"),
    "iceberg.model.assumptions": ("Assumptions", "CategoryPrior", "Efficacy", "SilentRatioPrior"),
    "iceberg.model.decision.agreed_test": ("AgreedTest",),
    "iceberg.model.decision.callback": ("CallPlan", "plan_callback"),
    "iceberg.model.decision.fixes": ("Decisions", "Fix", "decide"),
    "iceberg.model.decision.follow_up": ("FollowUp", "Intervention", "follow_up", "learned_efficacy"),
    "iceberg.model.decision.information.studies": ("StudyKind", "StudyPlan", "StudyValue", "stakes_of", "value_of_study"),
    "iceberg.model.estimate": ("estimate_iceberg",),
    "iceberg.model.results": ("CategoryEstimate", "CredibleInterval", "Diagnostic", "IcebergEstimate", "TotalEstimate"),
    "iceberg.simulation.company": ("SimulatedCompany", "simulate_company"),
    "iceberg.simulation.worlds": ("CompanyTruth",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604  # strings, which ruff cannot see


def __getattr__(name: str) -> object:
    """The public name, imported from its home on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return list(__all__)
