"""What replaces an article's page after its withdrawal: that it was withdrawn, when and why.

Plain strings, and English words where a catalogue cannot be read: a withdrawal must go out whatever has happened to
the templates.
"""

from __future__ import annotations

from pipeline.model.article import direction_of
from pipeline.model.revision import Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import time_html
from pipeline.renditions.parts.fragments import paragraphs_html
from pipeline.renditions.parts.labels import foreign_attributes, sentence_html
from pipeline.renditions.parts.linked_data import linked_data_script, tombstone_node
from pipeline.renditions.parts.markup import attributes, link_html
from pipeline.renditions.parts.text import escape
from pipeline.renditions.parts.uri import uri
from pipeline.wording import words_in_any_case

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0 auto;max-width:38rem;padding:3rem 1.25rem;font:1.0625rem/1.6 system-ui,sans-serif;"
    "color:#1b2530;background:#fff;overflow-wrap:anywhere}"
    "h1,h2{font:600 1.75rem/1.25 Georgia,serif;margin:0 0 1rem}h2{font-size:1.25rem;margin:2rem 0 .5rem}"
    "a{color:#0b5f66}"
    "main{border-inline-start:4px solid #b3141f;padding-inline-start:1.25rem}"
    "@media (prefers-color-scheme:dark){body{color:#e4e9ed;background:#12181d}a{color:#6fcfd2}}"
)


def withdrawn_page(withdrawal: Withdrawal, site: Site, *, root: str = "", style: str = "", head: str = "") -> bytes:
    """The page; `root` and `style` are attributes of `html` and `style`, `head` is markup that AMP asks for."""
    language = withdrawal.language
    canonical = uri(withdrawal.canonical or site.article_url(withdrawal.name))
    words = words_in_any_case(language)
    foreign = foreign_attributes(words)
    heading, why = escape(words.translated("This article has been withdrawn")), escape(words.translated("Why"))
    title = escape(words.say("Withdrawn: {title}", title=withdrawal.title))
    when = sentence_html(
        words,
        words.translated(
            "It was published on {published} and withdrawn on {withdrawn}. Please do not rely on copies of it."
        ),
        spanned=False,
        published=time_html(withdrawal.published, words),
        withdrawn=time_html(withdrawal.withdrawn, words),
    )
    page = f"""\
<!DOCTYPE html>
<html{root}{attributes(lang=language, dir_=direction_of(language))}>
<head>
<meta charset="utf-8">
<meta name="generator" content="Citewire">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link{attributes(rel="canonical", href=canonical)}>
{head}
<style{style}>{_STYLE}</style>
<script type="application/ld+json">{linked_data_script(tombstone_node(withdrawal, site))}</script>
</head>
<body>
<main>
<h1{foreign}>{heading}</h1>
<p><strong>{escape(withdrawal.title)}</strong></p>
<p{foreign}>{when}</p>
<h2{foreign}>{why}</h2>
{paragraphs_html(withdrawal.reason, "reason")}
<p>{link_html(uri(site.url), escape(site.title))}</p>
</main>
</body>
</html>
"""
    return page.encode()
