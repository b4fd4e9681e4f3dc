"""What people write about a study: titles, targets, notes, the order of its categories; in both kinds of store, and through an export."""

import io
from datetime import date

import pytest

from iceberg.errors import StoreError
from iceberg.store.annotations.names import StudyNames, next_version, rename_study
from iceberg.store.annotations.places import read_places
from iceberg.store.annotations.plans import Note, Target, add_note, delete_note, read_plans, set_target
from iceberg.store.audit import read_audit
from iceberg.store.retention import export_bytes, import_everything
from iceberg.store.studies import Store
from tests.store.conftest import make_publication

NOTE = Note("billing", date(2026, 3, 1), "pilot in two branches", "Anne")


def test_targets_and_notes_are_stored_changed_and_taken_away(store: Store) -> None:
    study = store.publish(make_publication()).study_id
    set_target(store.engine, study, "billing", Target("billing", 2.5, date(2027, 1, 1)), actor="ana")
    set_target(store.engine, study, "billing", Target("billing", 2.0), actor="ana")
    add_note(store.engine, study, NOTE, actor="ana")
    target, notes = read_plans(store.engine, study).of("billing")
    assert target is not None and (target.rate, target.until, target.author) == (2.0, None, "ana")
    assert [(one.day, one.text, one.owner, one.author) for one in notes] == [(NOTE.day, NOTE.text, NOTE.owner, "ana")]
    delete_note(store.engine, study, notes[0].number, actor="ana")
    set_target(store.engine, study, "billing", None, actor="ana")
    assert read_plans(store.engine, study).of("billing") == (None, ())
    assert [line.action for line in read_audit(store.engine)][:5] == ["target", "note", "note", "target", "target"]


def test_what_is_no_target_and_no_note_is_refused(store: Store) -> None:
    study = store.publish(make_publication()).study_id
    for code, act in {
        "target_range": lambda: set_target(store.engine, study, "billing", Target("billing", -1.0), actor="ana"),
        "note_empty": lambda: add_note(store.engine, study, Note("billing", date(2026, 3, 1), "  "), actor="ana"),
        "study_unknown": lambda: add_note(store.engine, "nothing-000000", NOTE, actor="ana"),
    }.items():
        with pytest.raises(StoreError) as caught:
            act()
        assert caught.value.code == code


def test_plans_and_names_come_through_an_export(store: Store, tmp_path: object) -> None:
    study = store.publish(make_publication()).study_id
    set_target(store.engine, study, "", Target("", 4.0, date(2027, 1, 1)), actor="ana")
    add_note(store.engine, study, NOTE, actor="ana")
    rename_study(store.engine, study, StudyNames("Board", "for the board"), actor="ana")
    other = Store(f"{tmp_path}/other.db")
    import_everything(other, io.BytesIO(export_bytes(store, actor="ana")), actor="ana")
    mine, theirs = (read_plans(one.engine, study) for one in (store, other))
    assert mine.targets == theirs.targets
    assert [(one.day, one.text) for one in theirs.notes] == [(NOTE.day, NOTE.text)]
    assert [(one.title, one.description) for one in other.studies()] == [("Board", "for the board")]
    assert read_places(other.engine, study) == read_places(store.engine, study)
    other.close()


def test_a_title_is_taken_once_and_says_what_it_would_become(store: Store) -> None:
    study = store.publish(make_publication()).study_id
    store.publish(make_publication("Other", months_later=1))
    assert next_version(store.engine, "Nothing yet") is None
    assert next_version(store.engine, " quarterly ") == ("Quarterly", 1)
    with pytest.raises(StoreError) as caught:
        rename_study(store.engine, study, StudyNames("OTHER"), actor="ana")
    assert caught.value.code == "title_taken"


def test_categories_keep_their_places_when_their_sizes_change(store: Store) -> None:
    study = store.publish(make_publication()).study_id
    before = read_places(store.engine, study)
    store.publish(make_publication(ratio=2.0))
    assert read_places(store.engine, study) == before
