"""The canonical form, its hash chain, and the times in it."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain.log import (
    MAX_NUMBER,
    canonical_json,
    chain_hash,
    event_body,
    format_timestamp,
    parse_timestamp,
    storable_text,
)
from tests.unit.domain.strategies import moments, seconds
from tests.unit.domain.strategies import storable_text as texts

numbers = st.integers(1 - MAX_NUMBER, MAX_NUMBER - 1) | seconds.filter(lambda number: not number.is_integer())
documents = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@given(documents)
def test_the_canonical_form_is_json_and_stays_the_same(document: dict[str, Any]) -> None:
    text = canonical_json(document)
    assert json.loads(text) == document
    assert canonical_json(json.loads(text)) == text


@given(documents)
def test_the_order_of_keys_does_not_matter(document: dict[str, Any]) -> None:
    assert canonical_json(dict(reversed(document.items()))) == canonical_json(document)


@pytest.mark.parametrize(
    "value",
    ["a\0b", "\ud800b", math.nan, math.inf, -math.inf, 1.0, -0.0, 2.0**60, MAX_NUMBER, -MAX_NUMBER, 10**30],
)
def test_what_jsonb_would_change_is_refused_wherever_it_is(value: object) -> None:
    for document in ({"a": value}, {"a": [1, value]}, {"a": {"b": value}}):
        with pytest.raises(ValueError, match="cannot be recorded"):
            canonical_json(document)


@pytest.mark.parametrize("key", ["a\0b", "\ud800"])
def test_keys_are_checked_too(key: str) -> None:
    with pytest.raises(ValueError, match="cannot be recorded"):
        canonical_json({key: 1})


@pytest.mark.parametrize(
    "document", [{1: "a"}, {"a": {None: 1}}, {"a": b"b"}, {"a": {1, 2}}, {"a": datetime(2026, 1, 1, tzinfo=UTC)}]
)
def test_what_json_does_not_have_is_refused(document: dict[Any, Any]) -> None:
    with pytest.raises(TypeError, match="cannot be recorded"):
        canonical_json(document)


@given(documents, texts, texts, st.none() | texts)
def test_the_body_is_the_canonical_form_of_the_whole_event(
    data: dict[str, Any], stream: str, actor: str, command_id: str | None
) -> None:
    envelope = {"stream": stream, "version": 3, "schema_version": 2, "actor": actor, "correlation_id": "c"}
    body = event_body(
        stream=stream, version=3, type_="T", schema_version=2, data=canonical_json(data), actor=actor,
        correlation_id="c", command_id=command_id,
    )  # fmt: skip
    assert body == canonical_json({**envelope, "type": "T", "data": data, "command_id": command_id})


def test_the_chain_is_what_its_description_says() -> None:
    text = "ab\n7\n2026-01-02T03:04:05.000006Z\n{}"
    assert chain_hash("ab", 7, "2026-01-02T03:04:05.000006Z", "{}") == hashlib.sha256(text.encode()).hexdigest()


@given(moments)
def test_times_keep_their_instant_to_the_microsecond(moment: datetime) -> None:
    text = format_timestamp(moment)
    assert parse_timestamp(text) == moment
    assert len(text) == len("2026-01-02T03:04:05.000006Z")


@given(moments, moments)
def test_times_sort_as_text(one: datetime, other: datetime) -> None:
    assert (format_timestamp(one) < format_timestamp(other)) == (one < other)


def test_times_without_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        format_timestamp(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        parse_timestamp("2026-01-01T00:00:00")
    assert format_timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


@given(st.text(st.characters()), st.integers(3, 40))
def test_foreign_text_becomes_storable_and_short(text: str, limit: int) -> None:
    made = storable_text(text, limit)
    canonical_json({"text": made})
    assert len(made) <= limit
    assert storable_text(made, limit) == made


def test_storable_text_is_left_alone() -> None:
    assert storable_text("plain Größe \t\n", 100) == "plain Größe \t\n"
