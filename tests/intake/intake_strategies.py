"""Strange articles for property tests: text and bytes that lean towards what the parsers look for."""

from __future__ import annotations

import json

from hypothesis import strategies as st

PIECES = (
    "---\n", "title: ", "title: T\n", "references: [1, 2]\n", "published: ", "2/23/2026", "# ", "## ", "\n", "\n\n",
    "\n\n\n", "- ", "  - ", "1. ", "2. ", "> ", "> [!NOTE]\n", "::: warning\n", ":::\n", "| a | b |\n", "|---|---|\n",
    "**", "*", "_", "`", "```\n", "[1]", "[2,5]", "[3-5]", "[a](", "https://example.org/", ")", "](", "![", "<", ">",
    "<p>", "</p>", "<ul>", "<li>", "</ul>", "<table>", "<tr>", "<td colspan=3>", "<a href='", "'>", "<img src=x alt=y>",
    "<figure>", "<figcaption>", "<blockquote>", "<aside class='note'>", "<article>", "<h1>", "</h1>", "<sup>", "<br>",
    "<script>", "</script>", "<!--", "-->", "<![CDATA[", "]]>", "<?xml", "?>", "&amp;", "&#0;", "&#xD800;", "&lt;",
    "<script type='application/ld+json'>", '{"@type": "Article", "headline": ', '"', "{", "}", ":", ",", "[", "]",
    '{"title": "T", "body": "', "  • ", "      ◦ ", "Important: ", "Speak to a doctor immediately if:", "PMID: 12",
    "(References)", "* pubmed.ncbi.nlm.nih.gov/12/", "10.1000/x", "answer background", "Explanation",
    "Published on: ", "Is It Safe?", "Learn more about diseases", "symptom checker",
    "Purpose and positioning of services",
    "\x00", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\ufffe", "e\u0301", "שלום", "🙂", "\U0001d54f", "\t", "\r",
    "&", "\\", "%", "null", "!!python/object", "&a", "*a", "? ", "word ", "Word ", "a", "1",
)  # fmt: skip

NAMES = ("a.md", "a.json", "a.html", "a.txt", "a")

texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60).map("".join)
raw = st.binary(max_size=200) | texts.map(lambda text: text.encode("utf-8", "surrogatepass"))

json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "url", "label", "x"]), inner),
    max_leaves=8,
)
FIELDS = (
    "id", "title", "question", "summary", "published", "modified", "reviewed", "reviewers", "authors", "topics",
    "language", "image", "canonical", "calls_to_action", "related", "disclaimer", "licence", "references", "embargo",
    "body", "body_format",
)  # fmt: skip
json_articles = (
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6)
    .map(lambda fields: {"title": "T", "body": "Text.", **fields})
    .map(lambda fields: json.dumps(fields).encode())
)
bodies = texts.map(lambda body: f"---\ntitle: T\nsummary: S\nreferences: [1, 2, 3, 4, 5]\n---\n{body}".encode())
pages = texts.map(lambda text: f"A Title\n\nPublished on: 2/23/2026\n\nText.\n\n{text}".encode())
html_bodies = texts.map(lambda text: f"<title>T</title><article><p>x</p>{text}</article>".encode())
