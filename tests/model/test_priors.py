"""What is assumed before the files speak: families found by name, and the published medians."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.priors import (
    CAPTURE_PRESETS,
    FAMILIES,
    category_prior,
    excess_prior,
    list_defaults,
    match_family,
    pert_quantile,
)


@pytest.mark.parametrize(
    ("family", "median", "low", "high"),
    [
        ("billing", 0.17, 0.07, 0.36),
        ("delivery", 0.20, 0.07, 0.46),
        ("defect_large", 0.25, 0.11, 0.49),
        ("defect_small", 3.0, 1.0, 8.0),
        ("staff", 1.2, 0.4, 3.4),
        ("website", 0.5, 0.15, 1.5),
        ("waiting", 1.0, 0.3, 3.3),
        ("price", 3.1, 1.0, 9.4),
        ("other", 0.8, 0.2, 3.3),
    ],
)
def test_leavers_per_complainer_are_those_of_the_evidence_table(family, median, low, high) -> None:
    """Medians and 90 % ranges as published, to their rounding."""
    prior, rng = FAMILIES[family], np.random.default_rng(1)
    p, q, c = (pert_quantile(pert, rng.random(100_000)) for pert in (prior.p, prior.q, prior.c))
    draws = (1 - p) / (p * c) * q
    assert np.quantile(draws, [0.5, 0.05, 0.95]) == pytest.approx([median, low, high], rel=0.08)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Erreur de facturation", "billing"), ("Wrong invoice", "billing"),
        ("Délais de livraison", "delivery"), ("Late delivery", "delivery"),
        ("Produit défectueux (petit panier)", "defect_small"), ("Faulty product", "defect_large"),
        ("Attitude du personnel", "staff"), ("Rude staff", "staff"),
        ("Site & appli", "website"), ("Website and app", "website"),
        ("Temps d'attente", "waiting"), ("Waiting time", "waiting"),
        ("Prix", "price"), ("Too expensive", "price"),
        ("Autre", "other"), ("", "other"), ("Contrat", "other"),
    ],
)  # fmt: skip
def test_family_is_found_in_either_language(name: str, family: str) -> None:
    assert match_family(name) == family


def test_headquarters_capture_multiplies_by_ten_to_twenty() -> None:
    """That is where 25 comes from: 1 / c with c around 5 to 10 %."""
    share = CAPTURE_PRESETS["headquarters"]
    assert 10 <= 1 / share.mean <= 20


def test_without_evidence_priors_every_category_has_the_same_excess() -> None:
    """Renaming a category must change nothing; an edit by name, or evidence priors, may."""
    plain = Assumptions()
    assert excess_prior("Prix", assumptions=plain) == excess_prior("Livraison", assumptions=plain)
    own = Assumptions(use_category_priors=True)
    assert excess_prior("Livraison", assumptions=own) == FAMILIES["delivery"].q
    edited = Assumptions(category_priors=(("Livraison", FAMILIES["price"]),))
    assert excess_prior("Livraison", assumptions=edited) == FAMILIES["price"].q
    assert category_prior("Livraison", assumptions=edited).family == "price"


def test_every_assumption_is_listed_with_source_and_grade_in_both_languages() -> None:
    listed = list_defaults()
    assert {field.name for field in fields(Assumptions)} - {one.name for one in listed} == {"category_priors"}
    assert {one.grade for one in listed} <= {"A", "B", "C", "D"}
    for language in LANGUAGES:
        words = Translator(language)
        assert all(words.has(f"evidence.defaults.{one.name}") for one in listed)
        assert all(words.has(f"evidence.families.{key}") for key in FAMILIES)
        assert all(words.has(f"evidence.captures.{key}") for key in CAPTURE_PRESETS)
