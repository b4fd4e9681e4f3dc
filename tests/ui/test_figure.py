"""What leaves a page as a file, and what is kept between two runs."""

import threading

import pandas as pd
import pytest

from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.ui.figure import csv_bytes
from iceberg.ui.sections.prior_table import priors_frame, priors_from_frame, published_priors, with_capture
from iceberg.ui.session.lru_cache import LruCache


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_downloaded_cell_is_never_a_formula(start: str) -> None:
    """A category called =HYPERLINK(...) must not run when the file is opened."""
    written = csv_bytes(pd.DataFrame({"category": [f"{start}SUM(A1)"], "silent": [1.5]}), language="en").decode("utf-8-sig")
    assert written.splitlines()[1] == f"'{start}SUM(A1),1.5"


def test_a_french_download_opens_in_a_french_spreadsheet() -> None:
    written = csv_bytes(pd.DataFrame({"motif": ["réclamation"], "part": [0.5]}), language="fr")
    assert written.startswith(b"\xef\xbb\xbf")
    assert written.decode("utf-8-sig").splitlines()[1] == "réclamation;0,5"


def test_a_result_is_made_once_however_many_ask() -> None:
    cache, made = LruCache(2), []
    gate = threading.Event()

    def make() -> int:
        gate.wait(5)
        made.append(1)
        return 7

    readers = [threading.Thread(target=lambda: cache.get("key", make)) for _ in range(4)]
    for reader in readers:
        reader.start()
    gate.set()
    for reader in readers:
        reader.join()
    assert cache.get("key", make) == 7
    assert len(made) == 1


def test_the_longest_unused_result_goes_first() -> None:
    cache = LruCache(2)
    cache.get("a", lambda: 1)
    cache.get("b", lambda: 2)
    cache.get("a", lambda: 3)
    cache.get("c", lambda: 4)
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)


def test_a_failure_is_not_kept() -> None:
    cache = LruCache(2)

    def fail() -> int:
        raise OptionError("segment_unknown", {})

    with pytest.raises(OptionError):
        cache.get("key", fail)
    assert cache.get("key", lambda: 5) == 5


@pytest.mark.parametrize("language", ["en", "fr"])
def test_priors_survive_the_editor(language: str) -> None:
    words, categories = Translator(language), ("billing", "délai de livraison")
    priors = published_priors(categories)
    assert priors_from_frame(priors_frame(categories, priors, words), priors, words) == priors


def test_another_family_brings_its_published_values() -> None:
    words, categories = Translator("en"), ("mystery",)
    priors = published_priors(categories)
    frame = priors_frame(categories, priors, words)
    frame.loc[0, "family"] = words.text("evidence.families.price")
    assert priors_from_frame(frame, priors, words)["mystery"].family == "price"


def test_what_the_file_captures_changes_c_and_nothing_else() -> None:
    priors = published_priors(("billing",))
    captured = with_capture(priors, "headquarters")["billing"]
    assert captured.c.mode == pytest.approx(0.05)
    assert (captured.p, captured.q) == (priors["billing"].p, priors["billing"].q)
