"""Recognise the lines between a headline and its text: bylines, dates, credits, buttons."""

from __future__ import annotations

import re

_BYLINE = re.compile(
    r"(?:(?:posted|written|reported|published|edited) by|by|por|von|par|oleh)\b.{0,100}", re.IGNORECASE
)
_MONTH = r"[^\W\d_]{3,12}\.?,?"
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)? (?:de )?{_MONTH} (?:de )?(?:19|20)\d\d\b|"
    rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d\b|"
    r"\b\d{1,4}([-/.])\d{1,2}\1\d{2,4}(?!\d)|"
    r"\b\d{1,2}:\d\d ?(?:[ap]\.?m\b)|"
    r"\b(?:\d{1,2}|an?) (?:minute|hour|day|week|month|year)s? ago\b",
    re.IGNORECASE,
)
_AGENCY = r"(?:Getty Images|Getty|Reuters|Shutterstock|iStock|AP Photo|AP|AFP|EPA|Alamy|Unsplash|Flickr|Adobe Stock)"
_CREDIT = re.compile(
    r"(?:photo(?:graph)?s?|image|picture|illustration|foto|bild)(?: credit| by| courtesy(?: of)?|s)? ?[:|—–-].{0,160}|"
    rf"(?:credit|source|©).{{0,160}}|.{{0,200}}(?:[|/—–-] ?|\b(?:via|by) |\()?\b{_AGENCY}\)?|"
    rf".{{0,1000}}\((?:photo|image|picture|credit|{_AGENCY}\b)[^()]{{0,100}}\)\.?",
    re.IGNORECASE,
)
_BUTTON = re.compile(
    r"(?:share|tweet|pin|email|print|copy|follow|subscribe|sign in|sign up|log in|facebook|twitter|whatsapp|linkedin|"
    r"reddit|pinterest|flipboard|messenger|buffer|read later|save|comments?|menu|search|advert|close)\b.{0,60}|"
    r"\d{1,3} ?(?:/|of) ?\d{1,3}|[\d.,]{1,9}[km]? ?(?:shares?|comments?|views?|likes?)?|.{0,30}\bmin(?:ute)?s? read",
    re.IGNORECASE,
)
_LONGEST = 140  # characters of a byline with its date


def is_byline(text: str) -> bool:
    """Return whether a line names who wrote the text, or when."""
    return len(text) <= _LONGEST and (_BYLINE.fullmatch(text) is not None or _DATE.search(text) is not None)


def is_credit(text: str) -> bool:
    """Return whether a line is a picture's credit, or a caption that ends with one."""
    return _CREDIT.fullmatch(text) is not None


def is_furniture(text: str) -> bool:
    """Return whether a line is no part of a text: a byline, a date, a credit, a button, a counter."""
    return is_byline(text) or is_credit(text) or _BUTTON.fullmatch(text) is not None
