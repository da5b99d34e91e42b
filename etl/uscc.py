"""The check character of a 统一社会信用代码. Source: GB 32100-2015, 4.2 and annex A."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
LENGTH = 18


def check_character(body: str) -> str:
    """The 18th character that belongs to the first 17.

    Errors: ValueError unless `body` is 17 characters of the alphabet (no I, O, S, V, Z).
    """
    if len(body) != len(WEIGHTS) or any(letter not in ALPHABET for letter in body):
        raise ValueError(body)
    total = sum(ALPHABET.index(letter) * weight for letter, weight in zip(body, WEIGHTS, strict=True))
    # 31 − remainder, and 31 itself is written 0.
    return ALPHABET[-total % len(ALPHABET)]


def is_valid(code: str) -> bool:
    """True for 18 characters of the alphabet that end in their check character."""
    return (
        len(code) == LENGTH
        and all(letter in ALPHABET for letter in code)
        and check_character(code[:-1]) == code[-1]
    )
