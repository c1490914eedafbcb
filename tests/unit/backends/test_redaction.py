"""Secrets and control characters never leave a container's log."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.backends.redaction import clean, log_tail, redact

TOKEN = "Zx9" * 12


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=*** next"),
        ('{"api_key": "a b c", "n": 1}', '{"api_key": "***", "n": 1}'),
        ("postgres://bob:secret@db/x", "postgres://***@db/x"),
        ("https://example.org/?to=a@b", "https://example.org/?to=a@b"),
        (f"key sk-proj-{TOKEN} end", "key *** end"),
        ("AKIAABCDEFGHIJKLMNOP", "***"),
        (f"ghp_{TOKEN}", "***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nok", "***\nok"),
        ("a sentence about tasks and risk-free words", "a sentence about tasks and risk-free words"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_given_values_are_masked_the_longest_first() -> None:
    assert redact("abcd abcdefgh 123", ["abcd", "abcdefgh", "123"]) == "*** *** 123"


def test_control_characters_are_replaced() -> None:
    assert clean(b"a\0b\x1b[31mred\x1b[0m\r\nc\td\xff\x9b") == "a\ufffdb" + "red\nc\td\ufffd\ufffd"


def test_the_last_bytes_are_kept_on_a_character_boundary() -> None:
    tail = log_tail("é ".encode() * 10_000, [], limit=101)
    assert tail == " " + "é " * 33


@given(offset=st.integers(0, 60), limit=st.integers(10, 200))
def test_a_secret_cut_in_two_is_masked(offset: int, limit: int) -> None:
    secret = "correct horse battery staple"
    raw = (secret + " filler words ").encode() * 40
    tail = log_tail(raw[offset:], [secret], limit=limit, truncated=True)
    for start in range(len(secret) - 4):
        assert secret[start:] not in tail


@pytest.mark.parametrize("cut", range(1, 28))
def test_the_end_of_a_secret_is_masked_wherever_it_was_cut(cut: int) -> None:
    secret = "correct horse battery staple"
    assert log_tail(f"{secret[cut:]} and more".encode(), [secret], truncated=True) == "*** and more"


def test_an_unknown_token_at_the_cut_is_masked() -> None:
    raw = b"Bearer " + TOKEN.encode() * 50 + b" word" * 200
    assert log_tail(raw[600:], [], truncated=True) == "***" + " word" * 200


@given(st.binary(max_size=300))
def test_any_bytes_give_clean_text_within_the_limit(raw: bytes) -> None:
    tail = log_tail(raw, ["abcd"], limit=64)
    assert len(tail.encode()) <= 64
    assert "\0" not in tail


def test_hostile_text_takes_no_long_time() -> None:
    started_at = time.process_time()
    redact("a." * 3000 + "-" * 3000 + "password" * 400)
    assert time.process_time() - started_at < 2  # quadratic, it would be minutes
