"""What a Markdown document must be: read by a parser of its own, with HTML allowed as in any reader of Markdown."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": True, "maxNesting": 1000}).enable("table")
_KNOWN = {
    *("a", "abbr", "aside", "blockquote", "br", "caption", "cite", "code", "dd", "del", "dl", "dt", "em", "figcaption"),
    *("figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "img", "ins", "li", "ol", "p", "pre", "small", "strong"),
    *("sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul", "u", "i", "b"),
}


def markdown_html(body: bytes) -> str:
    html: str = _PARSER.render(body.decode())
    return html


def markdown_findings(body: bytes) -> list[str]:
    """A title first and once, no element but those that we write, no address that is none."""
    html = markdown_html(body)
    found = [f"<{tag}>" for tag in re.findall(r"</?([a-zA-Z][^\s/>]*)", html) if tag not in _KNOWN]
    if not html.startswith("<h1>") or html.count("<h1>") != 1:
        found.append("not one title, at the start")
    addresses = re.findall(r'(?:href|src)="([^"]*)"', html)
    found += [address for address in addresses if not re.match("https?:|mailto:|#", address)]
    if re.search(r"<[^>]*\son\w+=", re.sub(r'="[^"]*"', '=""', html)):  # not in an attribute's value
        found.append("a script in an attribute")
    if not body.endswith(b"\n") or body.endswith(b"\n\n"):
        found.append("it does not end in one newline")
    return found
