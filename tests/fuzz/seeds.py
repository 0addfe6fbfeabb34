"""Known inputs of every way in, and what parsers stumble over."""
# ruff: noqa: E501 # inputs are as long as they are

from __future__ import annotations

import json
import random

SALT = [
    b"\0", b"\r\n", b"\n\n", b"]]>", b"<!--", b"<![CDATA[", b"&#1;", b"&amp;" * 50, b"\xff", b"\xed\xa0\x80", b"<b>" * 90,
    "\u202e".encode(), "\U0001f9e0".encode(), b"{" * 200, b"[" * 200, b'"', b"'", b"\\", b"%00", b"%", b"::: note\n" * 40,
    b"when " * 80, b" " * 300, b"token" * 60, b"-1", b"9" * 400, b"1e999", b"NaN", b"null", b"0000-00-00", b"9999-12-31",
    b"../" * 9, b"env:HOME", b"<script>", b"</script>", b"=", b"|a" * 99, b"`" * 99, b"*" * 99, b"#", b"---\n", b": ",
]  # fmt: skip

RECORD = b"""<?xml version="1.0"?><PubmedArticleSet><PubmedArticle><MedlineCitation Status="MEDLINE"><PMID>1</PMID><Article>
<Journal><ISSN>1234-5678</ISSN><JournalIssue><Volume>1</Volume><Issue>2</Issue><PubDate><Year>2020</Year><Month>Jan</Month>
</PubDate></JournalIssue><Title>A Journal</Title><ISOAbbreviation>A J</ISOAbbreviation></Journal><ArticleTitle>On <i>E.
coli</i> and H<sub>2</sub>O &amp; more.</ArticleTitle><Pagination><MedlinePgn>1-9</MedlinePgn></Pagination><ELocationID
EIdType="doi" ValidYN="Y">10.5555/x.1</ELocationID><AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Okafor</LastName>
<ForeName>Ngozi</ForeName><Initials>N</Initials></Author><Author><CollectiveName>Group</CollectiveName></Author></AuthorList>
<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType><PublicationType UI="D016441">Retracted
Publication</PublicationType></PublicationTypeList></Article><CommentsCorrectionsList><CommentsCorrections
RefType="RetractionIn"><RefSource>A J. 2021</RefSource><PMID>2</PMID></CommentsCorrections></CommentsCorrectionsList>
</MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.5555/x.1</ArticleId><ArticleId IdType="pmc">PMC1
</ArticleId></ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>"""
EVENT = {
    "specversion": "1.0", "type": "org.citewire.article.published", "source": "urn:cms", "id": "1", "subject": "a",
    "time": "2026-03-02T10:00:00Z", "data": {"id": "a", "title": "T", "body": "Rest well. [1]", "references": [1]},
}  # fmt: skip
_JSON = "Authorization: Bearer cms\nContent-Type: application/cloudevents"
REQUESTS = [
    f"POST /v1/events\n{_JSON}+json\n\n{json.dumps(EVENT)}".encode(),
    f"POST /v1/events\n{_JSON}-batch+json\n\n{json.dumps([EVENT, EVENT | {'id': '2'}])}".encode(),
    f"POST /v1/events\n{_JSON}+json\n\n{json.dumps(EVENT | {'type': 'org.citewire.article.withdrawn', 'data': {'reason': 'x'}})}".encode(),
    b"POST /hub\nContent-Type: application/x-www-form-urlencoded\n\nhub.mode=subscribe&hub.topic=x&hub.callback=https://a.example/",
    *(f"GET {address}\nAuthorization: Bearer root".encode() for address in (
        "/v1/articles?state=live&topic=a&channel=partner&query=T&after=a&limit=10", "/v1/articles/a", "/v1/events/evt_1",
        "/v1/articles/a/shown?at=2026-03-02T10:00:00Z&channel=partner", "/v1/deliveries?state=pending&channel=partner",
        "/v1/operations/op_1", "/v1/attention", "/partners/reader/changes?after=0&limit=5", "/partners/reader/feed.json",
        "/articles/a.ninjs", "/articles/manifest.json?after=a", "/feeds/latest.rss", "/feeds/latest/archive/1.atom",
        "/sitemaps/1.xml", "/references/1", "/articles/a.evidence.json",
    )),
]  # fmt: skip
FORMS = [
    b"hub.mode=subscribe&hub.topic=https%3A%2F%2Fnotes.example.org%2Ffeeds%2Flatest.rss&hub.callback=https%3A%2F%2Fa.example"
    b"%2Fpush%3Fx%3D1&hub.secret=abc&hub.lease_seconds=3600",
    b"hub.mode=unsubscribe&hub.topic=t&hub.callback=http://127.0.0.1:80/x",
]
ANSWERS = [
    b"503\nRetry-After: 120\nDate: Mon, 02 Mar 2026 10:00:00 GMT\nContent-Type: text/plain\n\ntoken=abcd1234 was wrong",
    b'429\nRetry-After: Mon, 02 Mar 2026 10:00:00 GMT\n\n{"api_key": "abcd1234", "a": "Bearer abcdefgh"}',
    b"302\nLocation: /x\n\n<html>authorization: basic dXNlcjpwYXNz</html>",
    b"410\n\nwhsec_abc v1,abcdefghijklmnopqrstuvwxyz cookie=abc; secret : abcdef",
]


def strange(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Return one of the seeds, cut, doubled, spliced with another and sprinkled with salt."""
    text = chance.choice(seeds)
    for _ in range(chance.randint(0, 6)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.choice([1, 3, 20, 200]))
        match chance.randint(0, 4):
            case 0:
                text = text[:at] + chance.choice(SALT) + text[at:]
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:at] + text[at:to] * chance.choice([2, 30]) + text[to:]
            case 3:
                other = chance.choice(seeds)
                text = text[:at] + other[chance.randint(0, len(other)) :]
            case 4:
                text = text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
    return text[:20_000]
