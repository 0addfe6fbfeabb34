"""What a partner answers costs in proportion to its size before it is stored, and the patterns hide what they did."""

from __future__ import annotations

import pytest
from growing import growth

from pipeline.stages.redaction import redacted


@pytest.mark.parametrize(
    "unit",
    ["token", "token ", "token=", "token:\t", "-_", "token-", "bearer ", "whsec_", "v1,", "secret=abcd ", '"', "=:"],
)
def test_an_answer_costs_in_proportion_to_its_size(unit: str) -> None:
    assert growth(lambda size: redacted(f"secret{unit * (size // len(unit))}")) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("token=abcd1234", "token=[cut out]"),
        ('{"x-api-key": "abcd1234", "a": "b"}', '{"x-api-key": "[cut out]", "a": "b"}'),
        ("my_secret_token : Bearer abcd.efgh; next", "my_secret_token : [cut out]; next"),
        ("a=token=abcd1234 b", "a=token=[cut out] b"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [cut out]"),
        ("the token was wrong", "the token was wrong"),
        ("token: abc", "token: abc"),
    ],
)
def test_what_follows_a_telling_name_is_cut_out(text: str, kept: str) -> None:
    assert redacted(text) == kept
