"""Which way a language runs."""

from __future__ import annotations

import pytest

from pipeline.model.article import direction_of


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("ar", "rtl"), ("AR-eg", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"), ("en", "ltr"), ("de-1996", "ltr"),
        ("ar-Latn", "ltr"), ("fa-Cyrl-TJ", "ltr"), ("az-Arab", "rtl"), ("en-Hebr", "rtl"), ("pa-arab-PK", "rtl"),
        ("zh-yue-Hant", "ltr"), ("ar-arb-Latn", "ltr"), ("en-x-arab", "ltr"), ("en-u-arab", "ltr"), ("", "ltr"),
    ],
)  # fmt: skip
def test_the_script_of_a_tag_decides_before_its_language(tag: str, direction: str) -> None:
    assert direction_of(tag) == direction
