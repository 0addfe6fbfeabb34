"""The words of a language: which ones a tag means, dates, values, and what happens without a catalogue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.wording import ENGLISH, reading, words, words_in_any_case, words_of
from pipeline.wording.tags import CATALOGUES

DAY = dt.date(2025, 3, 2)
FSI, PDI = "\u2068", "\u2069"

_subtags = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8)
_languages = st.sampled_from([*{language for language, _ in CATALOGUES}, "en", "iw", "cmn", "x", "i", "sv", "und"])
_tags = st.builds(
    lambda first, rest, sign: sign.join([first, *rest]),
    _languages,
    st.lists(_subtags, max_size=6),
    st.sampled_from("-_"),
)


@given(tag=st.one_of(_tags, st.text(max_size=40), _subtags))
def test_any_tag_has_words_and_dates_in_one_language(tag: str) -> None:
    found = words_of(tag)
    assert found.say("Published {date}", date=found.date(DAY)).count("2025") == 1
    if found.foreign:
        assert (found.language, found.date(DAY)) == ("en", "2 March 2025")


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"), ("de-CH-1901", "de"), ("DE_at", "de"), ("de-DE-u-co-phonebk", "de"), ("pt-PT", "pt"),
        ("he", "he"), ("iw", "he"), ("iw-IL", "he"), ("zh", "zh"), ("zh-CN", "zh"), ("zh-Hans-SG", "zh"), ("cmn", "zh"),
        ("zh-TW", "zh-Hant"), ("zh-HK", "zh-Hant"), ("zh-Hant", "zh-Hant"), ("zh-Hant-TW", "zh-Hant"),
        ("zh-cmn-Hans-CN", "zh"), ("ja-JP", "ja"), ("ja-Hrkt", "ja"), ("ko-Hang-KR", "ko"), ("ar-EG", "ar"),
        ("es-419", "es"), ("fr-x-anything", "fr"), ("en", "en"), ("en-GB", "en"), ("EN_us", "en"),
    ],
)  # fmt: skip
def test_a_tag_means_the_catalogue_of_its_language_and_script(tag: str, language: str) -> None:
    assert (words_of(tag).language, words_of(tag).foreign) == (language, False)


@pytest.mark.parametrize(
    "tag",
    ["sv", "fa", "yue", "hi-Latn", "ja-Latn", "ar-Latn", "zh-Latn", "x-klingon", "i-klingon", "und", "", "-", "deutsch",
     "de\n", "ｄｅ", "\u202ede", "de--AT", "d" * 5000, "../../de", "de/../ar"],
)  # fmt: skip
def test_anything_else_has_english_words_that_say_so(tag: str) -> None:
    assert (words_of(tag).language, words_of(tag).foreign, words_of(tag).direction) == ("en", True, "ltr")


@pytest.mark.parametrize(
    ("tag", "date"),
    [
        ("en", "2 March 2025"), ("en-US", "2 March 2025"), ("de", "2. März 2025"), ("fr-CA", "2 mars 2025"),
        ("es", "2 de marzo de 2025"), ("it", "2 marzo 2025"), ("pt-BR", "2 de março de 2025"), ("ar", "2 مارس 2025"),
        ("ar-SY", "2 آذار 2025"), ("he", "2 במרץ 2025"), ("hi", "2 मार्च 2025"), ("ja", "2025年3月2日"),
        ("ko", "2025년 3월 2일"), ("zh-Hant-TW", "2025年3月2日"),
    ],
)  # fmt: skip
def test_a_day_is_written_as_its_language_and_region_write_it(tag: str, date: str) -> None:
    assert words_of(tag).date(DAY) == date
    late = dt.datetime(2025, 3, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
    assert words_of(tag).date(late) == date


def test_a_region_has_its_own_names_of_months() -> None:
    assert words_of("de-AT").date(dt.date(2025, 1, 5)) == "5. Jänner 2025"
    assert words_of("de").date(dt.date(2025, 1, 5)) == "5. Januar 2025"


def test_what_runs_from_left_to_right_is_isolated_among_words_that_do_not() -> None:
    said = words_of("ar").say("Licence: {licence}", licence="CC-BY 4.0")
    assert said == f"الترخيص: {FSI}CC-BY 4.0{PDI}"
    assert words_of("ar").say("Written by {people}", people="سارة") == "بقلم سارة"
    assert words_of("he").isolated("PMID: 1") == f"{FSI}PMID: 1{PDI}"
    assert FSI not in words_of("de").say("Licence: {licence}", licence="CC-BY 4.0")


def test_values_are_never_read_as_messages() -> None:
    assert (
        words_of("de").say("Withdrawn: {title}", title="{0} {title} {x!r} {{") == "Zurückgezogen: {0} {title} {x!r} {{"
    )


@pytest.mark.parametrize(("number", "form"), [(1, 1), (2, 2), (3, 3), (11, 4), (100, 5)])
def test_arabic_has_six_forms(number: int, form: int) -> None:
    one, many = "{count} article: {titles}", "{count} articles: {titles}"
    forms = ["{count} مقال: {titles}", "مقال واحد ({count}): {titles}", "مقالان ({count}): {titles}"]
    forms += ["{count} مقالات: {titles}", "{count} مقالًا: {titles}", "{count} مقال: {titles}"]
    assert words_of("ar").translated_plural(one, many, number) == forms[form]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in place of the catalogues."""
    monkeypatch.setattr(reading, "FOLDER", tmp_path)
    for known in (words.words_of, reading.translations):
        known.cache_clear()
    yield tmp_path
    for known in (words.words_of, reading.translations):
        known.cache_clear()


@pytest.mark.parametrize("broken", [None, b"nonsense", b"\xff\xfe\x00"])
def test_a_catalogue_that_cannot_be_read_stops_everything_but_withdrawals(folder: Path, broken: bytes | None) -> None:
    if broken is not None:
        (folder / "de.po").write_bytes(broken)
    with pytest.raises(ConfigError) as raised:
        words_of("de")
    assert raised.value.code == "catalogue-unreadable"
    assert words_in_any_case("de").foreign
    assert words_of("en") is ENGLISH
