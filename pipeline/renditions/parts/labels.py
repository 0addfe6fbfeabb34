"""The words that we write ourselves, as HTML: labels, and sentences around values.

Words that are English in an article of another language say so by attributes. In Hebrew or Arabic each value is
isolated, as `Words.say` does in text.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.renditions.parts.text import escape
from pipeline.wording import Words, pieces


def foreign_attributes(words: Words) -> str:
    """Return the attributes of an element with our words, "" where they are in the article's language."""
    return f' lang="{words.language}" dir="{words.direction}"' if words.foreign else ""


def directed_attributes(words: Words) -> str:
    """Return the same for our words among words of any direction, such as a citation's, which they must not set."""
    if words.foreign:
        return foreign_attributes(words)
    return ' dir="rtl"' if words.direction == "rtl" else ""


def stated_attributes(words: Words) -> str:
    """Return the attributes of an element with our words where nothing around it says what language they are in."""
    return foreign_attributes(words) or f' lang="{words.language}"{directed_attributes(words)}'


def label_html(words: Words, translated: str) -> str:
    """Return a translated message without values, in a `span` that says its language if that is not the article's."""
    label = escape(translated)
    return f"<span{foreign_attributes(words)}>{label}</span>" if words.foreign else label


def sentence_html(words: Words, translated: str, *, spanned: bool | None = None, **values: str) -> str:
    """Return a translated message around values that are HTML.

    `spanned`: whether our words are in `span` elements of their own. If None, they are where they have to say that they
    are not in the article's language; False: the element around them says so.
    """
    return "".join(_parts(words, translated, values, words.foreign if spanned is None else spanned))


def _parts(words: Words, translated: str, values: dict[str, str], spanned: bool) -> Iterator[str]:
    isolated = words.direction == "rtl"
    for literal, name in pieces(translated):
        said = literal.strip()
        if spanned and said:
            before, _, after = literal.partition(said)
            yield f"{before}<span{foreign_attributes(words)}>{escape(said)}</span>{after}"
        else:
            yield escape(literal)
        if name is not None:
            yield f"<bdi>{values[name]}</bdi>" if isolated else values[name]
