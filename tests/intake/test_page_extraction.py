"""How much of a page's article readers get, and how little else, over pages whose text people marked.

The pages lie beside the checkout in `shared/data/pages`; those in `cases/pages` are ours and always there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from judges.presence import missing

from benchmarks.extraction import PAGES, as_html, as_json_ld, as_plain_text, load, mean, run

CASES = Path(__file__).parent / "cases" / "pages"
FORMS = {"plain text": as_plain_text, "html": as_html, "json-ld": as_json_ld}

OURS = {  # the words of our pages' articles
    "sole-teaser": (
        "Do not take ibuprofen from week 20 of pregnancy on. It can harm the baby's kidneys and heart, and the "
        "amniotic fluid may become too little. Paracetamol is the painkiller that most pregnant people may take. Ask "
        "your midwife or pharmacist before you take anything else, and read the leaflet. If you have taken ibuprofen "
        "by mistake, call your midwife today."
    ),
    **dict.fromkeys(
        ("two-articles", "comments-in-article"),
        "Call a doctor when a baby under three months has 38 °C or more. Do not wait for the morning and do not give "
        "medicine first.",
    ),
    "embeds": (
        "Watch how to use the inhaler: How to use an inhaler Or listen: Audio on x.example Video on x.example "
        "Tweet words — Doc (@doc) May 1 See note 1 and other and call 911 and text HOME (741741). The note."
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_published_of_a_page_is_its_article(form: str) -> None:
    if not (PAGES / "ground-truth.json").is_file():
        missing("the folder of marked pages", "it belongs beside the checkout, in shared/data/pages")
    found = run(FORMS[form], *load(PAGES))
    whole = mean(list(found.scores.values()))
    assert found.refused == 0
    assert whole.f1 >= 0.96, whole
    assert {name: score for name, score in found.scores.items() if score.precision < 0.5} == {}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_published_of_our_own_pages_is_their_article(form: str) -> None:
    pages = {name: (CASES / f"{name}.html").read_bytes() for name in OURS}
    found = run(FORMS[form], pages, OURS)
    assert found.refused == 0
    assert mean(list(found.scores.values())).f1 >= 0.9, found.scores
