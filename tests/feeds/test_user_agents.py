"""Who fetches a feed, by what programs say of themselves; hostile ones too."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.feeds.user_agents import BROWSER, LONGEST, OTHERS, UNNAMED, Reader, reader_of

AS_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
SAID = {
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; )": Reader("Feedly", 16),
    "Feedbin feed-id:1 - 3 subscribers": Reader("Feedbin", 3),
    "NewsBlur Feed Fetcher - 2 subscribers - http://www.newsblur.com/site/1/a-title": Reader(
        "NewsBlur Feed Fetcher", 2
    ),
    "Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 8 subscribers; )": Reader("Inoreader", 8),
    "Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers; feed-id=5e)": Reader("theoldreader.com", 1),
    "livejournal.com (webmaster@livejournal.com; for https://a.example; 6 readers)": Reader("livejournal.com", 6),
    "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 0 subscribers)": Reader("Feedfetcher-Google", 0),
    "Tiny Tiny RSS/23.03 (https://tt-rss.org/)": Reader("Tiny Tiny RSS"),
    "NetNewsWire (RSS Reader; https://netnewswire.com/)": Reader("NetNewsWire"),
    "Slackbot 1.0 (+https://api.slack.com/robots)": Reader("Slackbot"),
    "Mozilla/5.0 (compatible; Miniflux/2.2.0; +https://miniflux.app)": Reader("Miniflux"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0": Reader("Thunderbird"),
    f"Mozilla/5.0 (X11; Linux x86_64) {AS_CHROME} Safari/537.36": Reader(BROWSER),
    "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0": Reader(BROWSER),
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)": Reader(BROWSER),
    f"Mozilla/5.0 (Linux; Android 14) {AS_CHROME} Mobile Safari/537.36 Reeder/5.4": Reader("Reeder"),
}
HOSTILE = {
    "": Reader(UNNAMED),
    " \t ": Reader(UNNAMED),
    "192.0.2.7": Reader(OTHERS),
    "2001:db8::1 reader": Reader(OTHERS),
    "ada@example.org": Reader(OTHERS),
    "Reader ada@example.org": Reader("Reader"),
    "Читалка/1.0": Reader(OTHERS),
    "Feed\u202ely/1.0": Reader(OTHERS),
    "<script>alert(1)</script>": Reader(OTHERS),
    "A" * 41: Reader(OTHERS),
    "one two three four five six": Reader("one two three four"),
    "(others)": Reader(OTHERS),
    "Big/1 (1000000000 subscribers)": Reader("Big", 1_000_000_000),
    "Big/1 (1000000001 subscribers)": Reader("Big"),
    "Big/1 (99999999999999999999 subscribers)": Reader("Big"),
    "Big/1 (1,234 subscribers)": Reader("Big"),
    "Big/1 (-5 subscribers)": Reader("Big"),
    "Mozilla/5.0 (Linux; E-Ink 6 Reader) Big/1": Reader("Big"),
    "Big/1 (١٢ subscribers)": Reader("Big"),
    "Far/1 " + "x" * LONGEST + " 5 subscribers": Reader("Far"),
}


@pytest.mark.parametrize("user_agent", [*SAID, *HOSTILE])
def test_programs_are_known_by_their_own_words(user_agent: str) -> None:
    assert reader_of(user_agent) == (SAID | HOSTILE)[user_agent]


def test_who_sends_no_user_agent_has_no_name() -> None:
    assert reader_of(None) == Reader(UNNAMED)


_PIECES = st.sampled_from(
    ["Mozilla/5.0", "(compatible;", "Feedly/1.0", "12", " subscribers", ")", ";", "\u202e", "é", "/", " ", "http://a.b"]
)


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
@example("Mozilla/5.0 " + "(compatible; " * 1000)
@example("9" * 5000 + " subscribers")
def test_a_name_is_short_plain_and_no_address(user_agent: str) -> None:
    reader = reader_of(user_agent)
    if reader.name not in (OTHERS, BROWSER, UNNAMED):
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9._+-]*(?: [A-Za-z][A-Za-z0-9._+-]*){0,3}", reader.name)
    assert len(reader.name) <= 40
    assert reader.subscribers is None or 0 <= reader.subscribers <= 1_000_000_000
