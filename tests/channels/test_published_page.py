"""A rendition's HTML as plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.channels.amp_cache.page import parsed, plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One\n two</p><p>three</p>", "One two\n\nthree"),
        ("<h1>Title</h1>Loose<br>lines", "Title\n\nLoose\nlines"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n\n- c"),
        ("<p><a href='https://x.org/'>here</a> and <a href='https://x.org/'>https://x.org/</a>", None),
        ("<table><tr><th>Dose</th><th>Day</th></tr><tr><td>5 mg</td><td>1</td></tr></table>", "Dose | Day\n5 mg | 1"),
        ("<p>Seen<script>alert(1)</script><style>p{}</style><nav>Menu</nav> too", "Seen too"),
        ("<p>x<!-- not said --><?pi not said?>y", "xy"),
        ("<img alt='A hand'><amp-img alt='A foot'></amp-img>", "A handA foot"),
        ("<p>Spastik — «التشنج» 🧠", "Spastik — «التشنج» 🧠"),
    ],
)
def test_html_becomes_text(html: str, text: str | None) -> None:
    expected = "here <https://x.org/> and https://x.org/" if text is None else text
    assert plain_text(parsed(html.encode())) == expected


def test_nesting_without_end_is_read_as_far_as_it_goes() -> None:
    assert "within" in plain_text(parsed(b"<p>within" + b"<div>" * 100_000))


@given(st.binary(max_size=400))
def test_any_bytes_are_read(html: bytes) -> None:
    text = plain_text(parsed(html))
    assert "\n\n\n" not in text
    text.encode()
