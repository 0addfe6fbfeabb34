"""The words that Citewire itself writes for readers, in their language: labels, notices, dates. Pure but for reading.

words         the words of one language: sentences with their values, plural forms, dates
tags          which catalogue and which of CLDR's locales a language tag (BCP 47) means
reading       gettext catalogues, each read once in a process
catalogues/   one `.po` file for each language; messages are the English sentences in the code

    words = words_of("ar")
    words.say("Published {date}", date=words.date(day))

A language without a catalogue has English words and dates, which say that they are English (`Words.foreign`).
"""

from __future__ import annotations

from pipeline.wording.words import ENGLISH, Words, message, pieces, words_in_any_case, words_of

__all__ = ["ENGLISH", "Words", "message", "pieces", "words_in_any_case", "words_of"]
