"""A seal says what was sealed, and its HMAC binds every part of it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json

import pytest

from provider.domain.log import ChainPoint
from provider.domain.seals import (
    InvalidSealError,
    Seal,
    SealKey,
    check_authenticity,
    format_seal,
    from_event,
    is_due,
    make_seal,
    parse_seal,
    to_event,
)

KEY = SealKey.from_text("a key of more than sixteen characters: Größe")
OTHER = SealKey.from_text("another key of more than sixteen characters")
LEDGER = "0d9d5a3c-58f1-4a0c-9f0b-0f6f6a4f2b11"
HEAD = ChainPoint(7, hashlib.sha256(b"seven").hexdigest())
KEYED = make_seal(LEDGER, HEAD, KEY)
BARE = make_seal(LEDGER, HEAD, None)


def test_the_hmac_is_what_the_documentation_says() -> None:
    text = f"sandbox-ledger seal 1\n{LEDGER}\n7\n{HEAD.hash}\n7".encode()
    assert KEYED.hmac == hmac.digest(KEY.secret, text, "sha256").hex()
    assert (BARE.hmac, BARE.key_id) == (None, None)
    assert KEYED.point == BARE.point == HEAD


@pytest.mark.parametrize(
    "change",
    [{"ledger_id": "x"}, {"position": 8}, {"hash": "0" * 64}, {"count": 6}, {"hmac": "0" * 64}],
    ids=lambda change: next(iter(change)),
)
def test_any_change_of_a_seal_is_a_forgery(change: dict[str, object]) -> None:
    assert check_authenticity(KEYED, KEY) == "genuine"
    assert check_authenticity(dataclasses.replace(KEYED, **change), KEY) == "forged"  # type: ignore[arg-type]


def test_a_seal_that_the_key_cannot_judge_is_named() -> None:
    assert check_authenticity(BARE, KEY) == check_authenticity(BARE, None) == "unkeyed"
    assert check_authenticity(KEYED, None) == "no_key"
    assert check_authenticity(KEYED, OTHER) == "other_key"


def test_the_key_is_in_no_repr_and_not_in_its_id() -> None:
    assert "sixteen" not in repr(KEY)
    assert "sixteen" not in repr(KEYED)
    assert KEY.key_id != OTHER.key_id
    assert KEYED.key_id == KEY.key_id


@pytest.mark.parametrize("seal", [KEYED, BARE])
def test_a_seal_survives_its_event_and_its_line(seal: Seal) -> None:
    assert from_event(to_event(seal)) == seal
    line = format_seal(seal)
    assert "\n" not in line
    assert parse_seal(line) == seal


GOOD = json.loads(format_seal(KEYED))
MALFORMED = {
    "empty": "",
    "no JSON": "seal",
    "a list": "[]",
    "too deep": "[" * 4000,
    "too long": " " * 5000,
    "missing field": json.dumps({k: v for k, v in GOOD.items() if k != "count"}),
    "extra field": json.dumps({**GOOD, "extra": 1}),
    "true as position": json.dumps({**GOOD, "position": True}),
    "zero": json.dumps({**GOOD, "position": 0}),
    "huge": json.dumps({**GOOD, "count": 2**60}),
    "text as position": json.dumps({**GOOD, "position": "7"}),
    "short hash": json.dumps({**GOOD, "hash": "ab"}),
    "hash in capitals": json.dumps({**GOOD, "hash": "A" * 64}),
    "line feed in the ledger": json.dumps({**GOOD, "ledger_id": "a\n7"}),
    "key without HMAC": json.dumps({**GOOD, "hmac": None}),
    "HMAC without key": json.dumps({**GOOD, "key_id": None}),
}


@pytest.mark.parametrize("line", MALFORMED.values(), ids=MALFORMED)
def test_everything_else_is_no_seal(line: str) -> None:
    with pytest.raises(InvalidSealError):
        parse_seal(line)


def test_a_seal_is_due_when_something_but_the_seal_itself_was_appended() -> None:
    assert not is_due(ChainPoint(0, "0" * 64), None, None)
    assert is_due(HEAD, None, None)
    assert not is_due(HEAD, BARE, None)
    assert not is_due(ChainPoint(8, "8" * 64), BARE, None)
    assert is_due(ChainPoint(9, "9" * 64), BARE, None)


def test_a_key_that_was_configured_since_is_used_soon() -> None:
    head = ChainPoint(8, "8" * 64)
    assert is_due(head, BARE, KEY)
    assert is_due(head, KEYED, OTHER)
    assert not is_due(head, KEYED, KEY)
    assert not is_due(head, KEYED, None)
