"""The check character of GB 32100, against the standard's example and a second implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as second_opinion

from etl.uscc import ALPHABET, check_character, is_valid


@pytest.mark.parametrize(
    "code",
    [
        "91350100M000100Y43",  # the standard's own
        "91140902MA0TE5T164",
        "911409007340123429",
        "91140900MA00002800",  # 31 is written 0
    ],
)
def test_known_codes(code):
    assert is_valid(code)
    assert check_character(code[:17]) == code[17]


@pytest.mark.parametrize(
    "code", ["", "91350100M000100Y4", "91350100M000100Y4Z", "91350100M000100Y433", "9135O100M000100Y43"]
)
def test_no_codes(code):
    assert not is_valid(code)


@pytest.mark.parametrize("body", ["91350100M000100Y", "91350100M0001O0Y4", "91350100m000100y4"])
def test_a_body_of_other_characters_has_no_check_character(body):
    with pytest.raises(ValueError, match=body):
        check_character(body)


@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_the_same_as_the_second_implementation(body):
    assert check_character(body) == second_opinion.calc_check_digit(body)


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(body, place, other):
    code = body + check_character(body)
    changed = code[:place] + other + code[place + 1 :]
    assert is_valid(changed) == (changed == code)
