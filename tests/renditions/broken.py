"""For each rule of each judge: the sample, broken in one way that the rule must notice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Change = Callable[[bytes], bytes]
Key = str | int


@dataclass(frozen=True)
class Broken:
    rule: str
    change: Change
    of: str = "sample"  # or "tombstone"


def text(pattern: str, new: str) -> Change:
    """Replace the first match."""

    def change(body: bytes) -> bytes:
        found = re.sub(pattern, lambda match: match.expand(new), body.decode(), count=1, flags=re.DOTALL)
        return found.encode()

    return change


def put(*path: Key, to: Any) -> Change:
    """Set a member of a JSON document, or append to the array that the path leads to if its last part is "+"."""

    def change(body: bytes) -> bytes:
        document = json.loads(body)
        *above, last = path
        holder = _at(document, *above)
        if last == "+":
            holder.append(to)
        else:
            holder[last] = to
        return json.dumps(document).encode()

    return change


def cut(*path: Key) -> Change:
    """Remove a member."""

    def change(body: bytes) -> bytes:
        document = json.loads(body)
        del _at(document, *path[:-1])[path[-1]]
        return json.dumps(document).encode()

    return change


def twice(name: str) -> Change:
    """Have the first thing in an array once more."""

    def change(body: bytes) -> bytes:
        document = json.loads(body)
        document[name].append(document[name][0])
        return json.dumps(document).encode()

    return change


def _at(document: Any, *path: Key) -> Any:
    for key in path:
        document = document[key]
    return document


def _latin(body: bytes) -> bytes:
    return b"\xff" + body


_NO_JSON = (
    Broken("json", _latin),
    Broken("json", text(r"\}\s*$", "")),
    Broken("json", text(r"^\{", '{"a":1,"a":2,')),
    Broken("json", text(r"^\{", '{"a":NaN,')),
    Broken("json", lambda _: b"[]"),
    Broken("json", lambda _: b"[" * 100_000),
)
_NO_TEXT = (Broken("utf-8", _latin),)
_PAGES = (
    Broken("html", _latin),
    Broken("html", lambda _: b""),
    Broken("html", text("<main", "\0<main")),
    Broken("doctype", text(r"^<!doctype html>", "")),
    Broken("title", text(r"<title>.*?</title>", "")),
    Broken("title", text(r"<title>.*?</title>", "<title> </title>")),
    Broken("language", text(r' lang="en"', "")),
    Broken("one-heading", text(r"<h1>", "<h1>Once more</h1><h1>")),
    Broken("one-heading", text(r"<h1>.*?</h1>", "")),
    Broken("ids", text(r"<main", '<p id="cw-article"></p><main')),
    Broken("anchors", text(r'href="#cw-article"', 'href="#nowhere"')),
    Broken("canonical", text(r'rel="canonical" href="[^"]*"', 'rel="canonical" href="/articles/x"')),
    Broken("canonical", text(r'<link rel="canonical"[^>]*>', "")),
    Broken("charset", text(r'<meta charset="utf-8">', "")),
)
_SCRIPT = "<script>alert(1)</script>"

BROKEN: Mapping[str, tuple[Broken, ...]] = {
    "html": (
        *_PAGES,
        Broken("nothing-runs", text(r"</body>", f"{_SCRIPT}</body>")),
        Broken("nothing-runs", text(r"<main", '<main onclick="alert(1)"')),
        Broken("nothing-runs", text(r'<a href="https:', '<a href=" JavaScript:')),
        Broken("pictures", text(r'(<img[^>]*) alt="[^"]*"', r"\1")),
        Broken("linked-data", text(r'(<script type="application/ld\+json">)', r"\1,")),
    ),
    "amp": (
        *_PAGES,
        Broken("root", text(r"<html amp", "<html")),
        Broken("charset", text(r"<head>", '<head><meta name="x" content="y">')),
        Broken("viewport", text(r"width=device-width", "width=400")),
        Broken("runtime", text(r"<script async src[^>]*></script>", "")),
        Broken("boilerplate", text(r"steps\(1,end\)", "steps(2,end)")),
        Broken("boilerplate", text(r"<noscript><style.*?</style></noscript>", "")),
        Broken("style-sheet", text(r"(<style amp-custom>)", rf"\1{'a{color:red}' * 8_000}")),
        Broken("style-sheet", text(r"(<style amp-custom>)", r"\1a{color:red !important}")),
        Broken("style-sheet", text(r"</head>", "<style>a{color:red}</style></head>")),
        Broken("style-sheet", text(r"</head>", '<link rel="stylesheet" href="https://x.example/a.css"></head>')),
        Broken("elements", text(r"<main", "<object></object><main")),
        Broken("elements", text(r"<main", '<img src="https://x.example/a.png" alt=""><main')),
        Broken("scripts", text(r"</body>", f"{_SCRIPT}</body>")),
        Broken("scripts", text(r"<main", '<main onclick="alert(1)"')),
        Broken("components", text(r"</main>", "<amp-carousel></amp-carousel></main>")),
        Broken("pictures", text(r'(<amp-img[^>]*) width="\d+"', r"\1")),
        Broken("names", text(r"<main", '<main class="plain i-amp-x"')),
    ),
    "rss": (
        Broken("well-formed", text(r"</channel>", "</chanel>")),
        Broken("well-formed", text(r"<item>", "<x:item>")),
        Broken("root", text(r'version="2\.0"', 'version="0.91"')),
        Broken("channel", text(r"<title>.*?</title>", "")),
        Broken("channel", text(r"<description>.*?</description>", "<description/>")),
        Broken("items", text(r"<item><title>.*?</description>", "<item>")),
        Broken("guids", text(r"<guid[^>]*>.*?</guid>", "")),
        Broken("guids", text(r' isPermaLink="false"', "")),
        Broken("guids", text(r"(<item>.*?</item>)", r"\1\1")),
        Broken("guids", text(r"(<guid [^>]*>)(.*?</item>)", r"\1a</guid>\1\2<item><title>Without</title></item>")),
        Broken("dates", text(r"Fri, 14 Mar 2025", "Mon, 14 Mar 2025")),
        Broken("dates", text(r"<pubDate>.*?</pubDate>", "<pubDate>2025-03-02</pubDate>")),
        Broken("addresses", text(r"<link>[^<]*/articles/[^<]*</link>", "<link>/articles/x</link>")),
        Broken("enclosures", text(r'length="0"', 'length="large"')),
        Broken("authors", text(r"<dc:creator>", "<author>Ada Writer</author><dc:creator>")),
        Broken("texts", text(r"<!\[CDATA\[", f"<![CDATA[{_SCRIPT}")),
    ),
    "atom": (
        Broken("well-formed", text(r"</feed>", "")),
        Broken("root", text(r'xmlns="http://www\.w3\.org/2005/Atom"', 'xmlns="http://www.w3.org/2005/Atum"')),
        Broken("feed", text(r"<updated>.*?</updated>", "")),
        Broken("entries", text(r"(<entry.*?)<title[^>]*>.*?</title>", r"\1")),
        Broken("ids", text(r"<id>tag:", "<id>")),
        Broken("ids", text(r"(<entry.*?</entry>)", r"\1\1")),
        Broken("dates", text(r"<updated>2025-03-14T", "<updated>2025-03-14 ")),
        Broken("authors", text(r"<name>.*?</name>", "<name/>")),
        Broken("authors", text(r"<author>.*?</author>", ""), of="tombstone"),
        Broken("links", text(r'href="https://notes\.example\.org"', 'href="notes"')),
        Broken("links", text(r"(<entry[^>]*>)", r'\1<link href="https://x.example/" type="text/html" hreflang="en"/>')),
        Broken("texts", text(r'<content type="html">', '<content type="CDATA">')),
        Broken("texts", text(r'(<content type="html">)', r"\1&lt;iframe src='https://x.example'>")),
        Broken("deletions", text(r'when="[^"]*"', 'when="yesterday"'), of="tombstone"),
        Broken("deletions", text(r' ref="[^"]*"', ""), of="tombstone"),
    ),
    "json-feed": (
        *_NO_JSON,
        Broken("feed", cut("title")),
        Broken("feed", put("version", to="1.1")),
        Broken("feed", put("items", to=[1])),
        Broken("items", put("items", 0, "id", to="")),
        Broken("items", cut("items", 0, "content_html")),
        Broken("ids", twice("items")),
        Broken("dates", put("items", 0, "date_published", to="2 March 2025")),
        Broken("addresses", put("items", 0, "url", to="/articles/x")),
        Broken("addresses", put("items", 0, "authors", 0, "url", to="ada")),
        Broken("attachments", cut("items", 0, "attachments", 0, "mime_type")),
        Broken("names", put("items", 0, "content", to="x")),
        Broken("names", put("_a.b", to={})),
        Broken("texts", put("items", 0, "content_html", to=_SCRIPT)),
    ),
    "ninjs": (
        *_NO_JSON,
        Broken("uri", put("uri", to="leg spasticity")),
        Broken("members", put("bylines", to=[])),
        Broken("states", put("pubStatus", to="cancelled")),
        Broken("states", put("version", to=2)),
        Broken("dates", put("versionCreated", to="yesterday")),
        Broken("texts", cut("headlines", 0, "value")),
        Broken("texts", put("bodies", 0, "value", to='<p onclick="alert(1)">x</p>')),
        Broken("associations", cut("associations", 1, "uri")),
        Broken("addresses", put("associations", 1, "uri", to="10.5555/exjn.2019.284")),
    ),
    "apple-news": (
        *_NO_JSON,
        Broken("members", cut("layout", "columns")),
        Broken("members", put("version", to="2")),
        Broken("members", put("version", to=1.7)),
        Broken("members", put("components", to=[])),
        Broken("members", cut("componentTextStyles")),
        Broken("identifier", put("identifier", to="a" * 65)),
        Broken("identifier", put("identifier", to="a/b")),
        Broken("identifier", put("identifier", to=7)),
        Broken("components", put("components", 0, "text", to=" ")),
        Broken("components", put("components", "+", to={"role": "container", "components": []})),
        Broken("styles", put("components", 0, "layout", to="nowhere")),
        Broken("styles", put("components", 0, "textStyle", to="nothing")),
        Broken("links", put("components", "+", to={"role": "body", "format": "html", "text": '<a href="#x">x</a>'})),
        Broken("links", put("components", "+", to={"role": "body", "format": "html", "text": '<a href="/x">x</a>'})),
        Broken("html", put("components", "+", to={"role": "body", "format": "html", "text": _SCRIPT})),
        Broken("html", put("components", "+", to={"role": "htmltable", "html": "<table><tr><td><p>x</td></table>"})),
        Broken("addresses", put("metadata", "canonicalURL", to="/articles/x")),
        Broken("addresses", put("components", "+", to={"role": "photo", "URL": "a.png"})),
        Broken("about", put("metadata", "keywords", to=["word"] * 51)),
        Broken("about", put("metadata", "datePublished", to="2025-03-02")),
    ),
    "json-ld": (
        *_NO_JSON,
        Broken("context", put("@context", to="https://example.org")),
        Broken("keywords", put("@typ", to="MedicalWebPage")),
        Broken("types", cut("publisher", "@type")),
        Broken("ids", put("@id", to="leg-spasticity")),
        Broken("dates", put("dateModified", to="14 March 2025")),
    ),
    "markdown": (
        *_NO_TEXT,
        Broken("characters", text("Daily", "Da\x07ily")),
        Broken("title", text(r"^# ", "")),
        Broken("title", text(r"\n## ", "\n# ")),
        Broken("title", text(r"^", "A line before it.\n\n")),
        Broken("links", text(r"\(<https://notes\.example\.org/articles/baclofen", "(<baclofen")),
        Broken("html", text(r"$", '\n<iframe src="https://x.example"></iframe>\n')),
        Broken("html", text(r"<em>", '<em onclick="alert(1)">')),
        Broken("utf-8", lambda _: b"> " * 5_000 + b"deep"),
    ),
    "plain-text": (
        *_NO_TEXT,
        Broken("characters", text("Daily", "Da\x1b[2Jily")),
        Broken("characters", text("^", "\ufeff")),
        Broken("title", text(r"\n=+\n", "\n")),
        Broken("title", text("^", "\n")),
        Broken("end", text(r"\n$", "")),
        Broken("end", text(r"\n$", "\n\n")),
    ),
}
