"""Front matter is parsed by libyaml, which is quick. It must give the same values, lines and errors as PyYAML alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.sources.markdown import front_matter

WORDS = ("a", "b: ", "title: x\n", "- ", "? ", "x: y", "key of words: ", "null", "~", "<<: ", "http://x.y/z:a")
MARKS = ("[", "]", "{", "}", ", ", ":", "#", " #", '"', "'", "|\n", ">\n", "|-\n", "&a ", "*a", "!t ", "!!str ", "%")
SPACES = ("\n", "  ", "    ", "\t", "\r\n", "\r", "---\n", "...\n", "\ufeff", "\xa0", "\x85", "\u2028", "\u2029")
ODD = ("@", "x" * 1100, "\\n", "\\x41", "\\", "\\\n", "\x07", "\x7f", "\x00", "\ud800", "é", "😀")


def read(matter: str) -> object:
    try:
        found = front_matter.read_yaml(matter)
    except InvalidValue as error:
        return str(error), error.code, error.line
    return found.values, found.lines, [(str(one), one.line) for one in found.invalid]


@given(st.lists(st.sampled_from(WORDS + MARKS + SPACES + ODD), max_size=12).map("".join))
@example('"q": \t')  # libyaml takes the tab for a space
@example("title: x\n\ufeff")
@example("title: x\ntitle: y\n")
@example("title: x\nby: &a [b, *a]\n")
@example("title: x\nlist: [a\nb: c\n")
@example("a: " + "[" * 40)
def test_libyaml_changes_no_value_no_line_and_no_error(matter: str) -> None:
    by_both = read(matter)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(front_matter, "_COMPOSERS", front_matter._COMPOSERS[-1:])
        assert read(matter) == by_both


def test_libyaml_is_there() -> None:
    """Without it nothing breaks, but reading an article costs several times as much."""
    assert len(front_matter._COMPOSERS) == 2
