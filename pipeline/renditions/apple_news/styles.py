"""The styles of Apple News articles. Every name that a component refers to is defined here, for light and dark mode.

Sizes are points at a document width of 1024; Apple scales them with the reader's text size.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_DARK = [{"preferredColorScheme": "dark"}]


def _text(size: int, line: int, colour: str, dark: str, **more: Any) -> Object:
    style = {"fontName": "HelveticaNeue", "fontSize": size, "lineHeight": line, "textColor": colour, **more}
    return style | {"conditional": [{"conditions": _DARK, "textColor": dark}]}


def _panel(ground: str, edge: str, dark: str) -> Object:
    """Return a coloured background with a bar at the start."""
    bar = {"all": {"width": 4, "color": edge}, "top": False, "right": False, "bottom": False}
    return {
        "backgroundColor": ground,
        "border": bar,
        "conditional": [{"conditions": _DARK, "backgroundColor": dark}],
    }


_INK, _QUIET, _LINK = ("#1C1C1E", "#F2F2F7"), ("#5F6368", "#AEAEB2"), ("#0B57D0", "#8AB4F8")

LAYOUT = {"columns": 7, "width": 1024, "margin": 60, "gutter": 20}

DOCUMENT_STYLE = {
    "backgroundColor": "#FFFFFF",
    "conditional": [{"conditions": _DARK, "backgroundColor": "#000000"}],
}

TEXT_STYLES: Object = {
    "title": _text(34, 40, *_INK, fontName="HelveticaNeue-Bold"),
    "byline": _text(15, 21, *_QUIET),
    "question": _text(19, 27, *_QUIET, fontName="HelveticaNeue-Italic"),
    "answer": _text(21, 30, *_INK, fontName="HelveticaNeue-Medium", paragraphSpacingAfter=12),
    "heading1": _text(26, 32, *_INK, fontName="HelveticaNeue-Bold"),
    "heading2": _text(22, 28, *_INK, fontName="HelveticaNeue-Bold"),
    "heading3": _text(19, 26, *_INK, fontName="HelveticaNeue-Bold"),
    "body": _text(18, 27, *_INK, paragraphSpacingAfter=12),
    "label": _text(16, 22, *_INK, fontName="HelveticaNeue-Bold"),
    "quote": _text(20, 29, *_INK, fontName="HelveticaNeue-Italic", paragraphSpacingAfter=12),
    "caption": _text(14, 20, *_QUIET),
    "reference": _text(15, 22, *_INK),
    "small": _text(14, 20, *_QUIET, paragraphSpacingAfter=8),
    "button": _text(17, 22, "#FFFFFF", "#FFFFFF", fontName="HelveticaNeue-Bold", textAlignment="center"),
}

STYLES: Object = {
    "note-important": _panel("#FFF4E5", "#B06000", "#3A2A12"),
    "note-warning": _panel("#FFF4E5", "#B06000", "#3A2A12"),
    "note-urgent": _panel("#FDECEA", "#B3261E", "#411B18"),
    "note-info": _panel("#E8F0FE", "#0B57D0", "#14233D"),
    "quote": _panel("#F2F2F7", "#5F6368", "#1C1C1E"),
    "marked": _panel("#FDECEA", "#B3261E", "#411B18"),
    "button": {"backgroundColor": "#0B57D0", "mask": {"type": "corners", "radius": 8}},
    "table": {
        "tableStyle": {
            "cells": {"padding": 6, "verticalAlignment": "top"},
            "headerCells": {"padding": 6, "verticalAlignment": "bottom"},
        }
    },
}


def _layout(top: int, bottom: int, **more: Any) -> Object:
    return {"columnStart": 0, "columnSpan": LAYOUT["columns"], "margin": {"top": top, "bottom": bottom}, **more}


LAYOUTS: Object = {
    "title": _layout(20, 8),
    "heading": _layout(24, 6),
    "text": _layout(4, 8),
    "close": _layout(0, 4),
    "picture": _layout(12, 4),
    "panel": _layout(10, 14, padding=14),
    "button": _layout(8, 12, padding=12),
    "rule": _layout(18, 12),
}
