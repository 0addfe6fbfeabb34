"""Publish hooks of Ghost and WordPress: their posts are published and taken back, and what is wrong is named."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgi import Answer, send
from served import Served, served

from pipeline.ledger import articles
from pipeline.ledger.articles import revisions
from pipeline.web.app import create_app
from pipeline.web.v1.hooks.wordpress import post_of

SECRET, CMS = "a secret of the CMS", "cms"


def ghost(**changes: Any) -> dict[str, Any]:
    current = {
        "id": "65a1c0ffee0123456789abcd",
        "uuid": "9d3c4f1e-4d6f-4b0e-8f8a-0f2f6f1a7f11",
        "title": "Does stretching help?",
        "slug": "does-stretching-help",
        "html": "<p>It <strong>often</strong> does.</p><h2>How</h2><p>Slowly.</p>",
        "status": "published",
        "visibility": "public",
        "url": "https://blog.example.org/does-stretching-help/",
        "feature_image": None,
        "custom_excerpt": "Yes, often.",
        "published_at": "2026-03-01T09:00:00.000Z",
        "updated_at": "2026-03-01T09:00:00.000Z",
        "authors": [{"id": "1", "name": "Ada Moss", "slug": "ada"}],
        "tags": [{"name": "Spasticity", "slug": "spasticity"}, {"name": "#internal", "slug": "hash-internal"}],
        "primary_author": {"id": "1", "name": "Ada Moss"},
    }
    return {"post": {"current": current | changes, "previous": {"status": "draft"}}}


def wordpress(**changes: Any) -> dict[str, Any]:
    return {
        "id": 42,
        "date": "2026-03-01T10:00:00",
        "date_gmt": "2026-03-01T09:00:00",
        "modified_gmt": "2026-03-01T09:00:00",
        "slug": "sleep-in-old-age",
        "status": "publish",
        "type": "post",
        "link": "https://wp.example.org/sleep-in-old-age/",
        "title": {"rendered": "Sleep &amp; old age"},
        "content": {"rendered": "<p>It becomes <em>lighter</em>.</p>", "protected": False},
        "excerpt": {"rendered": "<p>Lighter.</p>", "protected": False},
        "author": 3,
        "tags": [7],
    } | changes


def plugin(**changes: Any) -> dict[str, Any]:
    post = {
        "ID": 43,
        "post_author": "3",
        "post_title": "Pain",
        "post_content": "<!-- wp:paragraph --><p>It passes.</p><!-- /wp:paragraph -->",
        "post_excerpt": "",
        "post_status": "publish",
        "post_name": "pain",
        "post_password": "",
        "post_date_gmt": "2026-03-01 09:00:00",
        "post_modified_gmt": "2026-03-01 09:00:00",
        "post_type": "post",
    }
    return {"post_id": 43, "post": post | changes, "post_permalink": "https://wp.example.org/pain/"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=("html", "json-ld", "ninjs")) as site:
        yield site


def hook(site: Served, cms: str, body: object, token: str = CMS, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    address = f"/v1/hooks/{cms}?token={token}" if token else f"/v1/hooks/{cms}"
    return asyncio.run(send(site.app, "POST", address, body=content, headers=named))


def title_of(site: Served, name: str) -> tuple[str, str, int]:
    with site.context.ledger.read() as transaction:
        state = articles.get(transaction, name)
        assert state is not None
        return revisions.newest_content(transaction, name).article.title, state.state, state.revision


def test_a_post_of_ghost_is_published_with_what_ghost_says_of_it(site: Served) -> None:
    answer = hook(site, "ghost", ghost())
    assert (answer.status, answer.json["article"]) == (202, "does-stretching-help"), answer.body
    with site.context.ledger.read() as transaction:
        article = revisions.newest_content(transaction, "does-stretching-help").article
    assert article.title == "Does stretching help?"
    assert [one.name for one in article.authors] == ["Ada Moss"]
    assert [topic.name for topic in article.topics] == ["Spasticity"]
    assert article.published is not None and article.published.isoformat().startswith("2026-03-01")


def test_the_same_hook_again_changes_nothing_and_an_edit_is_the_next_revision(site: Served) -> None:
    first = hook(site, "ghost", ghost())
    assert hook(site, "ghost", ghost()).json["event"] == first.json["event"]
    site.clock.pass_(3600)
    edited = ghost(html="<p>It always does.</p>", updated_at="2026-03-01T12:30:00.000Z")
    assert (hook(site, "ghost", edited).json["revision"], first.json["revision"]) == (2, 1)


def test_a_new_slug_renames_the_article(site: Served) -> None:
    hook(site, "ghost", ghost())
    site.clock.pass_(3600)
    renamed = ghost(slug="stretching", updated_at="2026-03-01T12:30:00.000Z")
    answer = hook(site, "ghost", renamed)
    assert (answer.json["article"], answer.json["revision"]) == ("does-stretching-help", 2), "it keeps its first id"
    with site.context.ledger.read() as transaction:
        assert articles.counts(transaction) == {"live": 1}


@pytest.mark.parametrize(
    "gone",
    [
        ghost(status="draft", updated_at="2026-03-01T12:30:00.000Z"),
        {"post": {"current": {}, "previous": ghost()["post"]["current"]}},  # post.deleted
    ],
)
def test_an_unpublished_or_deleted_post_is_withdrawn(site: Served, gone: dict[str, Any]) -> None:
    hook(site, "ghost", ghost())
    assert hook(site, "ghost", gone).status == 202
    with site.context.ledger.read() as transaction:
        state = articles.get(transaction, "does-stretching-help")
    assert state is not None and state.state == "withdrawn"


def test_a_post_of_wordpress_is_published_in_either_form(site: Served) -> None:
    assert hook(site, "wordpress", wordpress()).status == 202
    assert title_of(site, "sleep-in-old-age") == ("Sleep & old age", "live", 1)
    assert hook(site, "wordpress", plugin()).status == 202
    assert title_of(site, "pain") == ("Pain", "live", 1)
    trashed = plugin(post_status="trash", post_name="pain__trashed", post_modified_gmt="2026-03-01 12:00:00")
    assert hook(site, "wordpress", trashed).status == 202
    with site.context.ledger.read() as transaction:
        state = articles.get(transaction, "pain")
    assert state is not None and state.state == "withdrawn"


@pytest.mark.parametrize(
    ("cms", "body", "field"),
    [
        ("ghost", ghost(slug=""), "post.current.slug"),
        ("ghost", ghost(slug="../etc"), "post.current.slug"),
        ("ghost", ghost(slug="x" * 200), "post.current.slug"),
        ("ghost", ghost(html=""), "post.current.html"),
        ("ghost", ghost(html=7), "post.current.html"),
        ("ghost", ghost(title=" "), "post.current.title"),
        ("ghost", ghost(visibility="paid"), "post.current.visibility"),
        ("ghost", ghost(updated_at="soon"), "post.current.updated_at"),
        ("ghost", ghost(updated_at=None), "post.current.updated_at"),
        ("ghost", ghost(id="a b"), "post.current.id"),
        ("wordpress", wordpress(id=0), "id"),
        ("wordpress", wordpress(title="x"), "title"),
        ("wordpress", wordpress(status="future"), "status"),
        ("wordpress", wordpress(content={"rendered": "", "protected": True}), "content.protected"),
        ("wordpress", wordpress(modified_gmt="soon"), "modified_gmt"),
        ("wordpress", wordpress(modified_gmt=None), "modified_gmt"),
        ("wordpress", plugin(post_modified_gmt="0000-00-00 00:00:00", post_status="trash"), "post.post_modified_gmt"),
        ("wordpress", plugin(post_password="x"), "post.post_password"),
        ("wordpress", plugin(post_status="inherit"), "post.post_status"),
        ("wordpress", plugin(ID="none"), "post.ID"),
    ],
)
def test_what_is_wrong_with_a_payload_is_named(site: Served, cms: str, body: object, field: str) -> None:
    answer = hook(site, cms, body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status, answer.json["field"]) == (422, field), answer.body
    assert answer.json["hint"] or answer.json["detail"]


@pytest.mark.parametrize("body", [b"", b"no json", b"\xff", b"[" * 100_000, b"[]", b"null"])
def test_what_is_no_payload_is_refused(site: Served, body: bytes) -> None:
    for cms in ("ghost", "wordpress"):
        assert hook(site, cms, body).status == 422


def test_hostile_html_is_read_as_that_of_any_page(site: Served) -> None:
    html = "<p>Yes.</p><script>alert(1)</script></article></body><p onclick='x()'>More. ]]> \u202e"
    assert hook(site, "ghost", ghost(html=html, title="</title><script>alert(2)</script>")).status == 202
    site.work()
    shown = asyncio.run(send(site.app, "GET", "/articles/does-stretching-help")).body.decode()
    assert "<script>alert" not in shown and "onclick" not in shown


def test_a_token_is_needed_in_a_header_or_in_the_address(site: Served) -> None:
    assert hook(site, "ghost", {}).json["detail"] == "Object missing required field `post`"
    assert hook(site, "ghost", ghost(), token="").code == "token-missing"
    assert hook(site, "ghost", ghost(), token="reader").status == 403
    assert hook(site, "ghost", ghost(), token="", authorization="Bearer cms").status == 202


def test_with_a_secret_the_signature_must_be_right(site: Served) -> None:
    site.app = create_app(replace(site.context, ghost_secret=SECRET), alive=list)
    body, at = json.dumps(ghost()).encode(), "1772355600000"
    signed = hmac.new(SECRET.encode(), body + at.encode(), hashlib.sha256).hexdigest()
    assert hook(site, "ghost", body).code == "signature-invalid"
    assert hook(site, "ghost", body, x_ghost_signature=f"sha256={'0' * 64}, t={at}").status == 401
    assert hook(site, "ghost", body + b" ", x_ghost_signature=f"sha256={signed}, t={at}").status == 401
    metrics = asyncio.run(send(site.app, "GET", "/metrics")).body.decode()
    assert 'citewire_refused_total{code="signature-invalid"} 3.0' in metrics
    assert hook(site, "ghost", body, x_ghost_signature=f"sha256={signed}, t={at}").status == 202


def test_a_time_with_a_zone_is_that_time_and_one_without_is_in_utc() -> None:
    texts = ("2026-03-01T11:00:00+02:00", "2026-03-01T09:00:00")
    found = {post_of(json.dumps(wordpress(modified_gmt=text)).encode()).updated for text in texts}
    assert found == {dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)}
